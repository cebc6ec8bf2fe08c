"""The patient's sheet on the console and at the command line: who may make it, and what the audit notes."""

import re

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from vesalius import explanation
from vesalius.cli import main
from vesalius.errors import Erased, InvalidSetting, NotFound, OutsideCare
from vesalius.governance import audit, care, people
from vesalius.review import Filed


@pytest.fixture
def decided(reader) -> str:
    return re.findall(r'/suggestions/(\w+)"', reader("delforge").get("/decisions").text)[0]


def silent(hospital) -> str:
    with hospital.engine.connect() as connection:
        found = connection.execute(sa.text("SELECT id FROM suggestion WHERE mode = 'silent'"))
        return str(found.scalars().first())


def last(hospital) -> audit.Event:
    return next(iter(audit.events(hospital.engine, action="suggestion.explained")))


def test_one_click_on_a_suggestion_gives_the_sheet_and_the_audit_notes_it(reader, hospital, decided):
    browser = reader("delforge")
    assert f'href="/suggestions/{decided}/explanation"' in browser.get(f"/suggestions/{decided}").text
    page = browser.get(f"/suggestions/{decided}/explanation")
    assert page.status_code == 200
    assert "How AI was used in your care" in page.text
    event = last(hospital)
    assert (event.actor, event.object) == ("delforge", decided)
    assert event.detail["purpose"] == "TREAT"
    assert event.detail["language"] == "en"


@pytest.mark.parametrize("language", ["fr", "nl", "de", "en"])
@pytest.mark.parametrize("kind", ["html", "pdf"])
def test_the_sheet_is_taken_away_in_the_language_of_the_patient(reader, hospital, decided, language, kind):
    answer = reader("delforge").get(f"/suggestions/{decided}/explanation/{kind}?language={language}")
    assert answer.status_code == 200
    assert f"{decided}.{language}.{kind}" in answer.headers["content-disposition"]
    assert answer.content.startswith(b"%PDF" if kind == "pdf" else b"<!doctype html>")
    assert last(hospital).detail["kind"] == kind


@pytest.mark.parametrize("who", ["theissen", "lejeune"])
def test_data_protection_and_medical_records_make_it_because_the_patient_asked(
    reader, hospital, decided, who
):
    assert reader(who).get(f"/suggestions/{decided}/explanation").status_code == 200
    event = last(hospital)
    assert (event.actor, event.detail["purpose"]) == (who, "PATRQT")


@pytest.mark.parametrize("who", ["marchal", "segers"])
def test_others_do_not(reader, decided, who):
    for kind in ("", "/pdf", "/html"):
        assert reader(who).get(f"/suggestions/{decided}/explanation{kind}").status_code == 403


def test_a_doctor_who_does_not_treat_the_patient_does_not(hospital, decided):
    stranger = people.add(hospital.engine, "stranger", name="Dr Nobody", role="doctor", language="en")
    care.set_units(hospital.engine, "stranger", [])
    with pytest.raises(OutsideCare):
        explanation.sheet(hospital, decided, "en", by=stranger)


def test_of_a_silent_one_it_says_that_no_ai_took_part_and_not_what_it_said(reader, hospital):
    page = reader("theissen").get(f"/suggestions/{silent(hospital)}/explanation?language=en").text
    assert "No AI took part" in page
    assert "an antibiotic" not in page


def test_it_names_nobody_but_its_own_patient(reader, hospital, decided):
    from synthetic import NAMES

    mine: Filed = hospital.review.get(decided)
    text = reader("delforge").get(f"/suggestions/{decided}/explanation/html").text
    assert not [name for name in NAMES if name in text and name != mine.display.patient]


def test_what_is_not_there_is_refused(reader, hospital, decided):
    browser = reader("theissen")
    assert browser.get("/suggestions/nothing/explanation").status_code == 404
    assert browser.get(f"/suggestions/{decided}/explanation/docx").status_code == 404
    with pytest.raises(InvalidSetting):
        explanation.sheet(hospital, decided, "it")
    with pytest.raises(NotFound):
        explanation.notice(hospital, "no-such-use", "fr")


def test_what_was_erased_cannot_be_explained(hospital, decided, monkeypatch):
    from dataclasses import replace

    gone = replace(hospital.review.get(decided), erased=1)
    monkeypatch.setattr(type(hospital.review), "get", lambda self, identifier: gone)
    with pytest.raises(Erased):
        explanation.sheet(hospital, decided, "fr")


def test_the_notice_of_a_use_is_for_everybody(reader):
    for kind in ("pdf", "html"):
        answer = reader("marchal", "fr").get(f"/usecases/urine/notice/{kind}")
        assert answer.status_code == 200
    assert "Ici, nous utilisons l’IA" in answer.text
    assert reader("marchal").get("/usecases/urine/notice/xml").status_code == 404


def test_at_the_command_line_they_are_written_and_noted(hospital, decided, tmp_path):
    def run(*words: str):
        return CliRunner().invoke(main, [*words, "--out", str(tmp_path), "--home", str(hospital.home)])

    # A home of its own: the settings of the test's hospital are not in its folder.
    made = run("explain", decided, "--lang", "nl", "--format", "html")
    assert made.exit_code == 0, made.output
    assert "AI bij uw zorg" in (tmp_path / f"{decided}.nl.html").read_text(encoding="utf-8")
    assert last(hospital).actor == "system"
    assert run("notice", "urine", "--lang", "de").exit_code == 0
    assert (tmp_path / "notice.urine.de.pdf").read_bytes().startswith(b"%PDF")
    assert run("explain", "nothing").exit_code == 1
