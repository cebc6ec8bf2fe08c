"""The report of a use in the console: read in four languages, taken away as files, its questions answered."""

import re

import pytest
import synthetic
from browsing import Reader
from lxml import etree

from vesalius.card import LANGUAGES
from vesalius.console import app
from vesalius.evaluation.reporting.names import texts
from vesalius.governance import answers, audit


@pytest.fixture(scope="module")
def validated(tmp_path_factory):
    hospital = synthetic.make(tmp_path_factory.mktemp("validated"), count=5)
    synthetic.validate(hospital)
    yield hospital
    hospital.close()


@pytest.fixture
def enter(validated):
    console = app(validated)
    return lambda login, language="en": Reader(console).sign_in(login, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report_is_read_in_the_language_of_the_reader(enter, language):
    page = enter("delforge", language).get("/usecases/urine/report").text
    for key in ("summary", "calibration", "tripod", "origins"):
        assert texts(language)[f"section.{key}"] in page.replace("&#39;", "'"), key
    assert "<script>" not in page
    assert not re.search(r"\sstyle=", page)


def test_a_use_leads_to_its_report_and_the_report_to_its_files(enter):
    doctor = enter("delforge")
    assert 'href="/usecases/urine/report"' in doctor.get("/usecases/urine").text
    page = doctor.get("/usecases/urine/report").text
    for kind in ("pdf", "html", "xml"):
        assert f'href="/usecases/urine/report/{kind}"' in page
    assert 'href="/usecases/urine/questions"' in page


@pytest.mark.parametrize(
    ("kind", "begins", "media"),
    [
        ("pdf", b"%PDF-", "application/pdf"),
        ("html", b"<!doctype html>", "text/html"),
        ("xml", b"<?xml", "application/xml"),
        ("json", b'{"answered"', "application/json"),
    ],
)
def test_the_report_is_taken_away_as_a_file(enter, kind, begins, media):
    answer = enter("segers").get(f"/usecases/urine/report/{kind}")
    assert answer.content.startswith(begins)
    assert answer.headers["content-type"].startswith(media)
    assert re.fullmatch(
        rf'attachment; filename="urine-[0-9a-f]{{16}}\.en\.{kind}"', answer.headers["content-disposition"]
    )
    assert answer.headers["cache-control"] == "no-store"
    if kind == "xml":
        etree.fromstring(answer.content)


def test_no_other_file_and_no_other_use_has_a_report(enter):
    doctor = enter("delforge")
    assert doctor.get("/usecases/urine/report/exe").status_code == 404
    assert doctor.get("/usecases/nothing/report").status_code == 404
    assert doctor.get("/usecases/nothing/questions").status_code == 404


def test_before_a_validation_there_are_questions_but_no_files(reader):
    doctor = reader("delforge")
    assert "vesalius validate urine" in doctor.get("/usecases/urine/report").text
    assert doctor.get("/usecases/urine/report/pdf").status_code == 404
    assert "Is this diagnosis or prognosis" in doctor.get("/usecases/urine/questions").text


def test_a_question_is_answered_by_its_owner_and_the_report_says_who_and_when(validated, enter):
    doctor = enter("delforge")
    page = doctor.get("/usecases/urine/questions").text
    assert 'id="a-context"' in page
    assert 'id="a-funding"' not in page, "that one is management's"
    told = doctor.submit(
        "/usecases/urine/questions", act="answer", question="context", after="0", text="Diagnosis <b> & more"
    )
    assert "Answered. The report shows it with your name." in told.text
    report = doctor.get("/usecases/urine/report").text
    assert "Diagnosis &lt;b&gt; &amp; more" in report
    assert "Dr Camille Delforge" in report
    assert audit.events(validated.engine, action="report.answered")[0].actor == "delforge"
    doctor.submit("/usecases/urine/questions", act="undo", question="context", after="1")
    assert answers.spoken(validated.engine, "urine") == {}


def test_an_answer_that_is_refused_stays_in_the_form(validated, enter):
    doctor = enter("delforge")
    refused = doctor.submit(
        "/usecases/urine/questions", act="answer", question="setting", after="0", text=" "
    )
    assert refused.status_code == 400
    assert "Write the answer first" in refused.text
    meanwhile = doctor.submit(
        "/usecases/urine/questions", act="answer", question="setting", after="4", text="Kept words"
    )
    assert meanwhile.status_code == 409
    assert "Kept words" in meanwhile.text


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"act": "answer", "question": "funding", "text": "me"}, 403),
        ({"act": "answer", "question": "colour", "text": "blue"}, 404),
        ({"act": "undo", "question": "setting", "after": "x"}, 404),
        ({"act": "nonsense", "question": "setting"}, 400),
    ],
)
def test_what_cannot_be_is_refused(enter, form, status):
    assert enter("delforge").submit("/usecases/urine/questions", **form).status_code == status
