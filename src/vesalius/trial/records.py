"""What a silent trial is made of: the plan, the looks, and where it stands. All of it is counts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from vesalius.evaluation.endpoints import Aim, Measured
from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.sequential import Bounds, Spending
from vesalius.governance.evidence import NO_TRIAL
from vesalius.usecase import encode

Verdict = Literal["none", "waiting", "go_on", "success", "uneven", "futile", "maximum"]
"""How a trial stands: nothing planned; planned, and the silence has not begun; go on; enough seen, success;
enough seen, success on the whole and worse in a group that must not be; enough seen, will not succeed; all
that was planned is seen, success was not shown."""

ENDED: frozenset[Verdict] = frozenset({"success", "uneven", "futile", "maximum"})
"""The verdicts after which no look is taken any more."""

Changed = Literal["", "tool", "silenced", "live"]
"""Why a trial no longer speaks for the use: another version, model or settings are in force; it was silenced
after its verdict; it speaks."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that nobody has registered yet.

    Attributes:
        aim: the primary endpoint, the value it must exceed, and what is believed.
        alpha: the chance of a false success, one-sided.
        power: the chance of a success that is true.
        looks: how many looks, at equal shares of the information.
        spending: how alpha is spent over them, and the chance to miss.
        acts: the codes of the options that mean: the tool would act.
        wait_days: how long after the suggestion an outcome is waited for; then it is missing.
        longest_days: the last look is taken then at the latest, whatever has been seen.
        subgroups: inputs of the card by whose levels the figure must not be worse.
        run: the validation run that the beliefs come from, or empty.
    """

    aim: Aim
    alpha: float = 0.025
    power: float = 0.9
    looks: int = 3
    spending: Spending = "obrien-fleming"
    acts: tuple[str, ...]
    wait_days: int = 30
    longest_days: int = 365
    subgroups: tuple[str, ...] = ()
    run: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A registered plan: the draft, the tool it is about, what it comes to, and who answers for it.

    Attributes:
        usecase, version, model, settings: the tool under trial; another one is another trial.
        draft: what is to be shown, and how.
        fractions: the share of the information at each planned look.
        information, patients: the maximum, and about how many patients hold it.
        number: 1 for the first plan of the use, then one more for each change.
        by, role, at: who registered it, in which role, and when; only later cases count.
        reason: why.
    """

    usecase: str
    version: str
    model: str
    settings: str
    draft: Draft
    fractions: tuple[float, ...]
    information: float
    patients: int
    number: int
    by: str
    role: str
    at: datetime
    reason: str

    @property
    def hash(self) -> str:
        """The SHA-256 of all of it: what the audit keeps."""
        return hashlib.sha256(encode(self)).hexdigest()

    @property
    def aim(self) -> Aim:
        """What is to be shown."""
        return self.draft.aim


class Accrual(msgspec.Struct, frozen=True, kw_only=True):
    """What has been seen so far. Nothing in it says how the tool does.

    Attributes:
        patients: whose case counts: in scope, waited for long enough, the outcome known; each once.
        events: of those, with the outcome.
        flagged: of those, on whom the tool would act.
        missing: waited for long enough, and no outcome known.
        waiting: not waited for long enough yet.
        beyond: out of the tool's scope: it gave no probability.
        repeats: further suggestions about a patient who is counted already.
        information: what they hold, in the endpoint's unit.
        fraction: the same, of the maximum.
    """

    patients: int
    events: int
    flagged: int
    missing: int
    waiting: int
    beyond: int
    repeats: int
    information: float
    fraction: float


class Cell(msgspec.Struct, frozen=True):
    """How many patients had one fate; None where it is not known.

    Attributes:
        tool: whether the tool would act.
        clinicians: whether they acted.
        outcome: whether the outcome came true.
        count: how many.
    """

    tool: bool
    clinicians: bool | None
    outcome: bool | None
    count: int


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The primary figure in one subgroup.

    Attributes:
        input, level: which one.
        patients, events: how many, and with the outcome.
        estimate: the figure, with an interval that allows for the number of groups; None where they are few.
        worse: whether the whole interval lies on the wrong side of the value; None where they are few.
    """

    input: str
    level: str
    patients: int
    events: int
    estimate: Estimate | None
    worse: bool | None


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """One planned look, as it was taken. It is never computed again.

    Attributes:
        plan: the hash of the plan.
        number: 1, 2, 3 …
        at: when.
        last: whether it ends the trial: all that was planned is seen, or the time is over.
        accrual: what had been seen.
        measured: the primary figure.
        bounds: those of all looks up to this one.
        interval: the repeated confidence interval of the figure; None where it is not defined.
        extremes: the least and the greatest figure that the missing outcomes could make it, or None.
        others: further figures by name, to read and not to decide on.
        cells: the tool, the clinicians and the outcome.
        groups: the subgroups that must not be worse.
        hours_ahead: the median time from the moment of the suggestion to that of the outcome.
        minutes_late: the median time from that moment to the filing of the suggestion.
        verdict: what follows.
    """

    plan: str
    number: int
    at: datetime
    last: bool
    accrual: Accrual
    measured: Measured
    bounds: Bounds
    interval: Estimate | None
    extremes: tuple[float, float] | None
    others: dict[str, Estimate]
    cells: tuple[Cell, ...]
    groups: tuple[Group, ...]
    hours_ahead: float | None
    minutes_late: float | None
    verdict: Verdict

    @property
    def hash(self) -> str:
        """The SHA-256 of all of it: what the audit and the signatures keep."""
        return hashlib.sha256(encode(self)).hexdigest()


@dataclass(frozen=True)
class State:
    """Where the trial of a use stands.

    Attributes:
        usecase: which use.
        plan: the plan in force, or None.
        plans: all plans, latest first.
        looks: those taken on the plan in force, in order.
        accrual: what has been seen by now, or None without a plan.
        verdict: in one word.
        changed: why it no longer speaks for the use, or empty.
        next_fraction: the share of the information at which the next look is planned, or None.
        next_at: about when that will be, or None where it cannot be said.
        due: whether the next look is to be taken now.
    """

    usecase: str
    plan: Plan | None = None
    plans: tuple[Plan, ...] = ()
    looks: tuple[Look, ...] = ()
    accrual: Accrual | None = None
    verdict: Verdict = "none"
    changed: Changed = ""
    next_fraction: float | None = None
    next_at: datetime | None = None
    due: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether it ended in success and still speaks for the tool in force."""
        return self.verdict == "success" and not self.changed

    @property
    def seal(self) -> str:
        """What a signature on the step to *live* keeps: the hash and the verdict, or that there is none."""
        if self.plan is None:
            return NO_TRIAL
        return seal_of(self.plan, self.looks[-1] if self.looks else None, self.verdict, self.changed)


def seal_of(plan: Plan, last: Look | None, verdict: Verdict, changed: Changed) -> str:
    """The hash of what was last done in a trial, and how it stands, in one line."""
    return f"trial:{(last or plan).hash[:16]}:{verdict}{f'+{changed}' if changed else ''}"
