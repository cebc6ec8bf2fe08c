"""A validation run: every figure of the report, as data."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import msgspec

from vesalius.errors import NotFound, UnreadableInput
from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.monitoring.reference import Reference
from vesalius.privacy.counts import told

PlanKind = Literal["nested", "grouped", "patient", "time", "sites", "external"]
"""How rows are held out; :mod:`vesalius.evaluation.plans` says when each is right."""


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who learns and who is held out.

    Attributes:
        kind: ``nested`` (repeated cross-validation by patient), ``grouped`` (once), ``patient`` (one split),
            ``time`` (learn on what came before ``cut``), ``sites`` (each site held out in turn) or
            ``external`` (learn on every site but ``held``).
        repeats, folds: of the cross-validation; 1 and 1 for a single split.
        cut: ISO moment; who became due from it on is held out.
        held: the site that is held out, or held-out sites in order.
        asked: whether a person asked for it, rather than the size of the data.
    """

    kind: PlanKind
    repeats: int = 1
    folds: int = 1
    cut: str = ""
    held: tuple[str, ...] = ()
    asked: bool = False


class Curve(msgspec.Struct, frozen=True):
    """A line through P points, with its 95 % band where there is one."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """How one way of predicting does.

    Attributes:
        name: ``model``, or the baseline's name.
        auroc, auprc: discrimination.
        brier, scaled_brier, intercept, slope, ici: calibration; None for a score that is no probability.
        gain: the AUROC of the model less that of this baseline, paired; None for the model.
        roc: the ROC curve.
    """

    name: str
    auroc: Estimate
    auprc: Estimate
    brier: Estimate | None = None
    scaled_brier: Estimate | None = None
    intercept: Estimate | None = None
    slope: Estimate | None = None
    ici: Estimate | None = None
    gain: Estimate | None = None
    roc: Curve


class Threshold(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happens if one acts from this probability on. Counts are means over the repeats.

    Attributes:
        probability: the threshold, 0 to 1.
        acted: of all N patients, how many would be acted on.
        caught: of those, how many have the outcome.
        missed: how many with the outcome would not be acted on.
        avoided: of the acts of the reference, how many would not take place.
        avoided_with_outcome: of those, how many have the outcome: what the avoided acts cost.
        sensitivity, specificity, ppv, npv: with their intervals.
        helped: of 1,000 patients, how many are acted on and have the outcome.
        harmed: of 1,000, how many are acted on for nothing.
        left: of 1,000, how many have the outcome and are not acted on.
        evaluate: how many must be acted on to act on one with the outcome.
    """

    probability: float
    acted: float
    caught: float
    missed: float
    avoided: float
    avoided_with_outcome: float
    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate
    helped: Estimate | None = None
    harmed: Estimate | None = None
    left: Estimate | None = None
    evaluate: Estimate | None = None


class Benefit(msgspec.Struct, frozen=True, omit_defaults=True):
    """The net benefit, per patient, of one way of deciding, at each threshold; with its 95 % band."""

    name: str
    threshold: tuple[float, ...]
    value: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


class Subgroup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the model does in one group; ``auroc`` is None where the group is too small to say.

    Attributes:
        input: the input that makes the group.
        level: its value, or the band of a number as ``LOW-HIGH`` or ``LOW+``.
        rows, events: how many rows, and how many with the outcome.
        auroc: discrimination within the group.
        expected: the mean probability.
        observed: the share with the outcome.
        slope: of the calibration within the group; None where it is too small to say.
        ratio: observed over expected; 1 is ideal.
        benefits: the net benefit per patient at each of the run's ``in_force``.
        coverage: the share whose prediction set holds the truth.
    """

    input: str
    level: str
    rows: int
    events: int
    auroc: Estimate | None
    expected: float
    observed: Estimate
    slope: Estimate | None = None
    ratio: Estimate | None = None
    benefits: tuple[Estimate, ...] = ()
    coverage: Estimate | None = None


class Coverage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How often the prediction sets hold the truth, and how much they say. Shares, 0 to 1.

    Attributes:
        level: what was promised.
        overall, with_outcome, without_outcome: the share that holds the truth, over all and in each class.
        single, both, empty: the share of sets with one answer, both, or none.
        interval: that of ``overall``, with its bootstrap interval.
    """

    level: float
    overall: float
    with_outcome: float
    without_outcome: float
    single: float
    both: float
    empty: float
    interval: Estimate | None = None


class Missing(msgspec.Struct, frozen=True):
    """How often one input is not known, and the share with the outcome where it is not and where it is."""

    input: str
    rows: int
    share: float
    outcome_missing: float | None
    outcome_known: float | None


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """One way of deciding against what happened: four counts, and the shares that follow."""

    name: str
    acted_with: int
    acted_without: int
    left_with: int
    left_without: int
    sensitivity: Estimate
    specificity: Estimate
    needless: Estimate

    @property
    def acted(self) -> int:
        """How many were acted on."""
        return self.acted_with + self.acted_without


class Proposed(msgspec.Struct, frozen=True):
    """How often an option was proposed, to how many with the outcome, and how many clinicians acted on."""

    option: str
    rows: int
    events: int
    acted: int | None


class Histogram(msgspec.Struct, frozen=True):
    """How many predictions fall in each of B equal bins of probability, by outcome (means over repeats)."""

    with_outcome: tuple[float, ...]
    without_outcome: tuple[float, ...]


class Errors(msgspec.Struct, frozen=True, kw_only=True):
    """How far probabilities are from the smoothed observed share: half of the patients, nine in ten, at most.

    Source: Austin & Steyerberg, Stat Med 2019;38:4051-4065 (E50, E90, Emax).
    """

    e50: Estimate
    e90: Estimate
    most: Estimate


class Challenger(msgspec.Struct, frozen=True, kw_only=True):
    """A freer model on the same patients and folds, and whether it is worth its opacity.

    Attributes:
        kind: as its facts name it.
        performance: its figures.
        auroc: its AUROC less that of the model; paired, as are the next two.
        brier: its Brier score less that of the model; below 0 it is better.
        benefits: its net benefit less that of the model, at each of the run's ``in_force``.
        better: whether the lower end of ``auroc`` is above 0.
    """

    kind: str
    performance: Performance
    auroc: Estimate
    brier: Estimate
    benefits: tuple[Estimate, ...]
    better: bool


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """How the model does on one side that it did not learn from: a later time, or one site.

    Attributes:
        name: of the site; empty for a split by time.
        plan: how it was held out.
        learned, learned_events: rows that were learned from, and how many of them had the outcome.
        rows, patients, events: that were held out.
        left_out: rows on neither side, because their patient was on the other one.
        auroc, brier, slope, intercept: on the rows held out; None where they are too few to say.
    """

    name: str
    plan: Plan
    learned: int
    learned_events: int
    rows: int
    patients: int
    events: int
    left_out: int
    auroc: Estimate | None
    brier: Estimate | None
    slope: Estimate | None
    intercept: Estimate | None


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows one criterion asks for.

    Attributes:
        criterion: its key, as ``development.shrinkage``.
        rows: asked for; None where it cannot be said.
        given: there are.
    """

    criterion: str
    rows: int | None
    given: int

    @property
    def met(self) -> bool:
        """Whether there are enough."""
        return self.rows is not None and self.given >= self.rows


class SampleSize(msgspec.Struct, frozen=True, kw_only=True):
    """What sample is needed, to learn such a model and to validate it.

    Attributes:
        parameters: that the model could use.
        events_per_parameter: rows with the outcome that were learned from, per parameter.
        r_squared: of Cox and Snell, of the predictions held out.
        needs: one per criterion.
    """

    parameters: int
    events_per_parameter: float
    r_squared: float
    needs: tuple[Need, ...]


class Checked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one detector of leaks saw.

    Attributes:
        detector: its key, as ``same_row``.
        passed: whether nothing was found.
        found: what was found, in words for people (English), without any patient in them.
        figures: the numbers behind it, by name.
        by, reason: who let the validation go on in spite of it, and why.
    """

    detector: str
    passed: bool
    found: str = ""
    figures: dict[str, float] = {}
    by: str = ""
    reason: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that a validation found. It holds no row of any patient.

    Attributes:
        usecase, version: what was validated.
        model: the hash of the model learned on all rows with the same seed: the one these figures speak for.
            Where the plan is ``external``, it is the one learned on the other sites.
        data: the SHA-256 of the rows and outcomes.
        kind: of the model.
        position: of the lake's log.
        first, last: the first and last moment of the candidates (ISO dates).
        rows, patients, events: how many were held out, once per repeat: all, in a cross-validation.
        seed, repeats, folds, draws: how it was done.
        performances: the model first, then the baselines.
        calibration: the smoothed calibration curve.
        histogram: of the predicted probabilities.
        thresholds: one row each.
        reference: what ``avoided`` counts from: ``practice`` or ``all``.
        benefits: the decision curve.
        subgroups, missing: one row each.
        coverage: of the prediction sets.
        decided: the clinicians and the model at the same number of acts; empty where practice is not known.
        proposed: what the use case would have proposed, by a model that had not seen the patient.
        importance: per input, the mean absolute log odds that it adds; greatest first.
        plan: who learned and who was held out; None in a run that is older than plans.
        learned, learned_events: rows that some model learned from, and how many had the outcome.
        left_out: rows on neither side.
        refused: how many patients are not among them, because they refuse any use of their data but care.
        in_force: the hospital's thresholds of probability, ascending; the prevalence where it has none.
        settings: the hospital's settings in force.
        errors: how far the probabilities are from what was observed.
        challenger: the freer model; None where the use case has none.
        sides: the same use on a later time, or on each site.
        untimed: why there is no split by time, as a key; empty where there is one.
        sample: the sample size needed.
        checks: what each detector of leaks saw.
        importance_rows: over how many rows, drawn at random, ``importance`` is averaged; 0 for all.
        proposed_rows: of how many rows ``proposed`` speaks; 0 for all.
        monitoring: what live use is compared with: counts of the rows held out and of what was predicted for
            them; ``acted`` is from the highest threshold in force on.
    """

    usecase: str
    version: str
    model: str
    data: str
    kind: str
    position: int
    first: str
    last: str
    rows: int
    patients: int
    events: int
    seed: int
    repeats: int
    folds: int
    draws: int
    performances: tuple[Performance, ...]
    calibration: Curve
    histogram: Histogram
    thresholds: tuple[Threshold, ...]
    reference: str
    benefits: tuple[Benefit, ...]
    subgroups: tuple[Subgroup, ...]
    missing: tuple[Missing, ...]
    coverage: Coverage
    decided: tuple[Decided, ...]
    proposed: tuple[Proposed, ...]
    importance: tuple[tuple[str, float], ...]
    plan: Plan | None = None
    learned: int = 0
    learned_events: int = 0
    left_out: int = 0
    in_force: tuple[float, ...] = ()
    settings: dict[str, float] = {}
    errors: Errors | None = None
    challenger: Challenger | None = None
    sides: tuple[Side, ...] = ()
    untimed: str = ""
    sample: SampleSize | None = None
    checks: tuple[Checked, ...] = ()
    proposed_rows: int = 0
    importance_rows: int = 0
    monitoring: Reference | None = None
    refused: int = 0

    @property
    def id(self) -> str:
        """The name of the run: the use case and the digest of all its figures."""
        return f"{self.usecase}-{hashlib.sha256(self.to_bytes()).hexdigest()[:16]}"

    def to_bytes(self) -> bytes:
        """The file: canonical JSON."""
        return msgspec.json.encode(self, order="sorted")

    def save(self, folder: Path) -> Path:
        """Writes ``ID.json`` in ``folder``, whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.id}.json"
        partial = path.with_suffix(".partial")
        partial.write_bytes(self.to_bytes())
        partial.replace(path)
        return path

    @classmethod
    def load(cls, path: Path) -> Run:
        """Reads a run.

        Raises:
            NotFound: there is no such file.
            UnreadableInput: it is not a run, or not the one its name promises.
        """
        try:
            run = msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError as error:
            raise NotFound(f"there is no validation run {path.name}") from error
        except (OSError, msgspec.MsgspecError) as error:
            raise UnreadableInput(f"{path.name} is not a validation run: {error}") from error
        if run.id != path.stem:
            raise UnreadableInput(f"{path.name} is not the run its name promises", hint="validate again")
        return run

    @property
    def performance(self) -> Performance:
        """Of the model."""
        return self.performances[0]

    @property
    def practice(self) -> Decided | None:
        """What the clinicians decided, where it is known."""
        return self.decided[0] if self.decided else None

    def lines(self) -> list[str]:
        """The main figures, as plain lines for a terminal."""
        return _lines(self)


def latest(folder: Path, usecase: str) -> Run | None:
    """The newest run of a use case in ``folder``, by the time of its file; None where there is none."""
    # The name must be whole: a run of "urine-child" is none of "urine", and nobody signs for it as one.
    found = [path for path in folder.glob("*.json") if path.stem.rpartition("-")[0] == usecase]
    paths = [path for path in found if path.is_file()]
    return Run.load(max(paths, key=lambda path: (path.stat().st_mtime_ns, path.name))) if paths else None


def figure(estimate: Estimate | None, digits: int = 3) -> str:
    """A figure with its interval, as ``0.829 (0.783–0.871)``, or a dash where there is none."""
    if estimate is None or estimate.value is None:
        return "–"
    value = _plain(estimate.value, digits)
    if estimate.low is None or estimate.high is None:
        return value
    low, high = _plain(estimate.low, digits), _plain(estimate.high, digits)
    return f"{value} ({low} to {high})" if estimate.low < 0 else f"{value} ({low}–{high})"


def _plain(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text if text.strip("-0.") else text.removeprefix("-")


def _lines(run: Run) -> list[str]:
    share = run.events / run.rows
    lines = [
        f"run {run.id}",
        f"patients {run.patients}, rows {run.rows}, with the outcome {run.events} ({share:.1%})",
        f"{_held_out(run)}, {run.draws} bootstrap draws",
    ]
    if run.refused:
        lines.append(f"left out, for they refuse any use but their care: {told(run.refused)} patients")
    for item in run.performances:
        gain = f", the model gains {figure(item.gain)}" if item.gain else ""
        lines.append(f"AUROC {item.name} {figure(item.auroc)}{gain}")
    if len(run.performances) == 1:
        lines.append("no simple rule stands beside the model: give the use case baselines")
    model = run.performance
    lines.append(f"Brier {figure(model.brier)}, scaled {figure(model.scaled_brier)}")
    lines.append(
        f"calibration slope {figure(model.slope, 2)}, intercept {figure(model.intercept, 2)}, "
        f"ICI {figure(model.ici)}"
    )
    held = figure(run.coverage.interval) if run.coverage.interval else f"{run.coverage.overall:.3f}"
    lines.append(f"prediction sets at {run.coverage.level:.0%} hold the truth in {held}")
    lines += [_challenged(run.challenger)] if run.challenger else []
    lines += [_beside(side) for side in run.sides]
    if run.untimed:
        why = {"days": "too few different days", "few": "too few later rows with the outcome"}[run.untimed]
        lines.append(f"no split by time: {why}")
    lines += [_decided(item) for item in run.decided]
    lines += [_needed(run.sample)] if run.sample else []
    lines += [
        f"in spite of {check.detector} ({check.found}): {check.by}, {check.reason}"
        for check in run.checks
        if not check.passed
    ]
    return lines


def _held_out(run: Run) -> str:
    plan, learned = run.plan, f"{run.learned} rows learned from, {run.left_out} on neither side"
    if plan is None or plan.kind in ("nested", "grouped"):
        return f"{run.repeats} × {run.folds}-fold cross-validation by patient"
    return {
        "patient": f"one split by patient: {learned}",
        "time": f"held out from {plan.cut[:10]} on: {learned}",
        "sites": f"each of {len(plan.held)} sites held out in turn",
        "external": f"learned elsewhere, held out {', '.join(plan.held)}: {learned}",
    }[plan.kind]


def _challenged(item: Challenger) -> str:
    verdict = "its gain is more than chance" if item.better else "no gain beyond chance: kept simple"
    auroc = figure(item.performance.auroc)
    return f"challenger {item.kind}: AUROC {auroc}, gains {figure(item.auroc)}; {verdict}"


def _beside(side: Side) -> str:
    where = side.name or f"from {side.plan.cut[:10]} on"
    return (
        f"{where}: {side.rows} rows, {side.events} with the outcome, AUROC {figure(side.auroc)}, "
        f"slope {figure(side.slope, 2)}"
    )


def _needed(sample: SampleSize) -> str:
    most = max((need.rows for need in sample.needs if need.rows is not None), default=0)
    short = [need.criterion for need in sample.needs if not need.met]
    verdict = f"too few for {', '.join(short)}" if short else "enough"
    return (
        f"sample: {sample.events_per_parameter:.1f} events for each of {sample.parameters} parameters; "
        f"{most} rows needed; {verdict}"
    )


def _decided(item: Decided) -> str:
    return (
        f"{item.name}: sensitivity {figure(item.sensitivity)}, specificity {figure(item.specificity)}, "
        f"{item.acted} acts, {item.acted_without} ({item.needless.value or 0:.0%}) without the outcome, "
        f"{item.left_with} with the outcome not acted on"
    )
