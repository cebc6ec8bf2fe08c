"""The pictures of a validation, each one self-contained SVG without script or inline style.

They take their colours from the classes of :func:`vesalius.evaluation.reporting.stylesheet`, so that they
follow the page into dark mode and onto paper. Lines differ by dashes too: colour is never the only sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from vesalius.evaluation import bars, forests
from vesalius.evaluation._svg import FIFTHS, Named, Picture, ticks
from vesalius.evaluation.run import Benefit, Curve, Histogram, Performance, Run, Subgroup, Threshold
from vesalius.evaluation.words import Words

_STYLES = ("s1", "s2", "s3", "s4", "s5", "s6")


def roc(performances: Sequence[Performance], words: Words, named: Named) -> str:
    """The ROC curve of the model with its 95 % band, and those of the baselines."""
    picture = Picture(height=420)
    _square(picture, words, words("axis.false_positive"), words("axis.true_positive"))
    picture.line((0, 1), (0, 1), "c-guide")
    for style, item in reversed(list(zip(_STYLES, performances, strict=False))):
        picture.band(item.roc.x, item.roc.low, item.roc.high, style)
        picture.line(item.roc.x, item.roc.y, style)
    for style, item in zip(_STYLES, performances, strict=False):
        picture.legend(
            "line", style, words("pair", name=named(item.name), value=words.number(item.auroc.value, 3))
        )
    picture.legend("line", "c-guide", words("chance"))
    model = performances[0]
    return picture.render(words("roc.title"), words("roc.desc", auroc=words.estimate(model.auroc)))


def calibration(curve: Curve, histogram: Histogram, words: Words) -> str:
    """The observed share around each probability with its band; below it, where the predictions lie."""
    picture = Picture(height=430, bottom=126)
    _square(picture, words, "", words("axis.observed"))
    picture.line((0, 1), (0, 1), "c-guide")
    picture.band(curve.x, curve.low, curve.high, "s1")
    picture.line(curve.x, curve.y, "s1")
    _mirror(picture, histogram, 362, 28)
    picture.name_x(words("axis.predicted"))
    picture.legend("line", "s1", words("calibration.observed"))
    picture.legend("line", "c-guide", words("calibration.ideal"))
    picture.legend("box", "c-box s2", words("histogram.with"))
    picture.legend("box", "c-box s1", words("histogram.without"))
    return picture.render(words("calibration.title"), words("calibration.desc"))


def distribution(histogram: Histogram, words: Words) -> str:
    """How many patients got which probability, those with the outcome stacked on those without."""
    totals = [a + b for a, b in zip(histogram.with_outcome, histogram.without_outcome, strict=True)]
    picture = Picture(height=300, y=(0, max([*totals, 1]) * 1.05))
    marks = ticks(0, picture.y[1], 5)
    picture.axes(
        FIFTHS, marks, words.percent, words.number, (words("axis.predicted"), words("axis.patients"))
    )
    wide = (picture.across(1) - picture.across(0)) / len(totals)
    for place, (sick, total) in enumerate(zip(histogram.with_outcome, totals, strict=True)):
        left, floor = picture.across(place / len(totals)) + 0.75, picture.down(0)
        middle, top = picture.down(total - sick), picture.down(total)
        picture.box(left, middle, wide - 1.5, floor - middle, "c-spared")
        picture.hatch(left, top, wide - 1.5, middle - top, "s2")
    picture.legend("fate", "missed", words("histogram.with"))
    picture.legend("fate", "spared", words("histogram.without"))
    return picture.render(words("distribution.title"), words("distribution.desc"))


def decision(benefits: Sequence[Benefit], words: Words, named: Named) -> str:
    """The decision curve: net benefit per 100 patients against the threshold."""
    most = max((max(item.value) for item in benefits), default=0.1) * 100
    top = max(most * 1.1, 1.0)
    last = max((item.threshold[-1] for item in benefits), default=1.0)
    picture = Picture(height=360, x=(0.0, last), y=(-top * 0.25, top))
    marks = ticks(*picture.y, 6)
    names = (words("axis.threshold"), words("axis.benefit"))
    picture.axes(
        ticks(0, last, 8), marks, words.percent, lambda value: words.number(value, _digits(marks)), names
    )
    picture.line((0, last), (0, 0), "c-guide")
    styles = list(zip(_STYLES, benefits, strict=False))
    for style, item in styles[:1]:  # the bands of all would hide each other
        low, high = ([value * 100 for value in end] for end in (item.low, item.high))
        picture.band(item.threshold, low, high, style)
    for style, item in reversed(styles):
        hidden = [value * 100 if value * 100 >= picture.y[0] else float("nan") for value in item.value]
        picture.line(item.threshold, hidden, style)
    for style, item in styles:
        picture.legend("line", style, named(item.name))
    picture.legend("line", "c-guide", words("way.none"))
    return picture.render(words("decision.title"), words("decision.desc"))


def thresholds(rows: Sequence[Threshold], run_rows: int, words: Words, marks: Sequence[float] = ()) -> str:
    """Acts avoided and, on the same scale, positives missed by it: per 1,000 patients, at each threshold."""
    per = 1000 / run_rows
    at = [row.probability for row in rows]
    avoided = [row.avoided * per for row in rows]
    missed = [row.avoided_with_outcome * per for row in rows]
    picture = Picture(height=360, y=(0, max([*avoided, 1]) * 1.05))
    names = (words("axis.threshold"), words("axis.per_thousand"))
    picture.axes(FIFTHS, ticks(*picture.y, 6), words.percent, words.number, names)
    for mark in marks:
        picture.line((mark, mark), picture.y, "c-mark")
    picture.band(at, [0.0] * len(at), missed, "s2")
    picture.line(at, avoided, "s1")
    picture.line(at, missed, "s2")
    picture.legend("line", "s1", words("thresholds.avoided"))
    picture.legend("line", "s2", words("thresholds.missed"))
    return picture.render(words("thresholds.title"), words("thresholds.desc"))


def contributions(pairs: Sequence[tuple[str, float]], words: Words, named: Named) -> str:
    """How many log odds each input adds on average, as bars; signed values go left and right of zero."""
    high = 24.0
    most = max((abs(value) for _, value in pairs), default=0.0) or 1.0
    signed = any(value < 0 for _, value in pairs)
    picture = Picture(
        width=720,
        height=60 + high * len(pairs),
        left=290,
        right=64,
        top=8,
        x=(-most if signed else 0.0, most),
    )
    zero = picture.across(0)
    for place, (name, value) in enumerate(pairs):
        y, end = picture.top + high * place, picture.across(value)
        picture.text(picture.left - 12, y + 16, named(name), "c-key c-end")
        picture.box(
            min(zero, end),
            y + 4,
            max(abs(end - zero), 0.8),
            high - 8,
            f"c-solid {'s1' if value >= 0 else 's2'}",
        )
        beside = ("c-tick", end + 6) if value >= 0 else ("c-tick c-end", end - 6)
        picture.text(beside[1], y + 16, words.number(value, 2), beside[0])
    picture.rule("c-axis", down=zero)
    picture.name_x(words("axis.contribution"))
    return picture.render(words("importance.title"), words("importance.desc"))


def all_of(
    run: Run,
    words: Words,
    named: Named,
    group: Callable[[Subgroup], str],
    own: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Every picture of a run, by name; those of what the run does not have are left out.

    Args:
        run: the figures.
        words: of the reader's language.
        named: from a name in the run to words.
        group: from a subgroup to words.
        own: the card's words for ``helped``, ``harmed`` and ``missed``.
    """
    pictures = {
        "roc": roc(run.performances, words, named),
        "calibration": calibration(run.calibration, run.histogram, words),
        "distribution": distribution(run.histogram, words),
        "decision": decision(run.benefits, words, named),
        "thresholds": thresholds(run.thresholds, run.rows, words),
        "fates": bars.fate_bars(run.thresholds, run.rows, run.events, run.in_force, words),
        "forest": forests.forest(run.subgroups, run.performance, words, group),
        "coverage": forests.coverage(run.subgroups, run.coverage, words, group),
        "importance": contributions(run.importance, words, named),
        "proposed": bars.proposed(run.proposed, words, named),
    }
    if any(row.probability in run.in_force and row.helped for row in run.thresholds):
        pictures["consequences"] = bars.consequences(run.thresholds, run.in_force, words, own or {})
    if len(run.performances) > 1 or run.challenger:
        pictures["rivals"] = forests.rivals(run.performances, run.challenger, words, named)
    if run.challenger:
        pictures["gains"] = forests.gains(run.challenger, run.in_force, words)
    if any(row.ratio for row in run.subgroups):
        pictures["ratios"] = forests.ratios(run.subgroups, words, group)
    if any(item.rows for item in run.missing):
        pictures["missing"] = bars.missing(run.missing, run.rows, words, named)
    if run.sides:
        pictures["sides"] = forests.sides(run.sides, run.performance, words)
    if run.sample:
        pictures["sample"] = bars.sample(run.sample, words)
    if run.decided:
        pictures["decided"] = bars.decided(run.decided, words, named)
    return pictures


def _square(picture: Picture, words: Words, across: str, down: str) -> None:
    picture.axes(FIFTHS, FIFTHS, words.percent, words.percent, (across, down))


def _digits(marks: Sequence[float]) -> int:
    return 0 if all(float(mark).is_integer() for mark in marks) else 1


def _mirror(picture: Picture, histogram: Histogram, middle: float, reach: float) -> None:
    """Bars up for those with the outcome and down for those without, around one line."""
    most = max([*histogram.with_outcome, *histogram.without_outcome, 1.0])
    count = len(histogram.with_outcome)
    wide = (picture.across(1) - picture.across(0)) / count
    for place, (sick, well) in enumerate(zip(histogram.with_outcome, histogram.without_outcome, strict=True)):
        left = picture.across(place / count) + 0.75
        picture.box(left, middle - 0.5 - reach * sick / most, wide - 1.5, reach * sick / most, "c-box s2")
        picture.box(left, middle + 0.5, wide - 1.5, reach * well / most, "c-box s1")
    picture.rule("c-axis", across=middle)
