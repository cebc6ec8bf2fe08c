"""May it speak? A second model of the gates, written apart from the first, answers beside it after every act.

The model below knows the rules from docs/governance/life-cycle.md alone and reads nothing of the platform: after any
sequence of acts both must say the same of each use: where it stands, whether it speaks, and which gate is open.
"""

import itertools
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from test_gates import CARE

from vesalius.card import Card, Setting
from vesalius.errors import Conflict, InvalidSetting, NotAllowed
from vesalius.governance import _life, gates, people, uses, validations
from vesalius.store import open_store, writing

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)

GATES = {  # who signs, what it is about, for how many months
    "data_approved": ([{"dpo"}], ("views",), 24),
    "validated": ([{"engineer"}, {"doctor", "biologist"}], ("views", "model"), 24),
    "silent": ([{"director"}], (), None),
    "live": ([{"director"}, {"dpo"}, {"legal"}, {"works_council"}, {"doctor", "biologist"}],
             ("views", "model", "threshold", "regime"), 12),
    "resumed": ([{"director"}, {"dpo"}, {"doctor", "biologist"}], (), None),
}  # fmt: skip
PATH = ("data_approved", "validated", "silent", "live")
PEOPLE = {  # some have several roles: one person still gives one signature to a gate
    "dpo": {"dpo"}, "engineer": {"engineer"}, "doctor": {"doctor"}, "second": {"doctor"}, "biologist": {"biologist"},
    "director": {"director"}, "legal": {"legal"}, "works_council": {"works_council"}, "nurse": {"nurse"},
    "both": {"engineer", "biologist"}, "chief": {"director", "dpo"},
}  # fmt: skip
SUSPENDERS = {"doctor", "biologist", "dpo", "director", "legal"}


def months_on(at, months):
    """The same day of the month some months on; the last of that month where it has no such day."""
    year, month = at.year + (at.month - 1 + months) // 12, (at.month - 1 + months) % 12 + 1
    for day in range(at.day, 0, -1):
        try:
            return at.replace(year=year, month=month, day=day)
        except ValueError:
            continue
    raise AssertionError


@dataclass
class Model:
    """Where one use stands, by hand."""

    now: datetime = START
    state: str = "idea"
    world: dict = field(default_factory=lambda: {"views": 0, "model": "", "threshold": 0.5, "regime": ""})
    given: dict = field(default_factory=lambda: {gate: [] for gate in GATES})  # (slot, who, about, at)

    def about(self, gate):
        return tuple(self.world[name] for name in GATES[gate][1])

    def standing(self, gate, at=None):
        """The signatures that hold: of each slot the last, given for what is in force, not expired."""
        slots, _, months = GATES[gate]
        found, at = {}, at or self.now
        for slot in range(len(slots)):
            last = next((each for each in reversed(self.given[gate]) if each[0] == slot), None)
            if last is None or last[2] != self.about(gate):
                continue
            if months and at >= months_on(last[3], months):
                continue
            if last[1] not in found.values():
                found[slot] = last[1]
        return found

    def holds(self, gate, at=None):
        return len(self.standing(gate, at)) == len(GATES[gate][0])

    def passed(self):
        return PATH[: PATH.index(self.state) + 1] if self.state in PATH else ()

    @property
    def speaks(self):
        return self.state == "live" and all(self.holds(gate) for gate in PATH)

    def open(self):
        """The gate to sign, and the signatures of it that count; None where there is none."""
        if self.state == "retired":
            return None
        if self.state == "suspended":
            return "resumed", self.standing("resumed")
        for gate in self.passed():
            if not self.holds(gate):
                return gate, self.standing(gate)
        if self.state != "live":
            ahead = PATH[0] if self.state == "idea" else PATH[PATH.index(self.state) + 1]
            return ahead, self.standing(ahead)
        soon = self.now + 60 * DAY  # from then on it can be given anew
        for gate in PATH:
            kept = self.standing(gate)
            fresh = {slot: who for slot, who in kept.items() if slot in self.standing(gate, soon)}
            if len(fresh) < len(kept):
                return gate, fresh
        return None

    def slot_for(self, who):
        found = self.open()
        if found is None or who in found[1].values():
            return None
        gate, signed = found
        for slot, roles in enumerate(GATES[gate][0]):
            if slot not in signed and roles & PEOPLE[who]:
                return slot
        return None

    # What people do; each says whether it is allowed.

    def sign(self, who):
        slot, found = self.slot_for(who), self.open()
        if slot is None:
            return False
        gate = found[0]
        renewing = self.state == "live" and self.speaks
        self.given[gate].append((slot, who, self.about(gate), self.now))
        ahead = {"idea": "data_approved", "data_approved": "validated", "validated": "silent", "silent": "live",
                 "suspended": "resumed"}.get(self.state)  # fmt: skip
        if not renewing and gate == ahead and self.holds(gate):
            self.move("silent" if gate == "resumed" else gate)
        return True

    def refuse(self, who):
        found = self.open()
        if found is None or not any(roles & PEOPLE[who] for roles in GATES[found[0]][0]):
            return False
        self.given[found[0]] = []
        self.settle()
        return True

    def move(self, target):
        before, self.state = self.state, target
        if before == "live" or target == "suspended":
            self.given["live"] = []
        if target == "suspended":
            self.given["resumed"] = []
        if (before, target) == ("validated", "data_approved"):
            self.given["validated"] = []

    def settle(self):
        """A live use whose gates do not all hold is silenced."""
        if self.state == "live" and not self.speaks:
            self.move("silent")

    def change(self, name, value, *, voids=True):
        if self.state == "retired" or self.world[name] == value:
            return False
        self.world[name] = value
        if voids:  # what the next gate had collected is void
            ahead = {"idea": "data_approved", "data_approved": "validated", "validated": "silent",
                     "silent": "live", "suspended": "resumed"}.get(self.state)  # fmt: skip
            if ahead:
                self.given[ahead] = []
        if name == "model" and self.state == "validated":
            self.move("data_approved")
        self.settle()
        return True

    def stop(self, who):
        if not PEOPLE[who] & SUSPENDERS or self.state in ("suspended", "retired"):
            return False
        self.move("suspended")
        return True

    def silence(self):
        if self.state != "live":
            return False
        self.move("silent")
        return True

    def withdraw(self, who):
        if "director" not in PEOPLE[who] or self.state == "retired":
            return False
        self.move("retired")
        return True


WHO = st.sampled_from(sorted(PEOPLE))
CARD = Card(
    name="use", version="1.0", risk_class="test", reviewers=("doctor",), inputs=(), options=(), override_reasons=(),
    settings=(Setting("threshold", 0.5, 0.1, 0.9),),
)  # fmt: skip
KIND = type("Kind", (), {"card": CARD})


@pytest.fixture(scope="module", autouse=True)
def house():
    """One hospital; each run of the machine is about a use of its own."""
    engine = open_store("sqlite://")
    for who, roles in PEOPLE.items():
        people.add(engine, who, name=who, role=min(roles))
        Speaking.staff[who] = people.Person(who, who, tuple(sorted(roles)), "fr")
    Speaking.engine = engine
    yield
    engine.dispose()


class Speaking(RuleBasedStateMachine):
    """The platform and the model, act by act."""

    staff: ClassVar[dict] = {}
    numbers = itertools.count()

    @initialize(steps=st.sampled_from([4, 4, 4, 3, 1]))  # mostly, it speaks already
    def begin(self, steps):
        self.patch, self.model = pytest.MonkeyPatch(), Model()
        for module in (uses, _life, validations):
            self.patch.setattr(module, "find", lambda _: KIND)
        self.patch.setattr(gates, "views_mark", lambda _: str(self.model.world["views"]))
        self.use = f"use{next(self.numbers)}"
        for _ in range(steps):
            self.sign_all()

    def teardown(self):
        if hasattr(self, "patch"):
            self.patch.undo()

    def both(self, expected, act):
        """The platform allows the act where the model does, and only there."""
        with nullcontext() if expected else pytest.raises((Conflict, NotAllowed, InvalidSetting)):
            act()

    @rule(who=WHO)
    def sign(self, who):
        at = self.model.now
        expected = self.model.sign(who)
        self.both(
            expected,
            lambda: uses.sign(self.engine, self.use, self.staff[who], reason="x", despite="x", at=at),
        )

    @rule(who=st.sampled_from(["both", "chief"]))
    def sign_twice(self, who):
        """In one role, then in the other."""
        self.sign(who)
        self.sign(who)

    @rule()
    def sign_until_it_speaks(self):
        """Every gate on the way."""
        for _ in range(5):
            self.sign_all()

    @rule()
    def sign_all(self):
        """Everybody whom the open gate waits for."""
        found = self.model.open()
        if found is None:
            return
        for roles in GATES[found[0]][0]:
            self.sign(next(who for who in sorted(PEOPLE) if PEOPLE[who] <= roles))

    @rule()
    def sign_what_was_seen_before(self):
        """The page was opened on another gate: nothing is signed by whoever could."""
        at, who = (
            self.model.now,
            next((who for who in PEOPLE if self.model.slot_for(who) is not None), "nurse"),
        )
        given = {"reason": "x", "despite": "x", "at": at, "seen": "0" * 16}
        self.both(False, lambda: uses.sign(self.engine, self.use, self.staff[who], **given))

    @rule(who=WHO)
    def refuse(self, who):
        at = self.model.now
        expected = self.model.refuse(who)
        self.both(expected, lambda: uses.refuse(self.engine, self.use, self.staff[who], reason="x", at=at))

    @rule(value=st.sampled_from(["a" * 64, "b" * 64]))
    def change_model(self, value):
        self.both(
            self.model.change("model", value),
            lambda: uses.set_model(
                self.engine, self.use, value, self.staff["engineer"], reason="x", at=self.model.now
            ),
        )

    @rule(what=st.sampled_from(["model", "threshold", "regime"]))
    def change_while_it_speaks(self, what):
        self.sign_until_it_speaks()
        world = self.model.world
        if what == "model":
            self.change_model("b" * 64 if world["model"] == "a" * 64 else "a" * 64)
        elif what == "threshold":
            self.change_threshold(0.8 - world["threshold"])
        else:
            self.change_regime("care" if world["regime"] == "triage" else "triage")

    @rule(value=st.sampled_from([0.3, 0.5]))
    def change_threshold(self, value):
        self.both(
            self.model.change("threshold", value),
            lambda: uses.set_use_settings(
                self.engine,
                self.use,
                {"threshold": value},
                self.staff["biologist"],
                reason="x",
                at=self.model.now,
            ),
        )

    @rule(value=st.sampled_from(["care", "triage"]))
    def change_regime(self, value):
        if self.model.state == "retired":
            return  # it can still be answered for the archive
        given = CARE | {"purpose": value}
        self.both(
            self.model.change("regime", value, voids=False),
            lambda: uses.answer(
                self.engine, self.use, given, self.staff["legal"], reason="x", at=self.model.now
            ),
        )

    @rule(value=st.sampled_from([0, 1]))
    def change_views(self, value):
        """A release changes a file: no act, no event; it is noticed when somebody asks."""
        self.model.world["views"] = value

    @rule(who=WHO)
    def stop(self, who):
        at = self.model.now
        expected = self.model.stop(who)
        self.both(expected, lambda: uses.suspend(self.engine, self.use, self.staff[who], reason="x", at=at))

    @rule()
    def stop_rule_while_it_speaks(self):
        self.sign_until_it_speaks()
        self.stop_rule()

    @rule()
    def stop_rule(self):
        at = self.model.now
        expected = self.model.silence()
        self.both(expected, lambda: uses.silence(self.engine, self.use, reason="a stop rule", at=at))

    @rule(who=st.sampled_from(["nurse", "legal", "director"]), sure=st.integers(0, 1))
    def withdraw(self, who, sure):
        if sure and who == "director":
            return  # for good: seldom
        at = self.model.now
        expected = self.model.withdraw(who)
        self.both(expected, lambda: uses.retire(self.engine, self.use, self.staff[who], reason="x", at=at))

    @rule(days=st.sampled_from([1, 59, 61, 300, 400]))
    def wait(self, days):
        self.model.now += days * DAY

    @rule(
        before=st.sampled_from(
            [timedelta(0), timedelta(seconds=1), 60 * DAY, 60 * DAY + timedelta(seconds=1)]
        )
    )
    def wait_until_a_signature_ends(self, before):
        """To the very moment, and just before: of its end, and of when it can be given anew."""
        ends = [
            months_on(at, GATES[gate][2]) - before
            for gate, signed in self.model.given.items()
            for _, _, _, at in signed
            if GATES[gate][2]
        ]
        self.model.now = min((end for end in ends if end > self.model.now), default=self.model.now)

    @rule()
    def turn(self):
        """The loop turns: what fell silent is moved."""
        with writing(self.engine) as connection:
            moved = bool(uses.enforce(connection, self.use, self.model.now))
        was = self.model.state
        self.model.settle()
        assert moved == (was != self.model.state)

    @invariant()
    def both_say_the_same(self):
        if not hasattr(self, "use"):
            return
        found, model = uses.life(self.engine, self.use, self.model.now), self.model
        assert (found.use.state, found.use.speaks) == (model.state, model.speaks)
        assert set(found.use.reopened) == {gate for gate in model.passed() if not model.holds(gate)}
        opened, ours = uses.gate(self.engine, self.use, model.now), model.open()
        assert (opened.name if opened else None) == (ours[0] if ours else None)
        if opened:
            assert sorted(each.by for each in opened.signed.values()) == sorted(ours[1].values())


Speaking.TestCase.settings = settings(
    max_examples=8,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
test_the_platform_and_a_second_model_agree_after_any_acts = seed(1)(Speaking.TestCase)
