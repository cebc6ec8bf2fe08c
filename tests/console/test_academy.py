"""The academy in the console: my courses, one course, its questions, and being sent there before deciding."""

import html
import re

import pytest
import synthetic
from browsing import Reader

from vesalius import academy
from vesalius.console import app
from vesalius.governance import audit, people
from vesalius.hospital import Hospital


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    home = tmp_path_factory.mktemp("academy") / "home"
    made = synthetic.make(home, count=20)
    synthetic.validate(made)
    settings = made.settings
    made.close()
    strict = Hospital.open(home, _strict(settings))
    yield strict
    strict.close()


def _strict(settings):
    return type(settings)(**{**_fields(settings), "require_course": "require"})


def _fields(settings):
    return {name: getattr(settings, name) for name in settings.__struct_fields__}


@pytest.fixture(scope="module")
def reader(hospital):
    console = app(hospital)
    return lambda login, language="en": Reader(console).sign_in(login, language)


def form(hospital, login, name, right, language="en"):
    """The fields that answer ``right`` questions rightly."""
    _, draw = academy.current(hospital, people.get(hospital.engine, login), name, language)
    return {"code": draw.code} | {
        f"q-{asked.question.key}": str([each.right == (place < right) for each in asked.answers].index(True))
        for place, asked in enumerate(draw.asked)
    }


def test_who_is_not_trained_is_sent_to_the_course_passes_it_and_then_decides(hospital, reader):
    doctor = reader("delforge")
    found = hospital.review.worklist(usecase="urine").items[0]
    fields = {"action": "accepted", "seen": str(found.revision)}
    refused = doctor.submit(f"/suggestions/{found.id}/decision", **fields)
    assert refused.url.path == "/academy/courses/use-urine"
    assert "Nothing was written: this hospital asks you to pass this course" in refused.text
    assert hospital.review.get(found.id).status == found.status
    assert "You may not decide on its suggestions without it" in doctor.get("/academy").text
    failed = doctor.submit("/academy/courses/use-urine/quiz", **form(hospital, "delforge", "use-urine", 3))
    assert "Not passed: 3 of 6 right." in failed.text
    assert failed.text.count("The right answer:") == 3
    sent = form(hospital, "delforge", "use-urine", 6)
    passed = doctor.submit("/academy/courses/use-urine/quiz", **sent)
    assert "Passed: 6 of 6 right." in passed.text
    assert doctor.submit("/academy/courses/use-urine/quiz", **sent).status_code == 409
    assert doctor.submit(f"/suggestions/{found.id}/decision", **fields).status_code == 200
    assert hospital.review.get(found.id).status == "accepted"
    assert len(audit.events(hospital.engine, actor="delforge", action="course.passed")) == 1


@pytest.mark.parametrize(("language", "words"), [("fr", "Sur 1 000 patients"), ("de", "Von 1000 Patienten")])
def test_the_course_of_a_validated_use_shows_its_own_figures_and_pictures(hospital, reader, language, words):
    page = html.unescape(reader("delforge", language).get("/academy/courses/use-urine").text)
    made = academy.course(hospital, "use-urine", language)
    assert made.run
    table = next(each.table for each in made.pages if each.table)
    assert words in page
    assert all(cell in page for row in table.rows for cell in row)
    assert page.count('<svg class="lesson"') == sum(bool(each.picture) for each in made.pages) >= 4
    assert "style=" not in page.split("<main")[1]


def test_names_of_the_untrained_are_for_who_manages_people_alone(reader):
    assert "Not yet:" in reader("marchal").get("/academy").text
    assert "Not yet:" not in reader("segers").get("/academy").text


@pytest.mark.parametrize("path", ["/academy/courses/none", "/academy/courses/use-none/quiz"])
def test_a_course_that_is_not_there_is_not_found(reader, path):
    assert reader("delforge").get(path).status_code == 404


def test_a_form_without_code_or_token_keeps_nothing(hospital, reader):
    nurse = reader("nurse")
    assert nurse.submit("/academy/courses/bedside/quiz").status_code == 409
    assert nurse.post("/academy/courses/bedside/quiz", data={}).status_code == 403
    assert not audit.events(hospital.engine, actor="nurse", action="course.failed")


def test_the_questions_do_not_give_the_answer_away(reader):
    page = reader("nurse").get("/academy/courses/bedside/quiz").text
    assert 'value="right"' not in page
    assert len(re.findall(r"<fieldset>", page)) == 5
