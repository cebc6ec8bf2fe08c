"""What patients refuse: entries, Consents, who is left out at a moment, and how each step can be taken back."""

import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vesalius import identity
from vesalius.errors import Conflict, InvalidDecision, NotAllowed, NotFound, Unavailable
from vesalius.governance import _consents, audit, consent, people, roles
from vesalius.governance.consent import Kind, Reason
from vesalius.lake import Arrival, Lake
from vesalius.store import open_store, writing

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
KINDS = ("care", "suggestions", "secondary")


def patient(id_):
    return {"resourceType": "Patient", "id": id_}


def refusing(id_, who, *kinds, status="active", **more):
    """A Consent that refuses these; without any, everything."""
    provision = {"type": "deny", "purpose": [{"system": consent.OURS, "code": kind} for kind in kinds]}
    named = {"patient": {"reference": f"Patient/{who}"}} if who else {}
    return {
        "resourceType": "Consent", "id": id_, "status": status, "provision": provision,
        "scope": {"coding": [{"code": "patient-privacy"}]}, **named,
    } | more  # fmt: skip


def receive(lake, *bodies, at=NOW - DAY):
    lake.write([Arrival.of(json.dumps(body).encode(), at) for body in bodies], "tests", NOW)


@pytest.fixture
def engine(database_url):
    opened = open_store(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def lake(engine, tmp_path):
    made = Lake(engine, tmp_path / "columns")
    receive(made, patient("a"), patient("b"), patient("c"))
    return made


@pytest.fixture
def records(engine):
    return people.add(engine, "rita", name="Rita", role="records")


@pytest.fixture
def doctor(engine):
    return people.add(engine, "anna", name="Anna", role="doctor")


def out(lake, kind="secondary", at=NOW):
    return {each.removeprefix("Patient/") for each in consent.excluded(lake, kind, at)}


def test_a_refusal_holds_from_its_beginning_until_it_is_withdrawn(lake, engine, records):
    made = consent.record(lake, records, "Patient/a", "secondary", begins=NOW, at=NOW + DAY)
    assert (made.patient, made.kind, made.role, made.said_by) == (
        "Patient/a", Kind.SECONDARY, "records", "patient",
    )  # fmt: skip
    assert out(lake) == {"a"}
    assert out(lake, at=NOW - TICK) == out(lake, "suggestions") == out(lake, "care") == set()
    ended = consent.withdraw(engine, made.id, records, ends=NOW + 2 * DAY, at=NOW + 3 * DAY)
    assert (ended.holds(NOW - TICK), ended.holds(NOW), ended.holds(NOW + 2 * DAY)) == (False, True, False)
    assert out(lake, at=NOW + 2 * DAY) == set()
    assert out(lake, at=NOW + 2 * DAY - TICK) == {"a"}
    assert consent.standing(lake, ["Patient/a", "Patient/b"], NOW) == {"Patient/a": (Kind.SECONDARY,)}
    assert consent.standing(lake, ["Patient/a"], NOW + 2 * DAY) == {}


def test_each_step_can_be_taken_back_and_is_in_the_audit_without_a_word(lake, engine, records):
    made = consent.record(lake, records, "Patient/a", "care", said_by="representative", at=NOW)
    ended = consent.withdraw(engine, made.id, records, at=NOW + DAY)
    again = consent.undo(engine, made.id, records, NOW + 2 * DAY)
    assert again == made
    assert out(lake, "care", NOW + 5 * DAY) == {"a"}
    gone = consent.undo(engine, made.id, records, NOW + 3 * DAY)
    assert (gone.undone_by, gone.undone_at) == ("rita", NOW + 3 * DAY)
    assert out(lake, "care", NOW) == set()
    with pytest.raises(Conflict, match="taken back"):
        consent.undo(engine, made.id, records)
    with pytest.raises(Conflict, match="any more"):
        consent.withdraw(engine, made.id, records)
    events = [each for each in audit.events(engine) if each.action.startswith("consent.")]
    events.sort(key=lambda each: each.seq)
    assert [each.action.value if hasattr(each.action, "value") else each.action for each in events] == [
        "consent.recorded", "consent.withdrawn", "consent.undone", "consent.undone",
    ]  # fmt: skip
    kept = [each.content for each in (made, ended, again, gone)]
    assert [each.detail["content"] for each in events] == kept
    assert len(set(kept)) == 3
    assert {each.object for each in events} == {f"consent/{made.id}"}
    assert set(events[0].detail) == {"subject", "kind", "role", "purpose", "content"}
    assert audit.verify(engine) > 0
    assert consent.entries(engine) == consent.entries(engine, "Patient/a") == [gone]
    assert consent.entries(engine, "Patient/b") == []


def test_what_was_withdrawn_can_be_refused_anew_and_then_the_withdrawal_stands(lake, engine, records):
    first = consent.record(lake, records, "Patient/a", "secondary", at=NOW)
    with pytest.raises(Conflict, match="refused already"):
        consent.record(lake, records, "Patient/a", "secondary", at=NOW)
    consent.record(lake, records, "Patient/a", "suggestions", at=NOW)
    consent.withdraw(engine, first.id, records, at=NOW + DAY)
    second = consent.record(lake, records, "Patient/a", "secondary", at=NOW + 2 * DAY)
    with pytest.raises(Conflict, match="anew"):
        consent.undo(engine, first.id, records)
    assert [out(lake, at=NOW + n * DAY) for n in (0, 1, 2)] == [{"a"}, set(), {"a"}]
    assert [each.id for each in consent.entries(engine, limit=1)] == [second.id]
    sources = [each.source for each in consent.listed(lake) if each.kind == Kind.SECONDARY]
    assert sources == [f"entry/{first.id}", f"entry/{second.id}"]


def test_who_is_refused_by_name_is_no_refusal_of_everybody(lake, engine, records, doctor):
    named = consent.record(lake, records, "Patient/a", "care", person="anna", at=NOW)
    assert out(lake, "care") == set()
    assert consent.standing(lake, ["Patient/a"], NOW) == {}
    consent.record(lake, records, "Patient/a", "care", at=NOW)
    assert out(lake, "care") == {"a"}
    assert named.person == "anna"
    with engine.connect() as connection:
        assert consent.excluding(connection, records, NOW) is None
        chosen = consent.excluding(connection, doctor, NOW)
        assert connection.execute(chosen).scalars().all() == ["a"]
        assert consent.excluding(connection, doctor, NOW - TICK) is None


def test_what_cannot_be_is_refused_and_nothing_is_kept(lake, engine, records, doctor):
    before = len(audit.events(engine))
    for error, who, kind, more in (
        (NotFound, "Patient/nobody", "care", {}),
        (NotFound, "Encounter/a", "care", {}),
        (NotFound, "a", "care", {}),
        (InvalidDecision, "Patient/a", "", {}),
        (InvalidDecision, "Patient/a", "everything", {}),
        (InvalidDecision, "Patient/a", "care", {"said_by": "a neighbour"}),
        (InvalidDecision, "Patient/a", "secondary", {"person": "anna"}),
        (NotFound, "Patient/a", "care", {"person": "nobody"}),
    ):
        with pytest.raises(error):
            consent.record(lake, records, who, kind, at=NOW, **more)
    assert consent.entries(engine) == []
    assert len(audit.events(engine)) == before


def test_only_medical_records_and_the_officer_enter_withdraw_and_take_back(lake, engine, records, doctor):
    made = consent.record(lake, records, "Patient/a", "care", at=NOW)
    with pytest.raises(NotAllowed):
        consent.record(lake, doctor, "Patient/b", "care", at=NOW)
    for step in (consent.withdraw, consent.undo):
        with pytest.raises(NotAllowed):
            step(engine, made.id, doctor)
        with pytest.raises(NotFound):
            step(engine, made.id + 1, records)
    with pytest.raises(InvalidDecision, match="before it begins"):
        consent.withdraw(engine, made.id, records, at=NOW - TICK)
    with pytest.raises(InvalidDecision):
        consent.excluded(lake, "nothing")
    assert roles.MATRIX["record_consent"] == {"records", "dpo"}
    assert consent.entries(engine) == [made]


def test_a_newer_version_of_a_consent_takes_the_place_of_the_older(lake):
    receive(lake, refusing("k", "a", "secondary"), at=NOW - 2 * DAY)
    assert out(lake) == {"a"}
    receive(lake, refusing("k", "a", "suggestions"), at=NOW - DAY)
    assert (out(lake), out(lake, "suggestions")) == (set(), {"a"})
    receive(lake, refusing("k", "b", "suggestions"), at=NOW - DAY / 2)
    assert out(lake, "suggestions") == {"b"}
    receive(lake, refusing("k", "b", "suggestions", status="inactive"), at=NOW)
    assert out(lake, "suggestions") == set()


def test_a_version_that_arrives_late_does_not_bring_back_what_it_said(lake):
    receive(lake, refusing("k", "a", "secondary", status="inactive"), at=NOW)
    assert out(lake) == set()
    receive(lake, refusing("k", "a", "secondary"), at=NOW - DAY)
    assert out(lake) == set()
    receive(lake, refusing("j", "b", "secondary"), refusing("j", "b"), at=NOW)
    assert out(lake, "care") == {"b"}


def test_a_consent_that_cannot_be_read_counts_as_refusal_and_says_why(lake):
    receive(lake, refusing("k", "a", "secondary", status="whatever"), refusing("j", "b"))
    assert [out(lake, kind) for kind in KINDS] == [{"a", "b"}] * 3
    assert {each.reason for each in consent.listed(lake, "Patient/a")} == {Reason.FORM}
    found = {each.kind: each for each in consent.counts(lake, NOW)}
    assert [found[kind].patients for kind in KINDS] == [2, 2, 2]
    assert [found[kind].unread for kind in KINDS] == [1, 1, 1]
    (shown,) = [each for each in consent.listed(lake, "Patient/b") if each.kind == Kind.CARE]
    assert (shown.source, shown.ends, shown.reason) == ("Consent/j", None, Reason.REFUSED)


def test_a_consent_that_names_no_patient_holds_nobody_back_and_is_counted(lake):
    receive(lake, refusing("k", ""), refusing("j", "a", patient={"identifier": {"value": "7"}}))
    assert [out(lake, kind) for kind in KINDS] == [set()] * 3
    assert [each.nameless for each in consent.counts(lake, NOW)] == [2, 2, 2]
    assert [each.patients for each in consent.counts(lake, NOW)] == [0, 0, 0]


def test_with_a_patient_goes_everybody_who_is_one_person_with_them(lake, engine, records):
    receive(lake, refusing("k", "a", "suggestions"))
    consent.record(lake, records, "Patient/b", "secondary", at=NOW)
    first = identity.merge(lake, "a", "b", by="rita", reason="Same card", at=NOW)
    second = identity.merge(lake, "b", "c", by="rita", reason="Same card", at=NOW)
    assert out(lake) == out(lake, "suggestions") == {"a", "b", "c"}
    everything = (Kind.SUGGESTIONS, Kind.SECONDARY)
    assert consent.standing(lake, ["Patient/c"], NOW) == {"Patient/c": everything}
    assert {each.source for each in consent.listed(lake, "Patient/c")} >= {"Consent/k"}
    identity.unmerge(lake, second.id, by="rita", reason="Two sisters")
    identity.unmerge(lake, first.id, by="rita", reason="Two sisters")
    assert (out(lake), out(lake, "suggestions")) == ({"b"}, {"a"})


def test_a_pinned_lake_hears_of_refusals_that_came_since(lake):
    pinned = lake.pinned()
    receive(lake, refusing("k", "a"))
    assert consent.excluded(pinned, "secondary", NOW) == {"Patient/a"}


def test_an_index_far_behind_says_so_and_goes_on_where_it_stopped(lake, monkeypatch):
    receive(lake, *(refusing(f"k{n}", "a" if n % 2 else "b") for n in range(5)))
    monkeypatch.setattr(_consents, "_BATCH", 2)
    monkeypatch.setattr(_consents, "SECONDS", -1.0)
    with pytest.raises(Unavailable, match="brought up"):
        consent.excluded(lake, "care", NOW)
    heard = []
    consent.bring_up(lake, heard.append)
    assert len(heard) == 3
    assert heard == sorted(heard)
    assert out(lake, "care") == {"a", "b"}


def test_an_index_that_was_lost_is_made_again_from_the_log(lake, engine):
    receive(lake, refusing("k", "a"), refusing("j", "b", "care"))
    before = consent.listed(lake)
    with writing(engine) as connection:
        for table in (_consents.refusal, _consents.progress):
            connection.execute(sa.delete(table))
    assert consent.listed(lake) == before
    assert len(before) == 4


# A model: of each patient and kind, the spans that hold, by entries and by the Consents in force.
# Moments are days from a fixed one; what is entered is entered in order, Consents are recorded at any day.

_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("enter"), st.sampled_from("abc"), st.sampled_from(KINDS), st.integers(0, 9)),
        st.tuples(st.just("withdraw"), st.integers(0, 9), st.integers(0, 12)),
        st.tuples(st.just("undo"), st.integers(0, 9)),
        st.tuples(
            st.just("consent"), st.sampled_from("xy"), st.sampled_from("abc"), st.sampled_from(KINDS),
            st.integers(0, 9), st.booleans(),
        ),
        st.tuples(st.just("ask"), st.integers(0, 12)),
    ),
    max_size=14,
)  # fmt: skip


class Model:
    """What is refused, as simply as it can be said."""

    def __init__(self):
        self.entries = []
        self.consents = {}

    def enter(self, who, kind, begins):
        if any(each["who"] == who and each["kind"] == kind and each["open"] for each in self.entries):
            return False
        self.entries.append(
            {"who": who, "kind": kind, "begins": begins, "ends": None, "open": True, "gone": False}
        )
        return True

    def withdraw(self, number, ends):
        each = self.entries[number]
        if not each["open"] or ends < each["begins"]:
            return False
        each["ends"], each["open"] = ends, False
        return True

    def undo(self, number):
        each = self.entries[number]
        if each["gone"]:
            return False
        if each["ends"] is None:
            each["gone"], each["open"] = True, False
            return True
        if any(o["open"] for o in self.entries if (o["who"], o["kind"]) == (each["who"], each["kind"])):
            return False
        each["ends"], each["open"] = None, True
        return True

    def consent(self, name, who, kind, day, active):
        if name not in self.consents or self.consents[name][0] <= day:
            self.consents[name] = (day, who, kind, active)

    def excluded(self, kind, at):
        entered = {
            each["who"]
            for each in self.entries
            if each["kind"] == kind and not each["gone"] and each["begins"] <= at
            and (each["ends"] is None or at < each["ends"])
        }  # fmt: skip
        return entered | {who for _, who, what, active in self.consents.values() if what == kind and active}


_TOKENS = itertools.count()


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    folder = tmp_path_factory.mktemp("consents")
    engine = open_store(f"sqlite:///{folder / 'model.sqlite'}")
    made = Lake(engine, folder / "columns")
    receive(made, patient("a"), patient("b"), patient("c"))
    yield made, people.add(engine, "rita", name="Rita", role="records")
    engine.dispose()


def _tried(step, *arguments, **more):
    try:
        step(*arguments, **more)
    except (Conflict, InvalidDecision):
        return False
    return True


def _cleared(lake):
    consent.bring_up(lake)
    with writing(lake.engine) as connection:
        for name in consent.tables():
            connection.execute(sa.text(f"DELETE FROM {name}"))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
def test_whatever_is_entered_withdrawn_and_received_the_same_are_left_out_as_in_a_model(shelf, steps):
    lake, by = shelf
    token = next(_TOKENS)  # what the lake has already is no arrival
    _cleared(lake)
    model, ids, moment = Model(), [], {day: NOW + day * DAY for day in range(13)}
    for number, (step, *rest) in enumerate([*steps, ("ask", 0), ("ask", 6), ("ask", 12)]):
        if step == "enter":
            who, kind, begins = rest
            done = _tried(consent.record, lake, by, f"Patient/{who}", kind, begins=moment[begins], at=NOW)
            assert done == model.enter(who, kind, begins)
            if done:
                ids.append(consent.entries(lake.engine, limit=1)[0].id)
        elif step == "consent":
            name, who, kind, day, active = rest
            status = "active" if active else "inactive"
            body = refusing(f"{name}-{token}", who, kind, status=status, dateTime=f"{number}")
            receive(lake, body, at=moment[day])
            model.consent(name, who, kind, day, active)
        elif step == "ask":
            assert [out(lake, kind, moment[rest[0]]) for kind in KINDS] == [
                model.excluded(kind, rest[0]) for kind in KINDS
            ]
        elif rest[0] < len(ids):
            entry, *ends = rest
            step_ = consent.withdraw if step == "withdraw" else consent.undo
            more = {"ends": moment[ends[0]]} if ends else {}
            assert _tried(step_, lake.engine, ids[entry], by, at=NOW, **more) == getattr(model, step)(*rest)
