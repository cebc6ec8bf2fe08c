"""The life of a use: who must sign what, and what silences it."""

from datetime import UTC, datetime

import pytest
from signers import LIVE

from vesalius.card import Text
from vesalius.errors import Conflict, InvalidCard, InvalidSetting, NotAllowed, NotFound
from vesalius.governance import audit, people, rulebook, uses
from vesalius.governance.lifecycle import AFTER_MODEL_CHANGE, GATES, NEXT, RUNS, TOUCHES, State
from vesalius.governance.people import Person
from vesalius.governance.roles import MATRIX, Right
from vesalius.review import Review
from vesalius.store import open_store
from vesalius.usecase import Suggestion

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def state(engine):
    return uses.current(engine, "urine").state


def test_an_untouched_use_is_an_idea_with_the_cards_own_settings(engine):
    use = uses.current(engine, "urine")
    assert (use.state, use.since, use.model, use.settings) == (State.IDEA, None, "", {})
    assert not use.speaks
    assert not use.runs


def test_the_signatures_in_order_bring_a_use_to_speak(engine, signed):
    reached = [signed(name).state for name in ("dpo", "engineer", "doctor", "director", *LIVE)]
    assert reached == ["data_approved", "data_approved", "validated", *["silent"] * 5, "live"]
    assert uses.speaks(engine, "urine")
    assert uses.gate(engine, "urine") is None
    assert [use.name for use in uses.register(engine)] == ["urine"]


def test_every_step_has_a_gate_and_every_signer_the_right_to_sign():
    rules = rulebook.read_gates(rulebook.own("gates"))
    assert set(rules.gates) == set(GATES) == set(TOUCHES)
    assert set(NEXT.values()) <= set(GATES)
    assert {"silent", "live"} == RUNS
    for name in GATES:
        assert rules.of(name)
        assert {role for slot in rules.of(name) for role in slot.roles} <= MATRIX[Right.SIGN_GATES]
    assert not set(AFTER_MODEL_CHANGE.values()) & {State.LIVE}


@pytest.mark.parametrize(
    "name", ["doctor", "biologist", "nurse", "pharmacist", "director", "engineer", "legal"]
)
def test_only_the_named_roles_sign(engine, staff, name):
    with pytest.raises(NotAllowed, match="dpo"):
        uses.sign(engine, "urine", staff[name], reason="let us begin")
    assert state(engine) == "idea"


def test_a_slot_is_signed_once_and_a_person_signs_a_gate_once(engine, signed, staff):
    signed("dpo", "doctor")
    with pytest.raises(NotAllowed):
        signed("doctor2")  # the clinical slot is taken
    both = Person("doctor", "Both", ("doctor", "engineer"), "fr")
    with pytest.raises(NotAllowed):
        uses.sign(engine, "urine", both, reason="I am also the engineer")
    assert [slot.name for slot in uses.gate(engine, "urine").open_slots] == ["engineer"]


def test_a_signature_says_why_and_on_what(engine, staff):
    with pytest.raises(InvalidSetting):
        uses.sign(engine, "urine", staff["dpo"], reason=" ")
    uses.sign(engine, "urine", staff["dpo"], reason="the register is complete", on="", at=NOW)
    change = uses.history(engine, "urine")[-1]
    said = audit.events(engine, action="use.signed")[0].detail
    assert said["content"] == change.content
    assert said["expires"].startswith("2028-03-02")  # 24 months
    assert (change.kind, change.by, change.role) == ("signed", "dpo", "dpo")
    assert (change.before, change.after) == ("dpo", "data_approved")
    assert (change.reason, change.on, change.at) == ("the register is complete", "", NOW)


def test_a_refusal_voids_the_signatures_of_its_gate_only(engine, signed, staff):
    signed("dpo", "engineer")
    assert uses.refuse(engine, "urine", staff["doctor"], reason="too few women").state == "data_approved"
    assert dict(uses.gate(engine, "urine").signed) == {}
    assert signed("doctor", "engineer").state == "validated"
    with pytest.raises(NotAllowed):
        uses.refuse(engine, "urine", staff["nurse"], reason="no")


def test_nothing_is_signed_or_refused_where_no_gate_is_open(engine, live, staff):
    with pytest.raises(Conflict):
        uses.sign(engine, "urine", staff["dpo"], reason="again")
    with pytest.raises(Conflict):
        uses.refuse(engine, "urine", staff["dpo"], reason="too late")


def test_another_model_silences_a_live_use_until_it_is_signed_again(engine, live, staff, signed):
    assert uses.set_model(engine, "urine", "d" * 64, staff["engineer"], reason="retrained").state == "silent"
    assert not uses.speaks(engine, "urine")
    assert uses.current(engine, "urine").model == "d" * 64
    gate = uses.gate(engine, "urine")
    assert (gate.name, gate.target) == ("validated", "validated")  # it was validated for another model
    assert gate.fallen == {"engineer": ("model",), "clinical": ("model",)}
    assert signed("engineer", "doctor").state == "silent"
    assert signed(*LIVE[:4]).state == "silent"
    assert signed("doctor").state == "live"


def test_another_model_after_validation_is_validated_again(engine, signed, staff):
    signed("dpo", "engineer", "doctor")
    assert (
        uses.set_model(engine, "urine", "d" * 64, staff["engineer"], reason="retrained").state
        == "data_approved"
    )


def test_another_model_voids_the_signatures_collected_for_the_last_one(engine, signed, staff):
    signed("dpo", "engineer", "doctor", "director", "director", "dpo")
    uses.set_model(engine, "urine", "d" * 64, staff["engineer"], reason="retrained")
    assert len(uses.gate(engine, "urine").open_slots) == 2  # the validation first
    signed("engineer", "doctor")
    assert len(uses.gate(engine, "urine").open_slots) == 5


def test_only_an_engineer_changes_the_model_and_only_to_another(engine, staff):
    with pytest.raises(NotAllowed):
        uses.set_model(engine, "urine", "d" * 64, staff["doctor"], reason="better")
    with pytest.raises(Conflict):
        uses.set_model(engine, "urine", "", staff["engineer"], reason="the same")


def test_changed_settings_reopen_the_gate_to_live_alone_and_are_kept_by_their_hash(
    engine, live, staff, signed
):
    use = uses.set_use_settings(
        engine, "urine", {"start_from": 0.4}, staff["biologist"], reason="fewer missed"
    )
    assert (use.state, use.settings) == ("silent", {"start_from": 0.4})
    assert uses.gate(engine, "urine").name == "live"
    assert signed(*LIVE).speaks
    digest = next(each.after for each in uses.history(engine, "urine") if each.kind == "settings")
    uses.set_use_settings(engine, "urine", {"start_from": 0.6}, staff["director"], reason="fewer courses")
    assert uses.use_settings(engine, "urine", digest) == {"start_from": 0.4}
    with pytest.raises(NotFound):
        uses.use_settings(engine, "urine", "e" * 64)


def test_changed_settings_void_the_signatures_of_the_open_gate(engine, signed, staff):
    signed("dpo", "engineer")
    uses.set_use_settings(engine, "urine", {"start_from": 0.4}, staff["biologist"], reason="fewer missed")
    assert len(uses.gate(engine, "urine").open_slots) == 2


def test_settings_are_changed_by_those_who_may_within_the_bounds_and_to_others(engine, staff):
    with pytest.raises(NotAllowed):
        uses.set_use_settings(engine, "urine", {"start_from": 0.4}, staff["engineer"], reason="x")
    for wrong in ({"start_from": 0.95}, {"stop_at": 1}):
        with pytest.raises(InvalidCard):
            uses.set_use_settings(engine, "urine", wrong, staff["biologist"], reason="x")
    with pytest.raises(Conflict):
        uses.set_use_settings(engine, "urine", {"start_from": 0.5}, staff["biologist"], reason="the default")


def test_a_suspended_use_neither_speaks_nor_runs_until_its_gate_is_signed(engine, live, staff, signed):
    use = uses.suspend(engine, "urine", staff["doctor"], reason="three wrong ones today")
    assert (use.state, use.speaks, use.runs) == ("suspended", False, False)
    with pytest.raises(Conflict):
        uses.suspend(engine, "urine", staff["doctor"], reason="again")
    assert signed("director", "dpo", "doctor").state == "silent"


def test_a_stop_rule_takes_a_live_use_back_to_silence(engine, live):
    assert uses.silence(engine, "urine", reason="calibration drifted").state == "silent"
    with pytest.raises(Conflict):
        uses.silence(engine, "urine", reason="again")
    assert audit.events(engine, actor=audit.SYSTEM, action="use.moved")[0].detail["to"] == "silent"


def test_a_retired_use_is_over(engine, live, staff):
    with pytest.raises(NotAllowed):
        uses.retire(engine, "urine", staff["doctor"], reason="x")
    assert uses.retire(engine, "urine", staff["director"], reason="replaced").state == "retired"
    for act in (
        lambda: uses.sign(engine, "urine", staff["dpo"], reason="x"),
        lambda: uses.suspend(engine, "urine", staff["dpo"], reason="x"),
        lambda: uses.set_model(engine, "urine", "d" * 64, staff["engineer"], reason="x"),
        lambda: uses.set_use_settings(engine, "urine", {"start_from": 0.4}, staff["director"], reason="x"),
    ):
        with pytest.raises(Conflict):
            act()


def test_nurse_and_engineer_cannot_suspend(engine, live, staff):
    for name in ("nurse", "engineer"):
        with pytest.raises(NotAllowed):
            uses.suspend(engine, "urine", staff[name], reason="x")


@pytest.mark.parametrize("stop", ["suspend", "silence", "model"])
def test_what_a_silenced_use_said_leaves_the_worklist(engine, live, staff, stop):
    review = Review(engine)
    said = Suggestion(
        usecase="urine", version="1.0", subject="Patient/1", focus="Specimen/1", as_of=NOW, position=1,
        option="start", indicator="warning", summary=Text("summary"),
    )  # fmt: skip
    review.file([said], "live", NOW)
    if stop == "suspend":
        uses.suspend(engine, "urine", staff["dpo"], reason="x")
    elif stop == "silence":
        uses.silence(engine, "urine", reason="x")
    else:
        uses.set_model(engine, "urine", "d" * 64, staff["engineer"], reason="x")
    assert review.worklist(now=NOW).total == 0
    assert review.get(said.id).status == "expired"
    assert audit.events(engine, action="use.moved")[0].detail["withdrawn"] == 1


def test_every_step_is_in_the_audit(engine, live, staff):
    actions = [event.action for event in audit.events(engine, thing="urine")]
    assert actions.count("use.signed") == 9
    assert actions.count("use.moved") == 4
    uses.set_use_settings(engine, "urine", {"start_from": 0.4}, staff["biologist"], reason="x")
    uses.set_model(engine, "urine", "d" * 64, staff["engineer"], reason="x")
    latest = [event.action for event in audit.events(engine, thing="urine", limit=4)]
    assert latest == ["use.model_changed", "use.moved", "use.reopened", "use.settings_changed"]
    assert audit.verify(engine) == len(audit.events(engine, limit=1000))


def test_the_life_of_a_use_is_the_same_on_postgresql(postgres_database, urine):
    opened = open_store(postgres_database)
    names = ("doctor", "dpo", "director", "engineer", "biologist", "legal", "works_council")
    staff = {name: people.add(opened, name, name=name, role=name) for name in names}
    for name in ("dpo", "engineer", "doctor", "director", *LIVE):
        use = uses.sign(opened, "urine", staff[name], reason="agreed", despite="a test")
    assert use.speaks
    uses.set_use_settings(opened, "urine", {"start_from": 0.4}, staff["biologist"], reason="x")
    use = uses.set_model(opened, "urine", "d" * 64, staff["engineer"], reason="x")
    assert (use.state, use.settings, use.model) == ("silent", {"start_from": 0.4}, "d" * 64)
    assert audit.verify(opened) == 7 + 9 + 4 + 3 + 1
    opened.dispose()
