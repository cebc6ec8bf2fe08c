"""Detectors of leaks: what would let a validation look better than the bedside will be.

Each looks at the rows before anything is learned, and tells what it saw as a :class:`Checked`. A validation
stops at the first that finds something, unless a person lets it go on, with a name and a reason that stay in
the run. Nothing here names a patient.

Source: Kapoor & Narayanan, Leakage and the reproducibility crisis in machine-learning-based science,
Patterns 2023;4:100804 (the kinds of leaks); Vandewiele et al., Overly optimistic prediction results on
imbalanced data: a case study of flaws and benefits when applying over-sampling, Artif Intell Med
2021;111:101987 (oversampling before the split).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vesalius.errors import InvalidSetting, Leak
from vesalius.evaluation import metrics
from vesalius.evaluation.run import Checked

if TYPE_CHECKING:
    from vesalius.card import Card, Input
    from vesalius.lake import Lake
    from vesalius.usecase import Evidence

DETECTORS = (
    "same_patient",
    "oversampled",
    "duplicated_rows",
    "same_row",
    "invented_rows",
    "known_later",
    "outcome_known",
    "single_input",
)
"""Every detector, in the order in which they speak."""

TOO_WELL = 0.95
"""An input whose AUROC is above this, with the whole of its interval, is taken to know the answer."""

FEWEST = 10
"""Rows with the outcome, and without, below which a single input proves nothing."""

COARSE = 0.35
"""An input on which two random rows agree more often than this says little about whether a row is a copy."""

AHEAD = 10.0
"""How many times the odds of chance two rows that agree on all else must agree on an input, to be copies."""

SAMPLE = 2000
"""Sources whose moment is looked up in the lake."""

_HINT = {
    "same_patient": "split by patient",
    "duplicated_rows": "one row per candidate: look at how candidates are found",
    "same_row": "look at how the rows were made: the same facts stand under another patient",
    "oversampled": "validate on the rows as they were recorded; resample inside training folds, or not",
    "invented_rows": "validate on the rows as they were recorded, not on rows computed from others",
    "known_later": "read only what was recorded at the moment of the candidate, or before",
    "outcome_known": "whose outcome is known needs no prediction: look at how candidates are found",
    "single_input": "leave it out, or name on the card (strong) the source which says that it tells so much",
}


@dataclass(frozen=True)
class Pass:
    """Who lets a validation go on in spite of a detector.

    Attributes:
        by: the account.
        reason: why; shown in the report.
    """

    by: str
    reason: str


def stop(checks: Sequence[Checked], allowed: Mapping[str, Pass] | None = None) -> tuple[Checked, ...]:
    """Refuses what a detector found, unless somebody answers for it.

    Args:
        checks: what the detectors saw.
        allowed: by detector, who lets it pass and why.

    Returns:
        The checks, those that were let pass with the name and the reason.

    Raises:
        Leak: what was found, and what to do about it.
        InvalidSetting: a detector that does not exist, or a pass without a name or a reason.
    """
    given = dict(allowed or {})
    check_passes(given)
    ordered = sorted(checks, key=lambda check: DETECTORS.index(check.detector))
    bad = [check for check in ordered if not check.passed and check.detector not in given]
    if bad:
        more = "".join(f"; {check.detector}: {check.found}" for check in bad[1:])
        raise Leak(f"{bad[0].detector}: {bad[0].found}{more}", hint=_HINT[bad[0].detector])
    return tuple(check if check.passed else _signed(check, given[check.detector]) for check in ordered)


def check_passes(given: Mapping[str, Pass]) -> None:
    """Refuses a detector that does not exist, or a pass without a name or a reason.

    Raises:
        InvalidSetting: says which.
    """
    for name, each in given.items():
        if name not in DETECTORS:
            raise InvalidSetting(f"there is no detector {name!r}", hint=f"one of {', '.join(DETECTORS)}")
        if not each.by.strip() or not each.reason.strip():
            raise InvalidSetting(f"to let {name} pass needs a name and a reason")


def _signed(check: Checked, given: Pass) -> Checked:
    return Checked(
        detector=check.detector,
        passed=False,
        found=check.found,
        figures=check.figures,
        by=given.by,
        reason=given.reason,
    )


def inspect(evidence: Evidence, outcomes: npt.NDArray[np.bool_], card: Card) -> tuple[Checked, ...]:
    """What the detectors see in N rows of evidence and N outcomes, before anything is split or learned."""
    codes = _codes(evidence.table, card)
    patients = [candidate.subject for candidate in evidence.candidates]
    seen = [
        *repeated_rows(evidence, outcomes, codes),
        *copies(codes, patients, outcomes),
        invented(evidence.table, outcomes, card),
        single_input(evidence, outcomes, card),
    ]
    # Two of them look for a class that was sampled again: what one found is not undone by the other.
    passed = {check.detector: check for check in seen if check.passed}
    failed = {check.detector: check for check in seen if not check.passed}
    return tuple((passed | failed).values())


def apart(groups: Sequence[Hashable], folds: npt.NDArray[np.intp]) -> Checked:
    """Whether a patient is on two sides: folds are the numbers from 0, -1 is never held out, -2 left out."""
    sides: dict[Hashable, int] = {}
    there = [pair for pair in zip(groups, folds.tolist(), strict=True) if pair[1] > -2]
    split = {group for group, fold in there if sides.setdefault(group, fold) != fold}
    found = f"{len(split)} patients would be on both sides of the split" if split else ""
    return Checked(
        detector="same_patient", passed=not split, found=found, figures={"patients": float(len(split))}
    )


def repeated_rows(
    evidence: Evidence, outcomes: npt.NDArray[np.bool_], codes: npt.NDArray[np.int64]
) -> tuple[Checked, ...]:
    """Rows that are there twice: the same patient and focus, or the same patient, moment and facts.

    The moment alone does not tell: a source without dates gives all stays of a patient the same one.

    Args:
        evidence: N rows.
        outcomes: N outcomes.
        codes: N × J, their values as numbers.
    """
    foci = Counter((item.subject, item.focus) for item in evidence.candidates)
    facts = _hashes(codes).sum(axis=1, dtype=np.uint64).tolist() if codes.size else [0] * len(evidence)
    moments = Counter(
        (item.subject, item.as_of, fact) for item, fact in zip(evidence.candidates, facts, strict=True)
    )
    twice = [
        foci[item.subject, item.focus] > 1 or moments[item.subject, item.as_of, fact] > 1
        for item, fact in zip(evidence.candidates, facts, strict=True)
    ]
    again = max((sum(count - 1 for count in tally.values()) for tally in (foci, moments)), default=0)
    mark = np.array(twice, dtype=bool)
    figures = {"rows": float(again)}
    if not again:
        return (Checked(detector="duplicated_rows", passed=True, figures=figures),)
    found = f"{again} rows are there twice"
    checks = [Checked(detector="duplicated_rows", passed=False, found=found, figures=figures)]
    if one_sided(mark, outcomes):
        checks.append(_oversampled(mark, outcomes))
    return tuple(checks)


def one_sided(mark: npt.NDArray[np.bool_], outcomes: npt.NDArray[np.bool_]) -> bool:
    """Whether marked rows crowd in one class: a tenth of it or more, five times the share of the other."""
    shares = [float(mark[part].mean()) if part.any() else 0.0 for part in (outcomes, ~outcomes)]
    return max(shares) >= 0.1 and max(shares) >= 5 * min(shares)


def _oversampled(mark: npt.NDArray[np.bool_], outcomes: npt.NDArray[np.bool_]) -> Checked:
    with_, of_with = int((mark & outcomes).sum()), int(outcomes.sum())
    without, of_without = int((mark & ~outcomes).sum()), int((~outcomes).sum())
    found = (
        f"one class was sampled again before the split: {with_:,} of {of_with:,} rows with the outcome are "
        f"copies of one another, and {without:,} of {of_without:,} without; a model would be asked about "
        f"rows that it has learned"
    )
    figures = {"with": with_, "of_with": of_with, "without": without, "of_without": of_without}
    return Checked(
        detector="oversampled",
        passed=False,
        found=found,
        figures={name: float(value) for name, value in figures.items()},
    )


def copies(
    codes: npt.NDArray[np.int64], patients: Sequence[Hashable], outcomes: npt.NDArray[np.bool_]
) -> tuple[Checked, Checked]:
    """The same facts under another patient, far above chance.

    Rows of different patients may agree on everything where the facts are few. Then many more agree on all
    but one input, and they agree on that one as often as any two rows do, give or take. Copies agree on it
    always. So for each of the (at most five) inputs that tell rows apart best, the odds that two rows which
    agree on all else agree on it too are held beside the odds for any two rows.

    Args:
        codes: N × J, the values of J inputs as numbers; equal values have equal numbers.
        patients: N names.
        outcomes: N booleans.

    Returns:
        Of ``same_row`` and ``oversampled``.
    """
    rows, telling = len(codes), _telling(codes)
    nothing = Checked(detector="oversampled", passed=True)
    if rows < 2 or not telling:
        words = "the inputs are too coarse to tell a copy from another patient who is like them"
        return Checked(detector="same_row", passed=True, found=words), nothing
    hashes = _hashes(codes)
    total = hashes.sum(axis=1, dtype=np.uint64)
    who = np.unique(np.array(patients, dtype=object).astype(str), return_inverse=True)[1]
    alike = _pairs(total, who)
    ahead = [_ahead(alike, _pairs(total - hashes[:, j], who), chance) for j, chance in telling]
    mark = _elsewhere(total, who)
    figures = {"pairs": float(alike), "rows": float(mark.sum()), "odds": min(*ahead, 1e6)}
    if mark.sum() < max(5, rows / 1000) or min(ahead) < AHEAD:
        return Checked(detector="same_row", passed=True, figures=figures), nothing
    if one_sided(mark, outcomes):
        return Checked(detector="same_row", passed=True, figures=figures), _oversampled(mark, outcomes)
    found = (
        f"{int(mark.sum()):,} of {rows:,} rows have the very same facts as a row of another patient, "
        f"{min(ahead):,.0f} times the odds of chance: the same row would be on both sides of the split"
    )
    return Checked(detector="same_row", passed=False, found=found, figures=figures), nothing


def _codes(table: pa.Table, card: Card) -> npt.NDArray[np.int64]:
    """Per input of the card that is in the table, its values as numbers; -1 where it is not known."""
    names = [item.name for item in card.inputs if item.name in table.column_names]
    columns = [_coded(table, name) for name in names]
    return np.stack(columns, axis=1) if columns else np.empty((table.num_rows, 0), dtype=np.int64)


def _coded(table: pa.Table, name: str) -> npt.NDArray[np.int64]:
    """One column: equal values have equal numbers from 0; -1 is not known."""
    column = table.column(name)
    if not len(column):
        return np.empty(0, dtype=np.int64)
    coded: Any = column.unify_dictionaries() if pa.types.is_dictionary(column.type) else column
    coded = coded.combine_chunks().dictionary_encode()
    indices: npt.NDArray[np.int64] = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)
    return indices.astype(np.int64)


def _telling(codes: npt.NDArray[np.int64]) -> list[tuple[int, float]]:
    """The inputs that tell rows apart best, each with the chance that any two rows agree on it."""
    rows, found = len(codes), []
    for j in range(codes.shape[1]):
        counts = np.unique(codes[:, j], return_counts=True)[1].astype(np.float64)
        chance = float((counts * (counts - 1)).sum()) / max(rows * (rows - 1), 1)
        if chance <= COARSE:
            found.append((chance, j))
    return [(j, chance) for chance, j in sorted(found)[:5]]


def _hashes(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
    """N × J numbers of 64 bits that look random (splitmix64: Steele, Lea & Flood, OOPSLA 2014)."""
    column = np.arange(1, codes.shape[1] + 1, dtype=np.uint64) << np.uint64(40)
    mixed = (codes + 2).astype(np.uint64) + column[None, :]
    mixed = mixed * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    hashes: npt.NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return hashes


def _pairs(keys: npt.NDArray[np.uint64], who: npt.NDArray[np.intp]) -> int:
    """How many pairs of rows of different patients have the same key."""
    every = np.unique(keys, return_counts=True)[1]
    own = np.unique(np.stack([keys, who.astype(np.uint64)]), axis=1, return_counts=True)[1]
    return int((every * (every - 1)).sum() - (own * (own - 1)).sum()) // 2


def _ahead(alike: int, but_one: int, chance: float) -> float:
    """How many times the odds of chance it is that rows alike in all but one input are alike in it, too."""
    apart_, odds = but_one - alike, chance / (1 - chance)
    if not alike:
        return 0.0
    return alike / apart_ / odds if apart_ and odds else math.inf


def _elsewhere(keys: npt.NDArray[np.uint64], who: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Which rows have their key under another patient too."""
    place = np.unique(keys, return_inverse=True)[1]
    first = np.full(place.max() + 1, -1)
    first[place] = who  # the last patient of each key
    other = np.zeros(place.max() + 1, dtype=bool)
    np.logical_or.at(other, place, who != first[place])
    mark: npt.NDArray[np.bool_] = other[place]
    return mark


def invented(table: pa.Table, outcomes: npt.NDArray[np.bool_], card: Card) -> Checked:
    """Rows that were computed from others, as SMOTE does (Chawla et al., J Artif Intell Res 2002;16:321-357).

    Two traces are looked for, in one class and not in the other: numbers between the steps in which an
    input is measured, and rows that lie on the line between two others.
    """
    names = [item.name for item in card.inputs if item.kind == "number" and item.name in table.column_names]
    columns = [_numbers(table, name) for name in names]
    columns = [column for column in columns if np.isfinite(column).sum() >= 2 * FEWEST]
    steps = [shares for column in columns if (shares := _off_steps(column, outcomes))]
    loud = [pair for pair in steps if max(pair) > 0.2 and min(pair) < 0.005]
    lines = _on_lines(columns, outcomes)
    figures = {"inputs": float(len(loud)), "with": lines[0], "without": lines[1]}
    if len(loud) >= 2 or (max(lines) >= 0.1 and min(lines) <= 0.01):
        what = (
            f"in {len(loud)} inputs the numbers of one class lie between the steps of measurement"
            if len(loud) >= 2
            else f"{max(lines):.0%} of the rows of one class lie exactly between two others"
        )
        found = f"rows were computed from others (as SMOTE does): {what}, and those of the other class do not"
        return Checked(detector="invented_rows", passed=False, found=found, figures=figures)
    return Checked(detector="invented_rows", passed=True, figures=figures)


def _numbers(table: pa.Table, name: str) -> metrics.Floats:
    column: Any = table.column(name).cast(pa.float64())
    numbers: metrics.Floats = pc.fill_null(column, math.nan).to_numpy()
    return numbers


def _off_steps(column: metrics.Floats, outcomes: npt.NDArray[np.bool_]) -> tuple[float, float] | None:
    """The share of each class off the steps in which the other is measured; None where there are none.

    Steps of 1, a half, a tenth, a hundredth and a thousandth are tried.
    """
    parts = [column[part & np.isfinite(column)] for part in (outcomes, ~outcomes)]
    if min(len(part) for part in parts) < FEWEST:
        return None
    for step in (1.0, 0.5, 0.1, 0.01, 0.001):
        off = [float((np.abs(part / step - np.round(part / step)) > 1e-6).mean()) for part in parts]
        if min(off) < 0.005:
            return off[0], off[1]
    return None


def _on_lines(columns: list[metrics.Floats], outcomes: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """The share of each class that has two neighbours on one line with it, in the continuous inputs."""
    fine = [column for column in columns if _continuous(column)]
    if len(fine) < 3:
        return 0.0, 0.0
    points = np.stack([(column - np.nanmean(column)) / np.nanstd(column) for column in fine], axis=1)
    whole = np.isfinite(points).all(axis=1)
    with_, without = (_collinear(points[part & whole]) for part in (outcomes, ~outcomes))
    return with_, without


def _continuous(column: metrics.Floats) -> bool:
    known = column[np.isfinite(column)]
    return len(np.unique(known)) > len(known) / 2 and float(np.std(known)) > 0


def _collinear(points: metrics.Floats, sample: int = 200, most: int = 5000, near: int = 15) -> float:
    """The share of (some) points that have two of their nearest neighbours exactly on one line with them."""
    if len(points) < 2 * FEWEST:
        return 0.0
    rng = np.random.Generator(np.random.PCG64(0))
    points = points[rng.permutation(len(points))[:most]]
    hits = 0
    for point in points[:sample]:
        away = points - point
        far = np.sqrt((away**2).sum(axis=1))
        order = np.argsort(far, kind="stable")
        order = order[far[order] > 1e-9][:near]
        unit = away[order] / far[order][:, None]
        angles = np.abs(unit @ unit.T) - np.eye(len(order))
        hits += bool((angles > 1 - 1e-9).any())
    return hits / min(sample, len(points))


def single_input(evidence: Evidence, outcomes: npt.NDArray[np.bool_], card: Card) -> Checked:
    """An input that alone tells the outcome too well: by its value, or by whether it is known at all.

    The score of a row is the share with the outcome among the rows of other patients that have the same
    value (a number: in one of 50 bands), so that an input with many values gains nothing by chance.
    """
    events = int(outcomes.sum())
    if min(events, len(outcomes) - events) < FEWEST:
        return Checked(detector="single_input", passed=True, found="too few rows to judge by")
    half = _halves([candidate.subject for candidate in evidence.candidates])
    figures: dict[str, float] = {}
    loud = []
    for item in card.inputs:
        if item.name in evidence.table.column_names:
            value, low = _alone(_bands(evidence.table, item), outcomes, half)
            figures[item.name] = round(value, 4)
            if low > TOO_WELL and not item.strong:
                loud.append(f"{item.name} (AUROC {value:.3f})")
    found = f"alone it tells the outcome too well: {', '.join(loud)}" if loud else ""
    return Checked(detector="single_input", passed=not loud, found=found, figures=figures)


def _bands(table: pa.Table, item: Input) -> npt.NDArray[np.int64]:
    """The value of an input as the number of its level or band; 0 where it is not known."""
    if item.kind != "number":
        return _coded(table, item.name) + 1
    column = _numbers(table, item.name)
    known = np.isfinite(column)
    edges = np.unique(np.quantile(column[known], np.linspace(0, 1, 51)[1:-1])) if known.any() else np.zeros(1)
    bands: npt.NDArray[np.int64] = np.where(
        known, np.searchsorted(edges, np.where(known, column, 0.0), side="right") + 1, 0
    )
    return bands


def _halves(groups: Sequence[Hashable]) -> npt.NDArray[np.bool_]:
    """Half of the patients, always the same ones."""
    place = {name: number for number, name in enumerate(sorted(set(map(str, groups))))}
    rng = np.random.Generator(np.random.PCG64(0))
    side = rng.permutation(len(place)) % 2 == 0
    half: npt.NDArray[np.bool_] = side[np.array([place[str(name)] for name in groups], dtype=np.intp)]
    return half


def _alone(
    bands: npt.NDArray[np.int64], outcomes: npt.NDArray[np.bool_], half: npt.NDArray[np.bool_]
) -> tuple[float, float]:
    """The AUROC of one input, and the lower end of its interval (Hanley & McNeil 1982)."""
    size = int(bands.max()) + 1
    score = np.empty(len(bands))
    for side in (half, ~half):
        rows = np.bincount(bands[side], minlength=size)
        hits = np.bincount(bands[side], outcomes[side].astype(np.float64), size)
        prior = outcomes[side].mean() if side.any() else 0.5
        score[~side] = ((hits + prior) / (rows + 1))[bands[~side]]
    value = metrics.auroc(outcomes, score)
    events = float(outcomes.sum())
    others = len(outcomes) - events
    first, second = value / (2 - value), 2 * value**2 / (1 + value)
    spread = value * (1 - value) + (events - 1) * (first - value**2) + (others - 1) * (second - value**2)
    return value, value - 1.96 * math.sqrt(max(spread, 0.0) / (events * others))


def known_later(lake: Lake, evidence: Evidence) -> Checked:
    """Facts whose source was recorded after the candidate's moment; at most 2,000 are looked up.

    They are those of at most 2,000 candidates: a use case may look up its sources one candidate at a time.
    """
    rng = np.random.Generator(np.random.PCG64(0))
    asked = [
        (source, evidence.candidates[row].as_of)
        for row in rng.permutation(len(evidence))[:SAMPLE].tolist()
        for source in {each for every in evidence.sources[row].values() for each in every}
    ]
    asked.sort()
    chosen = [asked[place] for place in sorted(rng.permutation(len(asked))[:SAMPLE].tolist())]
    late = sum(1 for source, as_of in chosen if _recorded(lake, source) > as_of)
    found = (
        f"{late:,} of {len(chosen):,} facts come from what was recorded after the moment of the candidate"
        if late
        else ""
    )
    figures = {"looked_up": float(len(chosen)), "later": float(late)}
    return Checked(detector="known_later", passed=not late, found=found, figures=figures)


def _recorded(lake: Lake, source: str) -> datetime:
    version = lake.read(source)
    if version is None:
        raise Leak("a fact names a source that the lake does not hold", hint="evidence must name its sources")
    return version.recorded_at


def outcome_known(moments: Sequence[datetime], known_at: Sequence[datetime]) -> Checked:
    """Candidates whose outcome was known at their own moment: more than one in a hundred."""
    early = sum(1 for moment, known in zip(moments, known_at, strict=True) if known <= moment)
    bad = early > len(moments) / 100
    found = (
        f"of {early:,} of {len(moments):,} candidates the outcome was known at their moment" if bad else ""
    )
    return Checked(
        detector="outcome_known", passed=not bad, found=found, figures={"candidates": float(early)}
    )
