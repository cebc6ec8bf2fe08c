"""Times, and when a resource was known."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius import fhir
from vesalius.errors import InvalidResource


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", "2024-01-01T00:00:00", "2024-12-31T23:59:59.999999"),
        ("2023-12", "2023-12-01T00:00:00", "2023-12-31T23:59:59.999999"),
        ("2024-02", "2024-02-01T00:00:00", "2024-02-29T23:59:59.999999"),
        ("2024-05-17", "2024-05-17T00:00:00", "2024-05-17T23:59:59.999999"),
        ("9999", "9999-01-01T00:00:00", "9999-12-31T23:59:59.999999"),
        ("2024-05-17T09:30:00+02:00", "2024-05-17T07:30:00", "2024-05-17T07:30:00"),
        ("2024-05-17T09:30:00.1234567-02:30", "2024-05-17T12:00:00.123456", "2024-05-17T12:00:00.123456"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00", "2017-01-01T00:00:00"),
    ],
)
def test_a_moment_is_read_in_utc(text, first, last):
    assert fhir.parse_time(text) == datetime.fromisoformat(first).replace(tzinfo=UTC)
    assert fhir.parse_time(text, latest=True) == datetime.fromisoformat(last).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "24",
        "2024-13",
        "2023-02-29",
        "2024-05-17T09:30",
        "2024-05-17T09:30:00",
        "0001-01-01T00:00:00+14:00",
        "٢٠٢٤",
    ],
)
def test_a_moment_that_does_not_exist_is_refused(text):
    with pytest.raises(InvalidResource):
        fhir.parse_time(text)


@given(st.datetimes(min_value=datetime(1800, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_every_instant_is_read_back(moment):
    assert fhir.parse_time(moment.isoformat()) == moment


def known(resource):
    found = fhir.recorded(resource)
    return found and found.isoformat()


def test_a_result_is_known_when_it_is_issued_never_when_the_sample_was_taken():
    taken = {"resourceType": "Observation", "effectiveDateTime": "2024-01-01T08:00:00Z"}
    assert known(taken) is None
    assert known(taken | {"issued": "2024-01-01T10:00:00Z"}) == "2024-01-01T10:00:00+00:00"
    assert known(taken | {"meta": {"lastUpdated": "2024-01-02T00:00:00Z"}}) == "2024-01-02T00:00:00+00:00"
    specimen = {"resourceType": "Specimen", "collection": {"collectedDateTime": "2024-01-01"}}
    assert known(specimen | {"receivedTime": "2024-01-01T09:00:00Z"}) == "2024-01-01T09:00:00+00:00"
    assert known(specimen) is None


def test_a_date_without_time_is_known_at_its_end():
    assert (
        known({"resourceType": "Condition", "recordedDate": "2024-01-01"})
        == "2024-01-01T23:59:59.999999+00:00"
    )


def test_a_stay_is_known_from_its_start_and_its_end_only_once_it_is_over():
    stay = {"resourceType": "Encounter", "status": "in-progress", "period": {"start": "2024-01-01T08:00:00Z"}}
    assert known(stay) == "2024-01-01T08:00:00+00:00"
    over = stay | {"status": "finished", "period": stay["period"] | {"end": "2024-01-03T08:00:00Z"}}
    assert known(over) == "2024-01-03T08:00:00+00:00"
    assert known(over | {"meta": {"lastUpdated": "2024-01-04T08:00:00Z"}}) == "2024-01-04T08:00:00+00:00"


def test_a_day_that_does_not_exist_is_named():
    with pytest.raises(InvalidResource) as caught:
        fhir.recorded({"resourceType": "Condition", "recordedDate": "2023-02-30"})
    assert caught.value.path == "Condition.recordedDate"
