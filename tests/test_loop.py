"""The loop, with a small use case on a real lake: silent first, once each, replayed byte for byte."""

import logging
from datetime import UTC, datetime, timedelta

import msgspec
import pyarrow as pa
import pytest
import sqlalchemy as sa

from vesalius import fhir, identity, loop
from vesalius.card import Card, Input, Option, Setting, Text
from vesalius.errors import Conflict, InvalidCard, NotAllowed, NotFound, Tampered, Unavailable
from vesalius.governance import audit, consent, people, uses
from vesalius.hospital import Hospital
from vesalius.lake import Arrival
from vesalius.modelling import train
from vesalius.settings import Settings
from vesalius.store import writing
from vesalius.usecase import Candidate, Evidence, Outcome, Reason, Suggestion, UseCase

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
WORDS = {
    "title": "t", "purpose": "t", "population": "t", "not_for": "t", "action": "t", "target": "t",
    "option.start": "t", "option.none": "t", "input.glucose": "t", "setting.start_from": "t",
    "reason.other": "t",
}  # fmt: skip


class Glucose(UseCase):
    """Due when a specimen is received; suggests by the last glucose known then; outcome: a later flag."""

    card = Card(
        name="glucose", version="1.0", risk_class="test", reviewers=("doctor",),
        inputs=(Input("glucose", "number"),), options=(Option("start", "warning"), Option("none")),
        override_reasons=("other",), settings=(Setting("start_from", 7, 0, 40),), window_hours=48,
        texts=dict.fromkeys(("fr", "nl", "de", "en"), WORDS),
    )  # fmt: skip
    ships = None

    def shipped_model(self):
        return self.ships

    def candidates(self, lake, since, until):
        due = lake.resources("Specimen", as_of=until, since=since)
        return [Candidate(each.subject, f"Specimen/{each.id}", each.recorded_at) for each in due]

    def evidence(self, lake, candidates):
        found = []
        for each in candidates:
            known = lake.patient(each.subject, each.as_of, ["Observation"])
            found.append(next((v for v in reversed(known) if "valueQuantity" in v.resource), None))
        values = [None if v is None else float(v.resource["valueQuantity"]["value"]) for v in found]
        sources = tuple({} if v is None else {"glucose": (v.reference,)} for v in found)
        return Evidence(
            tuple(candidates), pa.table({"glucose": pa.array(values, pa.float64())}), sources, lake.position()
        )

    def suggest(self, evidence):
        values = evidence.table["glucose"].to_pylist()
        return [
            self._one(evidence, *row)
            for row in zip(evidence.candidates, values, evidence.sources, strict=True)
        ]

    def _one(self, evidence, candidate, value, sources):
        high = value is not None and value >= self.settings["start_from"]
        return Suggestion(
            usecase=self.card.name, version=self.card.version, model=self.model.hash if self.model else "",
            settings=self.settings_hash, subject=candidate.subject, focus=candidate.focus,
            as_of=candidate.as_of, position=evidence.position, option="start" if high else "none",
            indicator="warning" if high else "info", summary=Text("title"),
            reasons=(Reason("glucose", value, 0.0, sources.get("glucose", ())),),
        )  # fmt: skip

    def outcome(self, lake, candidates, as_of):
        found = []
        for each in candidates:
            known = lake.patient(each.subject, as_of, ["Observation"])
            flags = [v for v in known if "valueBoolean" in v.resource]
            found.append(Outcome(flags[0].resource["valueBoolean"], flags[0].recorded_at) if flags else None)
        return found


class Point:
    """An entry point to a class that needs no package."""

    def __init__(self, name, kind):
        self.name, self.kind = name, kind

    def load(self):
        if self.kind is ImportError:
            raise ImportError(self.name)
        return self.kind


@pytest.fixture
def installed(monkeypatch):
    """The use cases installed, by name."""
    kinds = {"glucose": type("Glucose", (Glucose,), {})}

    def points(group, name=None):
        return [Point(key, kind) for key, kind in kinds.items() if name in (None, key)]

    monkeypatch.setattr("vesalius.usecase.entry_points", points)
    return kinds


@pytest.fixture
def hospital(tmp_path, installed):
    opened = Hospital.open(tmp_path / "home", Settings(synthetic=True))
    yield opened
    opened.close()


@pytest.fixture
def staff(hospital):
    names = ("doctor", "dpo", "director", "engineer", "biologist", "legal", "works_council")
    return {name: people.add(hospital.engine, name, name=name, role=name) for name in names}


@pytest.fixture
def sign(hospital, staff):
    def signed(*names, use="glucose"):
        for name in names:
            uses.sign(
                hospital.engine, use, staff[name], reason="agreed", despite="a test", at=NOON - 100 * HOUR
            )

    return signed


@pytest.fixture
def silent(sign):
    sign("dpo", "engineer", "doctor", "director")


@pytest.fixture
def live(silent, sign):
    sign("director", "dpo", "legal", "works_council", "doctor")


def receive(hospital, *resources, at=NOON):
    hospital.lake.write([Arrival.of(fhir.dump(resource)) for resource in resources], "laboratory", at)


def patient(number, **more):
    official = {"use": "official", "family": f"Peeters{number}", "given": ["Anna"]}
    return {"resourceType": "Patient", "id": f"p{number}", "birthDate": "1950-02-01",
            "name": [{"use": "usual", "text": "x"}, official],
            "meta": {"lastUpdated": "2026-01-01T00:00:00Z"}, **more}  # fmt: skip


def specimen(number, at=NOON):
    return {"resourceType": "Specimen", "id": f"s{number}", "receivedTime": at.isoformat(),
            "subject": {"reference": f"Patient/p{number}"}}  # fmt: skip


def observation(number, name, at=NOON, **value):
    return {"resourceType": "Observation", "id": name, "status": "final", "code": {"text": "x"},
            "subject": {"reference": f"Patient/p{number}"}, "issued": at.isoformat(), **value}  # fmt: skip


def glucose(number, value, at=NOON - HOUR, name=None):
    return observation(number, name or f"g{number}", at, valueQuantity={"value": value})


def stay(number, name, ward, start, end=None):
    period = {"start": start.isoformat(), **({"end": end.isoformat()} if end else {})}
    return {"resourceType": "Encounter", "id": name, "status": "finished" if end else "in-progress",
            "class": {"code": "IMP"}, "subject": {"reference": f"Patient/p{number}"}, "period": period,
            "location": [{"location": {"display": ward}}]}  # fmt: skip


def fill(hospital, *numbers):
    for number in numbers:
        receive(hospital, patient(number), glucose(number, 5 + number), specimen(number))


@pytest.mark.parametrize("signers", [(), ("dpo",), ("dpo", "engineer", "doctor")])
def test_a_use_reads_no_patient_before_its_silent_gate_is_signed(hospital, sign, installed, signers):
    def candidates(*_):
        raise AssertionError("it read the lake")

    sign(*signers)
    fill(hospital, 1)
    installed["glucose"].candidates = candidates
    assert loop.turn(hospital, "glucose", NOON) == loop.Turn("glucose", NOON)
    assert loop.outcomes(hospital, "glucose", NOON) == 0


def test_a_silent_use_files_what_nobody_sees(hospital, silent):
    fill(hospital, 1, 2)
    turn = loop.turn(hospital, "glucose", NOON)
    assert (turn.mode, turn.candidates, turn.waiting, turn.filed, turn.error) == ("silent", 2, 2, 2, "")
    assert turn.position == hospital.lake.position()
    assert hospital.review.worklist(now=NOON).total == 0


def test_a_live_use_speaks_and_says_each_thing_once(hospital, live):
    fill(hospital, 1, 2, 3)
    assert loop.turn(hospital, "glucose", NOON).filed == 3
    fill(hospital, 4)
    again = loop.turn(hospital, "glucose", NOON)
    assert (again.candidates, again.waiting, again.filed) == (4, 1, 1)
    page = hospital.review.worklist(now=NOON)
    assert page.facets["option"] == {"start": 3, "none": 1}
    assert loop.turn(hospital, "glucose", NOON).filed == 0


def test_the_window_of_the_card_bounds_who_is_looked_at(hospital, live):
    for number, hours in ((1, 49), (2, 47), (3, -1)):
        receive(hospital, patient(number), specimen(number, NOON - hours * HOUR))
    assert loop.turn(hospital, "glucose", NOON).candidates == 1


def test_a_late_turn_suggests_from_what_was_known_when_it_became_due(hospital, live):
    fill(hospital, 1)
    receive(hospital, glucose(1, 30, at=NOON + HOUR))
    loop.turn(hospital, "glucose", NOON + 2 * HOUR)
    (filed,) = hospital.review.worklist(now=NOON).items
    assert (filed.as_of, filed.option, filed.created_at) == (NOON, "none", NOON + 2 * HOUR)
    assert filed.suggestion.reasons[0].sources == ("Observation/g1/_history/1",)


def test_many_candidates_are_filed_in_batches(hospital, live, monkeypatch):
    monkeypatch.setattr(loop, "BATCH", 2)
    fill(hospital, 1, 2, 3, 4, 5)
    assert loop.turn(hospital, "glucose", NOON).filed == 5


def test_people_recognise_the_patient_by_name_ward_and_stay_as_of_then(hospital, live):
    receive(
        hospital,
        patient(1),
        specimen(1),
        stay(1, "old", "A1", NOON - 90 * HOUR, NOON - 80 * HOUR),
        stay(1, "now", "C3", NOON - 10 * HOUR),
        stay(1, "later", "Z9", NOON + HOUR),
    )
    receive(hospital, patient(2, name=[{"family": "Only"}]), specimen(2))
    loop.turn(hospital, "glucose", NOON)
    shown = {item.subject: item.display for item in hospital.review.worklist(now=NOON).items}
    one, two = shown["Patient/p1"], shown["Patient/p2"]
    assert (one.patient, one.birth_date, one.ward, one.stay) == ("Peeters1, Anna", "1950-02-01", "C3", "now")
    assert (two.patient, two.ward, two.stay) == ("Only", "", "")


def test_a_patient_received_after_the_moment_still_has_a_name(hospital, live):
    receive(hospital, specimen(1), patient(1, meta={"lastUpdated": (NOON + HOUR).isoformat()}))
    loop.turn(hospital, "glucose", NOON)
    (filed,) = hospital.review.worklist(now=NOON).items
    assert filed.display.patient == "Peeters1, Anna"


def test_an_outcome_is_recorded_once_it_is_known_and_once(hospital, live):
    fill(hospital, 1, 2)
    loop.turn(hospital, "glucose", NOON)
    receive(hospital, observation(1, "o1", NOON + HOUR, valueBoolean=True))
    assert loop.outcomes(hospital, "glucose", NOON) == 0
    assert loop.outcomes(hospital, "glucose", NOON + HOUR) == 1
    assert loop.outcomes(hospital, "glucose", NOON + HOUR) == 0
    statuses = {item.subject: item.status for item in hospital.review.worklist(status="all", now=NOON).items}
    assert statuses == {"Patient/p1": "expired", "Patient/p2": "open"}


def test_the_outcome_of_a_patient_who_was_merged_is_found_with_the_survivor_and_nothing_is_suggested_twice(
    hospital, live
):
    fill(hospital, 1, 2)
    loop.turn(hospital, "glucose", NOON)
    kept = {item.id: item.body for item in hospital.review.worklist(now=NOON).items}
    identity.merge(hospital.lake, "p1", "p2", by="rita", reason="same card", at=NOON + HOUR)
    assert loop.turn(hospital, "glucose", NOON + HOUR).filed == 0
    late = observation(1, "o1", NOON + 2 * HOUR, valueBoolean=True)
    with writing(hospital.engine) as connection:
        arrivals = [Arrival.of(fhir.dump(late))]
        identity.write(hospital.lake, arrivals, "laboratory", NOON + 2 * HOUR, connection)
    assert loop.outcomes(hospital, "glucose", NOON + 2 * HOUR) == 2
    assert {identifier: loop.replay(hospital, identifier) for identifier in kept} == kept
    cohort = loop.history(hospital, "glucose", until=NOON + 3 * HOUR, known_at=NOON + 3 * HOUR)
    assert len(cohort.outcomes) == 2, "each sample once, though one moved to another patient"


def test_a_suggestion_replays_byte_for_byte_after_new_data_other_settings_and_a_restart(
    hospital, live, staff, tmp_path
):
    fill(hospital, 1, 2)
    loop.turn(hospital, "glucose", NOON)
    kept = {item.id: item.body for item in hospital.review.worklist(now=NOON).items}
    # A correction that pretends to be as old as the first value: known then, but not to us.
    receive(hospital, glucose(1, 39), glucose(2, 1), at=NOON + HOUR)
    uses.set_use_settings(hospital.engine, "glucose", {"start_from": 20}, staff["biologist"], reason="x")
    hospital.close()
    again = Hospital.open(tmp_path / "home", hospital.settings)
    try:
        assert {identifier: loop.replay(again, identifier) for identifier in kept} == kept
        assert len({msgspec.json.decode(body)["option"] for body in kept.values()}) == 2
    finally:
        again.close()


def test_a_shipped_model_is_kept_so_that_its_suggestions_replay_when_another_ships(hospital, live, installed):
    table = pa.table({"glucose": [float(n % 12) for n in range(120)]})
    outcomes = [n % 12 > 6 for n in range(120)]
    installed["glucose"].ships = train(table, outcomes, Glucose.card.inputs, seed=1, kind="logistic")
    fill(hospital, 1)
    loop.turn(hospital, "glucose", NOON)
    (filed,) = hospital.review.worklist(now=NOON).items
    assert filed.model == installed["glucose"].ships.hash
    installed["glucose"].ships = None
    assert loop.replay(hospital, filed.id) == filed.body


def test_replay_says_which_version_is_missing(hospital, live, installed):
    fill(hospital, 1)
    loop.turn(hospital, "glucose", NOON)
    (filed,) = hospital.review.worklist(now=NOON).items
    installed["glucose"].card = msgspec.structs.replace(Glucose.card, version="2.0")
    with pytest.raises(Conflict, match=r"made by version 1\.0 of glucose, not 2\.0"):
        loop.replay(hospital, filed.id)
    with pytest.raises(NotFound):
        loop.replay(hospital, "nothing")


def test_a_suggestion_altered_in_the_database_does_not_replay(hospital, live):
    fill(hospital, 3)
    loop.turn(hospital, "glucose", NOON)
    (filed,) = hospital.review.worklist(now=NOON).items
    altered = filed.body.replace(b'"start"', b'"other"')
    assert altered != filed.body
    with writing(hospital.engine) as connection:
        connection.execute(sa.text("UPDATE suggestion_body SET body = :body"), {"body": altered})
    with pytest.raises(Tampered, match="differently in option"):
        loop.replay(hospital, filed.id)


def test_a_suggestion_that_does_not_say_what_made_it_is_not_filed(hospital, live, installed):
    honest = Glucose.suggest

    def forgetful(self, evidence):
        return [msgspec.structs.replace(each, settings="") for each in honest(self, evidence)]

    installed["glucose"].suggest = forgetful
    fill(hospital, 1)
    with pytest.raises(InvalidCard, match="what they were made from"):
        loop.turn(hospital, "glucose", NOON)
    assert hospital.review.counts() == []


def test_a_use_suspended_in_the_middle_of_its_turn_says_nothing_more(hospital, live, staff, installed):
    honest = Glucose.suggest

    def interrupted(self, evidence):
        uses.suspend(hospital.engine, "glucose", staff["doctor"], reason="stop")
        return honest(self, evidence)

    installed["glucose"].suggest = interrupted
    fill(hospital, 1)
    turn = loop.turn(hospital, "glucose", NOON)
    assert (turn.mode, turn.filed) == ("off", 0)
    assert hospital.review.counts() == []


def test_one_use_that_fails_does_not_stop_the_others_and_tells_no_patient(
    hospital, live, sign, installed, caplog
):
    def broken(*_):
        raise ValueError("Peeters, Anna, 1950-02-01")

    installed["broken"] = type("Broken", (Glucose,), {"candidates": broken})
    installed["broken"].card = msgspec.structs.replace(Glucose.card, name="broken")
    sign("dpo", "engineer", "doctor", "director", use="broken")
    installed["idle"] = type("Idle", (Glucose,), {"card": msgspec.structs.replace(Glucose.card, name="idle")})
    fill(hospital, 1)
    with caplog.at_level(logging.DEBUG):
        turns = {turn.usecase: turn for turn in loop.turn_all(hospital, NOON)}
    assert (turns["glucose"].filed, turns["broken"].error, turns["idle"].mode) == (1, "ValueError", "off")
    assert "broken failed: ValueError" in caplog.text
    assert "Peeters" not in caplog.text
    assert "1950" not in caplog.text


@pytest.mark.parametrize("batch", [2, 5, 2_000])
def test_a_patient_whose_data_a_use_cannot_bear_does_not_keep_the_others_from_theirs(
    hospital, live, installed, monkeypatch, caplog, batch
):
    honest = Glucose.evidence

    def fragile(self, lake, candidates):
        if any(each.subject in ("Patient/p2", "Patient/p5") for each in candidates):
            raise ValueError("Peeters2, Anna, 1950-02-01")
        return honest(self, lake, candidates)

    monkeypatch.setattr(loop, "BATCH", batch)
    installed["glucose"].evidence = fragile
    fill(hospital, *range(1, 8))
    with caplog.at_level(logging.DEBUG):
        turn = loop.turn(hospital, "glucose", NOON)
    assert (turn.waiting, turn.filed, turn.failed) == (7, 5, 2)
    assert turn.error == "2 suggestions could not be made"
    assert "ValueError" in caplog.text
    assert "Peeters" not in caplog.text
    installed["glucose"].evidence = honest
    again = loop.turn(hospital, "glucose", NOON + HOUR)
    assert (again.filed, again.failed, again.error) == (2, 0, "")
    for item in hospital.review.worklist(now=NOON).items:
        assert loop.replay(hospital, item.id) == item.body


def test_a_database_that_does_not_answer_stops_the_turn_and_blames_no_patient(hospital, live, installed):
    def silent(*_):
        raise Unavailable("the database does not answer")

    installed["glucose"].evidence = silent
    fill(hospital, 1, 2)
    with pytest.raises(Unavailable):
        loop.turn(hospital, "glucose", NOON)
    (turn,) = loop.turn_all(hospital, NOON)
    assert turn.error == "the database does not answer"


def test_a_use_that_cannot_be_loaded_is_a_turn_that_failed(hospital, installed):
    installed["absent"] = ImportError
    turns = {turn.usecase: turn for turn in loop.turn_all(hospital, NOON)}
    assert "cannot be loaded" in turns["absent"].error
    assert not turns["glucose"].error


def test_an_unknown_use_is_not_found(hospital):
    with pytest.raises(NotFound):
        loop.turn(hospital, "nothing", NOON)


def test_a_turn_that_filed_is_in_the_audit_and_one_that_did_not_is_not(hospital, live):
    fill(hospital, 1)
    loop.turn(hospital, "glucose", NOON)
    loop.turn(hospital, "glucose", NOON)
    (event,) = audit.events(hospital.engine, action="use.turned")
    assert (event.actor, event.object, event.detail["filed"]) == ("system", "glucose", 1)
    assert audit.verify(hospital.engine) > 0


def test_the_history_is_read_once_its_data_are_approved_and_the_audit_notes_it(hospital, sign):
    fill(hospital, 1, 2)
    receive(hospital, observation(1, "flag", NOON + HOUR, valueBoolean=True), at=NOON + HOUR)
    with pytest.raises(NotAllowed, match="idea"):
        loop.history(hospital, "glucose")
    sign("dpo")
    assert len(loop.history(hospital, "glucose").outcomes) == 1
    last = max(audit.events(hospital.engine), key=lambda event: event.seq)
    assert (last.action, last.object, last.detail["patients"]) == ("use.history_read", "glucose", 1)


def objecting(number, name, status="active", at=NOON - HOUR):
    purpose = [{"system": consent.OURS, "code": "suggestions"}]
    return {"resourceType": "Consent", "id": name, "status": status, "patient": {"reference": f"Patient/p{number}"},
            "scope": {"coding": [{"code": "patient-privacy"}]}, "meta": {"lastUpdated": at.isoformat()},
            "provision": {"type": "deny", "purpose": purpose}}  # fmt: skip


def foci(hospital, status="open"):
    return {each.focus for each in hospital.review.worklist(status=status, now=NOON).items}


def test_who_objects_gets_no_suggestion_until_they_object_no_more(hospital, live, staff):
    fill(hospital, 1, 2, 3)
    receive(hospital, objecting(2, "k"))
    entered = consent.record(hospital.lake, staff["dpo"], "Patient/p3", "suggestions", at=NOON - HOUR)
    turn = loop.turn(hospital, "glucose", NOON)
    assert (turn.candidates, turn.waiting, turn.filed, turn.withheld) == (3, 1, 1, 2)
    assert foci(hospital, "all") == {"Specimen/s1"}
    assert consent.withheld(hospital.engine) == {"glucose": 2}
    assert loop.turn(hospital, "glucose", NOON).withheld == 2
    told = [each.detail for each in audit.events(hospital.engine, action="use.turned")]
    assert [each["withheld"] for each in told if "withheld" in each] == [2]
    assert [each["filed"] for each in told if each["filed"]] == [1]
    consent.withdraw(hospital.engine, entered.id, staff["dpo"], at=NOON)
    receive(hospital, objecting(2, "k", "inactive", NOON))
    again = loop.turn(hospital, "glucose", NOON)
    assert (again.waiting, again.filed, again.withheld) == (2, 2, 0)
    assert consent.withheld(hospital.engine) == {}


def test_who_objects_gets_none_in_silence_either_and_too_late_is_too_late(hospital, silent, staff):
    fill(hospital, 1)
    made = consent.record(hospital.lake, staff["dpo"], "Patient/p1", "suggestions", at=NOON - HOUR)
    turn = loop.turn(hospital, "glucose", NOON)
    assert (turn.mode, turn.filed, turn.withheld) == ("silent", 0, 1)
    consent.withdraw(hospital.engine, made.id, staff["dpo"], at=NOON + 50 * HOUR)
    assert loop.turn(hospital, "glucose", NOON + 50 * HOUR).filed == 0
    assert consent.withheld(hospital.engine, "glucose") == {"glucose": 1}
    assert consent.counts(hospital.lake, NOON)[1] == consent.Count("suggestions", 1, 0, 0, 1)


def test_what_waits_leaves_the_worklist_at_once_and_comes_back_when_the_objection_is_undone(
    hospital, live, staff
):
    fill(hospital, 1, 2, 3)
    loop.turn(hospital, "glucose", NOON)
    waiting = {each.focus: each.id for each in hospital.review.worklist(now=NOON).items}
    hospital.review.decide(waiting["Specimen/s2"], "accepted", by="doctor", role="doctor", at=NOON)
    hospital.review.decide(
        waiting["Specimen/s3"], "deferred", by="doctor", role="doctor", at=NOON, until=NOON + HOUR
    )
    made = [
        consent.record(hospital.lake, staff["dpo"], f"Patient/p{each}", "suggestions", at=NOON)
        for each in (1, 2, 3)
    ]
    assert loop.spare(hospital, NOON) == 2
    assert loop.spare(hospital, NOON) == 0
    assert foci(hospital) == foci(hospital, "deferred") == set()
    assert foci(hospital, "decided") == {"Specimen/s2"}
    with pytest.raises(Conflict):
        hospital.review.decide(waiting["Specimen/s1"], "accepted", by="doctor", role="doctor", at=NOON)
    off = audit.events(hospital.engine, action="suggestion.withheld")
    assert {each.object for each in off} == {waiting["Specimen/s1"], waiting["Specimen/s3"]}
    assert {each.detail["subject"] for each in off} == {"Patient/p1", "Patient/p3"}
    for each in made[:2]:
        consent.undo(hospital.engine, each.id, staff["dpo"], NOON)
    turn = loop.turn(hospital, "glucose", NOON)
    assert (turn.filed, turn.withheld) == (0, 0)
    assert foci(hospital) == {"Specimen/s1"}
    assert consent.withheld(hospital.engine) == {"glucose": 1}
    (back,) = audit.events(hospital.engine, action="suggestion.returned")
    assert back.object == waiting["Specimen/s1"]
    assert audit.verify(hospital.engine) > 0


def test_what_left_the_worklist_does_not_come_back_once_its_outcome_is_known_or_the_use_fell_silent(
    hospital, live, staff
):
    fill(hospital, 1, 2)
    loop.turn(hospital, "glucose", NOON)
    made = [
        consent.record(hospital.lake, staff["dpo"], f"Patient/p{each}", "suggestions", at=NOON)
        for each in (1, 2)
    ]
    assert loop.spare(hospital, NOON) == 2
    receive(hospital, observation(1, "flag", NOON + HOUR, valueBoolean=True), at=NOON + HOUR)
    assert loop.outcomes(hospital, "glucose", NOON + HOUR) == 1
    for each in made:
        consent.undo(hospital.engine, each.id, staff["dpo"], NOON + HOUR)
    uses.suspend(hospital.engine, "glucose", staff["dpo"], reason="a look", at=NOON + HOUR)
    resumed, again = ("director", "dpo", "doctor"), ("director", "dpo", "legal", "works_council", "doctor")
    for name in (*resumed, *again):
        uses.sign(hospital.engine, "glucose", staff[name], reason="ok", despite="a test", at=NOON + HOUR)
    assert uses.speaks(hospital.engine, "glucose", NOON + 2 * HOUR)
    loop.turn(hospital, "glucose", NOON + 2 * HOUR)
    assert foci(hospital) == set()


def test_whoever_is_one_person_with_who_objects_is_spared_too(hospital, live, staff):
    fill(hospital, 1, 2)
    loop.turn(hospital, "glucose", NOON)
    consent.record(hospital.lake, staff["dpo"], "Patient/p1", "suggestions", at=NOON)
    identity.merge(hospital.lake, "p1", "p2", by="records", reason="Same card", at=NOON)
    assert loop.spare(hospital, NOON) == 2
