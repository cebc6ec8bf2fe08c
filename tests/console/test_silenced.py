"""Why a use fell silent, who refused and what waits for whom: the same words on every page that shows it."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
import synthetic
from browsing import Reader

from vesalius.console import app
from vesalius.governance import people, register, uses
from vesalius.governance.register import Entry
from vesalius.monitoring import alarms
from vesalius.monitoring.alarms import Finding
from vesalius.store import writing

USE = synthetic.USECASE
ENTRY = Entry(
    name="holter", title="Holter 3", maker="Maker", purpose="Finds fibrillation", ce_class="IIa",
    version="3.2", device="Device/holter", instructions="https://example.org/ifu", owner="wauters",
)  # fmt: skip
SHOWN = ("/", "/usecases/urine", "/register/urine")
"""Where a doctor reads why a use is silent."""


@pytest.fixture
def hospital(tmp_path):
    made = synthetic.make(tmp_path / "hospital", count=3)
    yield made
    made.close()


@pytest.fixture
def read(hospital):
    console = app(hospital)

    def words(login: str, path: str, language: str = "en") -> str:
        page = Reader(console, raise_server_exceptions=True).sign_in(login, language).get(path).text
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.partition("<main")[2])).split())

    return words


def threshold(hospital):
    person = people.get(hospital.engine, "marchal")
    uses.set_use_settings(hospital.engine, USE, {"start_from": 0.7}, person, reason="Too many.")


def stop(hospital):
    """As the monitoring does when a rule fires."""
    now = datetime.now(UTC)
    with writing(hospital.engine) as connection:
        uses.silence(connection, USE, reason="stop rule override: 0.9, limit 0.7", at=now)
        figures = {"value": 0.9, "limit": 0.7, "cases": 60}
        alarms.stopped(connection, USE, "", Finding("stop.override", "", "stop", figures), now)


def test_a_changed_threshold_is_the_reason_that_every_page_gives(hospital, read):
    assert all("fell silent" not in read("delforge", path) for path in SHOWN)
    threshold(hospital)
    for path in (*SHOWN, "/usecases/urine/settings"):
        words = read("delforge", path)
        assert "fell silent" in words, path
        assert "Antoine Marchal" in words
        assert "A gate is open again: a threshold changed." in words
        assert "It says nothing to anybody until the gate is signed again." in words
    assert "does not speak yet" not in read("delforge", "/").partition("antibiotic")[0]


def test_a_stop_rule_is_told_in_the_language_of_the_reader_and_to_those_who_look_at_alarms(hospital, read):
    stop(hospital)
    for path in SHOWN:
        words = read("delforge", path, "fr")
        assert "Règle d’arrêt : la plupart des suggestions reçoivent un avis contraire" in words
        assert "stop rule" not in words
    assert "A stop rule silenced it, and nobody has looked at the alarm yet." in read("segers", "/board")
    assert "nobody has looked" not in read("lambrecht", "/usecases")
    number = alarms.standing(hospital.engine, USE)[0].id
    alarms.acknowledge(hospital.engine, number, people.get(hospital.engine, "segers"), "Looked.")
    assert "nobody has looked" not in read("segers", "/board")


def test_once_signed_live_again_nothing_says_that_it_was_silent(hospital, read):
    threshold(hospital)
    for login in synthetic.AFTER:
        person = people.get(hospital.engine, login)
        uses.sign(hospital.engine, USE, person, reason="Agreed.", despite="A test.")
    assert uses.fallen(hospital.engine, USE) is None
    assert len(uses.falls(hospital.engine, USE)) == 1
    assert all("fell silent" not in read("delforge", path) for path in SHOWN)


def test_a_use_that_was_suspended_or_never_spoke_did_not_fall(hospital):
    assert uses.fallen(hospital.engine, "readmission") is None
    uses.suspend(hospital.engine, USE, people.get(hospital.engine, "marchal"), reason="Stop.")
    assert uses.fallen(hospital.engine, USE) is None


def test_an_expired_signature_is_the_reason_at_the_worklist_at_once(hospital, read, monkeypatch):
    later = datetime.now(UTC) + timedelta(days=400)

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return later

    monkeypatch.setattr("vesalius.console.visit.datetime", Clock)
    assert "A gate is open again: a signature expired." in read("delforge", "/")
    history = read("delforge", "/register/urine", "fr")
    assert "Une porte est de nouveau ouverte : une signature a expiré." in history
    assert "the gate" not in history


def test_a_refusal_stands_at_the_gate_with_its_reason_until_it_moves_on(hospital, read):
    person = people.get(hospital.engine, "theissen")
    classify(hospital, "readmission", bought=False)
    uses.refuse(hospital.engine, "readmission", person, reason="Which consent?")
    assert "Refused by Birgit Theissen" in read("lambrecht", "/register/readmission")
    assert "“Which consent?”" in read("lambrecht", "/usecases/readmission")
    uses.sign(hospital.engine, "readmission", person, reason="Mended.", despite="A test.")
    assert (
        "Refused by" not in read("lambrecht", "/register/readmission").partition("What happened until now")[0]
    )


def classify(hospital, name, *, bought):
    answers = {
        "origin": "bought" if bought else "in_house", "purpose": "care", "ce_class": "IIa" if bought else "none",
        "prohibited": "no", "persons": "yes", "personal_data": "yes", "workers": "yes", "public": "yes",
        "generates": "no", "processor": "no", "secondary": "no", "legacy": "no",
    }  # fmt: skip
    uses.answer(hospital.engine, name, answers, people.get(hospital.engine, "wauters"), reason="Read.")


def test_each_finds_what_waits_for_them_and_nothing_of_others(hospital, read):
    register.keep_bought(hospital.engine, ENTRY, people.get(hospital.engine, "segers"))
    assert "Holter 3 · Answer its questionnaire" in read("wauters", "/register")
    assert "Waits for you" not in read("lambrecht", "/register")
    classify(hospital, "holter", bought=True)
    assert "Holter 3 · Your signature is missing: Data approved." in read("theissen", "/board")
    for login, path in (("wauters", "/register"), ("segers", "/board"), ("lambrecht", "/usecases")):
        assert "Your signature is missing" not in read(login, path)


def test_what_follows_from_a_signature_is_said(hospital):
    classify(hospital, "readmission", bought=False)
    uses.sign(
        hospital.engine, "readmission", people.get(hospital.engine, "theissen"), reason="Agreed.", despite="x"
    )
    engineer = Reader(app(hospital), raise_server_exceptions=True).sign_in("segers", "en")
    engineer.get("/register/readmission")
    page = engineer.submit("/register/readmission/sign", act="sign", reason="Read.", despite="No run yet.")
    assert "Signed. Still missing: Doctor / Clinical biologist." in page.text
    assert "You have signed this gate. It waits for the others." in page.text


def test_another_version_is_registered_from_the_page_of_the_system_alone(hospital):
    engine = hospital.engine
    register.keep_bought(engine, ENTRY, people.get(engine, "segers"))
    engineer = Reader(app(hospital), raise_server_exceptions=True).sign_in("segers", "fr")
    engineer.get("/register")
    newer = {
        name: getattr(ENTRY, name)
        for name in ("name", "title", "maker", "purpose", "ce_class", "device", "instructions")
    } | {"version": "4.0"}
    page = engineer.submit("/register", **newer)
    assert page.status_code == 409
    assert "Ce code est pris" in page.text
    assert register.bought(engine, "holter") == ENTRY
    wrong = engineer.submit("/register", **newer | {"again": "holter", "instructions": "ftp://x"})
    assert wrong.status_code == 400
    assert "commence par https://" in html.unescape(wrong.text)
    assert 'name="again" value="holter"' in wrong.text, "what was being changed is not forgotten"
    assert engineer.submit("/register", **newer | {"again": "holter"}).status_code == 200
    made = register.bought(engine, "holter")
    assert (made.version, made.owner) == ("4.0", "wauters"), "who answers for it stays"
