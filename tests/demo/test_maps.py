"""The maps understand every row that the demo laboratory means, and none of those it breaks."""

import io
from datetime import UTC, datetime

import pytest

from vesalius import fhir
from vesalius.demo import Plan, sendings
from vesalius.demo.feed import BROKEN_AT
from vesalius.demo.laboratory import BLOOD, COUNTS, STRIP
from vesalius.demo.making import load_maps
from vesalius.ingest import delimited

PLAN = Plan.of(7, datetime(2026, 1, 15, 10, 30, tzinfo=UTC), samples=250)


@pytest.fixture(scope="module")
def items():
    maps = load_maps()
    return [
        item
        for sending in sendings(PLAN)
        for name, data in sending.files.items()
        if name in maps
        for item in delimited.read(io.BytesIO(data), maps[name])
    ]


def test_each_row_becomes_one_valid_observation_marked_as_test_data(items):
    for item in items:
        for found in item.found:
            fhir.check(found.body)
            assert found.resource["meta"]["tag"][0]["code"] == "HTEST"
        assert item.fault or len(item.found) == 1


def test_only_what_was_broken_on_purpose_is_not_understood(items):
    causes = [str(item.fault.cause) for item in items if item.fault]
    broken = {"wrong-unit", "unmapped-value", "bad-value", "out-of-range", "column-count"}
    assert set(causes) == broken
    assert len(causes) == len(broken) * len(BROKEN_AT)


def test_every_test_of_the_laboratory_is_coded_in_loinc(items):
    seen = {
        found.resource["id"].split("-", 2)[2]: found.resource["code"]["coding"][0]
        for item in items
        for found in item.found
    }
    expected = {code for tests in (STRIP, COUNTS, BLOOD) for code, *_ in tests.values()}
    assert set(seen) == expected | {"CULT"}
    assert {coding["system"] for coding in seen.values()} == {fhir.codes.LOINC}
