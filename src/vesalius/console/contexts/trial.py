"""The page of a silent trial."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from vesalius.console.contexts.frame import Choice


@dataclass(frozen=True)
class TrialField:
    """One number of the plan.

    Attributes:
        name: its code.
        label: what it is, in the reader's language.
        help: why it matters, in the reader's language.
        unit: what it is in, or empty.
        value: as it stands in the form.
        minimum, maximum, step: its bounds.
    """

    name: str
    label: str
    help: str
    unit: str
    value: str
    minimum: float
    maximum: float
    step: float


@dataclass(frozen=True)
class PlanForm:
    """The form in which a plan is made.

    Attributes:
        after: the number of the plan in force that the reader saw.
        endpoint: the code of the primary endpoint.
        endpoints: those there are.
        meaning: what the chosen one is, in the reader's language.
        beliefs: what is to be shown and what is believed.
        rules: how sure, how many looks, how long.
        spending: the ways to spend alpha.
        acts: the options that mean to act.
        groups: the inputs by which it must not be worse.
        computed: how many patients it needs, as (number, words), or nothing.
        problem: why it cannot be computed or registered, in English, or empty.
        told: the message of what is wrong, in English, or empty.
        reason: the reason typed.
        run: the validation run that the proposal comes from, or empty.
        anew: whether patients seen so far will no longer count.
    """

    after: int
    endpoint: str
    endpoints: tuple[Choice, ...]
    meaning: str
    beliefs: tuple[TrialField, ...]
    rules: tuple[TrialField, ...]
    spending: tuple[Choice, ...]
    acts: tuple[Choice, ...]
    groups: tuple[Choice, ...]
    computed: tuple[tuple[str, str], ...]
    problem: str
    told: str
    reason: str
    run: str
    anew: bool


@dataclass(frozen=True)
class LookLine:
    """One look.

    Attributes:
        number: 1, 2, 3 …
        at: when.
        share: of the information.
        figure: the primary figure with its repeated interval.
        z: the statistic.
        upper, lower: its bounds.
        verdict: in English.
        tone: how it looks: good, warning, critical or info.
        extremes: what the missing outcomes could make it, or empty.
        hash: of all of it.
    """

    number: int
    at: datetime
    share: str
    figure: str
    z: str
    upper: str
    lower: str
    verdict: str
    tone: str
    extremes: str
    hash: str


@dataclass(frozen=True)
class FateLine:
    """Who acted, and what came of it.

    Attributes:
        words: who acted, in English.
        with_outcome, without_outcome: how many.
    """

    words: str
    with_outcome: int
    without_outcome: int


@dataclass(frozen=True)
class TrialGroup:
    """The primary figure in one group.

    Attributes:
        name: the group, in the reader's language.
        patients, events: how many, and with the outcome.
        figure: with its interval, or empty.
        worse: whether it is worse than the value; None where they are too few.
    """

    name: str
    patients: int
    events: int
    figure: str
    worse: bool | None


@dataclass(frozen=True)
class Apart:
    """A closed case on which the tool and the clinicians disagreed.

    Attributes:
        id: the suggestion's id.
        at: its moment.
        words: who would act, in English.
        right: who was right, in English.
    """

    id: str
    at: datetime
    words: str
    right: str


@dataclass(frozen=True)
class PlanLine:
    """An earlier plan.

    Attributes:
        number: its number.
        at: when it was registered.
        by: who did.
        words: what it was to show, in the reader's language.
        reason: why.
        hash: of all of it.
    """

    number: int
    at: datetime
    by: str
    words: str
    reason: str
    hash: str


@dataclass(frozen=True)
class SilentTrialPage:
    """``/usecases/{name}/trial``.

    Attributes:
        name: the code of the use.
        title: its title.
        verdict: in English.
        tone: how it looks.
        explained: what the verdict means, in English.
        changed: why it no longer speaks for the use, in English, or empty.
        due: whether a look is to be taken at the next turn.
        plan: the plan in force as (name, value), or nothing.
        reason: why it was registered, or empty.
        hash: its hash, or empty.
        tiles: what has been seen, as (number, words).
        progress: the same as a picture, or empty.
        next_at: about when the next look will be, or None.
        looks: those taken.
        picture: the same with their bounds, or empty.
        fates: the tool beside the clinicians.
        pictogram: who was right, of a thousand patients, or empty.
        compared: how many patients it rests on.
        others: further figures, as (name, figure).
        times: how long things took, as (name, value).
        groups: the subgroups.
        apart: closed cases to judge, or nothing.
        apart_more: how many more there are.
        may_judge: whether the reader may open them.
        form: to plan it, or None.
        past: the earlier plans, latest first.
    """

    name: str
    title: str
    verdict: str
    tone: str
    explained: str
    changed: str
    due: bool
    plan: tuple[tuple[str, str], ...]
    reason: str
    hash: str
    tiles: tuple[tuple[str, str], ...]
    progress: Markup
    next_at: datetime | None
    looks: tuple[LookLine, ...]
    picture: Markup
    fates: tuple[FateLine, ...]
    pictogram: Markup
    compared: int
    others: tuple[tuple[str, str], ...]
    times: tuple[tuple[str, str], ...]
    groups: tuple[TrialGroup, ...]
    apart: tuple[Apart, ...]
    apart_more: int
    may_judge: bool
    form: PlanForm | None
    past: tuple[PlanLine, ...]
