"""Results in whatever form, and antibiograms from three laboratories that build them differently."""

import gzip
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius import fhir
from vesalius.fhir.codes import INTERPRETATION, LOINC, SNOMED


@pytest.mark.parametrize(
    ("text", "comparator", "value", "unit"),
    [
        ("<0.5", "<", "0.5", ""),
        ("< 8.0", "<", "8.0", ""),
        (">100", ">", "100", ""),
        ("≤ 0,25 mg/L", "<=", "0.25", "mg/L"),
        ("=>16", ">=", "16", ""),
        ("12 %", "", "12", "%"),
        ("-3.50", "", "-3.50", ""),
        ("4.1 10*9/L", "", "4.1", "10*9/L"),
    ],
)
def test_a_number_is_read_with_its_comparator_and_its_digits(text, comparator, value, unit):
    found = fhir.text_result(text)
    assert (found.form, found.text, found.comparator, found.unit) == ("quantity", text, comparator, unit)
    assert found.value.as_tuple() == Decimal(value).as_tuple()


@pytest.mark.parametrize(
    ("text", "grade"),
    [("neg", 0), ("Negatief", 0), ("négatif", 0), ("+/-", 0.5), ("Spuren", 0.5), ("+", 1), ("positief", 1), ("+++", 3), ("2+", 2)],
)  # fmt: skip
def test_grades_are_read_in_four_languages(text, grade):
    assert (fhir.text_result(text).form, fhir.text_result(text).grade) == ("grade", grade)


@pytest.mark.parametrize(
    "text",
    [
        "volgt",
        "100.000",
        "1.000",
        ">100.000",
        "1 miljoen",
        "1. Escherichia coli",
        ".",
        "*",
        "-",
        "5 9",
        "1e5",
        "12 jan 2024",
        "<",
        "+++++",
    ],
)
def test_what_is_not_certain_stays_words(text):
    assert fhir.text_result(text) == fhir.Result("text", text)


def test_titres_and_susceptibilities_are_told_apart_from_numbers_and_words():
    assert fhir.text_result(">= 1:80") == fhir.Result("titre", ">= 1:80", ">=", Decimal(80))
    assert [fhir.text_result(each).code for each in "SIR"] == ["S", "I", "R"]
    assert fhir.text_result("s").form == "text"


def test_every_form_of_a_value_is_read():
    coded = {"coding": [{"system": INTERPRETATION, "code": "R"}]}
    assert fhir.result({"valueCodeableConcept": coded}).code == "R"
    assert fhir.result({"valueCodeableConcept": {"text": "Positief"}}).grade == 1
    assert fhir.result({"valueCodeableConcept": {"text": "12"}}).form == "text"
    assert fhir.result({"valueQuantity": {"value": 3, "comparator": "<", "unit": "g"}}).comparator == "<"
    assert fhir.result({"valueInteger": 0}).value == 0
    assert fhir.result({"valueBoolean": False}).grade == 0
    assert fhir.result({"dataAbsentReason": {"text": "lost"}}).form == "none"
    assert fhir.result({"valueQuantity": {"unit": "g"}}).form == "none"


@given(st.text(max_size=40))
def test_any_text_is_read_and_kept(text):
    found = fhir.text_result(text)
    assert found.text == text or found.form == "none"


def member(id_, code, **more):
    return {"resourceType": "Observation", "id": id_, "code": code, **more}


def test_an_organism_is_the_code_of_its_observation_or_the_value_of_a_culture():
    s = {"coding": [{"system": INTERPRETATION, "code": "S"}]}
    tree = [
        member("o1", {"coding": [{"system": SNOMED, "code": "112283007"}], "text": "E. coli"}, valueString="++",
               hasMember=[{"reference": "Observation/a1"}]),
        member("a1", {"text": "Amoxicillin"}, valueCodeableConcept=s, derivedFrom=[{"reference": "Observation/m1"}, {"reference": "Observation/m2"}]),
        member("m1", {"text": "Amoxicillin"}, valueString="< 8.0", interpretation=[s]),
        member("m2", {"text": "Amoxicillin"}, valueQuantity={"value": 21, "code": "mm"}, interpretation=[s]),
        member("o2", {"coding": [{"system": LOINC, "code": "626-2"}], "text": "-"}, valueString="Streptococcus pyogenes",
               hasMember=[{"reference": "Observation/a2"}, {"reference": "Observation/elsewhere"}]),
        member("a2", {"text": "Penicillin"}, valueString="R"),
        member("alone", {"text": "Penicillin"}, valueString="R"),
    ]  # fmt: skip
    first, second = fhir.antibiogram(tree)
    assert (first.organism, first.antibiotic, first.answer) == ("E. coli", "Amoxicillin", "S")
    assert (first.mic.comparator, first.mic.value, first.zone.value) == ("<", Decimal("8.0"), 21)
    assert (second.organism, second.answer, second.source) == (
        "Streptococcus pyogenes",
        "R",
        "Observation/a2",
    )


def lines(path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines()


def test_the_antibiograms_of_mimic_come_out_whole(shared_data):
    folder = shared_data / "mimic-iv-demo" / "fhir"
    observations = [
        fhir.load(line)
        for name in ("Org", "Susc")
        for line in lines(folder / f"MimicObservationMicro{name}.ndjson.gz")
    ]
    rows = list(fhir.antibiogram(observations))
    assert Counter(row.answer for row in rows) == {"S": 818, "R": 190, "IND": 28}
    assert sum(row.mic is not None for row in rows) == 998
    assert all(row.organism and row.antibiotic for row in rows)


def test_the_antibiograms_of_belgian_laboratories_come_out(shared_data):
    answers, organisms = Counter(), Counter()
    for name in ("lab_bundles", "ig_examples"):
        for line in lines(shared_data / "be-lab-fhir" / f"{name}.ndjson.gz"):
            entries = fhir.load(line)["bundle"]["entry"]
            names = {each.get("fullUrl"): f"Observation/{each['resource'].get('id')}" for each in entries}
            observations = [
                fhir.with_references(each["resource"], lambda name, known=names: known.get(name, name))
                for each in entries
                if each["resource"]["resourceType"] == "Observation"
            ]
            for row in fhir.antibiogram(observations):
                answers[row.answer] += 1
                organisms[row.organism] += 1
    assert answers == {"S": 103, "R": 40, "I": 16}
    assert organisms["Escherichia coli"] == 67
    assert "" not in organisms
