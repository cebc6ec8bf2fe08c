"""The page on which an engineer sees whether the feeds still come, and what they are like."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
import synthetic
from browsing import Reader

from vesalius.console import app
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
