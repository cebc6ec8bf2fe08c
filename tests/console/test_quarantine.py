"""The quarantine as a place to work: look, mend, try without writing, try again, see what changed, undo."""

import io
import re
from datetime import UTC, datetime

import pytest
import synthetic
from browsing import Reader

from vesalius.console import app
from vesalius.ingest import CsvMap, causes, receive

MAP = """
delimiter = ";"
[[resource]]
[resource.body]
resourceType = "Patient"
id = "{patient}"
gender = { column = "sex", values = "sex" }
[values.sex]
F = "female"
"""
MENDED = MAP + 'X = "other"\n'
ROWS = b"patient;sex\nq1;F\nq2;X\nq3;X\n<b>q4</b>;X\n"


@pytest.fixture
def hospital(tmp_path):
    made = synthetic.make(tmp_path, count=1)
    synthetic.receive_file(made)
    receive(
        made.lake,
        "people.csv",
        io.BytesIO(ROWS),
        source="admission",
        csv_map=CsvMap.parse(MAP, "people.toml"),
        received_at=datetime.now(UTC),
    )
    yield made
    made.close()


@pytest.fixture
def engineer(hospital):
    return Reader(app(hospital)).sign_in("segers")


def first_of(engineer, words):
    page = engineer.get("/quarantine").text
    return next(
        number
        for number, row in re.findall(r'href="/quarantine/(\d+)">(.*?)</tr>', page, re.DOTALL)
        if words in row
    )


def test_the_same_problem_is_one_line_and_its_item_shows_the_original(engineer):
    page = engineer.get("/quarantine").text
    assert "The map does not know this value" in page
    assert "It is not well-formed" in page
    assert "q2;X" not in page
    item = engineer.get(f"/quarantine/{first_of(engineer, 'does not know')}").text
    assert "3 items of this feed have this problem" in item
    assert "&lt;b&gt;q4&lt;/b&gt;" in item
    assert "values.sex" in item
    assert '<tr class="in-force"><th scope="row">sex' in item


def test_the_original_bytes_can_be_downloaded_byte_for_byte(engineer):
    answer = engineer.get(f"/quarantine/{first_of(engineer, 'does not know')}/bytes")
    assert answer.content == b"<b>q4</b>;X\n"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_a_map_is_mended_tried_and_used(engineer, hospital):
    number = first_of(engineer, "does not know")
    page = engineer.submit(f"/quarantine/{number}/mend", map=MENDED, do="try").text
    assert "2 of 3 would be taken in" in page
    assert hospital.lake.read("Patient/q2") is None
    page = engineer.submit(f"/quarantine/{number}/mend", map=MENDED, do="mend", reason="X is new").text
    assert "some of it is still not understood" in page
    assert "Patient/q2" in page
    assert "X is new" in page
    assert hospital.lake.read("Patient/q2").resource["gender"] == "other"
    digest = re.search(r"/quarantine/maps/(\w+)", page)[1]
    assert engineer.get(f"/quarantine/maps/{digest}").text == MENDED
    assert causes(hospital.engine)["invalid-resource"] == 2  # one of the other file


def test_a_map_that_is_wrong_is_shown_again_with_what_is_wrong(engineer, hospital):
    number = first_of(engineer, "does not know")
    answer = engineer.submit(f"/quarantine/{number}/mend", map=MENDED + "][", do="mend")
    assert answer.status_code == 422
    assert "not TOML" in answer.text
    assert "][" in answer.text
    assert causes(hospital.engine)["unmapped-value"] == 3


def test_what_is_set_aside_says_why_and_comes_back(engineer, hospital):
    number = first_of(engineer, "does not know")
    assert engineer.submit(f"/quarantine/{number}/aside").status_code == 400
    page = engineer.submit(f"/quarantine/{number}/aside", reason="a test file").text
    assert "a test file" in page
    assert "unmapped-value" not in causes(hospital.engine)
    assert "The map does not know this value" in engineer.get("/quarantine?status=aside").text
    engineer.submit(f"/quarantine/{number}/back")
    assert causes(hospital.engine)["unmapped-value"] == 3


def test_what_is_still_wrong_stays_when_it_is_tried_again(engineer, hospital):
    page = engineer.submit(f"/quarantine/{first_of(engineer, 'not well-formed')}/retry").text
    assert "some of it is still not understood" in page
    assert causes(hospital.engine)["malformed"] >= 1


def test_a_filter_leaves_one_cause_and_an_unknown_item_is_not_found(engineer):
    page = engineer.get("/quarantine?cause=malformed&feed=nobody").text
    assert "Everything that was received has been understood" in page
    assert engineer.get("/quarantine/999").status_code == 404
    assert engineer.get("/quarantine/attempts/999").status_code == 404
    assert engineer.get("/quarantine/maps/abc").status_code == 404


def test_each_reading_of_original_bytes_is_in_the_audit(engineer, hospital):
    from vesalius.governance import audit

    number = first_of(engineer, "does not know")
    engineer.get(f"/quarantine/{number}")
    engineer.get(f"/quarantine/{number}/bytes")
    read = [each for each in audit.events(hospital.engine) if each.action == "quarantine.read"]
    assert [each.object for each in read] == [f"item {number}"] * 2


@pytest.mark.parametrize("login", ["marchal", "delforge"])
def test_who_may_not_see_patients_bytes_sees_none(hospital, login):
    reader = Reader(app(hospital)).sign_in(login)
    for path in ("/quarantine", "/quarantine/1", "/quarantine/1/bytes", "/quarantine/attempts/1"):
        assert reader.get(path).status_code == 403
    for path in ("/quarantine/1/retry", "/quarantine/1/mend", "/quarantine/1/aside", "/quarantine/1/back"):
        assert reader.submit(path).status_code == 403
