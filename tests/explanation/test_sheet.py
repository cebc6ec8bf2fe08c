"""The patient's sheet: what it says in each state, that it is easy to read, and what it must never say."""

import re
from dataclasses import replace

import pytest
from sheet_facts import LANGUAGES, STATES, USES, card, facts, filed

from vesalius.evaluation.metrics import Estimate
from vesalius.explanation import PLAIN, fragment, render, score
from vesalius.explanation.composing import compose, notice, similar
from vesalius.explanation.words import texts

EVERY = [(use, status, language) for use in USES for status in STATES for language in LANGUAGES]


def titled(made, title):
    return next(part for part in made.parts if part.title == title)


@pytest.mark.parametrize(("use", "status", "language"), EVERY)
def test_every_sheet_is_easy_to_read_and_leaves_no_blank(run, use, status, language):
    made = compose(facts(use, status, run=run), language)
    assert score(made.sentences, language) >= PLAIN
    text = fragment(made)
    assert "{" not in text
    assert "None" not in text
    longest = max(len(sentence.split()) for sentence in re.split(r"[.!?\n]", made.sentences))
    assert longest <= 30  # a name or a contact may stand in it


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("use", USES)
def test_the_words_for_clinicians_would_not_have_passed(use, language):
    """The measure tells plain from not: the card's own purpose is harder to read than the patient's words."""
    of = card(use)
    plain = of.texts[language]["patient.does"]
    assert score(plain, language) > score(of.say("purpose", language), language) + 10


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("use", USES)
def test_every_option_and_outcome_has_words_for_patients(use, language):
    of = card(use)
    keys = {"title", "does", "unknown", "outcome", *(f"option.{option.code}" for option in of.options)}
    assert {f"patient.{key}" for key in keys} <= of.texts[language].keys()


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("accepted", "A doctor decided: “an antibiotic now”. The tool had said the same."),
        ("modified", "The tool had said something else: “an antibiotic now”."),
        ("overridden", "A doctor did not follow the tool. The tool had said: “an antibiotic now”."),
        ("deferred", "The decision was put off."),
        ("open", "Nobody has decided yet."),
        ("expired", "Nobody used what the tool said."),
    ],
)
def test_it_says_who_decided_what_and_whether_they_followed(status, said):
    assert said in compose(facts("urine", status), "en").sentences


def test_the_name_of_who_decided_is_there_only_as_the_hospital_chooses():
    assert "Delforge" not in compose(facts("urine"), "en").sentences
    assert "Dr Delforge (a doctor) decided" in compose(facts("urine", who="Dr Delforge"), "en").sentences


def test_the_words_of_the_one_who_decided_are_not_given_for_they_may_speak_of_others():
    assert "Peeters" not in fragment(compose(facts("urine", "overridden"), "en"))


def test_how_sure_it_is_is_said_of_a_hundred_people_and_drawn(run):
    part = compose(facts("urine", run=run), "en").parts[3]
    assert "about 23 of them have germs in the urine. For the other 77, this is not so." in part.before[0]
    assert "between 15 and 31" in part.before[1]
    assert part.picture.svg.count('fill="none"') == 77
    assert part.picture.svg.count("<circle") == 100
    events, everybody = 1 + 10 + 12, 1 + 10 + 12 + 50 + 40 + 30
    assert f"with {everybody} people" in part.after[0]
    assert f"about {round(100 * events / everybody)} have germs" in part.after[0]


@pytest.mark.parametrize(
    ("share", "said"), [(0.002, "fewer than 1"), (0.998, "more than 99"), (0.0, "0"), (1.0, "100")]
)
def test_a_very_small_chance_is_not_none_and_a_very_great_one_is_not_all(share, said):
    part = compose(facts("urine", probability=share, interval=None), "en").parts[3]
    assert f"about {said} of them" in part.before[0]


def test_without_a_probability_it_says_that_it_gave_none():
    part = compose(facts("urine", probability=None, interval=None, option="refer"), "en").parts[3]
    assert part.before == ("The tool gave no number for you.",)
    assert part.picture is None


def test_few_people_like_the_patient_are_not_spoken_of(run):
    assert similar(run, 0.9) == (43, 0.6, 1.0, 29 / 43)
    few = type(run)(
        **vars(run) | {"histogram": type(run)(with_outcome=(1.0,) * 5, without_outcome=(2.0,) * 5)}
    )
    assert similar(few, 0.9) is None


def test_how_good_it_is_comes_from_the_validation_at_the_highest_threshold_in_force(run):
    part = titled(compose(facts("urine", run=run), "en"), "How good the tool is")
    assert part.before == (
        "The tool was tested with the data of 186 people.",
        "Take 100 people for whom it was so. The tool found 80 of them.",
        "Take 100 people for whom it was not so. The tool was wrong about 10 of them.",
    )
    run_unknown = type(run)(**vars(run) | {"thresholds": [type(run)(probability=0.4, sensitivity=Estimate(None),
                                                                  specificity=Estimate(None))]})  # fmt: skip
    for without in (None, run_unknown):
        part = titled(compose(facts("urine", run=without), "en"), "How good the tool is")
        assert part.before == ("We have no test of this version of the tool here.",)


def test_the_facts_are_listed_with_the_day_the_hospital_knew_them_and_what_was_missing_is_named():
    made = compose(facts("urine"), "en")
    assert made.parts[4].points == ("A sign of germs in the urine (nitrite): positive (1 March 2026)",)
    assert made.parts[5].points == ("Protein (strip)",)


def test_a_rule_that_spoke_is_named_by_its_source_not_in_its_jargon():
    part = compose(facts("early-warning"), "en").parts[2]
    assert part.after == ("A rule that doctors use counted too (NEWS2, RCP 2017).",)
    assert "Pulse: 128 /min, raised the chance" in part.picture.words


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sheet_and_notice_says_how_to_refuse_apart_from_the_rest_without_a_reason(language):
    said = texts(language)
    made = [
        compose(facts("urine"), language),
        compose(facts("urine", "open", mode="silent"), language),
        notice(card("urine"), language, "Clinique"),
    ]
    for each in made:
        part = titled(each, said["refuse.title"])
        assert part.before == (said["refuse.tool"], said["refuse.research"], said["refuse.no_reason"])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("use", USES)
def test_of_a_silent_suggestion_the_sheet_says_that_no_ai_took_part_and_nothing_of_what_it_said(
    use, language, run
):
    made = compose(facts(use, "open", mode="silent", run=run), language)
    option = card(use).texts[language][f"patient.option.{USES[use][0]}"]
    assert option not in fragment(made)
    assert "23" not in made.sentences
    assert score(made.sentences, language) >= PLAIN
    assert len(made.parts) == 3  # that no AI took part, how to say no, whom to ask
    if language == "en":
        assert made.lead.endswith("No AI took part in this decision about your care.")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("use", USES)
def test_the_notice_is_easy_to_read_and_names_no_patient(use, language, run):
    made = notice(card(use), language, "Clinique", run=run, contact="1234", day="2026-01-01")
    assert score(made.sentences, language) >= PLAIN
    assert made.about == ""
    assert card(use).texts[language]["patient.does"] in made.sentences
    assert "1234" in made.sentences


def test_what_a_patient_is_called_cannot_become_markup():
    evil = '<script>alert("x")</script>'
    at = facts("urine")
    at = replace(at, filed=replace(at.filed, display=replace(at.filed.display, patient=evil)), contact=evil)
    text = render("html", compose(at, "en")).decode()
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_the_file_is_a_tagged_pdf_and_comes_out_the_same(run):
    made = compose(facts("urine", run=run), "fr")
    first = render("pdf", made)
    assert first == render("pdf", made)
    assert b"pdfuaid" in first
    assert b"StructTreeRoot" in first


def test_a_card_without_words_for_patients_still_makes_a_sheet():
    at, of = facts("urine"), card("urine")
    import msgspec

    bare = {each: {key: text for key, text in words.items() if not key.startswith("patient.")}
            for each, words in of.texts.items()}  # fmt: skip
    made = compose(replace(at, card=msgspec.structs.replace(of, texts=bare)), "en")
    assert "A doctor decided: “Start now”." in made.sentences
    assert filed("urine").option == "start"
