"""The pages about how each use does over time: the board, its monitoring, what stops it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from vesalius.console.contexts.life import ToDo
from vesalius.console.contexts.uses import Figure, Tally


@dataclass(frozen=True)
class AlarmLine:
    """One alarm.

    Attributes:
        id: its number.
        level: stop, alarm or notice.
        what: what was seen, in the reader's language.
        about: the input or group, in the reader's language, or empty.
        figures: in numbers, in the reader's language, or empty.
        since: when it was first seen.
        resolved: when it was resolved, or None.
        by: who acknowledged it, by name, or empty.
        at: when, or None.
        words: what they say.
        may_undo: whether the reader can take that back.
    """

    id: int
    level: str
    what: str
    about: str
    figures: str
    since: datetime
    resolved: datetime | None
    by: str
    at: datetime | None
    words: str
    may_undo: bool


@dataclass(frozen=True)
class BoardLine:
    """One use on the board.

    Attributes:
        name: the code of the use.
        title: its title.
        state: where it stands in its life, in English.
        light: stopped, alarm, notice, early, fine or off.
        picture: suggestions per day.
        rate: how many a day, over the last week that is shown.
        rows: the figures, as (words, value), both in the reader's language.
        alarms: those that stand.
        near: what is said where a stop rule is near its limit, or empty.
        refreshed: when it was last brought up to date, or None.
    """

    name: str
    title: str
    state: str
    light: str
    picture: Markup
    rate: float
    rows: tuple[tuple[str, str], ...]
    alarms: tuple[AlarmLine, ...]
    near: str
    refreshed: datetime | None


@dataclass(frozen=True)
class BoardPage:
    """``/board``.

    Attributes:
        uses: every use, those that need attention first.
        open: how many alarms nobody has acknowledged.
        stopped: how many uses a stop rule has silenced.
        waits: what waits for the reader.
    """

    uses: tuple[BoardLine, ...]
    open: int
    stopped: int
    waits: tuple[ToDo, ...]


@dataclass(frozen=True)
class RuleRow:
    """One stop rule.

    Attributes:
        name: its code.
        label: what it watches, in English.
        value: what it sees, with its interval; or empty.
        about: the input or group, or empty.
        limit: its bound.
        cases: on how many cases it stands.
        minimum: how many it needs.
        state: fires, near, quiet or early.
        near: what is said of how far it is, or empty.
    """

    name: str
    label: str
    value: str
    about: str
    limit: str
    cases: int
    minimum: int
    state: str
    near: str


@dataclass(frozen=True)
class HeatCell:
    """One input in one week.

    Attributes:
        level: quiet, some, much; or few where there were too few suggestions.
        words: the index, or empty.
        flag: what the monitor says: drift, unit, missing, or empty.
        path: where its distribution is.
        label: the week.
    """

    level: str
    words: str
    flag: str
    path: str
    label: str


@dataclass(frozen=True)
class HeatRow:
    """One input over the weeks.

    Attributes:
        label: its name.
        cells: one per week.
    """

    label: str
    cells: tuple[HeatCell, ...]


@dataclass(frozen=True)
class Distribution:
    """One input in one week beside the reference.

    Attributes:
        title: the input and the week.
        picture: the two side by side.
        sentence: what is missing, now and before.
    """

    title: str
    picture: Markup
    sentence: str


@dataclass(frozen=True)
class Plot:
    """One picture with its words.

    Attributes:
        title: what it shows, in English.
        picture: it.
        how: how it is computed, in English.
        blind: what it cannot see, in English; or empty.
    """

    title: str
    picture: Markup
    how: str
    blind: str


@dataclass(frozen=True)
class GapRow:
    """One subgroup.

    Attributes:
        label: its name.
        known: how many outcomes are known.
        auroc: within it.
        ratio: outcomes observed per expected.
        beyond: whether it differs from the others beyond chance.
    """

    label: str
    known: int
    auroc: str
    ratio: str
    beyond: bool


@dataclass(frozen=True)
class MonitoringPage:
    """``/usecases/{name}/monitoring``.

    Attributes:
        name: the code of the use.
        title: its title.
        state: where it stands in its life, in English.
        light: stopped, alarm, notice, early, fine or off.
        refreshed: when it was last brought up to date, or None.
        compared: what it is compared with, in the reader's language; empty where there is nothing yet.
        waiting: how many suggestions wait for something to compare with.
        alarms: those that stand.
        resolved: those that were resolved, latest first.
        may_acknowledge: whether the reader may acknowledge one.
        figures: the figures of now.
        rules: the stop rules.
        weeks: what each week of the heat map is called.
        heat: each input over the weeks.
        chosen: the distribution that was asked for, or None.
        plots: performance, calibration and the charts.
        proposal: what would mend the calibration, in the reader's language; or empty.
        gaps: the subgroups that are large enough.
        people: overrides, burden and delays over the weeks.
        reasons: why people overrode it, over the last weeks.
        wards: suggestions shown a day, per ward.
        options: how often each option was overridden.
        bias: how often right and wrong suggestions were accepted.
        returned: the time returned, in the reader's language.
        burden: the burden, in the reader's language.
    """

    name: str
    title: str
    state: str
    light: str
    refreshed: datetime | None
    compared: str
    waiting: int
    alarms: tuple[AlarmLine, ...]
    resolved: tuple[AlarmLine, ...]
    may_acknowledge: bool
    figures: tuple[Figure, ...]
    rules: tuple[RuleRow, ...]
    weeks: tuple[str, ...]
    heat: tuple[HeatRow, ...]
    chosen: Distribution | None
    plots: tuple[Plot, ...]
    proposal: str
    gaps: tuple[GapRow, ...]
    people: tuple[Plot, ...]
    reasons: tuple[Tally, ...]
    wards: tuple[tuple[str, str], ...]
    options: tuple[Tally, ...]
    bias: tuple[Tally, ...]
    returned: str
    burden: str


@dataclass(frozen=True)
class Bound:
    """One bound that the hospital may move.

    Attributes:
        name: the code of the rule.
        label: what it watches, in English.
        help: what the bound is, in English.
        value: in force, or the one that was refused.
        low, high: its bounds.
        step: of the field.
        minimum: the fewest cases on which the rule fires.
        days: how far back it looks, 0 for since the use was last signed.
    """

    name: str
    label: str
    help: str
    value: float
    low: float
    high: float
    step: float
    minimum: int
    days: int


@dataclass(frozen=True)
class RulesPage:
    """``/usecases/{name}/monitoring/rules``.

    Attributes:
        name: the code of the use.
        title: its title.
        bounds: the stop rules.
        hours: clinician-hours a day, as declared or refused; or empty.
        hours_source: where that comes from.
        minutes: minutes that an accepted suggestion saves, likewise; or empty.
        minutes_source: where that comes from.
        may_change: whether the reader may change them.
        past: earlier changes, as (when, who, why), latest first.
        problem: why a change was refused, in English; or empty.
        reason: the reason given then.
    """

    name: str
    title: str
    bounds: tuple[Bound, ...]
    hours: str
    hours_source: str
    minutes: str
    minutes_source: str
    may_change: bool
    past: tuple[tuple[datetime, str, str], ...]
    problem: str
    reason: str
