"""Who may see whom: units, taking on, grace, merges, exclusions, and breaking the glass with its review."""

import itertools
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vesalius import identity
from vesalius.errors import Conflict, InvalidDecision, InvalidSetting, NotAllowed, NotFound, OutsideCare
from vesalius.governance import access, audit, care, consent, glass, people, purposes
from vesalius.governance.access import Access, Relation, Rules, Why
from vesalius.governance.lifecycle import State
from vesalius.governance.purposes import CARING, PURPOSES
from vesalius.governance.roles import MATRIX, Right, Role
from vesalius.lake import Arrival, Lake
from vesalius.store import open_store, reading

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WORDS = "Cardiac arrest on the corridor"


def patient(id_):
    return {"resourceType": "Patient", "id": id_}


def location(id_, name="", within=""):
    made = {"resourceType": "Location", "id": id_, "name": name}
    return made | ({"partOf": {"reference": f"Location/{within}"}} if within else {})


def stay(id_, who, ward="GER", start=NOW - 3 * DAY, end=None, **more):
    period = {"start": start.isoformat()} | ({"end": end.isoformat()} if end else {})
    return {
        "resourceType": "Encounter", "id": id_, "status": "finished" if end else "in-progress",
        "class": {"code": "IMP"}, "subject": {"reference": f"Patient/{who}"}, "period": period,
        "location": [{"location": {"reference": f"Location/{ward}"}}],
    } | more  # fmt: skip


def receive(lake, *bodies, at=NOW - DAY):
    lake.write([Arrival.of(json.dumps(body).encode(), at) for body in bodies], "tests", at)


@pytest.fixture
def engine(database_url):
    opened = open_store(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def lake(engine, tmp_path):
    return Lake(engine, tmp_path / "columns")


@pytest.fixture
def doctor(engine):
    made = people.add(engine, "anna", name="Anna", role="doctor")
    care.set_units(engine, "anna", ["Location/GER"])
    return made


@pytest.fixture
def dpo(engine):
    return people.add(engine, "dpo", name="Dora", role="dpo")


@pytest.fixture
def gate(lake, doctor):
    receive(lake, patient("a"), patient("b"), stay("ea", "a"), stay("eb", "b", "PED"))
    return Access(lake)


def relation(gate, person, subject, at=NOW):
    answer = gate.allow(person, Right.SEE_WORKLIST, [subject], at=at)
    return answer.granted[subject].relation if subject in answer.granted else answer.refused[subject]


def listed(gate, person, at=NOW):
    scope = gate.scope(person, Right.SEE_WORKLIST, at)
    with reading(gate.lake.engine) as connection:
        return None if scope.only is None else set(connection.execute(scope.only).scalars())


def test_a_ward_sees_its_own_patients_and_no_others(gate, doctor):
    answer = gate.allow(doctor, Right.SEE_WORKLIST, ["Patient/a", "Patient/b", "Patient/nobody"], at=NOW)
    assert answer.granted["Patient/a"].detail == {"purpose": "TREAT"}
    assert answer.refused == {"Patient/b": Why.NO_RELATION, "Patient/nobody": Why.NO_RELATION}
    assert listed(gate, doctor) == {"a"}
    with pytest.raises(OutsideCare) as refused:
        gate.require(doctor, Right.DECIDE, "Patient/b", at=NOW)
    assert refused.value.breakable
    assert "Patient" not in str(refused.value)


def test_a_unit_is_named_by_reference_name_or_code_and_holds_the_beds_within(lake, engine, gate, doctor):
    receive(lake, patient("c"), stay("ec", "c", "bed3"), location("bed3", within="room2"))
    receive(lake, location("room2", within="GER"), location("GER", "Gériatrie"))
    for unit in ("Location/GER", "gériatrie", " GERIATRIE "):
        care.set_units(engine, "anna", [unit])
        assert listed(gate, doctor) == {"a", "c"}
    care.set_units(engine, "anna", [])
    assert listed(gate, doctor) == set()
    care.set_units(engine, "anna", ["*"])
    assert listed(gate, doctor) is None
    assert relation(gate, doctor, "Patient/b") == Relation.EVERYWHERE


def test_who_takes_part_in_a_stay_and_its_service_are_units_too(lake, engine, gate, doctor):
    receive(
        lake,
        patient("p"),
        stay("ep", "p", "PED", participant=[{"individual": {"reference": "Practitioner/9"}}],
             serviceProvider={"reference": "Organization/7", "display": "Cardiologie"}),
    )  # fmt: skip
    for unit in ("Practitioner/9", "Organization/7", "cardiologie"):
        care.set_units(engine, "anna", [unit])
        assert listed(gate, doctor) == {"p"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(hours=st.integers(-200, 2000), zone=st.integers(-12, 14))
def test_a_relation_ends_with_the_grace_after_the_stay_whatever_the_time_zone(gate, doctor, hours, zone):
    end = (NOW - DAY).astimezone(timezone(timedelta(hours=zone)))
    receive(gate.lake, stay("ea", "a", end=end), at=NOW - DAY / 2)
    at = NOW - DAY + timedelta(hours=hours)
    expected = NOW - 3 * DAY <= at <= NOW - DAY + Rules().grace
    assert (relation(gate, doctor, "Patient/a", at) == Relation.UNIT) is expected
    assert listed(gate, doctor, at) == ({"a"} if expected else set())


def test_a_later_version_of_a_stay_replaces_the_earlier_and_an_old_one_that_comes_late_does_not(gate, doctor):
    receive(gate.lake, stay("ea", "a", "PED"), at=NOW - DAY / 2)
    assert listed(gate, doctor) == set()
    receive(gate.lake, stay("ea", "a", "GER", start=NOW - 4 * DAY), at=NOW - 2 * DAY)
    assert listed(gate, doctor) == set()
    receive(gate.lake, stay("ea", "a") | {"status": "entered-in-error"}, at=NOW - DAY / 4)
    assert listed(gate, doctor) == set()


def test_a_stay_that_nobody_closed_is_not_believed_for_ever(gate, doctor):
    assert relation(gate, doctor, "Patient/a", NOW + 364 * DAY) == Relation.UNIT
    assert relation(gate, doctor, "Patient/a", NOW + 400 * DAY) == Why.NO_RELATION


@pytest.mark.parametrize("odd", [{"period": {"start": "soon"}}, {"location": "here"}, {"period": {}}])
def test_a_stay_of_an_odd_form_stops_nothing(gate, doctor, odd):
    receive(gate.lake, patient("o"))
    with gate.lake.engine.begin():
        pass
    body = json.dumps(stay("eo", "o") | odd).encode()
    receive_raw = Arrival(body, "Encounter", "eo", "Patient/o", NOW - DAY, "0" * 64)
    gate.lake.write([receive_raw], "tests", NOW - DAY)
    assert relation(gate, doctor, "Patient/a") == Relation.UNIT


def test_taking_on_holds_until_its_end_and_is_noted_without_words(gate, doctor, engine):
    made = gate.take_on(doctor, "Patient/b", reason="Consultation", until=NOW + 2 * DAY, at=NOW)
    assert relation(gate, doctor, "Patient/b", NOW) == Relation.TAKEN_ON
    assert relation(gate, doctor, "Patient/b", NOW + 2 * DAY - DAY / 24) == Relation.TAKEN_ON
    assert relation(gate, doctor, "Patient/b", NOW + 2 * DAY) == Why.NO_RELATION
    (event,) = audit.events(engine, action="relation.taken")
    assert event.detail["content"] == made.content
    assert "Consultation" not in str(event.detail)
    with pytest.raises(Conflict):
        gate.take_on(doctor, "Patient/b", reason="Again", until=NOW + DAY, at=NOW)
    care.end(engine, made.id, doctor, NOW + DAY)
    assert relation(gate, doctor, "Patient/b", NOW + DAY) == Why.NO_RELATION
    with pytest.raises(Conflict):
        care.end(engine, made.id, doctor, NOW + DAY)


def test_taking_on_needs_a_reason_an_end_and_a_patient(gate, doctor, dpo):
    for reason, until in (("", NOW + DAY), ("Why", NOW), ("Why", NOW + 366 * DAY)):
        with pytest.raises(InvalidDecision):
            gate.take_on(doctor, "Patient/b", reason=reason, until=until, at=NOW)
    with pytest.raises(NotFound):
        gate.take_on(doctor, "Patient/nobody", reason="Why", until=NOW + DAY, at=NOW)
    with pytest.raises(NotAllowed):
        gate.take_on(dpo, "Patient/b", reason="Why", until=NOW + DAY, at=NOW)
    other = people.add(gate.lake.engine, "otto", name="Otto", role="doctor")
    made = gate.take_on(doctor, "Patient/b", reason="Why", until=NOW + DAY, at=NOW)
    with pytest.raises(NotAllowed):
        care.end(gate.lake.engine, made.id, other, NOW)
    assert care.end(gate.lake.engine, made.id, dpo, NOW).ended_by == "dpo"


def test_a_relation_with_a_merged_patient_holds_for_the_survivor_and_the_other_way_round(gate, doctor):
    made = identity.merge(gate.lake, "a", "b", by="r", reason="The same", at=NOW)
    assert {relation(gate, doctor, f"Patient/{each}") for each in "ab"} == {Relation.UNIT}
    assert listed(gate, doctor) == {"a", "b"}
    identity.unmerge(gate.lake, made.id, by="r", reason="Not the same", at=NOW)
    assert relation(gate, doctor, "Patient/b") == Why.NO_RELATION
    gate.take_on(doctor, "Patient/b", reason="Why", until=NOW + DAY, at=NOW)
    receive(gate.lake, patient("x"))
    identity.merge(gate.lake, "x", "b", by="r", reason="The same", at=NOW)
    assert relation(gate, doctor, "Patient/x") == Relation.TAKEN_ON


def test_breaking_the_glass_opens_one_patient_to_one_person_for_a_while(gate, doctor, engine):
    broken = gate.break_glass(doctor, "Patient/b", code="vital", words=WORDS, at=NOW)
    grant = gate.require(doctor, Right.SEE_WORKLIST, "Patient/b", at=NOW + timedelta(hours=3))
    assert grant.detail == {"purpose": "ETREAT", "emergency": True}
    assert listed(gate, doctor) == {"a", "b"}
    other = people.add(engine, "otto", name="Otto", role="doctor")
    assert relation(gate, other, "Patient/b") == Why.NO_RELATION
    assert relation(gate, doctor, "Patient/b", NOW + timedelta(hours=4)) == Why.NO_RELATION
    (event,) = audit.events(engine, action="glass.broken")
    assert event.detail["content"] == broken.content
    assert event.detail["purpose"] == "ETREAT"
    assert WORDS not in str(event.detail)
    with pytest.raises(Conflict):
        gate.break_glass(doctor, "Patient/b", code="vital", words=WORDS, at=NOW)
    glass.close(engine, broken.id, doctor, NOW + DAY / 24)
    assert relation(gate, doctor, "Patient/b", NOW + DAY / 24) == Why.NO_RELATION


def test_the_glass_is_not_broken_without_a_reason_a_role_or_a_need(gate, doctor, dpo):
    for code, words in (("", WORDS), ("curious", WORDS), ("vital", "short"), ("vital", "")):
        with pytest.raises(InvalidDecision):
            gate.break_glass(doctor, "Patient/b", code=code, words=words, at=NOW)
    with pytest.raises(Conflict):
        gate.break_glass(doctor, "Patient/a", code="vital", words=WORDS, at=NOW)
    with pytest.raises(NotAllowed):
        gate.break_glass(dpo, "Patient/b", code="vital", words=WORDS, at=NOW)
    with pytest.raises(NotFound):
        gate.break_glass(doctor, "Patient/nobody", code="vital", words=WORDS, at=NOW)
    assert glass.listed(gate.lake.engine) == []


def test_each_broken_glass_is_reviewed_once_by_another_and_can_be_taken_back(gate, doctor, dpo, engine):
    both = people.add(engine, "both", name="Both", role=["doctor", "dpo"])
    own = gate.break_glass(both, "Patient/b", code="other", words=WORDS, at=NOW)
    with pytest.raises(NotAllowed, match="own"):
        glass.review(engine, own.id, both, "justified", "I think so")
    with pytest.raises(NotAllowed):
        glass.review(engine, own.id, doctor, "justified", "I think so")
    for found, words in (("fine", "Why"), ("justified", " ")):
        with pytest.raises(InvalidDecision):
            glass.review(engine, own.id, dpo, found, words)
    glass.review(engine, own.id, dpo, "not_justified", "No need was seen", NOW + DAY)
    with pytest.raises(Conflict):
        glass.review(engine, own.id, dpo, "justified", "After all", NOW + DAY)
    gate.break_glass(doctor, "Patient/b", code="vital", words=WORDS, at=NOW - DAY)
    assert [each.verdict is None for each in glass.listed(engine)] == [True, False]
    assert glass.waiting(engine) == 1
    with pytest.raises(NotAllowed):
        glass.undo_review(engine, own.id, both)
    assert glass.undo_review(engine, own.id, dpo, NOW + DAY).verdict is None
    with pytest.raises(Conflict):
        glass.undo_review(engine, own.id, dpo)
    (count,) = glass.counts(engine, "role")
    assert (count.value, count.broken, count.waiting) == ("doctor", 2, 2)
    assert audit.verify(engine) > 0


def test_a_patient_who_excludes_a_person_is_shown_to_them_by_no_means(lake, gate, doctor, dpo, engine):
    consent.record(lake, dpo, "Patient/a", "care", person="anna", at=NOW)
    shut = gate
    assert relation(shut, doctor, "Patient/a") == Why.EXCLUDED
    with pytest.raises(OutsideCare) as refused:
        shut.require(doctor, Right.SEE_WORKLIST, "Patient/a", at=NOW)
    assert not refused.value.breakable
    with pytest.raises(OutsideCare):
        shut.break_glass(doctor, "Patient/a", code="vital", words=WORDS, at=NOW)
    with pytest.raises(OutsideCare):
        shut.take_on(doctor, "Patient/a", reason="Why", until=NOW + DAY, at=NOW)
    never = shut.scope(doctor, Right.SEE_WORKLIST, NOW).never
    with reading(engine) as connection:
        assert set(connection.execute(never).scalars()) == {"a"}


def hidden(gate, person, at=NOW):
    never = gate.scope(person, Right.SEE_WORKLIST, at).never
    with reading(gate.lake.engine) as connection:
        return set() if never is None else set(connection.execute(never).scalars())


def test_who_refuses_to_be_seen_for_care_is_hidden_and_only_a_broken_glass_opens(lake, gate, doctor, dpo):
    made = consent.record(lake, dpo, "Patient/a", "care", at=NOW)
    assert relation(gate, doctor, "Patient/a", NOW - DAY) == Relation.UNIT
    assert relation(gate, doctor, "Patient/a") == Why.REFUSED
    assert hidden(gate, doctor) == {"a"}
    with pytest.raises(OutsideCare) as refused:
        gate.require(doctor, Right.DECIDE, "Patient/a", at=NOW)
    assert (refused.value.breakable, refused.value.refused) == (True, True)
    with pytest.raises(OutsideCare):
        gate.take_on(doctor, "Patient/a", reason="Why", until=NOW + DAY, at=NOW)
    with pytest.raises(InvalidDecision):
        gate.break_glass(doctor, "Patient/a", code="vital", words="", at=NOW)
    broken = gate.break_glass(doctor, "Patient/a", code="vital", words=WORDS, at=NOW)
    assert [each.id for each in glass.listed(lake.engine, reviewed=False)] == [broken.id]
    grant = gate.require(doctor, Right.DECIDE, "Patient/a", at=NOW)
    assert grant.detail == {"purpose": "ETREAT", "emergency": True}
    assert hidden(gate, doctor) == set()
    with pytest.raises(Conflict):
        gate.break_glass(doctor, "Patient/a", code="vital", words=WORDS, at=NOW)
    assert relation(gate, doctor, "Patient/a", broken.until) == Why.REFUSED
    consent.withdraw(lake.engine, made.id, dpo, at=NOW + DAY)
    assert relation(gate, doctor, "Patient/a", NOW + DAY) == Relation.UNIT
    assert hidden(gate, doctor, NOW + DAY) == set()


@pytest.mark.parametrize("mode", ["warn", "off"])
def test_a_refusal_holds_whatever_the_hospital_asks_of_relations(lake, gate, doctor, dpo, mode):
    care.set_units(lake.engine, "anna", ["*"])
    consent.record(lake, dpo, "Patient/b", "care", at=NOW)
    other = Access(lake, Rules(mode))
    assert relation(other, doctor, "Patient/b") == relation(gate, doctor, "Patient/b") == Why.REFUSED
    assert hidden(other, doctor) == {"b"}
    other.break_glass(doctor, "Patient/b", code="vital", words=WORDS, at=NOW)
    assert relation(other, doctor, "Patient/b") == Relation.GLASS


def test_a_refusal_by_consent_or_of_one_who_is_the_same_person_counts_too(lake, gate, doctor, dpo):
    provision = {"type": "deny", "purpose": [{"system": purposes.SYSTEM, "code": "TREAT"}]}
    said = {
        "resourceType": "Consent", "id": "k", "status": "active", "provision": provision,
        "scope": {"coding": [{"code": "patient-privacy"}]}, "patient": {"reference": "Patient/b"},
    }  # fmt: skip
    receive(lake, said, patient("twin"))
    records = people.add(lake.engine, "rita", name="Rita", role="records")
    consent.record(lake, records, "Patient/twin", "care", person="anna", at=NOW)
    identity.merge(lake, "twin", "a", by="rita", reason="Same card", at=NOW)
    assert relation(gate, doctor, "Patient/b") == Why.REFUSED
    assert relation(gate, doctor, "Patient/a") == Why.EXCLUDED
    assert hidden(gate, doctor) == {"a", "b", "twin"}
    with pytest.raises(OutsideCare):
        gate.break_glass(doctor, "Patient/a", code="vital", words=WORDS, at=NOW)
    assert relation(gate, people.add(lake.engine, "ben", name="Ben", role="doctor"), "Patient/a") == (
        Why.NO_RELATION
    )


def test_who_does_not_treat_is_not_kept_out_by_a_refusal_of_care(lake, gate, dpo):
    consent.record(lake, dpo, "Patient/a", "care", at=NOW)
    assert gate.require(dpo, Right.SEE_IDENTITY, "Patient/a", wanted="HCOMPL", at=NOW).purpose == "HCOMPL"


def test_a_hospital_may_warn_instead_or_not_ask_at_all(lake, gate, doctor):
    warning = Access(lake, Rules("warn"))
    grant = warning.require(doctor, Right.SEE_WORKLIST, "Patient/b", at=NOW)
    assert grant.detail == {"purpose": "TREAT", "relation": "none"}
    assert listed(warning, doctor) is None
    silent = Access(lake, Rules("off"))
    assert relation(silent, doctor, "Patient/b") == Relation.NOT_ASKED


def test_a_right_that_does_not_treat_asks_for_no_relation(gate, dpo, doctor):
    answer = gate.allow(dpo, Right.SEE_IDENTITY, ["Patient/b"], wanted="HCOMPL", at=NOW)
    assert answer.granted["Patient/b"].detail == {"purpose": "HCOMPL"}
    assert gate.allow(dpo, Right.SEE_WORKLIST, ["Patient/a"]).refused == {"Patient/a": Why.ROLE}
    with pytest.raises(NotAllowed):
        purposes.purpose(Right.SEE_WORKLIST, "HRESCH")
    with pytest.raises(InvalidSetting):
        purposes.purpose(Right.SEE_WORKLIST, "CURIOSITY")


def test_a_unit_of_nothing_or_an_account_of_nobody_is_refused(engine, doctor):
    for wrong in ([""], ["x" * 161], ["a\nb"]):
        with pytest.raises(InvalidSetting):
            care.set_units(engine, "anna", wrong)
    with pytest.raises(NotFound):
        care.set_units(engine, "nobody", ["*"])
    assert care.units(engine, "anna") == ("Location/GER",)
    assert care.everyones_units(engine) == {"anna": ("Location/GER",)}


CELLS = list(itertools.product(Role, Right, ["", *State], Relation))


def test_every_cell_of_role_right_state_and_relation_follows_from_the_three_tables():
    for role, right, state, relation_ in CELLS:
        expected = role in MATRIX[right]
        if state:
            expected &= state in access.STATES.get(right, frozenset(State))
        if relation_ == Relation.NONE:
            expected &= not CARING.intersection(PURPOSES.get(right, ())[:1])
        assert access.may(role, right, state, relation_) is expected
    assert not access.may("doctor", "decide", "silent", "unit")
    assert not access.may("doctor", "see_worklist", "live", "none")
    assert access.may("dpo", "see_identity", "", "none")


def test_a_mistyped_state_relation_or_right_is_an_error():
    for wrong in (("decide", "alive", "unit"), ("decide", "live", "friend"), ("peek", "live", "unit")):
        with pytest.raises(InvalidSetting):
            access.may("doctor", *wrong)
    access.require("doctor", "decide", "live")
    with pytest.raises(NotAllowed):
        access.require("doctor", "decide", "retired")


def test_erasing_a_patient_empties_words_and_where_they_lay_and_keeps_who_opened_and_the_verdict(
    tmp_path, database_url
):
    from vesalius import erasure
    from vesalius.hospital import Hospital
    from vesalius.settings import Settings

    hospital = Hospital.open(tmp_path / "home", Settings(database=database_url))
    engine, gate = hospital.engine, hospital.access
    anna, dora = (people.add(engine, each, name=each, role=each) for each in ("doctor", "dpo"))
    receive(hospital.lake, patient("secret1"), stay("es", "secret1"))
    gate.take_on(anna, "Patient/secret1", reason="The woman of room 7", until=NOW + DAY, at=NOW)
    broken = gate.break_glass(anna, "Patient/secret1", code="other", words=WORDS, at=NOW + 2 * DAY)
    glass.review(engine, broken.id, dora, "justified", "Room 7 it was")
    order = erasure.Order(asked_by="patient", ground="objection", reason="letter")
    erasure.forget(hospital, erasure.plan(hospital, "Patient/secret1"), order, dora)
    with reading(engine) as connection:
        for table in care.tables():
            text = str(connection.execute(sa.text(f"SELECT * FROM {table}")).all())
            for gone in ("secret1", "oom 7", WORDS):
                assert gone not in text, table
    (left,) = glass.listed(engine)
    assert (left.person, left.code, left.verdict.verdict) == ("doctor", "other", "justified")
    assert left.erased is not None
    hospital.close()
