"""Groups of diagnoses and the Charlson index, in two codings."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.usecases.readmission.diagnoses import (
    CHARLSON,
    GROUPS,
    ICD9,
    ICD10,
    OTHER,
    charlson,
    comorbidities,
    group,
    normal,
)

TEN = ICD10[0]

PAIRS = [
    ("428.0", "I50.0", "heart_failure"),
    ("410.71", "I21.4", "myocardial_infarction"),
    ("414.01", "I25.10", "ischaemic_heart"),
    ("427.31", "I48.0", "arrhythmia"),
    ("486", "J18.9", "pneumonia"),
    ("491.21", "J44.1", "copd"),
    ("493.9", "J45.9", "asthma"),
    ("250.12", "E11.10", "diabetes_acute"),
    ("250.43", "E11.21", "diabetes_complicated"),
    ("250.00", "E11.9", "diabetes"),
    ("276.1", "E87.1", "fluid_electrolyte"),
    ("584.9", "N17.9", "kidney_acute"),
    ("585.6", "N18.6", "kidney_chronic"),
    ("599.0", "N39.0", "urinary_infection"),
    ("038.9", "A41.9", "sepsis"),
    ("682.6", "L03.116", "skin_infection"),
    ("707.15", "L97.5", "chronic_ulcer"),
    ("197.7", "C78.7", "metastatic_cancer"),
    ("162.9", "C34.9", "cancer"),
    ("820.8", "S72.00", "hip_fracture"),
    ("996.62", "T82.7", "device_complication"),
    ("V57.89", "Z50.1", "rehabilitation"),
    ("295.30", "F20.0", "psychosis_mood"),
    ("303.9", "F10.2", "alcohol_drugs"),
]


@pytest.mark.parametrize(("nine", "ten", "name"), PAIRS)
def test_the_same_disease_has_one_group_in_both_codings(nine, ten, name):
    assert (group(ICD9, nine), group(TEN, ten)) == (name, name)


def test_leading_zeros_that_a_source_lost_are_put_back():
    assert group(ICD9, "8") == group(ICD9, "008") == "other_infection"
    assert group(ICD9, "38") == "sepsis"
    assert normal("e885.9") == "E8859"


def test_codes_that_are_in_no_group_and_codes_of_other_systems():
    assert group(ICD9, "366.9") == OTHER
    assert group(ICD9, "not a code") == OTHER
    assert group("http://snomed.info/sct", "84114007") is None
    assert group(ICD9, None) is None
    assert comorbidities("http://snomed.info/sct", "84114007") == frozenset()


@given(st.text(max_size=8))
def test_whatever_the_code_it_has_a_group_or_none(code):
    assert group(ICD9, code) in {*GROUPS, OTHER, None}
    assert comorbidities(TEN, code) <= set(CHARLSON)


def test_charlson_counts_the_graver_of_two_stages():
    assert charlson(()) == 0
    assert charlson({"diabetes", "diabetes_complicated"}) == 2
    assert charlson({"cancer", "metastatic"}) == 6
    assert charlson({"mild_liver", "severe_liver", "renal"}) == 5
    assert charlson(CHARLSON) == sum(weight for weight, *_ in CHARLSON.values()) - 1 - 1 - 2


def test_charlson_in_icd9_on_worked_codes():
    assert comorbidities(ICD9, "250.41") == {"diabetes_complicated"}
    assert comorbidities(ICD9, "250.83") == {"diabetes"}
    assert comorbidities(ICD9, "404.93") == {"heart_failure", "renal"}
    assert comorbidities(ICD9, "427.31") == frozenset()


def test_charlson_in_icd10_is_that_of_the_stored_table(shared_data):
    names = {
        "ami": "myocardial_infarction", "chf": "heart_failure", "pvd": "peripheral_vascular",
        "cevd": "cerebrovascular", "dementia": "dementia", "copd": "chronic_pulmonary", "rheumd": "rheumatic",
        "pud": "peptic_ulcer", "mld": "mild_liver", "diab": "diabetes", "diabwc": "diabetes_complicated",
        "hp": "paraplegia", "rend": "renal", "canc": "cancer", "msld": "severe_liver", "metacanc": "metastatic",
        "aids": "aids",
    }  # fmt: skip
    with (shared_data / "clinical-scores" / "charlson_icd10_quan.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["condition"] for row in rows} == set(names)
    for row in rows:
        name = names[row["condition"]]
        assert CHARLSON[name][0] == int(row["weight_charlson"])
        for code in row["icd10_prefixes"].split():
            assert name in comorbidities(TEN, code), (name, code)
    listed = {names[row["condition"]]: tuple(row["icd10_prefixes"].split()) for row in rows}
    every = [f"{letter}{number:03}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for number in range(1000)]
    for name, begins in listed.items():
        assert {code for code in every if name in comorbidities(TEN, code)} == {
            code for code in every if code.startswith(begins)
        }, name
