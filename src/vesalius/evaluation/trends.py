"""The pictures of monitoring: figures over the weeks, charts case by case, two distributions side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from vesalius.evaluation._svg import Format, Picture, ticks

_LABELS = 5
"""How many weeks are named under a picture."""


@dataclass(frozen=True)
class Series:
    """One line over the weeks.

    Attributes:
        words: what it is, in the reader's language; empty for one that is not in the legend.
        values: one per week; None where there is none.
        low, high: its band, where it has one.
        style: s1 to s6, or c-guide for what is no data.
        dots: whether each week has a dot.
    """

    words: str
    values: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    style: str = "s1"
    dots: bool = True


def over_time(
    weeks: Sequence[str],
    series: Sequence[Series],
    *,
    title: str,
    description: str,
    name: str,
    write: Format,
    within: tuple[float, float] | None = None,
) -> str:
    """Lines over the weeks, each with its band.

    Args:
        weeks: what each week is called, oldest first.
        series: the lines; the first is drawn on top.
        title: of the picture.
        description: for those who cannot see it.
        name: of the upright axis.
        write: how its numbers are written.
        within: its ends; by default 0 and what the values need.
    """
    picture = Picture(
        width=480, height=250, left=66, x=(-0.5, max(len(weeks), 2) - 0.5), y=within or (0.0, _top(series))
    )
    picture.axes([], ticks(*picture.y, 4), str, write, ("", name))
    _name_weeks(picture, weeks)
    for line in reversed(series):
        _band(picture, line)
        picture.line(range(len(line.values)), [_number(value) for value in line.values], line.style)
        if line.dots:
            _dots(picture, line)
    for line in series:
        if line.words:
            picture.legend("line", line.style, line.words)
    return picture.render(title, description)


def by_case(
    points: Sequence[tuple[int, float]],
    limit: float,
    *,
    title: str,
    description: str,
    names: tuple[str, str],
    line: str,
    bound: str,
    write: Format,
) -> str:
    """A chart case by case, with the height at which it signals.

    Args:
        points: (case, sum).
        limit: the height.
        title: of the picture.
        description: for those who cannot see it.
        names: of the two axes.
        line: what the line is.
        bound: what the height is.
        write: how numbers are written.
    """
    last = max([case for case, _ in points] + [10])
    most = max([value for _, value in points] + [limit]) * 1.1
    picture = Picture(width=480, height=250, left=66, x=(0, last), y=(0, most))
    picture.axes(ticks(0, last, 5), ticks(0, most, 4), write, write, names)
    picture.line((0, last), (limit, limit), "s2")
    picture.line([case for case, _ in points], [value for _, value in points], "s1")
    picture.legend("line", "s1", line)
    picture.legend("line", "s2", bound)
    return picture.render(title, description)


def side_by_side(
    labels: Sequence[str],
    before: Sequence[float],
    now: Sequence[float],
    *,
    title: str,
    description: str,
    names: tuple[str, str],
    write: Format,
) -> str:
    """Two distributions over the same bins, as lying bars: shares, 0 to 1.

    Args:
        labels: what each bin is called.
        before: the share in each, in the reference.
        now: the share in each, now.
        title: of the picture.
        description: for those who cannot see it.
        names: what the two are called.
        write: how a share is written.
    """
    high, most = 34.0, max([*before, *now, 0.01])
    picture = Picture(
        width=480, height=20 + high * len(labels), left=170, right=60, top=6, bottom=10, x=(0, most)
    )
    for place, (label, one, two) in enumerate(zip(labels, before, now, strict=True)):
        y = picture.top + high * place
        picture.text(picture.left - 8, y + 20, label, "c-tick c-end")
        for share, style, down in ((one, "c-box s6", 3.0), (two, "c-box s1", 16.0)):
            wide = picture.across(share) - picture.left
            picture.box(picture.left, y + down, wide, 11, style)
            picture.text(picture.left + wide + 5, y + down + 9.5, write(share), "c-tick")
    picture.legend("box", "c-box s6", names[0])
    picture.legend("box", "c-box s1", names[1])
    return picture.render(title, description)


def _name_weeks(picture: Picture, weeks: Sequence[str]) -> None:
    step = max(1, math.ceil(len(weeks) / _LABELS))
    for place in range(len(weeks) - 1, -1, -step):
        picture.tick(place, weeks[place])


def _top(series: Sequence[Series]) -> float:
    values = [value for line in series for value in (*line.values, *line.high) if value is not None]
    return max([value for value in values if math.isfinite(value)] + [0.01]) * 1.08


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _dots(picture: Picture, line: Series) -> None:
    for place, value in enumerate(line.values):
        if value is not None and math.isfinite(value):
            picture.dot(place, value, line.style, 2.6)


def _band(picture: Picture, line: Series) -> None:
    for run in _runs(line):
        lows, highs = ([_number(side[place]) for place in run] for side in (line.low, line.high))
        if len(run) == 1:
            at = picture.across(run[0])
            down, up = picture.inside(lows[0]), picture.inside(highs[0])
            picture.parts.append(f'<path class="c-line {line.style}" d="M{at} {down}V{up}"/>')
        else:
            picture.band(list(run), lows, highs, line.style)


def _runs(line: Series) -> Iterator[list[int]]:
    """The places whose band is known, as runs without a gap."""
    run: list[int] = []
    for place, (low, high) in enumerate(zip(line.low, line.high, strict=True)):
        if low is None or high is None:
            if run:
                yield run
            run = []
        else:
            run.append(place)
    if run:
        yield run
