"""What each feed brings is counted once, exactly, whoever counts and whenever."""

import io
import json
from datetime import UTC, date, datetime, timedelta

import pytest

from vesalius.ingest import quality, receive
from vesalius.ingest.quality import Shift
from vesalius.lake import Lake

NOW = datetime(2026, 5, 29, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def lake(engine, tmp_path):
    return Lake(engine, tmp_path / "columns")


def patient(number, **more):
    return {
        "resourceType": "Patient",
        "id": f"p{number}",
        "identifier": [{"value": str(number)}],
        "name": [{"family": "Peeters"}],
        "gender": "female",
        "birthDate": "1950-03-02",
        "address": [{"city": "Namur"}],
    } | more


def result(number, issued, value=5.0, code="718-7", unit="g/dL", system="http://loinc.org"):
    return {
        "resourceType": "Observation",
        "id": f"o{number}",
        "status": "final",
        "code": {"coding": [{"system": system, "code": code}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": issued,
        "issued": issued,
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }


def send(lake, at, *resources, source="laboratory", more=b""):
    data = b"".join(json.dumps(each).encode() + b"\n" for each in resources) + more
    return receive(lake, f"{at:%Y%m%d}.ndjson", io.BytesIO(data), source=source, received_at=at)


def feed(lake, source="laboratory", now=NOW):
    quality.refresh(lake)
    return next(each for each in quality.feed_quality(lake, now) if each.source == source)


def test_a_feed_is_described_by_shares_of_what_it_brought(lake):
    issued = (NOW - timedelta(hours=3)).isoformat()
    send(
        lake,
        NOW,
        patient(1),
        {"resourceType": "Patient", "id": "p2"},
        result(1, issued),
        result(2, issued, value=900),
        result(3, issued, system="urn:local", code="HGB"),
        more=b"nonsense\n",
    )
    found = feed(lake)
    assert found.understood == 5 / 6
    assert found.coded == 2 / 3
    assert found.ucum == 1.0
    assert found.plausible == 1 / 2
    assert found.median == 4.0  # three hours: within the class that ends at four
    patients = next(each for each in found.types if each.type == "Patient")
    assert dict(patients.elements)["birthDate"] == 0.5
    today = found.days[-1]
    assert (today.day, today.items, today.held, today.versions) == (date(2026, 5, 29), 6, 1, 5)


def test_counting_again_adds_nothing_and_counting_in_pieces_is_the_same(lake, monkeypatch):
    from vesalius.ingest.quality import _counting

    for number in range(6):
        send(lake, NOW - number * DAY, patient(number), result(number, (NOW - number * DAY).isoformat()))
    monkeypatch.setattr(_counting, "CHUNK", 5)
    assert quality.behind(lake) == 12
    assert quality.refresh(lake) == 12
    assert quality.refresh(lake) == quality.behind(lake) == 0
    pieces = quality.feed_quality(lake, NOW)
    monkeypatch.setattr(_counting, "CHUNK", 5_000)
    assert quality.rebuild(lake) == 12
    assert quality.feed_quality(lake, NOW) == pieces


def test_two_that_count_at_once_count_each_version_once(lake, monkeypatch):
    from vesalius.ingest.quality import _counting

    send(lake, NOW, *(patient(number) for number in range(4)))
    honest, raced = _counting._counts, []

    def counts(versions):
        found = honest(versions)
        if not raced:
            raced.append(True)
            quality.refresh(lake)  # another process is faster
        return found

    monkeypatch.setattr(_counting, "_counts", counts)
    quality.refresh(lake)
    assert feed(lake).types[0].versions == 4


def test_what_was_there_already_is_counted_as_repeated(lake):
    send(lake, NOW - DAY, patient(1), patient(2))
    send(lake, NOW, patient(1), patient(2), patient(3))
    assert feed(lake).unchanged == 2 / 5
    assert feed(lake).types[0].corrected == 0.0


def test_a_share_that_falls_is_named_with_what_it_was(lake):
    for number in range(14):
        at = NOW - (13 - number) * DAY
        known = {} if number < 7 else {"birthDate": None}
        people = [patient(f"{number}-{n}") for n in range(20)]
        for person in people:
            person.update(known)
            if person["birthDate"] is None:
                del person["birthDate"]
        send(lake, at, *people)
    assert feed(lake).shifts == (Shift("Patient.birthDate", 1.0, 0.0),)


def test_few_numbers_never_make_a_warning(lake):
    send(lake, NOW - 10 * DAY, patient(1))
    send(lake, NOW, {"resourceType": "Patient", "id": "p2"})
    assert feed(lake).shifts == ()


def test_those_that_need_a_look_come_first(lake):
    for number in range(28, 0, -1):
        send(lake, NOW - number * DAY, patient(number), source="b")
        if number > 5:
            send(lake, NOW - number * DAY, patient(number), source="a-silent")
    send(lake, NOW, patient(99), source="b")
    quality.refresh(lake)
    found = quality.feed_quality(lake, NOW)
    assert [(each.source, each.silence.alarm) for each in found] == [("a-silent", "silent"), ("b", "fine")]


def test_nothing_received_is_no_feed(lake):
    assert quality.refresh(lake) == 0
    assert quality.feed_quality(lake, NOW) == []
