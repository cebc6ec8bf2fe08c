"""The table of analytes: right in itself, and it guesses what laboratories write."""

import doctest
import importlib
import json
import string

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.fhir import value_set
from vesalius.terminology import (
    analytes,
    by_loinc,
    code_system,
    find,
    loinc_is_valid,
    same_unit,
    ucum,
    unit_in_name,
)

CODES = [(analyte, code) for analyte in analytes() for code in analyte.code]


@pytest.mark.parametrize("module", ["analytes", "units", "patterns"])
def test_the_examples_of_the_docstrings_hold(module):
    result = doctest.testmod(importlib.import_module(f"vesalius.terminology.{module}"))
    assert result.attempted
    assert not result.failed


def test_every_code_has_its_check_digit_and_every_number_its_unit_and_range():
    assert len(analytes()) > 150
    for analyte, code in CODES:
        assert loinc_is_valid(code.loinc), analyte.key
        assert bool(code.unit) == bool(code.range), analyte.key
        if code.range:
            assert code.range[0] < code.range[1], analyte.key
            assert ucum(code.unit) == code.unit or code.unit in {"[IU]/L", "{nominal}"}, code.unit


def test_keys_are_unique_and_a_code_means_one_analyte():
    keys = [analyte.key for analyte in analytes()]
    assert len(keys) == len(set(keys))
    owners = {}
    for analyte, code in CODES:
        assert owners.setdefault(code.loinc, analyte.key) == analyte.key, code.loinc
        found = by_loinc(code.loinc)
        assert found
        assert found[0] is analyte
    assert by_loinc("1-8") is None


def test_every_analyte_is_named_in_four_languages_and_has_a_category_of_hl7():
    for analyte in analytes():
        assert analyte.en, analyte.key
        assert analyte.fr, analyte.key
        assert analyte.nl, analyte.key
        assert analyte.de, analyte.key
        assert analyte.kind in {"laboratory", "vital-signs", "survey", "imaging", "procedure"}
    assert value_set  # the room below is there


def test_each_name_finds_its_analyte_first_with_its_unit():
    lost = []
    for analyte in analytes():
        for name in (*analyte.short, *analyte.en, *analyte.fr, *analyte.nl, *analyte.de):
            keys = [match.analyte.key for match in find(name, analyte.code[0].unit, limit=2)]
            if analyte.key not in keys:
                lost.append((name, keys))
    assert not lost


@pytest.mark.parametrize(
    ("name", "unit", "loinc"),
    [
        ("S-CREA", "mg/dl", "2160-0"),
        ("Créatinine", "µmol/L", "14682-9"),
        ("Kreatinin im Serum", "", "2160-0"),
        ("creatinin", "", "2160-0"),
        ("Leucocytes", "G/L", "6690-2"),
        ("Leukozyten", "/nl", "6690-2"),
        ("BU-NIT", "", "5802-4"),
        ("UF-GB", "/uL", "51487-7"),
        ("Hb", "g/dL", "718-7"),
        ("Hémoglobine (mmol/L)", "", "59260-0"),
        ("K", "mmol/L", "2823-3"),
        ("DirectHdlcholesterolMgdl", "", "2085-9"),
        ("SystolicBloodPres1StRdgMmHg", "", "8480-6"),
        ("troponin_t", "ng/L", "67151-1"),
        ("neutrophils_absolute", "10^3/µL", "751-8"),
        ("lymphocytes_percent", "%", "736-9"),
    ],
)
def test_what_laboratories_write_is_guessed(name, unit, loinc):
    match = find(name, unit)[0]
    assert match.code.loinc == loinc
    assert match.score > 0.5
    assert match.why


@pytest.mark.parametrize("name", ["patient_nbr", "diag_1", "time_in_hospital", "ward", "", " ", "?", "zyx"])
def test_what_is_no_analyte_is_not_guessed(name):
    assert not find(name)


def test_a_unit_that_does_not_fit_lowers_the_guess_and_says_so():
    match = find("sodium", "kg")[0]
    assert match.unit_fits is False
    assert match.score < 0.8
    assert "not in kg" in match.why


@given(st.text(max_size=60), st.text(max_size=12))
def test_any_text_gets_an_answer(name, unit):
    for match in find(name, unit):
        assert 0.5 <= match.score <= 1
    ucum(unit)
    unit_in_name(name)


@given(st.lists(st.text(alphabet=string.ascii_letters + string.digits + ".-", max_size=12), max_size=8))
def test_the_form_of_any_text_is_told(texts):
    assert code_system(texts) in {None, "LOINC", "ICD-10", "ICD-9-CM", "ATC", "CNK", "SNOMED CT"}


def test_equal_units_are_equal_both_ways():
    assert same_unit("ng/mL", "ug/L")
    assert same_unit("ug/L", "ng/mL")
    assert not same_unit("mg/dL", "g/L")


def test_most_laboratory_categories_of_clif_are_guessed(shared_data):
    path = shared_data / "mimic-iv-demo" / "clif" / "clif_labs.parquet"
    rows = pq.read_table(path, columns=["lab_category", "reference_unit"]).to_pydict()
    pairs = set(zip(rows["lab_category"], rows["reference_unit"], strict=True))
    known = json.loads(
        '{"potassium": "potassium", "glucose_serum": "glucose", "bun": "urea-nitrogen", "wbc": "leukocytes",'
        '"pt": "prothrombin-time", "ptt": "aptt", "po2_arterial": "po2", "calcium_ionized": "calcium-ionized",'
        '"bilirubin_conjugated": "bilirubin-direct", "esr": "esr", "ldh": "ldh", "inr": "inr"}'
    )
    guessed = {name: [match.analyte.key for match in find(name, unit or "", limit=1)] for name, unit in pairs}
    for name, key in known.items():
        assert guessed[name] == [key], name
    assert sum(map(bool, guessed.values())) >= 0.9 * len(guessed)
