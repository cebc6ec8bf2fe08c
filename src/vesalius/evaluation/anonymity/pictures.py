"""The pictures of the page: the classes before and after, and how coarse each column became."""

from __future__ import annotations

from vesalius.evaluation._svg import Picture, ticks
from vesalius.evaluation.words import Words
from vesalius.privacy import Result
from vesalius.privacy.risk import BINS

_ROW = 34
"""Height of the line of one column."""


def bin_names(words: Words) -> list[str]:
    """How the groups of class sizes are called: ``1``, ``2``, ``3–4`` …, ``1,000+``."""
    names = []
    for start, end in zip(BINS, (*BINS[1:], None), strict=True):
        low = words.number(start)
        if end is None:
            names.append(f"{low}+")
        else:
            names.append(low if end == start + 1 else f"{low}–{words.number(end - 1)}")
    return names


def classes(result: Result, words: Words) -> str:
    """The share of the records in classes of each size, before and after."""
    sides = [
        [each / max(risks.records, 1) for each in risks.spread] for risks in (result.before, result.after)
    ]
    high = max(0.1, *sides[0], *sides[1]) * 1.05
    picture = Picture(width=600, height=320, x=(0, len(BINS)), y=(0, high))
    picture.axes((), ticks(0, high, 5), words.number, words.percent, (words("sizes"), words("records")))
    wide = (picture.across(1) - picture.across(0)) * 0.4
    for place, name in enumerate(bin_names(words)):
        picture.tick(place + 0.5, name)
        middle = picture.across(place + 0.5)
        for left, share, style in ((middle - wide, sides[0][place], "s2"), (middle, sides[1][place], "s1")):
            top = picture.down(share)
            draw = picture.hatch if style == "s2" else picture.box
            draw(left + 1, top, wide - 2, picture.down(0) - top, style if style == "s2" else "c-solid s1")
    picture.legend("fate", "missed", words("before"))
    picture.legend("box", "c-solid s1", words("after"))
    return picture.render(words("classes.title"), words("classes.desc", **_first(sides, words)))


def _first(sides: list[list[float]], words: Words) -> dict[str, str]:
    return {
        "before": words.percent(sum(side for side in sides[0][:3]), 1),
        "after": words.percent(sum(side for side in sides[1][:3]), 1),
    }


def columns(result: Result, words: Words) -> str:
    """A line per column: a box for each level, filled up to the one that was published."""
    names = list(result.levels)
    left = min(max(len(name) for name in names) * 7.5 + 16, 240.0)
    picture = Picture(width=600, height=_ROW * len(names) + 16, left=left, right=60, top=6, bottom=10)
    most = max(depth - 1 for depth in result.depths.values())
    step = (picture.width - picture.left - picture.right) / max(most, 1)
    for row, name in enumerate(names):
        y = picture.top + row * _ROW
        level, depth = result.levels[name], result.depths[name]
        picture.text(picture.left - 10, y + 19, name, "c-end")
        for place in range(depth - 1):
            style = "c-solid s1" if place < level else "c-spared"
            picture.box(picture.left + place * step + 1, y + 5, step - 4, 20, style)
        end = picture.left + (depth - 1) * step + 6
        picture.text(end, y + 19, words("level.of", level=level, depth=depth - 1), "c-key")
    described = "; ".join(words("level.each", name=name, **_level(result, name)) for name in names)
    return picture.render(words("columns.title"), words("columns.desc", figures=described))


def _level(result: Result, name: str) -> dict[str, int]:
    return {"level": result.levels[name], "depth": result.depths[name] - 1}
