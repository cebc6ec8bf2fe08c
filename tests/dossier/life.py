"""A use that went through the whole of its life, in a hospital on either database; made by the functions that people use."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "console"))

import msgspec
import silence
import synthetic

from vesalius import explanation, trial
from vesalius.academy import quiz
from vesalius.evaluation import latest
from vesalius.evaluation.reporting import QUESTIONS
from vesalius.governance import (
    answers,
    audit,
    glass,
    literacy,
    people,
    register,
    rulebook,
    uses,
    validations,
    views,
    watching,
)
from vesalius.governance.audit import Action
from vesalius.governance.register import obligations
from vesalius.hospital import Hospital
from vesalius.monitoring import alarms
from vesalius.monitoring.alarms import Finding
from vesalius.settings import Settings
from vesalius.store import writing

USE = synthetic.USECASE
BOUGHT = "holter"
DAY = timedelta(days=1)
VIEW = """{"resource": "Patient", "name": "mine", "status": "active",
"select": [{"column": [{"name": "id", "path": "id"}]}]}"""
CARE = {
    "origin": "in_house", "purpose": "care", "ce_class": "none", "prohibited": "no", "persons": "yes",
    "personal_data": "yes", "workers": "yes", "public": "yes", "generates": "yes", "processor": "yes",
    "secondary": "yes", "legacy": "yes",
}  # fmt: skip


def opened(home: Path, database: str = "") -> Hospital:
    settings = Settings(
        hospital="Clinique Sainte-Ode", synthetic=True, language="fr", second_factor="none", database=database
    )
    return Hospital.open(home, settings)


def lived(home: Path, database: str = "") -> Hospital:
    """From idea to live and beyond: refused, signed, tried in silence, used, watched, stopped, resumed."""
    (home / rulebook.FOLDER).mkdir(parents=True)
    (home / rulebook.FOLDER / "gates.toml").write_bytes(rulebook.own("gates") + b"# As our board decided.\n")
    hospital = opened(home, database)
    now = datetime.now(UTC).replace(microsecond=0)
    begun = now - 60 * DAY
    synthetic.staff(hospital, begun - 10 * DAY)
    _begin(hospital, begun)
    _try(hospital, begun, now)
    _speak(hospital, now)
    _watch(hospital, now)
    _whole_hospital(hospital, now)
    _buy(hospital, now)
    return hospital


def person(hospital: Hospital, login: str) -> people.Person:
    return people.get(hospital.engine, login)


def _sign(hospital: Hospital, *logins: str, at: datetime) -> None:
    for login in logins:
        uses.sign(
            hospital.engine, USE, person(hospital, login), reason="Read, and agreed.", despite="A test.",
            at=at,
        )  # fmt: skip


def _begin(hospital: Hospital, begun: datetime) -> None:
    engine, legal = hospital.engine, person(hospital, "wauters")
    uses.answer(engine, USE, CARE, legal, reason="As we mean to use it.", at=begun - 2 * DAY)
    uses.refuse(
        engine, USE, person(hospital, "theissen"), reason="Not without a purpose.", at=begun - 2 * DAY
    )
    _sign(hospital, "theissen", at=begun - DAY)
    audit.record(
        engine, audit.SYSTEM, Action.USE_HISTORY_READ, USE, {"patients": 60, "position": 1}, begun - DAY
    )
    synthetic.validate(hospital)
    run = latest(hospital.runs, USE)
    assert run is not None
    validations.keep(engine, run, at=begun - DAY)
    _sign(hospital, "segers", "vermeulen", "marchal", at=begun - DAY)
    obligations.say(engine, USE, "GDPR-35", legal, state="done", note="Signed, in the file.", at=begun)
    keys = [each.key for each in QUESTIONS if each.owner == "engineer"]
    answers.answer(engine, USE, keys[0], "Because.", person(hospital, "segers"), run=run.id, at=begun)
    answers.answer(engine, USE, keys[1], "So.", person(hospital, "segers"), at=begun)
    answers.undo(engine, USE, keys[1], person(hospital, "segers"), after=1, at=begun)


def _try(hospital: Hospital, begun: datetime, now: datetime) -> None:
    card = hospital.usecase(USE).card
    draft = trial.propose(card, None, "sensitivity_gain")
    aim = msgspec.structs.replace(draft.aim, expected=0.15, prevalence=0.4, disagreement=0.35)
    draft = msgspec.structs.replace(draft, aim=aim, acts=("start",), wait_days=7, looks=3, longest_days=50)
    plan = trial.register(
        hospital, USE, person(hospital, "vermeulen"), draft, reason="As the committee decided.", at=begun
    )
    silence.fill(hospital, plan, begun, 40, 0.8)
    trial.look(hospital, USE, now - 2 * DAY)
    reader, name = person(hospital, "delforge"), literacy.course_of(USE)
    for right in (False, True):
        drawn = quiz.current(hospital, reader, name, "fr")[1]
        given = {
            each.question.key: str(next(n for n, one in enumerate(each.answers) if one.right == right))
            for each in drawn.asked
        }
        quiz.take(hospital, reader, name, "fr", code=drawn.code, answers=given, at=now - 2 * DAY)


def _speak(hospital: Hospital, now: datetime) -> None:
    _sign(hospital, *synthetic.AFTER, at=now - DAY)
    synthetic.receive(hospital, 12, now)
    synthetic.file(hospital, 24, now)
    audit.record(
        hospital.engine,
        audit.SYSTEM,
        Action.USE_TURNED,
        USE,
        {"mode": "live", "filed": 24, "position": 3},
        now,
    )
    filed = hospital.review.decisions(usecase=USE)[0]
    hospital.review.undo(filed.decision.id, filed.decision.by, at=now - timedelta(hours=2), minutes=120)
    audit.record(
        hospital.engine, "delforge", Action.SUGGESTION_READ, filed.filed.id, {"subject": "Patient/p1"}, now
    )
    explanation.sheet(hospital, filed.filed.id, "fr", at=now)


def _watch(hospital: Hospital, now: datetime) -> None:
    """Watched, alarmed, stopped by a rule, signed again, a threshold changed, signed again, suspended."""
    engine, director = hospital.engine, person(hospital, "marchal")
    watch = watching.Watch(clinician_hours=12.0, hours_source="The roster.")
    watching.declare(engine, USE, watch, director, reason="From the roster.", at=now)
    with writing(engine) as connection:
        alarms.settle(
            connection,
            USE,
            "",
            [Finding("inputs", "nitrite", "alarm", {"value": 0.4}), Finding("missing", "ph", "notice", {})],
            now,
        )
    for number in [each.id for each in alarms.standing(engine, USE)]:
        alarms.acknowledge(engine, number, director, "A new strip reader.", now)
    alarms.undo(engine, alarms.standing(engine, USE)[0].id, director, now, minutes=10)
    with writing(engine) as connection:
        figures = {"value": 0.87, "limit": 0.7, "cases": 60}
        alarms.stopped(connection, USE, "", Finding("stop.override", "", "stop", figures), now)
        uses.silence(connection, USE, reason="overrides 87 %", at=now)
    _sign(hospital, *synthetic.AFTER, at=now)
    setting = hospital.usecase(USE).card.settings[0]
    changed = {setting.name: setting.default + setting.step}
    uses.set_use_settings(engine, USE, changed, director, reason="Fewer alerts.", at=now)
    uses.set_model(engine, USE, "cd" * 32, person(hospital, "segers"), reason="Learned anew.", at=now)
    uses.set_model(engine, USE, "", person(hospital, "segers"), reason="Back again.", at=now)
    uses.suspend(engine, USE, director, reason="A recall.", at=now)


def _whole_hospital(hospital: Hospital, now: datetime) -> None:
    """What happens in a hospital and is about no one use: at its pages, its interface, its command line."""
    engine = hospital.engine
    people.add(engine, "nieuw", name="Nele Nieuw", role="nurse", at=now)
    glass.break_(
        engine, person(hospital, "delforge"), "p3", ward="", code="vital", words="Shock, no history at hand.",
        hours=4, at=now,
    )  # fmt: skip
    views.save(engine, "mine", VIEW, person(hospital, "segers"), at=now)
    for action in (
        Action.DATA_RECEIVED, Action.AUDIT_READ, Action.LAKE_BACKED_UP, Action.VIEW_READ, Action.EXPORT_ASKED,
        Action.EXPORT_ENDED, Action.EXPORT_READ, Action.PERSON_SIGNED_IN,
    ):  # fmt: skip
        audit.record(engine, audit.SYSTEM, action, "house", {}, now)


def _buy(hospital: Hospital, now: datetime) -> None:
    """Another system, bought and brought up to date."""
    for version in ("2.1", "2.2"):
        entry = register.Entry(
            name=BOUGHT, title="Cardioscope", maker="Cardio NV", purpose="Reads a Holter record", ce_class="IIa",
            version=version, device="https://cardio.example/holter", owner="vermeulen",
        )  # fmt: skip
        register.keep_bought(hospital.engine, entry, person(hospital, "segers"), at=now)
    bought = CARE | {"origin": "bought", "ce_class": "IIa"}
    uses.answer(
        hospital.engine, BOUGHT, bought, person(hospital, "wauters"), reason="As the maker says.", at=now
    )
