"""The silent trial as evidence: only one that was planned, kept and ended as its plan says opens the gate to live."""

import msgspec
import pytest
import sqlalchemy as sa
from scales import DAY, LATE, START, draft, many

from vesalius import trial
from vesalius.dossier import beside
from vesalius.governance import audit, gates, uses
from vesalius.store import reading, writing
from vesalius.trial import _keeping, register, sealing, verdicts
from vesalius.trial._tables import look as look_table
from vesalius.trial._tables import plan as plan_table


@pytest.fixture
def plan(hospital, staff, silent):
    return register(hospital, "scale", staff["engineer"], draft(), reason="as agreed", at=START)


def found(hospital, at=LATE):
    with reading(hospital.engine) as connection:
        return sealing.found(connection, uses.life(connection, "scale", at))


def write_look(hospital, plan, made, *, event):
    """A look as somebody with the database writes it: with its right hash, and an event or none."""
    with writing(hospital.engine) as connection:
        connection.execute(sa.delete(look_table))
        _keeping.keep_look(connection, plan, made)
        if event:
            detail = {"number": made.number, "plan": made.plan, "hash": made.hash, "verdict": made.verdict}
            audit.record(connection, audit.SYSTEM, audit.Action.TRIAL_LOOKED, "scale", detail, LATE)


def test_a_trial_that_ended_in_success_is_found(hospital, plan, case):
    assert (found(hospital).succeeded, found(hospital).seal) == (
        False,
        trial.state(hospital, "scale", LATE).seal,
    )
    many(case, 35, 1)
    trial.look(hospital, "scale", LATE)
    stands = found(hospital)
    event = audit.events(hospital.engine, action="trial.looked")[0]
    assert (stands.succeeded, stands.altered, stands.event) == (True, False, event.seq)
    assert stands.seal == trial.state(hospital, "scale", LATE).seal
    with reading(hospital.engine) as connection:
        kept = audit.events(hospital.engine, thing="scale", limit=100)
        assert {each.action for each in kept} >= {"trial.registered", "trial.looked"}
        said = [(each.seq, claim) for each in kept[::-1] for claim in beside.claimed(connection, each)]
        beside_it = beside.compare(connection, "scale", said)
    assert beside_it.events == ()
    assert not [each for each in beside_it.extra if "trial" in each or "look" in each]


def test_without_a_plan_nothing_is_found(hospital, silent):
    assert found(hospital) == sealing.Trial()


def test_changed_views_make_it_another_tool(hospital, plan, case, monkeypatch):
    many(case, 35, 1)
    trial.look(hospital, "scale", LATE)
    monkeypatch.setattr(gates, "views_mark", lambda _: "another")
    assert found(hospital).succeeded is False
    assert found(hospital).seal.endswith("success+tool")
    assert trial.state(hospital, "scale", LATE).changed == "tool"


def test_rows_that_no_event_speaks_of_are_no_trial(hospital, plan, case):
    many(case, 35, 1)
    made = trial.look(hospital, "scale", LATE)
    forged = msgspec.structs.replace(made, minutes_late=1.0)
    write_look(hospital, plan, forged, event=False)
    assert found(hospital) == sealing.Trial(altered=True)
    with writing(hospital.engine) as connection:
        connection.execute(sa.delete(look_table))
        connection.execute(sa.delete(plan_table))
        _keeping.keep_plan(connection, msgspec.structs.replace(plan, reason="another"))
    assert found(hospital) == sealing.Trial(altered=True)


@pytest.mark.parametrize(
    "forge",
    [
        lambda made: msgspec.structs.replace(made, verdict="success"),
        lambda made: msgspec.structs.replace(made, last=True, verdict="maximum"),
        lambda made: msgspec.structs.replace(made, number=2),
        lambda made: msgspec.structs.replace(made, at=START - DAY),
        lambda made: msgspec.structs.replace(
            made, accrual=msgspec.structs.replace(made.accrual, fraction=0.1)
        ),
    ],
    ids=["a better verdict", "an early end", "a missing look", "before the plan", "before it was due"],
)
def test_a_look_that_does_not_follow_from_its_figures_is_none_even_with_an_event(hospital, plan, case, forge):
    many(case, 14, 6)
    made = trial.look(hospital, "scale", LATE)
    assert made.verdict != "success"
    assert verdicts.follows(plan, [made])
    write_look(hospital, plan, _keeping.settled(forge(made)), event=True)
    stands = found(hospital)
    assert (stands.succeeded, stands.altered) == (False, True)


def test_no_look_follows_an_end(hospital, plan, case):
    many(case, 35, 1)
    made = trial.look(hospital, "scale", LATE)
    again = msgspec.structs.replace(made, number=2, at=LATE + DAY)
    assert not verdicts.follows(plan, [made, again])
    assert not verdicts.follows(plan, [again])
