"""Views in the console: read, try, save, take back, download; rows only for whom they are, and each look is noted."""

import csv
import html
import io
import json
from datetime import UTC, datetime

import pytest
import synthetic
from browsing import Reader

from refusals import refusal
from vesalius.console import app, views
from vesalius.governance import audit
from vesalius.governance import views as saved
from vesalius.lake import Arrival
from vesalius.views import library

VIEW = '{"resource": "Patient",\n "select": [{"column": [\n  {"name": "key", "path": "PATH"}]}]}'
GOOD = VIEW.replace("PATH", "id")


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    made = synthetic.make(tmp_path_factory.mktemp("views"), count=4)
    synthetic.save_views(made)
    named = {"resourceType": "Patient", "id": "named", "name": [{"given": ["Hélène", synthetic.EVIL]}]}
    made.lake.write([Arrival.of(json.dumps(named).encode())], "test", datetime.now(UTC))
    yield made
    made.close()


@pytest.fixture
def engineer(hospital):
    return Reader(app(hospital)).sign_in("segers")


def submit(engineer, text=GOOD, follow=True, **fields):
    return engineer.submit("/views/write", follow, text=text, **fields)


def reads(hospital):
    return audit.events(hospital.engine, action="view.read", limit=200)


def test_the_list_shows_the_library_and_what_was_saved_and_by_whom(engineer):
    page = engineer.get("/views").text
    assert all(f'href="/views/library/{name}"' in page for name in library.names())
    assert 'href="/views/saved/mine"' in page
    assert "Lotte Segers" in page


def test_a_view_shows_its_columns_its_sql_and_no_row_until_asked(engineer, hospital):
    before = len(reads(hospital))
    page = engineer.get("/views/library/patients").text
    assert "date of birth, to the precision" in page
    assert "SELECT" in page
    assert "tbody><tr><td>" not in page
    assert len(reads(hospital)) == before
    page = engineer.get("/views/library/patients?rows=1").text
    patients = [each.id for each in hospital.lake.resources("Patient")]
    assert all(name in page for name in patients[:20])
    noted = reads(hospital)[0]
    assert (noted.actor, noted.object) == ("segers", "patients")
    assert noted.detail["resource"] == "Patient"
    assert noted.detail["subjects"] == sorted(f"Patient/{name}" for name in patients[:21])
    assert audit.events(hospital.engine, thing=f"Patient/{patients[0]}")[0].seq == noted.seq


def test_who_refuses_is_in_no_rows_and_no_file_and_the_page_says_how_few(engineer, hospital):
    def say(**more):
        body = refusal("named", **more)
        hospital.lake.write([Arrival.of(json.dumps(body).encode())], "test", datetime.now(UTC))

    view = VIEW.replace("PATH", "id").replace('"select"', '"where": [{"path": "id = \'named\'"}], "select"')
    assert "<td>named</td>" in submit(engineer, view).text
    say()
    try:
        page = submit(engineer, view).text
        assert "<td>named</td>" not in page
        assert "fewer than 12 patients" in page
        assert reads(hospital)[0].detail["left_out"] == 1
        answer = engineer.get("/views/library/patients/csv")
        assert answer.headers["patients-left-out"] == "<12"
        assert "named" not in {row["id"] for row in csv.DictReader(io.StringIO(answer.text))}
        assert reads(hospital)[0].detail["left_out"] == 1
    finally:
        say(status="inactive")
    assert "<td>named</td>" in (page := submit(engineer, view).text)
    assert "Left out" not in page


def test_who_sees_views_but_no_patients_is_shown_no_rows(hospital):
    before = len(reads(hospital))
    for login in ("vermeulen", "theissen"):
        reader = Reader(app(hospital)).sign_in(login)
        page = reader.get("/views/library/patients?rows=1").text
        assert "an engineer who needs them" not in page or "<td>d" not in page
        assert all(f"<td>{each.id}" not in page for each in hospital.lake.resources("Patient"))
        assert reader.get("/views/library/patients/csv").status_code == 403
        assert reader.get("/views/saved/mine/csv").status_code == 403
        assert reader.get("/views/write").status_code == 403
        assert reader.submit("/views/write", text=GOOD).status_code == 403
        assert reader.submit("/views/saved/mine/undo", after="2").status_code == 403
    assert len(reads(hospital)) == before


def test_rows_are_shown_at_once_and_nothing_is_saved(engineer, hospital):
    page = submit(engineer).text
    names = [each.id for each in hospital.lake.resources("Patient")]
    assert all(f"<td>{name}</td>" in page for name in names[:20])
    assert html.escape(GOOD, quote=False).replace('"', "&#34;") in page
    assert [each.name for each in saved.everyone(hospital.engine)] == ["mine"]


@pytest.mark.parametrize(
    ("path", "said", "line"),
    [
        ("birthDat", "did you mean birthDate?", 3),
        ("id +", "select[0].column[0]", 3),
        ("name.given.combine(name.family)", "key", 3),
    ],
)
def test_what_is_wrong_is_said_at_its_line(engineer, path, said, line):
    page = submit(engineer, VIEW.replace("PATH", path)).text
    assert said in html.unescape(page)
    assert f"Line {line}" in page
    assert "<mark>   3" in page or path.startswith("name")


def test_json_that_is_none_is_said_at_its_line(engineer):
    page = submit(engineer, '{\n "resource": oops').text
    assert "it is not JSON" in page
    assert "Line 2" in page


def test_a_view_that_does_not_fit_a_patient_names_its_column_and_no_value(engineer):
    page = submit(engineer, VIEW.replace("PATH", "name.given")).text
    assert "key" in html.unescape(page).partition('class="notice critical fault"')[2]
    assert "first()" in page
    assert "Hélène" not in page


def test_saving_keeps_versions_and_undoing_takes_back(engineer, hospital):
    page = submit(engineer, name="steps", do="save").text
    assert "Every version is kept" in page
    page = submit(engineer, GOOD.replace("key", "other"), name="steps", after="1", do="save").text
    assert "other" in page
    page = engineer.submit("/views/saved/steps/undo", after="2").text
    assert "The last change was taken back" in page
    assert "as version 1" in page
    page = engineer.submit("/views/saved/steps/undo", after="3").text
    assert "The view was withdrawn" in page
    assert engineer.get("/views/saved/steps/csv").status_code == 404
    assert "Bring the view back" in page
    engineer.submit("/views/saved/steps/undo", after="4")
    assert saved.current(hospital.engine, "steps").text == GOOD
    assert engineer.submit("/views/saved/steps/undo", after="1").status_code == 409


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "Not A Name"}, "small letters"),
        ({"name": ""}, "small letters"),
        ({"name": "patients"}, "There is such a view already"),
        ({"name": "mine"}, "somebody saved it meanwhile"),
        ({"name": "mine", "after": "9999999999"}, "somebody saved it meanwhile"),
    ],
)
def test_what_cannot_be_saved_is_said_and_the_text_is_still_there(engineer, fields, said):
    answer = submit(engineer, do="save", **fields)
    assert answer.status_code == 422
    assert said in html.unescape(answer.text)
    assert "&#34;key&#34;" in answer.text


def test_a_wrong_view_is_not_saved(engineer, hospital):
    answer = submit(engineer, VIEW.replace("PATH", "id +"), name="wrong", do="save")
    assert answer.status_code == 422
    assert "Line 3" in answer.text
    assert "wrong" not in [each.name for each in saved.everyone(hospital.engine)]


def test_all_rows_are_downloaded_as_csv_and_that_is_noted(engineer, hospital):
    answer = engineer.get("/views/saved/mine/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="mine.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert sorted(row["id"] for row in rows) == sorted(e.id for e in hospital.lake.resources("Patient"))
    assert reads(hospital)[0].detail["format"] == "csv"
    assert engineer.get("/views/library/wards/csv").text.startswith("id,status,name")


def test_a_file_that_is_too_long_or_cannot_be_made_is_not_begun(engineer, hospital, monkeypatch):
    monkeypatch.setattr(views, "MOST_ROWS", 1)
    assert "more than a file may have here" in engineer.get("/views/saved/mine/csv").text
    monkeypatch.undo()
    text = VIEW.replace("PATH", "name.given")
    assert submit(engineer, text, name="misfit", do="save").status_code == 200
    assert "does not fit something" in engineer.get("/views/saved/misfit/csv").text


def test_only_so_many_resources_are_read_for_a_look(engineer, monkeypatch):
    monkeypatch.setattr(views, "READ", 1)
    page = submit(engineer, GOOD[:-1] + ', "where": [{"path": "id = \'nobody\'"}]}').text
    assert "No rows in the first 1 resource that was read" in page
    monkeypatch.setattr(views, "READ", 10_000)
    assert (
        "nothing in the lake fits"
        in submit(engineer, GOOD[:-1] + ', "where": [{"path": "id = \'nobody\'"}]}').text
    )


def test_one_starts_from_a_view_that_is_there(engineer):
    assert "birthDate" in engineer.get("/views/write").text
    assert "85354-9" in engineer.get("/views/write?library=vitals").text
    page = engineer.get("/views/write?saved=mine").text
    assert 'name="after" value="2"' in page
    assert 'value="mine"' in page
    assert engineer.get("/views/write?library=nothing").status_code == 404
    assert engineer.get("/views/saved/nothing").status_code == 404
    assert engineer.get("/views/library/nothing").status_code == 404


def test_markup_in_a_view_and_in_rows_stays_text(engineer):
    text = json.dumps({**json.loads(GOOD), "title": "<b>x</b>", "description": "<script>1</script>"})
    page = submit(engineer, text.replace('"id"', '"name.given.last()"'), name="markup", do="save").text
    assert "<b>x</b>" not in page
    assert "<script>1" not in page
    page = engineer.get("/views/saved/markup?rows=1").text
    assert synthetic.EVIL not in page
    assert html.escape(synthetic.EVIL) in page.replace("&#34;", "&quot;")


def test_every_library_view_has_a_page_in_every_language(hospital):
    for language in ("fr", "nl", "de", "en"):
        reader = Reader(app(hospital)).sign_in("segers", language)
        for name in ("vitals", "documents"):
            assert reader.get(f"/views/library/{name}?rows=1").status_code == 200
        assert reader.get("/views/write").status_code == 200
