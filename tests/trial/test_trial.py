"""The silent trial: registered first, counted honestly, looked at only when it was planned."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from scales import DAY, LATE, MODEL, START, Scale, draft, many

from vesalius import loop, trial
from vesalius.card import Option
from vesalius.errors import Conflict, InvalidSetting, NotAllowed, Tampered
from vesalius.evaluation.endpoints import Aim
from vesalius.governance import audit, uses
from vesalius.store import writing
from vesalius.trial import propose, register, size
from vesalius.trial._tables import look as look_table
from vesalius.usecase import UseCase


@pytest.fixture
def plan(hospital, staff, silent):
    return register(hospital, "scale", staff["engineer"], draft(), reason="as agreed", at=START)


def test_without_a_plan_there_is_nothing_to_look_at(hospital, silent):
    stands = trial.state(hospital, "scale", LATE)
    assert (stands.verdict, stands.plan, stands.seal) == ("none", None, "trial:none")
    assert trial.turn(hospital, "scale", LATE) is None
    with pytest.raises(Conflict, match="registered"):
        trial.look(hospital, "scale", LATE)


def test_a_plan_says_what_it_needs_and_the_audit_holds_its_hash(hospital, plan):
    assert plan.information == size(draft()).needed.information
    assert plan.patients == 2 * plan.information
    assert (plan.model, plan.version, plan.number, plan.role) == (MODEL.hash, "1.0", 1, "engineer")
    event = audit.events(hospital.engine, limit=1)[0]
    assert (event.action, event.detail["hash"]) == ("trial.registered", plan.hash)
    stands = trial.state(hospital, "scale", START)
    assert (stands.plan, stands.verdict, stands.due) == (plan, "go_on", False)


@pytest.mark.parametrize("role", ["nurse", "dpo", "director"])
def test_only_those_who_answer_for_the_use_plan(hospital, staff, silent, role):
    with pytest.raises(NotAllowed):
        register(hospital, "scale", staff[role], draft(), reason="why not", at=START)
    assert trial.state(hospital, "scale", START).plan is None


WRONG = [
    {"acts": ()},
    {"acts": ("start", "wait", "none")},
    {"acts": ("nothing",)},
    {"subgroups": ("glucose",)},
    {"wait_days": -1},
    {"wait_days": 30, "longest_days": 30},
    {"looks": 0},
    {"looks": 11},
    {"alpha": 0.4},
    {"aim": Aim(endpoint="sensitivity", value=0.9, expected=0.8, prevalence=0.5)},
]


@pytest.mark.parametrize("change", WRONG, ids=str)
def test_a_plan_that_cannot_be_kept_is_refused(hospital, staff, silent, change):
    with pytest.raises(InvalidSetting):
        register(hospital, "scale", staff["doctor"], draft(**change), reason="why", at=START)


def test_a_plan_needs_a_reason_and_a_use_that_can_be_compared(hospital, staff, silent, installed):
    with pytest.raises(InvalidSetting, match="why"):
        register(hospital, "scale", staff["doctor"], draft(), reason=" ", at=START)
    installed["scale"] = type(
        "Rules", (Scale,), {"practice": UseCase.practice, "shipped_model": lambda _: None}
    )
    for endpoint in ("auroc", "sensitivity_gain"):
        aim = Aim(
            endpoint=endpoint,
            value=0.6 if endpoint == "auroc" else 0,
            expected=0.7,
            prevalence=0.5,
            disagreement=0.8,
        )
        with pytest.raises(InvalidSetting, match="another endpoint"):
            register(hospital, "scale", staff["doctor"], draft(aim=aim), reason="why", at=START)


def test_a_change_is_a_new_version_and_begins_anew(hospital, staff, plan, case):
    many(case, 15, 5)
    assert trial.look(hospital, "scale", LATE).number == 1
    with pytest.raises(Conflict, match="meanwhile"):
        register(hospital, "scale", staff["doctor"], draft(), reason="why", at=LATE, after=0)
    again = register(hospital, "scale", staff["doctor"], draft(), reason="other value", at=LATE, after=1)
    stands = trial.state(hospital, "scale", LATE + 30 * DAY)
    assert (again.number, stands.plan, stands.looks, stands.accrual.patients) == (2, again, (), 0)
    assert [each.number for each in stands.plans] == [2, 1]


def test_no_trial_is_planned_for_a_use_that_speaks(hospital, staff, silent, sign):
    sign("director", "dpo", "legal", "works_council", "doctor")
    with pytest.raises(NotAllowed, match="silence"):
        register(hospital, "scale", staff["engineer"], draft(), reason="too late", at=START)


def test_each_patient_counts_once_and_only_when_waited_for_long_enough(hospital, plan, case):
    case(-3)  # before the plan
    case(1, subject="Patient/f-50-a")
    case(2, subject="Patient/f-50-a", tool=False)  # the same patient again
    case(3, outcome=None)
    case(4, probability=None)
    case(5, model="another")
    case(6, mode="live")
    case(12)  # its outcome is known, and its wait is not over
    seen = trial.state(hospital, "scale", START + 16 * DAY).accrual
    assert (seen.patients, seen.events, seen.flagged) == (1, 1, 1)
    assert (seen.missing, seen.waiting, seen.beyond, seen.repeats) == (1, 1, 1, 1)
    later = trial.state(hospital, "scale", START + 30 * DAY).accrual
    assert (later.patients, later.waiting) == (2, 0)


def test_what_is_seen_between_looks_says_nothing_of_how_the_tool_does(hospital, staff, silent, case):
    """A good tool and a useless one look the same until the look."""
    register(hospital, "scale", staff["engineer"], draft(), reason="as agreed", at=START)
    for place in range(20):
        case(1 + place / 100, tool=place % 2 == 0, outcome=place % 2 == 0)
    good = trial.state(hospital, "scale", LATE)
    register(hospital, "scale", staff["engineer"], draft(), reason="again", at=START + 20 * DAY)
    for place in range(20):
        case(21 + place / 100, tool=place % 2 == 0, outcome=place % 4 < 2)
    bad = trial.state(hospital, "scale", LATE)
    assert good.accrual == bad.accrual
    assert good.accrual.patients == 20
    assert not good.due
    with pytest.raises(Conflict, match="only when it was planned"):
        trial.look(hospital, "scale", LATE)


def test_a_look_is_taken_once_when_it_is_due_and_stays_as_it_was(hospital, plan, case):
    many(case, 15, 5, others=20)
    stands = trial.state(hospital, "scale", LATE)
    assert stands.due
    assert stands.next_fraction == 0.5
    made = trial.turn(hospital, "scale", LATE)
    assert made.measured.value == pytest.approx(15 / 20)
    assert (made.verdict, made.number, made.last) == ("go_on", 1, False)
    assert made.interval.low < 15 / 20 < made.interval.high
    assert trial.turn(hospital, "scale", LATE) is None
    case(2, tool=True)  # what came in late changes nothing of it
    assert trial.state(hospital, "scale", LATE + DAY).looks == (made,)
    event = audit.events(hospital.engine, limit=1)[0]
    assert event.detail == {"number": 1, "plan": plan.hash, "hash": made.hash, "verdict": "go_on"}
    with pytest.raises(Conflict, match="the next look is at 100%"):
        trial.look(hospital, "scale", LATE)


def test_the_loop_takes_the_look_by_itself(hospital, plan, case):
    many(case, 15, 5)
    assert not any(each.error for each in loop.turn_all(hospital, LATE))
    assert len(trial.state(hospital, "scale", LATE).looks) == 1


@pytest.mark.parametrize(
    ("hits", "misses", "verdict"), [(20, 0, "success"), (6, 14, "futile"), (15, 5, "go_on")]
)
def test_the_first_look_says_whether_enough_was_seen(hospital, plan, case, hits, misses, verdict):
    many(case, hits, misses)
    assert trial.look(hospital, "scale", LATE).verdict == verdict
    stands = trial.state(hospital, "scale", LATE)
    assert stands.succeeded == (verdict == "success")
    assert (stands.next_fraction is None) == (verdict != "go_on")


def test_at_the_maximum_the_trial_ends_whatever_was_found(hospital, plan, case):
    many(case, 14, 6)
    assert trial.look(hospital, "scale", LATE).verdict == "go_on"
    many(case, 10, 5, day=61)
    made = trial.look(hospital, "scale", LATE + 60 * DAY)
    assert (made.last, made.verdict, made.number) == (True, "maximum", 2)
    assert made.bounds.upper[-1] == made.bounds.lower[-1]
    with pytest.raises(Conflict, match="ended"):
        trial.look(hospital, "scale", LATE + 90 * DAY)


def test_two_planned_looks_that_are_passed_at_once_are_one(hospital, plan, case):
    many(case, 60, 10)
    made = trial.look(hospital, "scale", LATE)
    assert (made.number, made.last, made.verdict) == (1, True, "success")
    assert made.bounds.upper == pytest.approx((1.959964,), abs=1e-5)


def test_when_the_time_is_over_the_last_look_is_taken_with_what_there_is(hospital, plan, case):
    many(case, 8, 1)
    stands = trial.state(hospital, "scale", START + 199 * DAY)
    assert not stands.due
    assert stands.next_at == START + 200 * DAY
    made = trial.look(hospital, "scale", START + 201 * DAY)
    assert made.last
    assert made.verdict == "maximum"
    assert made.bounds.upper == pytest.approx((1.959964,), abs=1e-5)


def test_a_trial_in_which_nothing_happened_ends_too(hospital, plan):
    made = trial.look(hospital, "scale", START + 201 * DAY)
    assert (made.verdict, made.measured.value, made.interval, made.cells) == ("maximum", None, None, ())


def test_success_on_the_whole_is_none_where_a_group_is_worse(hospital, staff, silent, case):
    register(hospital, "scale", staff["doctor"], draft(subgroups=("sex", "age")), reason="both", at=START)
    many(case, 60, 1, others=30)
    many(case, 2, 12, others=12, sex="m", age=70)
    made = trial.look(hospital, "scale", LATE)
    groups = {(each.input, each.level): each for each in made.groups}
    assert list(groups) == [("sex", "female"), ("sex", "male"), ("age", "40-64"), ("age", "65-79")]
    assert groups["sex", "male"].worse is True
    assert groups["sex", "female"].worse is False
    assert made.verdict == "uneven"
    assert not trial.state(hospital, "scale", LATE).succeeded


def test_a_group_of_a_few_is_not_judged_and_broken_data_stops_nothing(hospital, staff, silent, case):
    register(hospital, "scale", staff["doctor"], draft(subgroups=("sex",)), reason="both", at=START)
    many(case, 20, 0, others=10)
    case(2, tool=False, sex="m")
    case(2, sex="broken")
    made = trial.look(hospital, "scale", LATE)
    assert [(each.level, each.patients, each.worse) for each in made.groups] == [
        ("female", 30, False),
        ("male", 1, None),
    ]


def test_the_tool_the_clinicians_and_what_happened_are_laid_side_by_side(hospital, plan, case):
    many(case, 20, 3, clinicians=True)
    many(case, 5, 2, clinicians=False, others=4)
    many(case, 1, 1, clinicians=None)
    case(1, outcome=None, clinicians=True)
    made = trial.look(hospital, "scale", LATE)
    found = {(each.tool, each.clinicians, each.outcome): each.count for each in made.cells}
    assert found == {
        (True, True, True): 20, (False, True, True): 3, (True, False, True): 5, (False, False, True): 2,
        (False, False, False): 4, (True, None, True): 1, (False, None, True): 1, (True, True, None): 1,
    }  # fmt: skip
    assert made.others["practice_sensitivity"].value == pytest.approx(23 / 30, abs=1e-6)
    assert made.extremes == (pytest.approx(26 / 32), pytest.approx(27 / 33))
    assert made.hours_ahead == 48
    assert made.minutes_late == 5


def test_a_look_holds_no_patient(hospital, plan, case):
    many(case, 35, 1)
    trial.look(hospital, "scale", LATE)
    with writing(hospital.engine) as connection:
        body = connection.execute(sa.select(look_table.c.body)).scalar_one()
    assert "Patient" not in body
    assert "Specimen" not in body


def test_what_was_altered_in_the_database_is_noticed(hospital, plan, case):
    many(case, 14, 6)
    trial.look(hospital, "scale", LATE)
    with writing(hospital.engine) as connection:
        body = connection.execute(sa.select(look_table.c.body)).scalar_one()
        connection.execute(
            sa.update(look_table).values(
                body=body.replace('"go_on"', '"success"').replace('"futile"', '"success"')
            )
        )
    with pytest.raises(Tampered):
        trial.state(hospital, "scale", LATE)


def test_another_tool_is_another_trial(hospital, staff, plan, case):
    many(case, 35, 1)
    uses.set_use_settings(
        hospital.engine, "scale", {"start_from": 0.7}, staff["biologist"], reason="x", at=LATE
    )
    stands = trial.state(hospital, "scale", LATE)
    assert (stands.changed, stands.due) == ("tool", False)
    with pytest.raises(Conflict, match="no longer the one"):
        trial.look(hospital, "scale", LATE)
    assert stands.seal.endswith(":go_on+tool")


def test_a_signature_keeps_how_the_trial_stood(hospital, plan, case, sign):
    many(case, 35, 1)
    made = trial.look(hospital, "scale", LATE)
    stands = trial.state(hospital, "scale", LATE)
    assert stands.seal == f"trial:{made.hash[:16]}:success"
    with pytest.raises(Conflict, match="how the silent trial stands"):
        sign("director", at=LATE, trial="trial:none")
    with pytest.raises(Conflict, match="not the evidence of this gate"):
        sign("director", at=LATE, on="run")
    sign("director", at=LATE, trial=stands.seal)
    sign("dpo", "legal", "works_council", "doctor", at=LATE)
    kept = {each.before: each.on for each in uses.history(hospital.engine, "scale") if each.after == "live"}
    assert kept["director"] == kept["dpo"] == stands.seal
    live = trial.state(hospital, "scale", LATE)
    assert (live.verdict, live.changed) == ("success", "live")
    uses.silence(hospital.engine, "scale", reason="a stop rule", at=LATE + DAY)
    fallen = trial.state(hospital, "scale", LATE + 2 * DAY)
    assert (fallen.changed, fallen.succeeded) == ("silenced", False)


def test_a_plan_made_before_the_silence_waits_for_it(hospital, staff, sign):
    sign("dpo", "engineer", "doctor")
    register(hospital, "scale", staff["engineer"], draft(), reason="beforehand", at=START)
    assert trial.state(hospital, "scale", START).verdict == "waiting"
    assert trial.turn(hospital, "scale", START + 300 * DAY) is None


def test_the_next_look_is_expected_when_patients_go_on_coming_as_they_did(hospital, plan, case):
    assert trial.state(hospital, "scale", START + DAY).next_at is None
    for place in range(10):
        case(place + 0.5, tool=place % 3 > 0)
    stands = trial.state(hospital, "scale", START + 20 * DAY)  # 10 days of patients were waited for
    # a patient with the outcome a day, all of them by day 10
    missing = plan.information / 2 - stands.accrual.events
    assert stands.next_at == START + 20 * DAY + timedelta(days=missing * 10 / stands.accrual.events)


def test_a_closed_case_of_a_look_may_be_judged_and_no_other(hospital, plan, case):
    many(case, 15, 4, clinicians=False)
    early = hospital.review.get(case(3))
    unknown = hospital.review.get(case(4, outcome=None))
    fresh = hospital.review.get(case(59))
    said = hospital.review.get(case(3, mode="live"))
    assert not trial.shown(early, plan, None)
    made = trial.look(hospital, "scale", LATE)
    assert [trial.shown(each, plan, made.at) for each in (early, unknown, fresh, said)] == [
        True,
        False,
        False,
        False,
    ]


def test_a_proposal_without_a_validation_is_a_place_to_start_from():
    for endpoint in ("auroc", "sensitivity", "ppv", "sensitivity_gain", "net_benefit_gain", "calibration"):
        made = propose(Scale.card, None, endpoint)
        assert size(made).needed.patients > 0
        assert (made.acts, made.subgroups, made.run) == (("start",), ("sex", "age"), "")


def test_a_card_whose_options_are_all_routine_acts_on_its_first():
    import msgspec

    card = msgspec.structs.replace(Scale.card, options=(Option("call"), Option("leave")))
    assert propose(card).acts == ("call",)
