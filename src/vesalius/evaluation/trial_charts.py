"""The pictures of a silent trial. Their words come from whoever shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from vesalius.evaluation._svg import FIFTHS, Picture, ticks

if TYPE_CHECKING:
    from vesalius.evaluation.sequential import Bounds

Say = Mapping[str, str]
Written = Callable[[float], str]

_LOWEST = -2.5
"""Futility bounds of early looks lie far below: the picture ends here."""

MARKS = ("both", "tool", "people", "none")
"""Who was right about a patient: both, the tool alone, the clinicians alone, neither."""


def boundaries(bounds: Bounds, found: Sequence[float], words: Say, percent: Written, number: Written) -> str:
    """The statistic of each look, between the bound of success and that of futility.

    Args:
        bounds: of the looks taken, at the shares they came at, and of those still planned.
        found: z of each look taken.
        words: ``title``, ``description``, ``across``, ``down``, ``upper``, ``lower``, ``found``.
        percent: writes a share.
        number: writes a z with one decimal.
    """
    shares, upper = bounds.fractions, bounds.upper
    lower = [max(each, _LOWEST - 1) for each in bounds.lower]
    last = max(1.0, *shares) * 1.04
    high = max([*upper, *found]) + 0.6
    low = max(min([*lower, *found, 0.0]) - 0.6, _LOWEST)
    picture = Picture(height=360, x=(0.0, last), y=(low, high))
    picture.axes(FIFTHS, ticks(low, high, 7), percent, number, (words["across"], words["down"]))
    ceiling, floor = [high] * len(shares), [low] * len(shares)
    picture.band(shares, upper, ceiling, "k-good")
    picture.band(shares, floor, lower, "s2")
    picture.line(shares, upper, "s3")
    picture.line(shares, lower, "s2")
    for share, top, bottom in zip(shares, upper, lower, strict=True):
        picture.dot(share, top, "k-good", 3.5)
        if low <= bottom < top:
            picture.dot(share, bottom, "s2", 3.5)
    taken = shares[: len(found)]
    picture.line([0.0, *taken], [0.0, *found], "s1")
    for share, z in zip(taken, found, strict=True):
        picture.dot(share, z, "s1", 6)
    picture.legend("line", "s3", words["upper"])
    picture.legend("line", "s2", words["lower"])
    picture.legend("dot", "s1", words["found"])
    return picture.render(words["title"], words["description"])


def progress(fraction: float, planned: Sequence[float], taken: int, words: Say, percent: Written) -> str:
    """How much of the information is there, with a mark at each planned look.

    Args:
        fraction: the share that is there.
        planned: the share at each planned look.
        taken: how many looks were taken.
        words: ``title``, ``description``, ``look``, ``name``.
        percent: writes a share.
    """
    last = max(1.0, fraction)
    picture = Picture(width=480, height=112, left=8, right=16, top=34, bottom=50, x=(0.0, last))
    floor = picture.height - picture.bottom
    wide = picture.across(last) - picture.left
    picture.box(picture.left, picture.top, wide, floor - picture.top, "k-track")
    seen = picture.across(min(fraction, last)) - picture.left
    picture.box(picture.left, picture.top, seen, floor - picture.top, "c-solid s1")
    for place, share in enumerate(planned, 1):
        at = picture.across(share)
        picture.parts.append(f'<path class="c-line k-look" d="M{at} {picture.top - 6}V{floor + 6}"/>')
        sign = f"{words['look']} {place}" + (" ✓" if place <= taken else "")
        style = "c-key c-end" if share > 0.93 * last else "c-key c-middle"
        picture.text(at + (4 if share > 0.93 * last else 0), picture.top - 12, sign, style)
        style = "c-tick c-end" if share > 0.93 * last else "c-tick c-middle"
        picture.text(at + (4 if share > 0.93 * last else 0), floor + 20, percent(share), style)
    picture.text(picture.left, picture.height - 8, words["name"], "c-key")
    return picture.render(words["title"], words["description"])


def pictogram(counts: Mapping[str, int], words: Say) -> str:
    """A thousand patients: who was right about each. Four shapes, so that colour is not the only sign.

    Args:
        counts: for each of :data:`MARKS`, how many of 1,000.
        words: ``title``, ``description``, and one for each of :data:`MARKS`.
    """
    columns, step = 40, 13.0
    picture = Picture(width=columns * step + 8, height=25 * step + 12, left=6, right=2)
    place = 0
    for name in MARKS:
        paths = []
        for _ in range(counts.get(name, 0)):
            x, y = 4 + place % columns * step, 4 + place // columns * step
            paths.append(_SHAPES[name].format(x=f"{x:g}", y=f"{y:g}", far=f"{x + 9:g}"))
            place += 1
        if paths:
            picture.parts.append(f'<path class="k-{name}" d="{"".join(paths)}"/>')
    y = picture.height + 8
    height = picture.height
    for name in MARKS:
        mark = _SHAPES[name].format(x="8", y=f"{y:g}", far="17")
        picture.parts.append(f'<path class="k-{name}" d="{mark}"/>')
        picture.text(28, y + 9.5, words[name], "c-key")
        y += 21
    picture.height = y - 8
    made = picture.render(words["title"], words["description"])
    picture.height = height
    return made


_SHAPES = {
    "both": "M{x} {y}m2.5 2.5h4v4h-4z",
    "tool": "M{x} {y}h9v9h-9z",
    "people": "M{x} {y}h9v9h-9z",
    "none": "M{x} {y}l9 9M{far} {y}l-9 9",
}
