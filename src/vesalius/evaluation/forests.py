"""Pictures of figures with their intervals, one line each: groups, ways of predicting, sites, gains."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from vesalius.evaluation._svg import Format, Named, Picture, ticks, wrapped
from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.run import Challenger, Coverage, Performance, Side, Subgroup
from vesalius.evaluation.words import Words

SLACK = 0.02
"""Coverage this near to what was promised is as promised: .88 to .92 of sets made to hold .90."""

_HIGH = 30.0
_LEFT, _RIGHT = 250, 190


@dataclass(frozen=True)
class Line:
    """One line of a forest: its name, its figure or nothing, how many stand behind it."""

    name: str
    item: Estimate | None
    size: str = ""
    strong: bool = False


def forest(
    rows: Sequence[Subgroup], whole: Performance, words: Words, named: Callable[[Subgroup], str]
) -> str:
    """The AUROC of each subgroup with its interval, beside that of all."""
    lines = [Line(words("forest.all"), whole.auroc, strong=True)]
    lines += [Line(named(row), row.auroc, f"{row.events}/{row.rows}") for row in rows]
    picture = _areas(lines, words, whole.auroc.value)
    return picture.render(words("forest.title"), words("forest.desc"))


def rivals(
    performances: Sequence[Performance], challenger: Challenger | None, words: Words, named: Named
) -> str:
    """The AUROC of the model, of each simple rule and of the freer model, with their intervals."""
    lines = [Line(named(item.name), item.auroc, strong=not place) for place, item in enumerate(performances)]
    if challenger is not None:
        lines.append(Line(words("rivals.challenger"), challenger.performance.auroc))
    picture = _areas(lines, words, performances[0].auroc.value)
    said = _listed(lines, words, lambda item: words.estimate(item))
    return picture.render(words("rivals.title"), words("rivals.desc", figures=said))


def sides(rows: Sequence[Side], whole: Performance, words: Words) -> str:
    """The AUROC on a later time, or on each site, beside that of the whole run."""
    lines = [Line(words("forest.all"), whole.auroc, strong=True)]
    lines += [
        Line(row.name or words("sides.later", cut=row.plan.cut[:10]), row.auroc, f"{row.events}/{row.rows}")
        for row in rows
    ]
    picture = _areas(lines, words, whole.auroc.value)
    said = _listed(lines, words, lambda item: words.estimate(item))
    return picture.render(words("sides.title"), words("sides.desc", figures=said))


def coverage(
    rows: Sequence[Subgroup], whole: Coverage, words: Words, named: Callable[[Subgroup], str]
) -> str:
    """How often the prediction sets hold the truth, over all, in each class and in each subgroup."""
    lines = [
        Line(words("forest.all"), whole.interval or Estimate(whole.overall), strong=True),
        Line(words("histogram.with"), Estimate(whole.with_outcome)),
        Line(words("histogram.without"), Estimate(whole.without_outcome)),
        *(Line(named(row), row.coverage, words.number(row.rows)) for row in rows),
    ]
    low = _floor(lines, 0.1, whole.level - 0.1)
    picture = _forest(
        lines,
        words,
        (low, 1.0),
        words("axis.coverage"),
        guide=whole.level,
        band=(whole.level - SLACK, min(whole.level + SLACK, 1.0)),
        tick=words.percent,
        write=words.share,
    )
    ends = {"low": words.percent(whole.level - SLACK), "high": words.percent(whole.level + SLACK)}
    picture.legend("line", "c-guide", words("coverage.promised", level=words.percent(whole.level)))
    picture.legend("box", "c-zone", words("coverage.zone", **ends))
    said = _listed(lines, words, lambda item: words.share(item))
    return picture.render(words("coverage.title"), words("coverage.desc", figures=said))


def ratios(rows: Sequence[Subgroup], words: Words, named: Callable[[Subgroup], str]) -> str:
    """Of each subgroup, the outcomes observed over those expected; 1 is ideal."""
    lines = [Line(named(row), row.ratio, f"{row.events}/{row.rows}") for row in rows]
    ends = [value for line in lines for value in _ends(line.item)]
    low, high = _around([*ends, 0.8, 1.2])
    picture = _forest(
        lines,
        words,
        (low, high),
        words("axis.ratio"),
        guide=1.0,
        tick=_decimals(low, high, words),
        write=lambda item: words.estimate(item, 2),
    )
    said = _listed(lines, words, lambda item: words.estimate(item, 2))
    return picture.render(words("ratios.title"), words("ratios.desc", figures=said))


def gains(rival: Challenger, in_force: Sequence[float], words: Words) -> str:
    """What the freer model adds: in AUROC, and in net benefit at each threshold in force; 0 is nothing."""
    lines = [Line(words("head.auroc"), rival.auroc, strong=True)]
    lines += [
        Line(words("gains.benefit", at=words.percent(at)), item)
        for at, item in zip(in_force, rival.benefits, strict=False)
    ]
    low, high = _around([0.0, *(value for line in lines for value in _ends(line.item))])
    picture = _forest(
        lines,
        words,
        (low, high),
        words("axis.gain"),
        guide=0.0,
        tick=_decimals(low, high, words),
        write=lambda item: words.estimate(item, 3),
    )
    said = _listed(lines, words, lambda item: words.estimate(item, 3))
    return picture.render(words("gains.title"), words("gains.desc", figures=said))


def _areas(lines: Sequence[Line], words: Words, guide: float | None) -> Picture:
    """A forest of AUROCs, from a half (or lower, where an interval is) to 1."""
    low = _floor(lines, 0.1, 0.5)
    return _forest(
        lines,
        words,
        (low, 1.0),
        words("axis.auroc"),
        guide=guide,
        tick=lambda value: words.number(value, 1),
        write=lambda item: words.estimate(item, 2),
    )


def _forest(
    lines: Sequence[Line],
    words: Words,
    ends: tuple[float, float],
    axis: str,
    *,
    tick: Format,
    write: Callable[[Estimate], str],
    guide: float | None = None,
    band: tuple[float, float] | None = None,
) -> Picture:
    """One line per figure: its name, its interval, its value as a square, the figure in words."""
    widest = max((len(line.size) for line in lines), default=0)
    names = [wrapped(line.name, _LEFT - 30 - 7.2 * widest) for line in lines]
    tall = [max(_HIGH, 16.0 * len(name) + 8) for name in names]
    picture = Picture(width=720, height=66 + sum(tall), left=_LEFT, right=_RIGHT, top=14, x=ends)
    if band:
        left, right = picture.across(band[0]), picture.across(band[1])
        picture.box(left, picture.top, right - left, sum(tall), "c-zone")
    picture.uprights(ticks(*ends, 6), tick)
    picture.rule("c-axis", across=picture.height - picture.bottom)
    if guide is not None:
        picture.rule("c-line c-guide", down=picture.across(guide))
    y = picture.top
    for line, name, high in zip(lines, names, tall, strict=True):
        _line(picture, line, name, y + high / 2, _said(line, words, write))
        y += high
    picture.name_x(axis)
    return picture


def _line(picture: Picture, line: Line, name: Sequence[str], y: float, said: str) -> None:
    bold = " c-strong" if line.strong else ""
    picture.lines(8, y, name, f"c-key{bold}")
    picture.text(picture.left - 14, y + 4, line.size, "c-tick c-end")
    beside, item = picture.width - picture.right + 12, line.item
    if item is None or item.value is None:
        picture.text(beside, y + 4, said, "c-tick")
        return
    if item.low is not None and item.high is not None:
        left, right = picture.within(item.low), picture.within(item.high)
        picture.parts.append(
            f'<path class="c-line s1" d="M{left} {y - 4}v8M{left} {y}H{right}M{right} {y - 4}v8"/>'
        )
    picture.box(picture.within(item.value) - 4.5, y - 4.5, 9, 9, "c-solid s1")
    picture.text(beside, y + 4, said, f"c-key{bold}")


def _ends(item: Estimate | None) -> list[float]:
    """The values of a figure: itself and the ends of its interval; none where it is not defined."""
    if item is None or item.value is None:
        return []
    return [value for value in (item.value, item.low, item.high) if value is not None]


def _floor(lines: Iterable[Line], step: float, most: float) -> float:
    """Where an axis begins: at ``most``, or a round step below the lowest interval."""
    lowest = min([most, *(value for line in lines for value in _ends(line.item))])
    return max(0.0, round(int(lowest / step + 1e-9) * step, 10))


def _around(values: Sequence[float]) -> tuple[float, float]:
    """The ends of an axis that holds all values with a little room."""
    low, high = min(values), max(values)
    room = (high - low) * 0.06 or 0.01
    return low - room, high + room


def _decimals(low: float, high: float, words: Words) -> Format:
    """Writes the ticks of an axis with as many decimals as tell them apart."""
    marks = ticks(low, high, 6)
    digits = next((n for n in range(6) if all(abs(round(mark, n) - mark) < 1e-9 for mark in marks)), 6)
    return lambda value: words.number(value, digits)


def _said(line: Line, words: Words, write: Callable[[Estimate], str]) -> str:
    """The figure of a line as words, or that there are too few to say."""
    if line.item is None or line.item.value is None:
        return words("forest.few")
    return write(line.item)


def _listed(lines: Iterable[Line], words: Words, write: Callable[[Estimate], str]) -> str:
    """The figures of a forest as words."""
    return "; ".join(words("pair", name=line.name, value=_said(line, words, write)) for line in lines)
