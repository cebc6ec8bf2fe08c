"""No sequence of acts makes a use speak without every signature in force: a state machine, and each rule alone."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from kept_runs import keep
from signers import LIVE

from vesalius.card import Card, Setting, Text
from vesalius.errors import Conflict, InvalidSetting, NotAllowed, NotFound
from vesalius.governance import _bought, _life, audit, evidence, gates, people, register, rulebook, uses
from vesalius.governance.evidence import Trial
from vesalius.governance.lifecycle import GATES, PATH, TOUCHES, State
from vesalius.governance.register import Entry, _systems
from vesalius.governance.roles import Role
from vesalius.review import Review
from vesalius.store import open_store, writing
from vesalius.usecase import Suggestion

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CARE = {
    "origin": "in_house", "purpose": "care", "ce_class": "none", "prohibited": "no", "persons": "yes",
    "personal_data": "yes", "workers": "yes", "public": "yes", "generates": "no", "processor": "no",
    "secondary": "no", "legacy": "no",
}  # fmt: skip
HOLTER = Entry("holter", "Holter 3", "Maker", "Finds fibrillation", "IIa", "3.2", "Device/holter")


def sign(engine, staff, *names, at=NOW, use="urine", **rest):
    for name in names:
        made = uses.sign(engine, use, staff[name], reason="agreed", at=at, **{"despite": "a test"} | rest)
    return made


def speak(engine, staff, at=NOW, use="urine"):
    return sign(engine, staff, "dpo", "engineer", "doctor", "director", *LIVE, at=at, use=use)


def test_a_table_that_says_live_does_not_make_a_use_speak(engine, staff):
    sign(engine, staff, "dpo")
    with writing(engine) as connection:
        connection.execute(sa.text("UPDATE use_state SET state = 'live'"))
    use = uses.current(engine, "urine", NOW)
    assert (use.state, use.speaks, use.runs) == ("data_approved", False, False)


def test_signatures_written_into_the_table_are_not_signatures(engine, staff):
    sign(engine, staff, "dpo", "engineer", "doctor", "director")
    with writing(engine) as connection:
        for slot in ("director", "dpo", "legal", "works_council", "clinical"):
            connection.execute(
                sa.text(
                    'INSERT INTO use_change (usecase, at, "by", role, kind, before, after, reason, "on") '
                    "VALUES ('urine', 0, :slot, :slot, 'signed', :slot, 'live', 'x', '')"
                ),
                {"slot": slot},
            )
        connection.execute(sa.text("UPDATE use_state SET state = 'live'"))
    assert not uses.speaks(engine, "urine", NOW)
    assert len(uses.gate(engine, "urine", NOW).open_slots) == 5


def test_an_event_that_was_altered_is_no_signature(engine, staff):
    speak(engine, staff)
    assert uses.speaks(engine, "urine", NOW)
    with writing(engine) as connection:
        connection.execute(sa.text("DROP TRIGGER audit_event_no_update"))
        connection.execute(
            sa.text("UPDATE audit_event SET actor = 'nobody' WHERE action = 'use.signed' AND actor = 'legal'")
        )
    assert uses.current(engine, "urine", NOW).reopened == {"live": ("unsigned",)}


def test_a_model_changed_by_sql_silences(engine, staff):
    speak(engine, staff)
    with writing(engine) as connection:
        connection.execute(sa.text("UPDATE use_state SET model = :hash"), {"hash": "d" * 64})
    assert uses.current(engine, "urine", NOW).reopened == {"validated": ("model",), "live": ("model",)}


@pytest.mark.parametrize(("days", "speaks"), [(364, True), (365, False)])
def test_a_signature_holds_for_its_months(engine, staff, days, speaks):
    speak(engine, staff)
    at = NOW + days * DAY
    assert uses.speaks(engine, "urine", at) is speaks
    if not speaks:
        assert uses.current(engine, "urine", at).reopened == {"live": ("expired",)}


def test_what_expired_is_moved_to_silence_and_leaves_the_worklist(engine, staff):
    speak(engine, staff)
    said = Suggestion(
        usecase="urine", version="1.0", subject="Patient/1", focus="Specimen/1", as_of=NOW, position=1,
        option="start", indicator="warning", summary=Text("summary"),
    )  # fmt: skip
    review, later = Review(engine), NOW + 400 * DAY
    review.file([said], "live", later)
    with writing(engine) as connection:
        assert uses.enforce(connection, "urine", later) == {"live": ("expired",)}
        assert uses.enforce(connection, "urine", later) == {}
    assert uses.current(engine, "urine", later).state == "silent"
    assert review.get(said.id).status == "expired"
    moved, reopened = audit.events(engine, thing="urine", limit=2)
    assert (moved.action, moved.detail["withdrawn"]) == ("use.moved", 1)
    assert (reopened.action, reopened.detail) == ("use.reopened", {"gates": {"live": ["expired"]}})


def test_a_signature_can_be_given_anew_before_it_expires_and_nothing_falls_silent(engine, staff):
    speak(engine, staff)
    soon = NOW + 330 * DAY
    assert uses.gate(engine, "urine", NOW + 200 * DAY) is None
    assert uses.gate(engine, "urine", soon).renewal
    assert sign(engine, staff, *LIVE, at=soon).speaks
    assert uses.gate(engine, "urine", soon) is None
    assert uses.speaks(engine, "urine", NOW + 600 * DAY)


def test_changed_views_reopen_all_gates_that_read_them(engine, staff, monkeypatch):
    speak(engine, staff)
    monkeypatch.setattr(gates, "views_mark", lambda _: "another")
    assert set(uses.current(engine, "urine", NOW).reopened) == {"data_approved", "validated", "live"}
    assert uses.gate(engine, "urine", NOW).name == "data_approved"


def test_a_card_that_its_kept_settings_do_not_fit_silences(engine, staff, monkeypatch):
    speak(engine, staff)
    uses.set_use_settings(engine, "urine", {"start_from": 0.4}, staff["biologist"], reason="x", at=NOW)
    sign(engine, staff, *LIVE)
    narrow = Card(
        name="urine", version="1.0", risk_class="test", reviewers=("doctor",), inputs=(), options=(),
        override_reasons=(), settings=(Setting("start_from", 0.5, 0.45, 0.9),),
    )  # fmt: skip
    monkeypatch.setattr(_life, "find", lambda _: type("Narrow", (), {"card": narrow}))
    assert uses.current(engine, "urine", NOW).reopened["live"] == ("settings",)


def test_another_regime_reopens_the_gate_to_live(engine, staff):
    uses.answer(engine, "urine", CARE, staff["legal"], reason="read", at=NOW)
    speak(engine, staff)
    made = uses.answer(
        engine, "urine", CARE | {"purpose": "triage"}, staff["legal"], reason="it sorts emergencies", at=NOW
    )
    assert made.regime.key == "triage"
    use = uses.current(engine, "urine", NOW)
    assert (use.state, use.speaks) == ("silent", False)
    assert uses.gate(engine, "urine", NOW).name == "live"


def test_answers_altered_in_the_table_are_not_heard(engine, staff):
    uses.answer(engine, "urine", CARE, staff["legal"], reason="read", at=NOW)
    speak(engine, staff)
    with writing(engine) as connection:
        connection.execute(sa.text("UPDATE system_answers SET reason = 'another'"))
    assert uses.current(engine, "urine", NOW).reopened == {"live": ("regime",)}


def test_evidence_that_lacks_takes_a_second_reason(engine, staff, monkeypatch):
    sign(engine, staff, "dpo", despite="")
    with pytest.raises(InvalidSetting, match="validation"):
        sign(engine, staff, "engineer", despite=" ")
    sign(engine, staff, "engineer", despite="the shipped model is described")
    assert uses.history(engine, "urine")[0].reason == "agreed — the shipped model is described"
    assert audit.events(engine, action="use.signed")[0].detail["despite"] == ["validation"]
    keep(engine, NOW)
    sign(engine, staff, "doctor", "director", despite="")
    with pytest.raises(InvalidSetting, match="trial, regime"):
        sign(engine, staff, "director", despite="")
    uses.answer(engine, "urine", CARE, staff["legal"], reason="read", at=NOW)
    won = Trial("trial:0123456789abcdef:success", succeeded=True)
    monkeypatch.setattr(evidence, "trials", {"silent": lambda connection, found: won})
    sign(engine, staff, *LIVE, despite="")
    assert uses.speaks(engine, "urine", NOW)


def test_others_can_ask_for_more_before_a_gate(engine, staff, monkeypatch):
    def trained(connection, name, gate):
        return ["training"] if gate == "silent" else []

    monkeypatch.setitem(register.readiness, "academy", trained)
    sign(engine, staff, "dpo", "engineer", "doctor")
    with pytest.raises(InvalidSetting, match="training"):
        sign(engine, staff, "director", despite="")


RULES = """
[slots]
chief = ["director"]
dpo = ["dpo"]
clinical = ["doctor"]
engineer = ["engineer"]
works_council = ["director"]
[gates.data_approved]
slots = ["dpo"]
[gates.validated]
slots = ["engineer"]
[gates.silent]
slots = ["chief"]
[gates.live]
slots = ["chief"]
months = 3
[gates.resumed]
slots = ["chief"]
"""


def put(home, text, name="gates"):
    (home / "rules").mkdir(parents=True, exist_ok=True)
    (home / "rules" / f"{name}.toml").write_text(text)


@pytest.mark.parametrize("slots", ['["chief"]', '["chief", "works_council"]'])
def test_no_rules_file_takes_the_works_council_from_high_risk_at_work(engine, staff, tmp_path, slots):
    put(tmp_path, RULES.replace('slots = ["chief"]\nmonths', f"slots = {slots}\nmonths"))
    assert rulebook.adopt(engine, tmp_path, NOW) == ["gates"]
    sign(engine, staff, "dpo", "engineer", "director", "director")
    assert not uses.speaks(engine, "urine", NOW)  # nobody has said that it is not high-risk
    (last,) = uses.gate(engine, "urine", NOW).open_slots
    assert last.roles == (Role.WORKS_COUNCIL,)
    assert sign(engine, staff, "works_council").speaks


def test_a_logistics_tool_may_do_without_it_where_the_rules_say_so(engine, staff, tmp_path):
    put(tmp_path, RULES)
    rulebook.adopt(engine, tmp_path, NOW)
    uses.answer(engine, "urine", CARE | {"purpose": "logistics"}, staff["legal"], reason="beds", at=NOW)
    assert sign(engine, staff, "dpo", "engineer", "director", "director").speaks
    assert not uses.speaks(engine, "urine", NOW + 93 * DAY)  # three months, as the file says


def test_rules_are_in_force_by_their_event_and_go_with_their_file(engine, staff, tmp_path):
    put(tmp_path, RULES)
    rulebook.adopt(engine, tmp_path, NOW)
    assert rulebook.adopt(engine, tmp_path, NOW) == []
    with writing(engine) as connection:
        connection.execute(sa.text("UPDATE rulebook SET body = body || ' '"))
        assert (
            rulebook.gate_rules(connection).gates["live"].slots[0] == "director"
        )  # altered: the platform's own
    (tmp_path / "rules" / "gates.toml").unlink()
    assert rulebook.adopt(engine, tmp_path, NOW) == ["gates"]
    assert [each.detail["own"] for each in audit.events(engine, action="rules.adopted")] == [True, False]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('["dpo"]\n[gates.validated]', '["nobody"]\n[gates.validated]'),
        ('slots = ["engineer"]', "slots = []"),
        ('chief = ["director"]', 'chief = ["nurse"]'),
        ('chief = ["director"]', 'chief = ["king"]'),
        ("months = 3", "months = 0"),
        ("[gates.silent]", "[gates.loud]"),
        ("[slots]", "[slots"),
    ],
)
def test_a_wrong_rules_file_is_told_and_changes_nothing(engine, tmp_path, old, new):
    assert old in RULES
    put(tmp_path, RULES.replace(old, new))
    with pytest.raises(InvalidSetting, match="gates"):
        rulebook.adopt(engine, tmp_path, NOW)
    assert audit.events(engine, action="rules.adopted") == []


def test_a_bought_system_goes_the_same_way_and_a_new_version_reopens_its_gates(engine, staff):
    with pytest.raises(NotFound):
        sign(engine, staff, "dpo", use="holter")
    register.keep_bought(engine, HOLTER, staff["engineer"], at=NOW)
    assert speak(engine, staff, use="holter").speaks
    assert register.bought(engine, "holter") == HOLTER
    newer = Entry("holter", "Holter 3", "Maker", "Finds fibrillation", "IIa", "4.0", "Device/holter")
    register.keep_bought(engine, newer, staff["engineer"], at=NOW)
    use = uses.current(engine, "holter", NOW)
    assert (use.state, use.speaks) == ("silent", False)
    assert set(use.reopened) == {"validated"}
    with writing(engine) as connection:
        connection.execute(sa.text("UPDATE system_entry SET body = replace(body, 'Maker', 'Faker')"))
    assert register.bought(engine, "holter") is None


@pytest.mark.parametrize("answers", [{"prohibited": "yes"}, {"origin": "bought"}])
def test_what_may_not_be_used_is_signed_by_nobody(engine, staff, answers):
    uses.answer(engine, "urine", CARE | answers, staff["legal"], reason="read", at=NOW)
    with pytest.raises(NotAllowed, match="may not be used"):
        sign(engine, staff, "dpo")


class Life(RuleBasedStateMachine):
    """Anything that people can do to a use, in any order; beside it, the signatures kept by hand."""

    @initialize(steps=st.integers(2, 4))
    def begin(self, steps):
        self.patch = pytest.MonkeyPatch()
        card = Card(
            name="urine", version="1.0", risk_class="test", reviewers=("doctor",), inputs=(), options=(),
            override_reasons=(), settings=(Setting("start_from", 0.5, 0.1, 0.9),),
        )  # fmt: skip
        kind = type("Urine", (), {"card": card})
        for module in (uses, _life):
            self.patch.setattr(module, "find", lambda _: kind)
        self.patch.setattr(gates, "views_mark", lambda _: self.views)
        self.engine = open_store("sqlite://")
        self.staff = {
            each.value: people.add(self.engine, each.value, name="x", role=each.value) for each in Role
        }
        self.now, self.model, self.setting, self.views, self.regime = NOW, "", 0.5, "v0", ""
        self.given = {gate: {} for gate in GATES}
        for _ in range(steps):
            self.sign_what_is_open()

    def teardown(self):
        if hasattr(self, "engine"):
            self.engine.dispose()
            self.patch.undo()

    def marks(self, gate):
        marks = {"model": self.model, "settings": self.setting, "views": self.views, "regime": self.regime}
        return tuple(marks.get(name, "1.0") for name in TOUCHES[gate])

    def done(self, act):
        """The act, or its refusal; and whatever stopped speaking by it has lost its signatures for live."""
        spoke = uses.current(self.engine, "urine", self.now).state == State.LIVE
        try:
            act()
        except (Conflict, NotAllowed, InvalidSetting):
            return False
        if spoke and uses.current(self.engine, "urine", self.now).state != State.LIVE:
            self.given["live"] = {}
        return True

    @rule(role=st.sampled_from(sorted(Role)))
    def sign(self, role):
        gate = uses.gate(self.engine, "urine", self.now)
        person = self.staff[role]
        slot = gate.slot_for(person) if gate else None
        act = lambda: uses.sign(self.engine, "urine", person, reason="x", despite="x", at=self.now)  # noqa: E731
        if self.done(act):
            self.given[gate.name][slot.name] = (role, self.marks(gate.name), self.now)

    @rule()
    def sign_what_is_open(self):
        gate = uses.gate(self.engine, "urine", self.now)
        for slot in gate.open_slots if gate else ():
            self.sign(slot.roles[0])

    @rule(role=st.sampled_from(["dpo", "legal"]))
    def refuse(self, role):
        gate = uses.gate(self.engine, "urine", self.now)
        if self.done(lambda: uses.refuse(self.engine, "urine", self.staff[role], reason="x", at=self.now)):
            self.given[gate.name] = {}

    @rule(model=st.sampled_from(["a" * 64, "b" * 64]))
    def change_model(self, model):
        who = self.staff["engineer"]
        if self.done(lambda: uses.set_model(self.engine, "urine", model, who, reason="x", at=self.now)):
            self.model = model

    @rule(value=st.sampled_from([0.3, 0.5, 0.7]))
    def change_threshold(self, value):
        who, given = self.staff["biologist"], {"start_from": value}
        if self.done(
            lambda: uses.set_use_settings(self.engine, "urine", given, who, reason="x", at=self.now)
        ):
            self.setting = value

    @rule(purpose=st.sampled_from(["care", "triage"]))
    def answer(self, purpose):
        given, who = CARE | {"purpose": purpose}, self.staff["legal"]
        if self.done(lambda: uses.answer(self.engine, "urine", given, who, reason="x", at=self.now)):
            self.regime = purpose

    @rule(views=st.sampled_from(["v0", "v1"]))
    def change_views(self, views):
        self.views = views

    @rule()
    def suspend(self):
        if self.done(
            lambda: uses.suspend(self.engine, "urine", self.staff["legal"], reason="x", at=self.now)
        ):
            self.given["live"] = {}

    @rule(days=st.integers(1, 300))
    def wait(self, days):
        self.now += days * DAY

    @precondition(lambda self: hasattr(self, "engine"))
    @rule()
    def turn(self):
        with writing(self.engine) as connection:
            if uses.enforce(connection, "urine", self.now):
                self.given["live"] = {}

    @invariant()
    def it_speaks_only_when_everybody_signed_for_what_is_in_force(self):
        if not hasattr(self, "engine") or not uses.speaks(self.engine, "urine", self.now):
            return
        rules = rulebook.read_gates(rulebook.own("gates"))
        for gate in PATH:
            signed = self.given[gate]
            assert set(signed) >= set(rules.gates[gate].slots), gate
            months = rules.gates[gate].months
            for role, marks, at in signed.values():
                assert role in Role
                assert marks == self.marks(gate), gate
                assert months is None or self.now - at < timedelta(days=31 * months)


Life.TestCase.settings = settings(
    max_examples=8, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
test_no_sequence_of_acts_makes_a_use_speak_without_all_signatures = Life.TestCase


def test_the_systems_of_the_register_are_all_that_is_installed_or_bought(engine, staff):
    assert [each.name for each in register.systems(engine, NOW)] == ["urine"]
    register.keep_bought(engine, HOLTER, staff["engineer"], at=NOW)
    assert [(each.name, each.bought) for each in register.systems(engine, NOW)] == [
        ("holter", True),
        ("urine", False),
    ]
    assert _systems.system(engine, "holter").entry == HOLTER
    with pytest.raises(NotFound):
        register.system(engine, "nothing", NOW)
    with pytest.raises(Conflict):
        _bought.keep(engine, HOLTER, staff["engineer"], at=NOW)
