"""The page on which an engineer sees whether the feeds still come, and what they are like."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
import synthetic
from browsing import Reader

from vesalius.console import app
from vesalius.governance import audit
from vesalius.ingest import receive


@pytest.fixture
def hospital(tmp_path):
    made = synthetic.make(tmp_path, count=1)
    now = datetime.now(UTC)
    for number in range(28, 3, -1):
        person = {"resourceType": "Patient", "id": f"q{number}", "gender": "female"}
        data = io.BytesIO(json.dumps(person).encode())
        receive(
            made.lake,
            f"{number}.ndjson",
            data,
            source="nuit & jour",
            received_at=now - timedelta(days=number),
        )
    yield made
    made.close()


@pytest.fixture
def engineer(hospital):
    return Reader(app(hospital)).sign_in("segers")


def test_a_silent_feed_is_called_out_with_its_reason(engineer):
    page = engineer.get("/quality").text
    assert "1 feed is silent" in page
    assert "nuit &amp; jour" in page
    assert "Usual gap" in page or "The same hours brought at least" in page  # by the hour of the test
    assert "/quality/feed?name=nuit%20%26%20jour" in page


def test_a_feed_has_a_page_with_its_days_and_its_types(engineer):
    page = engineer.get("/quality/feed?name=nuit%20%26%20jour").text
    assert "Silent" in page
    assert page.count("<svg") > 4
    assert "birthDate" in page
    assert engineer.get("/quality/feed?name=nobody").status_code == 404
    assert engineer.get("/quality/feed").status_code == 404


def test_much_that_is_new_is_not_counted_while_the_reader_waits(engineer, monkeypatch):
    from vesalius.console import quality

    monkeypatch.setattr(quality, "AT_ONCE", 3)
    assert "are not counted yet" in engineer.get("/quality").text


def test_a_nurse_has_no_use_for_it(hospital):
    assert Reader(app(hospital)).sign_in("delforge").get("/quality").status_code == 403


def switch(reader, **fields):
    return reader.submit("/quality/feed/switch", **fields)


def test_an_engineer_says_that_a_feed_was_switched_off_and_it_raises_no_alarm(hospital, engineer):
    sent = switch(engineer, name="nuit & jour", reason="machine replaced")
    assert sent.status_code == 200
    assert "Switched off by Lotte Segers since" in sent.text
    assert "machine replaced" in sent.text
    page = engineer.get("/quality").text
    assert "1 feed is silent" not in page
    assert "Switched off" in page
    (told,) = audit.events(hospital.engine, action="feed.switched")
    assert (told.actor, told.object, told.detail) == ("segers", "nuit & jour", {"off": True})
    again = {"name": "nuit & jour", "reason": "once more"}
    assert switch(engineer, **again).status_code == 409


def test_what_was_switched_off_is_judged_again_once_it_sends_or_is_on_again(hospital, engineer):
    switch(engineer, name="nuit & jour", reason="x")
    on = switch(engineer, name="nuit & jour", to="on")
    assert "Silent" in on.text
    assert switch(engineer, name="nuit & jour", to="on").status_code == 404
    switch(engineer, name="nuit & jour", reason="x")
    person = json.dumps({"resourceType": "Patient", "id": "new", "gender": "female"}).encode()
    receive(
        hospital.lake,
        "new.ndjson",
        io.BytesIO(person),
        source="nuit & jour",
        received_at=datetime.now(UTC) + timedelta(seconds=2),
    )
    assert "Switched off by" not in engineer.get("/quality").text


def test_switching_off_needs_a_reason_a_feed_and_the_right(hospital, engineer):
    missing = switch(engineer, name="nuit & jour", reason=" ")
    assert missing.status_code == 400
    assert "Say why" in missing.text
    assert switch(engineer, name="nobody", reason="x").status_code == 404
    other = Reader(app(hospital)).sign_in("vermeulen")
    assert "/quality/feed/switch" not in other.get("/quality/feed?name=nuit%20%26%20jour").text
    refused = switch(other, name="nuit & jour", reason="x")
    assert refused.status_code == 403
    assert audit.events(hospital.engine, action="feed.switched") == []
