"""The stop rules, applied: what each one sees, on how many cases, and whether it fires.

A rule counts only what came since the use was last signed into its state: a use that was stopped, mended and
signed again is not stopped for what was before. It never fires on fewer than its declared minimum of cases.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from vesalius.card import StopRule
from vesalius.evaluation.metrics import Estimate, exact
from vesalius.evaluation.monitoring import Reference, Tally, calibration, realised, subgroups, total
from vesalius.monitoring._sequential import Kept
from vesalius.monitoring.status import RuleLine
from vesalius.review.factors import Factors
from vesalius.review.factors import total as added

T = TypeVar("T")

RARE = 0.001
"""Of a gap of a subgroup, the most that chance may explain it, over all subgroups, to stop a use."""

MOSTLY = 0.5
"""An input that was missing in fewer than this share of the reference was there for most."""


@dataclass(frozen=True)
class Seen:
    """What the rules look at: all of it since the use was last signed into its state.

    Attributes:
        reference: how things were; None where there is none yet.
        filed: per day, the suggestions.
        known: per day of the suggestion, those whose outcome is known.
        people: per day, what people did.
        chart: the chart for more outcomes than said; None where it has not begun.
        today: the day.
        scored: whether the use gives probabilities at all.
    """

    reference: Reference | None
    filed: Mapping[int, Tally]
    known: Mapping[int, Tally]
    people: Mapping[int, Factors]
    chart: Kept | None
    today: int
    scored: bool = True

    def last(self, days: int, parts: Mapping[int, T]) -> list[T]:
        """What is there of the last days, today included; all of it for 0."""
        return [part for day, part in parts.items() if not days or day > self.today - days]


def apply(rules: tuple[StopRule, ...], seen: Seen) -> tuple[RuleLine, ...]:
    """Every rule, against what was seen."""
    return tuple(_RULES[rule.name](rule, seen) for rule in rules)


def _nothing(rule: StopRule, cases: int = 0) -> RuleLine:
    return RuleLine(name=rule.name, cases=cases, minimum=rule.minimum, limit=rule.limit)


def _outcomes(rule: StopRule, seen: Seen) -> RuleLine:
    if seen.chart is None:
        return _nothing(rule)
    state, limit = seen.chart.state, seen.chart.chart.limit
    signalled = state.signalled and state.cases >= rule.minimum
    return RuleLine(
        name=rule.name,
        cases=state.cases,
        minimum=rule.minimum,
        value=round(state.greatest / 1e6 if signalled else state.value, 3),
        limit=limit,
        fires=signalled,
        left=None if state.cases < rule.minimum else seen.chart.left,
    )


def _calibration(rule: StopRule, seen: Seen) -> RuleLine:
    tally = total(seen.last(rule.days, seen.known))
    cases = tally.scored.known
    if seen.reference is None or not seen.scored or not cases:
        return _nothing(rule, cases)
    ratio, slope = realised(tally).ratio, calibration(seen.reference, tally).slope
    wide, enough = rule.limit, cases >= rule.minimum
    off = _beyond(ratio, 1 / wide, wide)
    flat = slope.high is not None and slope.high < 1 / wide
    shown, what = (slope, "slope") if flat and not off else (ratio, "ratio")
    return _shown(rule, cases, shown, what=what, fires=enough and (off or flat))


def _feed(rule: StopRule, seen: Seen) -> RuleLine:
    tally, reference = total(seen.last(rule.days, seen.filed)), seen.reference
    if reference is None or not tally.rows:
        return _nothing(rule, tally.rows)
    worst, about = -1.0, ""
    for field, counts in zip(reference.fields, tally.counts, strict=True):
        before = field.counts[-1] / max(sum(field.counts), 1)
        share = counts[-1] / max(sum(counts), 1)
        if rule.inputs and field.name not in rule.inputs:
            continue
        # The bound must also be far from how it was: what was often missing is not lost when it is again.
        if before < min(MOSTLY, rule.limit) and share > worst:
            worst, about = share, field.name
    if not about:
        return _nothing(rule, tally.rows)
    return RuleLine(
        name=rule.name,
        cases=tally.rows,
        minimum=rule.minimum,
        value=round(worst, 4),
        limit=rule.limit,
        about=about,
        fires=tally.rows >= rule.minimum and worst >= rule.limit,
    )


def _subgroup(rule: StopRule, seen: Seen) -> RuleLine:
    tally = total(seen.last(rule.days, seen.known))
    if seen.reference is None or not seen.scored or not tally.groups:
        return _nothing(rule)
    gaps = [
        gap
        for gap in subgroups(seen.reference, tally, RARE)
        if gap.known >= rule.minimum and gap.auroc_gap is not None and gap.auroc_gap.value is not None
    ]
    if not gaps:
        most = max((scored.known for scored in tally.groups.values()), default=0)
        return _nothing(rule, min(most, rule.minimum - 1))
    worst = max(gaps, key=lambda gap: (gap.auroc_gap and gap.auroc_gap.value) or 0.0)
    gap = worst.auroc_gap or Estimate(None)
    far = (gap.value or 0.0) > rule.limit and (gap.low or 0.0) > 0 and worst.p < RARE
    return _shown(rule, worst.known, gap, about=worst.group, fires=far)


def _override(rule: StopRule, seen: Seen) -> RuleLine:
    people = added(seen.last(rule.days, seen.people))
    if not people.decided:
        return _nothing(rule)
    share = exact(people.count("overridden"), people.decided)
    beyond = share.low is not None and share.low > rule.limit
    return _shown(rule, people.decided, share, fires=beyond and people.decided >= rule.minimum)


def _shown(
    rule: StopRule, cases: int, shown: Estimate, *, about: str = "", what: str = "", fires: bool = False
) -> RuleLine:
    return RuleLine(
        name=rule.name,
        cases=cases,
        minimum=rule.minimum,
        value=shown.value,
        low=shown.low,
        high=shown.high,
        limit=rule.limit,
        about=about,
        what=what,
        fires=fires,
    )


def _beyond(estimate: Estimate, low: float, high: float) -> bool:
    """Whether the whole interval lies outside two bounds."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return False
    return math.isfinite(estimate.low) and (estimate.low > high or estimate.high < low)


_RULES: Mapping[str, Callable[[StopRule, Seen], RuleLine]] = {
    "outcomes": _outcomes,
    "calibration": _calibration,
    "feed": _feed,
    "subgroup": _subgroup,
    "override": _override,
}
