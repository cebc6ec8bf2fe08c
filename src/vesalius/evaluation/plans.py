"""Plans of validation: who learns and who is held out.

A plan is chosen by the size of the data, or by a person; it is kept in the run. Every plan keeps a patient on
one side.

* ``nested``: cross-validation by patient, ten times ten folds; what is chosen (a penalty, a recalibration)
  is chosen inside each training fold. For small data: each figure rests on every patient, and the repeats
  average the chance of the split away (Kim, Comput Stat Data Anal 2009;53:3735-3745).
* ``grouped``: five folds by patient, once: as good where there are many rows, at a twentieth of the price.
* ``patient``: one split by patient, a fifth held out; for data so large that learning is what costs.
* ``time``: learns on those who became due before a moment, and holds out the later ones. Only it meets drift
  as live use will. (Steyerberg & Harrell, J Clin Epidemiol 2016;69:245-247, on internal, internal-external
  and temporal validation; also for ``sites``.)
* ``sites``: each site (a ward, a hospital) is held out in turn: internal-external validation.
* ``external``: learns on all sites but those named, and validates there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from datetime import UTC, datetime
from typing import cast, get_args

import numpy as np
import numpy.typing as npt

from vesalius.errors import InvalidSetting, NotEnoughData
from vesalius.evaluation import leakage
from vesalius.evaluation.run import Checked, Plan, PlanKind
from vesalius.evaluation.splits import repeated
from vesalius.modelling import deal

Folds = npt.NDArray[np.intp]

KINDS: tuple[str, ...] = get_args(PlanKind)

SMALL = 3000
"""Rows below which cross-validation is repeated: above, the chance of the split is no longer what matters."""

LARGE = 1_000_000
"""Rows from which one split is enough: a fifth of them is still more than any figure needs."""

REPEATS = 10
FOLDS = 10
ONCE = 5
"""Folds of a cross-validation that is not repeated; a single split holds out one part in five."""

DAYS = 10
"""Different days below which there is no earlier and later to speak of."""

LATER = 0.25
"""The share of the rows that a split by time holds out, where nobody names the moment."""

FEWEST = 5
"""Rows with the outcome, and without, that each side must have."""

MOST_SITES = 20
"""Sites that are held out one by one; the smaller ones are held out together."""

LEARNS, OUT = -1, -2
"""In place of a fold: is learned from and never held out; on neither side."""

REST = "other"


def choose(rows: int, kind: str | None = None, *, cut: str = "", held: Sequence[str] = ()) -> Plan:
    """The plan for so many rows, or the one that was asked for.

    Args:
        rows: how many there are.
        kind: what a person asked for; None lets the size decide.
        cut: ISO date or moment, for ``time``; empty lets the data decide.
        held: the sites to hold out, for ``external``.

    Raises:
        InvalidSetting: an unknown plan, a moment that is none, or one plan's choice given to another.
    """
    if kind is not None and kind not in KINDS:
        raise InvalidSetting(f"there is no plan {kind!r}", hint=f"one of {', '.join(KINDS)}")
    if cut and kind != "time":
        raise InvalidSetting("a moment to split at goes with the plan time")
    if held and kind != "external":
        raise InvalidSetting("sites to hold out go with the plan external")
    if kind == "external" and not held:
        raise InvalidSetting("the plan external needs the site to hold out", hint="--test-on SITE")
    size: PlanKind = "nested" if rows < SMALL else "grouped" if rows < LARGE else "patient"
    what: PlanKind = cast("PlanKind", kind) if kind else size
    repeats, folds = {"nested": (REPEATS, FOLDS), "grouped": (1, ONCE)}.get(what, (1, 1))
    return Plan(
        kind=what,
        repeats=repeats,
        folds=folds,
        cut=_moment(cut).isoformat() if cut else "",
        held=tuple(held),
        asked=kind is not None,
    )


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidSetting(f"{text[:30]!r} is no moment", hint="write it as 2026-01-31") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def deal_out(
    plan: Plan,
    outcomes: npt.NDArray[np.bool_],
    groups: Sequence[Hashable],
    moments: Sequence[datetime],
    sites: Sequence[str] | None,
    seed: int,
) -> tuple[Plan, Folds]:
    """The folds of N rows: repeats × N, each the number of its fold, or ``LEARNS``, or ``OUT``.

    Returns:
        The plan as it was carried out (with its moment, its sites and its number of folds), and the folds.

    Raises:
        NotEnoughData: too few patients, days or sites for this plan.
    """
    if plan.kind in ("nested", "grouped"):
        return plan, repeated(outcomes, groups, plan.folds, plan.repeats, seed)
    if plan.kind == "patient":
        folds = deal(outcomes, groups, ONCE, np.random.Generator(np.random.PCG64(seed)))
        row = np.where(folds == 0, 0, LEARNS)
    elif plan.kind == "time":
        cut = _moment(plan.cut) if plan.cut else later_from(moments)
        plan = Plan(kind="time", cut=cut.isoformat(), asked=plan.asked)
        row = apart_(np.array([moment >= cut for moment in moments], dtype=bool), groups)
    elif plan.kind == "external":
        known = _known(sites)
        if absent := set(plan.held) - set(known):
            raise NotEnoughData(
                f"no row is of the site {', '.join(sorted(absent))}", hint=f"sites: {_listed(known)}"
            )
        row = apart_(np.isin(np.array(known), plan.held), groups)
    else:
        names, row = _by_site(_known(sites))
        plan = Plan(kind="sites", folds=len(names), held=tuple(names), asked=plan.asked)
    _enough(plan, row, outcomes)
    return plan, row[None, :]


def apart_(held: npt.NDArray[np.bool_], groups: Sequence[Hashable]) -> Folds:
    """One split: 0 for the rows held out, less those whose patient is also on the side that learns."""
    seen = {group for group, out in zip(groups, held.tolist(), strict=True) if not out}
    again = np.array([group in seen for group in groups], dtype=bool)
    return np.where(held, np.where(again, OUT, 0), LEARNS).astype(np.intp)


def later_from(moments: Sequence[datetime]) -> datetime:
    """The start of the day from which a quarter of the rows became due.

    Raises:
        NotEnoughData: fewer than ten different days.
    """
    days = sorted(moment.astimezone(UTC).date() for moment in moments)
    different = sorted(set(days))
    if len(different) < DAYS:
        raise NotEnoughData(
            f"the rows became due on {len(different)} different days: they cannot be split by time",
            hint=f"at least {DAYS} days are needed",
        )
    wanted = days[int(len(days) * (1 - LATER))]
    cut = wanted if wanted > different[0] else different[1]
    return datetime(cut.year, cut.month, cut.day, tzinfo=UTC)


def learners(row: Folds, fold: int, groups: Sequence[Hashable]) -> npt.NDArray[np.intp]:
    """Who is learned from while ``fold`` is held out: all others, less the rows of the same patients."""
    held = {groups[place] for place in np.flatnonzero(row == fold).tolist()}
    there = np.flatnonzero((row != fold) & (row != OUT)).tolist()
    return np.array([place for place in there if groups[place] not in held], dtype=np.intp)


def check(plan: Plan, folds: Folds, groups: Sequence[Hashable]) -> Checked:
    """Whether a patient is on two sides. With ``sites``, :func:`learners` keeps them apart at each turn."""
    if plan.kind == "sites":
        return Checked(detector="same_patient", passed=True, figures={"patients": 0.0})
    checks = [leakage.apart(groups, row) for row in folds]
    return next((each for each in checks if not each.passed), checks[0])


def _known(sites: Sequence[str] | None) -> list[str]:
    if sites is None:
        raise NotEnoughData(
            "the use case does not say where its candidates were seen", hint="it needs the answer sites"
        )
    return list(sites)


def _by_site(sites: Sequence[str]) -> tuple[list[str], Folds]:
    """The sites, largest first, and the fold of each row; the smallest sites share the last fold."""
    sizes = sorted(Counter(sites).items(), key=lambda pair: (-pair[1], pair[0]))
    if len(sizes) < 2:
        raise NotEnoughData("all rows are of one site: there is none to hold out")
    names = [name for name, _ in sizes[:MOST_SITES]]
    place = {name: number for number, name in enumerate(names)}
    rest = len(names) if len(sizes) > MOST_SITES else None
    row = np.array([place.get(site, rest) for site in sites], dtype=np.intp)
    return [*names, *([REST] if rest is not None else [])], row


def _listed(sites: Sequence[str]) -> str:
    names = sorted(set(sites))
    return ", ".join(names[:12]) + (" …" if len(names) > 12 else "")


def _enough(plan: Plan, row: Folds, outcomes: npt.NDArray[np.bool_]) -> None:
    sides = [("is held out", row >= 0)] + ([("learns", row == LEARNS)] if plan.kind != "sites" else [])
    for name, side in sides:
        events = int(outcomes[side].sum())
        if min(events, int(side.sum()) - events) < FEWEST:
            raise NotEnoughData(
                f"the side that {name} has {int(side.sum())} rows, {events} with the outcome",
                hint=f"at least {FEWEST} with it and {FEWEST} without are needed",
            )


def folds_of(row: Folds) -> Iterator[int]:
    """The folds that are held out, in order."""
    yield from range(int(row.max()) + 1)
