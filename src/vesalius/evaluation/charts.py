"""The pictures of a validation, each one self-contained SVG without script or inline style.

They take their colours from the classes of :func:`vesalius.evaluation.reporting.stylesheet`, so that they
follow the page into dark mode and onto paper. Lines differ by dashes too: colour is never the only sign.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from vesalius.evaluation._svg import FIFTHS, Picture, ticks
from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.run import Benefit, Curve, Decided, Histogram, Performance, Run, Subgroup, Threshold
from vesalius.evaluation.words import Words

Named = Callable[[str], str]
"""From a name in the data to words for people."""

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
        picture.box(left, middle, wide - 1.5, floor - middle, "c-box s1")
        picture.box(left, top, wide - 1.5, middle - top, "c-box s2")
    picture.legend("box", "c-box s2", words("histogram.with"))
    picture.legend("box", "c-box s1", words("histogram.without"))
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


def forest(
    rows: Sequence[Subgroup], whole: Performance, words: Words, named: Callable[[Subgroup], str]
) -> str:
    """The AUROC of each subgroup with its interval, beside that of all."""
    high = 30.0
    lows = [row.auroc.low for row in rows if row.auroc and row.auroc.low is not None]
    low = min([0.5, *(int(value * 10) / 10 for value in lows)])
    picture = Picture(
        width=720, height=66 + high * (len(rows) + 1), left=250, right=190, top=14, x=(low, 1.0)
    )
    picture.uprights(ticks(low, 1.0, 6), lambda value: words.number(value, 1))
    picture.rule("c-axis", across=picture.height - picture.bottom)
    if whole.auroc.value is not None:
        picture.rule("c-line c-guide", down=picture.across(whole.auroc.value))
    lines: list[tuple[str, Estimate | None, str]] = [(words("forest.all"), whole.auroc, "")]
    lines += [(named(row), row.auroc, f"{row.events}/{row.rows}") for row in rows]
    for place, (name, item, size) in enumerate(lines):
        y = picture.top + high * (place + 0.5)
        bold = "" if place else " c-strong"
        picture.text(8, y + 4, name, f"c-key{bold}")
        picture.text(picture.left - 14, y + 4, size, "c-tick c-end")
        if item is None or item.value is None or item.low is None or item.high is None:
            picture.text(picture.width - picture.right + 12, y + 4, words("forest.few"), "c-tick")
            continue
        left, right = picture.across(item.low), picture.across(item.high)
        picture.parts.append(
            f'<path class="c-line s1" d="M{left} {y - 4}v8M{left} {y}H{right}M{right} {y - 4}v8"/>'
        )
        picture.box(picture.across(item.value) - 4.5, y - 4.5, 9, 9, "c-solid s1")
        picture.text(picture.width - picture.right + 12, y + 4, words.estimate(item, 2), f"c-key{bold}")
    picture.name_x(words("axis.auroc"))
    return picture.render(words("forest.title"), words("forest.desc"))


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


def decided(ways: Sequence[Decided], words: Words, named: Named) -> str:
    """Each way of deciding as two bars, with the outcome and without: acted on, or left alone."""
    bars = [(way, kind) for way in ways for kind in ("with", "without")]
    sizes = [way.acted_with + way.left_with for way in ways] + [
        way.acted_without + way.left_without for way in ways
    ]
    high = 46.0
    picture = Picture(
        width=720, height=70 + high * len(bars), left=170, right=24, top=10, x=(0, max([*sizes, 1]))
    )
    picture.uprights(ticks(*picture.x, 6), words.number)
    for place, (way, kind) in enumerate(bars):
        good = kind == "with"
        acted, left = (way.acted_with, way.left_with) if good else (way.acted_without, way.left_without)
        y = picture.top + high * place
        picture.text(8, y + 19, named(way.name), "c-key c-strong")
        picture.text(8, y + 35, words(f"histogram.{kind}"), "c-tick")
        styles = ("c-solid s3", "c-solid s2") if good else ("c-solid s2p", "c-solid s3p")
        _bar(picture, y + 9, 0, acted, styles[0], words)
        _bar(picture, y + 9, acted, left, styles[1], words)
    picture.name_x(words("axis.patients"))
    picture.legend("box", "c-solid s3", words("decided.caught"))
    picture.legend("box", "c-solid s2", words("decided.missed"))
    picture.legend("box", "c-solid s2p", words("decided.needless"))
    picture.legend("box", "c-solid s3p", words("decided.spared"))
    return picture.render(words("decided.title"), words("decided.desc"))


def all_of(run: Run, words: Words, named: Named, group: Callable[[Subgroup], str]) -> dict[str, str]:
    """Every picture of a run, by name; the clinicians' only where it is known what they did."""
    pictures = {
        "roc": roc(run.performances, words, named),
        "calibration": calibration(run.calibration, run.histogram, words),
        "distribution": distribution(run.histogram, words),
        "decision": decision(run.benefits, words, named),
        "thresholds": thresholds(run.thresholds, run.rows, words),
        "forest": forest(run.subgroups, run.performance, words, group),
        "importance": contributions(run.importance, words, named),
    }
    if run.decided:
        pictures["decided"] = decided(run.decided, words, named)
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


def _bar(picture: Picture, y: float, start: float, size: float, style: str, words: Words) -> None:
    left, right = picture.across(start), picture.across(start + size)
    picture.box(left, y, right - left - 1, 24, style)
    if right - left > 26:
        tone = "c-onpale" if style.endswith("p") else "c-inside"
        picture.text((left + right) / 2, y + 16.5, words.number(size), f"{tone} c-middle")
