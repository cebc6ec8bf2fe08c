"""How each use does: what the pages read. Reading it computes nothing: a refresh has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
import sqlalchemy as sa

from vesalius.governance import uses, watching
from vesalius.governance.lifecycle import State
from vesalius.governance.uses import Use
from vesalius.governance.watching import Watch
from vesalius.monitoring import alarms
from vesalius.monitoring._tables import people as people_table
from vesalius.monitoring._tables import use as use_table
from vesalius.monitoring._tables import week as week_table
from vesalius.monitoring.alarms import Alarm
from vesalius.review.factors import Factors, day_of
from vesalius.store import reading

DAYS = 28
"""How many days back the board looks, today included."""

WEEK = 7
_MONDAY = 4  # 1970-01-05 was a Monday

Light = Literal["stopped", "alarm", "notice", "fine", "early", "off"]
"""``stopped``: a stop rule silenced it. ``alarm``, ``notice``: one stands that nobody has acknowledged.
``early``: too little has been seen to say. ``off``: it does not run."""

ORDER: Mapping[str, int] = {"stopped": 0, "alarm": 1, "notice": 2, "early": 3, "fine": 4, "off": 5}
"""Who needs attention first."""


class Range(msgspec.Struct, frozen=True, array_like=True):
    """A figure with its 95 % interval; None where there is none."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


class Cell(msgspec.Struct, frozen=True, array_like=True):
    """One input in one week, against the reference.

    Attributes:
        input: its name.
        psi: the population stability index.
        missing: the share that was missing.
        missing_before: the same, in the reference.
        drifted: whether the values have drifted, beyond chance and enough to matter.
        lost: whether more are missing, or fewer, likewise.
        unit: the change of unit that explains it, or empty.
    """

    input: str
    psi: float
    missing: float
    missing_before: float
    drifted: bool
    lost: bool
    unit: str = ""


class Week(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One week of a use and model.

    Attributes:
        monday: its first day, as days since 1970.
        rows, known, events: how many suggestions, how many of them with a known outcome, how many came true.
        cells: per input; empty where there were too few suggestions.
        z, distance: of all inputs together: the reconstruction error in standard errors, and the distance of
            the mean as a share of its limit.
        strange, moved: whether either is beyond chance, and matters.
        estimated, realised: the AUROC before outcomes are known, and by those known.
        ratio: outcomes observed per expected.
    """

    monday: int
    rows: int = 0
    known: int = 0
    events: int = 0
    cells: tuple[Cell, ...] = ()
    z: float | None = None
    distance: float | None = None
    strange: bool = False
    moved: bool = False
    estimated: Range = Range()
    realised: Range = Range()
    ratio: Range = Range()


class GapLine(msgspec.Struct, frozen=True, kw_only=True):
    """One subgroup against all others.

    Attributes:
        group: as ``INPUT=LABEL``.
        known, events: how many outcomes are known, and how many came true.
        auroc, gap: within it, and how much less than elsewhere.
        ratio: outcomes observed per expected.
        beyond: whether the gap is beyond chance, and large enough to matter.
    """

    group: str
    known: int
    events: int
    auroc: Range
    gap: Range
    ratio: Range
    beyond: bool


class RuleLine(msgspec.Struct, frozen=True, kw_only=True):
    """How one stop rule stands.

    Attributes:
        name: of the rule.
        cases: on how many cases it stands.
        minimum: how many it needs.
        value: what it sees; None where it sees nothing yet.
        low, high: the 95 % interval of the value, where it has one.
        limit: the bound; of a chart, the height that it must reach.
        about: the input or subgroup, where it is about one.
        what: which of the things it looks at; ``slope`` or ``ratio`` of the calibration.
        fires: whether it is beyond the bound, on enough cases.
        left: after how many more cases like the last a chart would reach its limit; None where nobody knows.
    """

    name: str
    cases: int
    minimum: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float = 0.0
    about: str = ""
    what: str = ""
    fires: bool = False
    left: int | None = None


class ChartLine(msgspec.Struct, frozen=True, kw_only=True):
    """A chart for its picture: (case, sum), thinned, and the height at which it signals."""

    name: str
    cases: int
    limit: float
    value: float
    points: tuple[tuple[int, float], ...]


class Figures(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a refresh found of one use.

    Attributes:
        at: when.
        model: the hash of the model in force, or empty.
        since: when the use came into its state; None where nobody touched it.
        state: its state then.
        scored: whether it gives probabilities.
        origin: what it is compared with: a validation run's name, ``first`` for its first weeks, or empty.
        origin_rows: how many rows that is from.
        origin_at: since when it is compared with it.
        daily: how many suggestions were made each of the last days, shown or silent.
        shown: of those, how many were shown.
        uncounted: of those, how many could not be compared: out of scope, erased, or their evidence failed.
        waiting: how many wait for a reference.
        estimated, before: the AUROC of the last days, estimated; and that of the reference.
        realised: the AUROC by the outcomes known of the last quarter.
        known, events: of how many, and how many came true.
        ratio, slope, slope_before: calibration.
        proposal, add, multiply: what would mend it.
        drifted, lost: the inputs whose values, and whose presence, have changed over the last days.
        together: whether the inputs together have changed: strange, moved, or empty.
        gaps: per subgroup.
        rules: the stop rules.
        charts: the charts.
        overrides: the share of decisions that are overrides.
        decided: how many were decided.
        to_suggestion, to_decision, to_decision_p90: minutes from the data.
        per_hour: suggestions shown per clinician-hour; None where the hospital has not said how many.
        wards: per ward, how many were shown a day.
        returned: hours that accepted suggestions saved; None where the hospital has not said how many each.
        right, wrong: (accepted, all) of the decided suggestions that proved right, and wrong.
        problem: what kept the refresh from being whole, without patient data; or empty.
    """

    at: datetime
    model: str = ""
    since: datetime | None = None
    state: str = ""
    scored: bool = True
    origin: str = ""
    origin_rows: int = 0
    origin_at: datetime | None = None
    daily: tuple[int, ...] = ()
    shown: int = 0
    uncounted: int = 0
    waiting: int = 0
    estimated: Range = Range()
    before: Range = Range()
    realised: Range = Range()
    known: int = 0
    events: int = 0
    ratio: Range = Range()
    slope: Range = Range()
    slope_before: Range = Range()
    proposal: str = "keep"
    add: float = 0.0
    multiply: float = 1.0
    drifted: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    together: str = ""
    gaps: tuple[GapLine, ...] = ()
    rules: tuple[RuleLine, ...] = ()
    charts: tuple[ChartLine, ...] = ()
    overrides: Range = Range()
    decided: int = 0
    to_suggestion: float | None = None
    to_decision: float | None = None
    to_decision_p90: float | None = None
    per_hour: float | None = None
    wards: dict[str, float] = {}
    returned: float | None = None
    right: tuple[int, int] = (0, 0)
    wrong: tuple[int, int] = (0, 0)
    problem: str = ""


@dataclass(frozen=True)
class Status:
    """One use, as the board shows it.

    Attributes:
        use: where it stands in its life.
        figures: what the last refresh found; None before the first.
        alarms: those that stand, worst first.
        watch: what the hospital declared.
    """

    use: Use
    figures: Figures | None
    alarms: tuple[Alarm, ...]
    watch: Watch

    @property
    def light(self) -> Light:
        """How it does, in one word."""
        if any(each.level == "stop" for each in self.alarms):
            return "stopped"
        if not self.use.runs:
            return "off"
        levels = {each.level for each in self.alarms if each.open}
        if "alarm" in levels:
            return "alarm"
        if "notice" in levels:
            return "notice"
        enough = self.figures is not None and bool(self.figures.origin) and sum(self.figures.daily) > 0
        return "fine" if enough else "early"


def status(engine: sa.Engine, name: str) -> Status:
    """How the use ``name`` does."""
    return statuses(engine, [name])[0]


def statuses(engine: sa.Engine, names: Iterable[str]) -> list[Status]:
    """How some uses do, in the order given."""
    with reading(engine) as connection:
        rows = connection.execute(sa.select(use_table.c.usecase, use_table.c.body))
        bodies = {row.usecase: row.body for row in rows}
        stand = alarms.standing(connection)
        return [
            Status(
                uses.current(connection, name),
                decoded(bodies.get(name)),
                tuple(each for each in stand if each.usecase == name),
                watching.watching(connection, name),
            )
            for name in names
        ]


def attention(each: Status) -> tuple[int, bool, str]:
    """Sorts those that need a look first."""
    return ORDER[each.light], each.use.state != State.LIVE, each.use.name


def weeks(engine: sa.Engine, name: str, model: str, last: int = 26) -> list[Week]:
    """The last weeks of a use and model, oldest first."""
    asked = sa.select(week_table.c.body).where(week_table.c.usecase == name, week_table.c.model == model)
    with reading(engine) as connection:
        bodies = connection.execute(asked.order_by(week_table.c.monday.desc()).limit(last)).scalars().all()
    return [msgspec.json.decode(body, type=Week) for body in reversed(bodies)]


def people(engine: sa.Engine, name: str, since: int) -> dict[int, Factors]:
    """What people did with the suggestions of a use, per day, from a day (since 1970) on."""
    with reading(engine) as connection:
        return people_between(connection, name, since)


def people_between(connection: sa.Connection, name: str, since: int) -> dict[int, Factors]:
    """As :func:`people`, within a transaction."""
    asked = sa.select(people_table.c.day, people_table.c.body).where(
        people_table.c.usecase == name, people_table.c.day >= since
    )
    rows = connection.execute(asked.order_by(people_table.c.day))
    return {day: msgspec.json.decode(body, type=Factors) for day, body in rows}


def monday(day: int) -> int:
    """The Monday of the week of a day, both as days since 1970."""
    return day - (day - _MONDAY) % WEEK


def this_monday(now: datetime) -> int:
    """The Monday of the week of a moment."""
    return monday(day_of(now))


def decoded(body: str | None) -> Figures | None:
    """Figures as they were kept."""
    return None if not body else msgspec.json.decode(body, type=Figures)
