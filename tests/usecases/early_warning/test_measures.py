"""How numbers are read: units, codes, and what is not believed."""

import pyarrow as pa
import pytest
from bedsides import Bedside

from vesalius.fhir.codes import LOINC
from vesalius.usecases.early_warning.card import card, view
from vesalius.usecases.early_warning.current import SCORES
from vesalius.usecases.early_warning.measures import RESPONSIVENESS, readings, valued


def read(*resources):
    rows = pa.Table.from_pylist(view("observations").rows(resources), view("observations").schema)
    return valued(rows)["value"].to_pylist()


def number(code, value, unit):
    return Bedside().measure(code, value, unit=unit).resources[-1]


@pytest.mark.parametrize(
    ("code", "value", "unit", "expected"),
    [
        ("8310-5", 37.2, "Cel", 37.2),
        ("8310-5", 98.6, "[degF]", 37.0),
        ("8310-5", 102.7, "[degF]", 39.277778),
        ("8480-6", 120, "mm[Hg]", 120.0),
        ("8480-6", 16, "kPa", 120.00992),
        ("2160-0", 1.2, "mg/dL", 1.2),
        ("2160-0", 106, "umol/L", 1.199072),
        ("14682-9", 106, "umol/L", 1.199072),
        ("3094-0", 20, "mg/dL", 20.0),
        ("3091-6", 42.88, "mg/dL", 20.00009),
        ("22664-7", 7.14, "mmol/L", 20.001282),
        ("14749-6", 5.5, "mmol/L", 99.088),
        ("1751-7", 35, "g/L", 3.5),
        ("3150-6", 0.4, "1", 40.0),
        ("2019-8", 5.3, "kPa", 39.753286),
        ("26515-7", 150, "10*9/L", 150.0),
        ("9269-2", 14, "{score}", 14.0),
    ],
)
def test_a_number_is_read_in_the_unit_of_the_card(code, value, unit, expected):
    assert read(number(code, value, unit)) == [expected]


@pytest.mark.parametrize(
    ("code", "value", "unit"),
    [
        ("8310-5", 37.2, "K"),
        ("8310-5", 37.2, ""),
        ("8310-5", 98.6, "Cel"),
        ("8310-5", -17.8, "Cel"),
        ("8867-4", 0, "/min"),
        ("8867-4", 999, "/min"),
        ("2744-1", 735, "[pH]"),
        ("2708-6", 120, "%"),
        ("2160-0", 106, "mmol/L"),
        ("9269-2", 2, "{score}"),
        ("0000-0", 1, "/min"),
    ],
)
def test_an_unknown_unit_and_what_no_body_has_are_not_known(code, value, unit):
    assert read(number(code, value, unit)) == [None]


@pytest.mark.parametrize(
    ("concept", "expected"),
    [("248234008", 0.0), ("130987000", 1.0), ("300202002", 1.0), ("422768004", 1.0), ("999", None)],
)
def test_the_level_of_responsiveness_is_alert_or_not(concept, expected):
    said = {"valueCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": concept}]}}
    assert read(Bedside().measure("67775-7", said).resources[-1]) == [expected]


def test_components_are_read_as_observations_are():
    parts = [
        {
            "code": {"coding": [{"system": LOINC, "code": code}]},
            "valueQuantity": {"value": value, "code": unit},
        }
        for code, value, unit in (("8480-6", 120, "mm[Hg]"), ("8867-4", 80, "/min"))
    ]
    panel = Bedside().measure("85353-1", {"component": parts}).resources[-1]
    assert read(panel) == [None, 120.0, 80.0]


def test_no_observation_is_no_value():
    assert read() == []


def test_every_code_of_the_card_has_a_reading_in_its_unit():
    known = readings()
    for item in card().measured:
        for code in item.codes:
            own = {unit: each for (read_code, unit), each in known.items() if read_code == code}
            assert own, code
            assert all(each.low < each.high for each in own.values())
        assert any(known[code, item.unit].factor == 1 for code in item.codes if (code, item.unit) in known), (
            item.name
        )
    assert RESPONSIVENESS not in {code for code, _ in known}
    assert {code for code, _ in known} >= set(SCORES.values())
