"""Free text in which nobody is named any more."""

import gzip
import json
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.fhir import belgium
from vesalius.privacy.text import Found, Kind, Scrubber

SCRUBBER = Scrubber()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Mme Verlinden, née le 3 mars 1941", "Mme [NAME], née le [BIRTH-DATE]"),
        ("Dhr. Van den Bossche is opgenomen.", "Dhr. [NAME] is opgenomen."),
        ("dr. E.-J. Ter Haar, RIZIV 1-23456-22-140", "dr. [NAME], RIZIV [NIHDI]"),
        ("Frau Schönfelder kam am 3. April 2024 zu uns", "Frau [NAME] kam am [DATE] zu uns"),
        ("Mrs Okonkwo was seen on April 3rd, 2024.", "Mrs [NAME] was seen on [DATE]."),
        ("INSZ 93.05.18-223.61", "INSZ [NISS]"),
        ("INSZ 93051822362", "INSZ [NISS]"),  # mistyped, and called one
        ("nummer 93051822361", "nummer [NISS]"),
        ("IBAN BE68 5390 0754 7034", "IBAN [IBAN]"),
        ("mail: jan.klaassen@uz.example", "mail: [EMAIL]"),
        ("bel 0475/12.34.56 of +32 2 123 45 67", "bel [PHONE] of [PHONE]"),
        ("tél. 04.223.45.67", "tél. [PHONE]"),
        ("woont Lange Nieuwstraat 12 bus 4, 2000 Antwerpen", "woont [ADDRESS], [ZIP] [CITY]"),
        ("au 12, avenue des Tilleuls à 4020 Liège", "au [ADDRESS] à [ZIP] [CITY]"),
        ("vu à la clinique Sainte-Rosalie hier", "vu à la [HOSPITAL] hier"),
        ("dossier n° A-204881", "dossier n° [ID]"),
        ("homme de 93 ans", "homme de [AGE]"),
        ("een 101-jarige vrouw", "een [AGE] vrouw"),
        ("PEETERMANSKE, Jean-Luc, revu", "[NAME], revu"),
        ("Patient: VANDERSMISSEN, Jean-Baptiste (H)", "Patient: [NAME] (H)"),
        ("Mme LEDERMANN et M. DEBACKERE", "Mme [NAME] et [NAME]"),
        ("Patient: QUIRINALSKE revu", "Patient: [NAME] revu"),
        ("hospitalisé du 3 au 7 mars 2024.", "hospitalisé du [DATE] au [DATE]."),
        ("call (202) 555-0143 (0475/123456)", "call [PHONE] ([PHONE])"),
        ("een tweeënnegentigjarige", "een [AGE]"),
        ("âgée de nonante-deux ans", "âgée de [AGE]"),
        ("geboren 03 01 1928", "geboren [BIRTH-DATE]"),
        ("sa fille, Xanthippe Quirinale, est avertie", "sa fille, [NAME], est avertie"),
        ("Met vriendelijke groeten,\nQuirijn Zevenaar", "Met vriendelijke groeten,\n[NAME]"),
    ],
)
def test_what_identifies_is_replaced_by_its_kind(text, left):
    assert SCRUBBER.scrub(text).text == left


@pytest.mark.parametrize(
    "text",
    [
        "Maladie de Parkinson, score de Katz 4/6, MMSE 22/30.",
        "Teken van Babinski afwezig, Dix-Hallpike negatief, Barthel 65/100.",
        "Bisoprolol 2,5 mg, Asaflow 80 mg, Pantomed 40 mg 1x/j",
        "TA 145/82 mmHg, pouls 88/min, SpO2 95 %, T° 37.8",
        "GB 12500/mm³, plaquettes 250000/mm³, CRP 56 mg/l, créatinine 1,24 mg/dl",
        "Petit déjeuner difficile, grand appétit le soir.",
        "homme de 89 ans, en 2023",
        "Rendez-vous à 10h30. Contrôle dans 6 semaines.",
        "De patiënt werd opgenomen op de dienst geriatrie.",
        "Hospitalisation à la clinique pour une fracture de Colles",
    ],
)
def test_what_only_looks_like_it_stays(text):
    assert SCRUBBER.scrub(text).text == text


def test_a_name_known_once_is_known_everywhere_and_in_capitals():
    text = "M. Delvoye va bien. La famille Delvoye est d'accord. DELVOYE à revoir."
    assert SCRUBBER.scrub(text).text.count("[NAME]") == 3


def test_known_names_go_even_where_they_are_common_words():
    assert Scrubber(["Ann Delvoye"]).scrub("gezin delvoye, dhr delvoye").text == "gezin [NAME], dhr [NAME]"
    text = "Kok van beroep. Meneer eet goed, vertelt kok."
    assert SCRUBBER.scrub(text).text == text
    assert Scrubber(["Bart Kok"]).scrub(text).text == "[NAME] van beroep. Meneer eet goed, vertelt kok."


def test_dates_move_in_the_form_in_which_they_are_written():
    moved = Scrubber(shift=timedelta(days=-40)).scrub(
        "Le 3/02/2024, le 03.02.24, 2024-02-03, 3 février 2024, 3 februari 2024, February 3, 2024, 03 02 2024, 02/2024, le 3/2"
    )
    assert moved.text == (
        "Le 25/12/2023, le 25.12.23, 2023-12-25, 25 décembre 2023, 25 december 2023, December 25, 2023, 25 12 2023, 01/2024, le [DATE]"
    )


def test_a_birth_date_never_moves_it_goes():
    moved = Scrubber(shift=timedelta(days=3)).scrub(
        "né le 3/2/1950; geboren op 3 mei 1950; Luc Peeters (3/2/1950)"
    )
    assert moved.counts["birth-date"] == 3
    assert "1950" not in moved.text


def test_a_model_of_the_hospital_s_own_adds_to_the_rules():
    def model(text):
        at = text.find("zonnebloem")
        return [Found(at, at + 10, Kind.NAME)] if at >= 0 else []

    assert Scrubber(recognisers=[model]).scrub("bijnaam zonnebloem").text == "bijnaam [NAME]"


def test_counts_say_how_many_and_no_value():
    counts = SCRUBBER.scrub("Mme Verlinden, tél. 0475 12 34 56, le 3/2/2024").counts
    assert counts == {"date": 1, "name": 1, "phone": 1}


@given(st.text(st.sampled_from("AaZzéÉ'’-. ,:()\n0123456789/@+°Drvande"), max_size=300))
def test_what_is_found_lies_inside_in_order_and_apart(text):
    found = SCRUBBER.find(text)
    ends = [0, *(one.end for one in found)]
    assert all(end <= one.start < one.end <= len(text) for end, one in zip(ends, found, strict=False))
    SCRUBBER.scrub(text)


FIRST = st.sampled_from(["Xanthe", "Quirijn", "Lucie", "Mehmet", "Godelieve", "Jean-Luc"])
LAST = st.from_regex(r"[BDFGKLMNPRST][aeiou][lmnrst][bdgkt][aeou][lmnrst]{1,2}", fullmatch=True)
PARTICLE = st.sampled_from(["", "Van ", "Van den ", "De ", "Di ", "El "])
LETTER = st.sampled_from(
    [
        "Concerne : Mme {name}, NISS {niss}, tél. {phone}, domiciliée rue des Prés 12. Courriel {mail}. Vue le {day}.",
        "Betreft: Dhr. {name}, rijksregisternummer {niss}, gsm {phone}, wonende Dorpsstraat 12. Mail {mail}. Gezien op {day}.",
        "Herr {name} ({day}), Nationalregisternummer {niss}, Tel. {phone}, {mail}.",
        "Mr {name}, SSIN {niss}, phone {phone}, email {mail}, seen on {day}.",
    ]
)


@given(
    LETTER,
    FIRST,
    PARTICLE,
    LAST,
    st.dates(date(1930, 1, 1), date(2020, 1, 1)),
    st.integers(0, 10**6),
    st.booleans(),
)
def test_no_identifier_of_a_letter_survives(letter, first, particle, last, born, number, formatted):
    niss = belgium.made_up_niss(born, "female")
    values = {
        "name": f"{first} {particle}{last}",
        "niss": belgium.niss_formatted(niss) if formatted else niss,
        "phone": f"0475 {number % 100:02} {number // 100 % 100:02} {number // 10**4 % 100:02}",
        "mail": f"{first}.{last}@example.org".lower(),
        "day": f"{born:%d/%m/%Y}",
    }
    left = SCRUBBER.scrub(letter.format(**values)).text
    for value in (*values.values(), first, last, niss):
        assert value not in left


@pytest.mark.data
def test_the_belgian_letters_keep_at_most_one_identifier_in_fifty(shared_data):
    with gzip.open(shared_data / "deid-be" / "letters_open.ndjson.gz", "rt", encoding="utf-8") as file:
        letters = [json.loads(line) for line in file]
    hit, everything, right, found = Counter(), Counter(), 0, 0
    for letter in letters:
        text, spans = letter["text"], SCRUBBER.find(letter["text"])
        for entity in letter["entities"]:
            inside = [at for at in range(entity["start"], entity["end"]) if not text[at].isspace()]
            everything[entity["label"]] += 1
            hit[entity["label"]] += all(any(one.start <= at < one.end for one in spans) for at in inside)
        found += len(spans)
        right += sum(
            any(one.start < e["end"] and e["start"] < one.end for e in letter["entities"]) for one in spans
        )
    assert all(hit[label] >= 0.98 * everything[label] for label in everything), (hit, everything)
    assert right >= 0.98 * found
