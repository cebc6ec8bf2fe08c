"""Drawing one picture in SVG: scales, axes, lines, bands, a legend. Looks come from CSS classes only."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape, unescape

Format = Callable[[float], str]
"""How a number is written on an axis."""

FIFTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""The ticks of a share."""

Named = Callable[[str], str]
"""From a name in the data to words for people."""

_ROW = 20
"""Height of one line of the legend."""

_GAP = 5.0
"""Between the lines of a hatched rectangle."""

_LETTER = 7.0
"""Width of a letter of the legend, on average and a little more."""

_COLUMN = 600
"""Wider pictures take the whole width of the page."""


@dataclass
class Picture:
    """A picture under way. Sizes are in units of the view box; the page scales it.

    Attributes:
        width, height: of the plot and its margins, without the legend.
        left, right, top, bottom: the margins.
        x, y: the values at the ends of the two axes.
    """

    width: float = 480
    height: float = 360
    left: float = 62
    right: float = 18
    top: float = 14
    bottom: float = 52
    x: tuple[float, float] = (0.0, 1.0)
    y: tuple[float, float] = (0.0, 1.0)
    parts: list[str] = field(default_factory=list)
    entries: list[tuple[str, str, str]] = field(default_factory=list)

    def across(self, value: float) -> float:
        """Where a value of the x axis lies."""
        low, high = self.x
        return round(self.left + (value - low) / (high - low) * (self.width - self.left - self.right), 2)

    def down(self, value: float) -> float:
        """Where a value of the y axis lies."""
        low, high = self.y
        part = (value - low) / (high - low)
        return round(self.height - self.bottom - part * (self.height - self.top - self.bottom), 2)

    def axes(
        self,
        across: Sequence[float],
        down: Sequence[float],
        write_x: Format,
        write_y: Format,
        names: tuple[str, str],
    ) -> None:
        """Draws a light grid, ticks with their numbers, and the names of both axes."""
        floor, wall = self.height - self.bottom, self.width - self.right
        for value in down:
            at = self.down(value)
            self.rule("c-grid", across=at)
            self.text(self.left - 8, at + 4, write_y(value), "c-tick c-end")
        for value in across:
            self.tick(value, write_x(value))
        self.parts.append(f'<path class="c-axis" d="M{self.left} {self.top}V{floor}H{wall}"/>')
        self.name_x(names[0])
        self.name_y(names[1])

    def tick(self, value: float, words: str) -> None:
        """A short stroke under the plot at a value of the x axis, and what it is called."""
        at, floor = self.across(value), self.height - self.bottom
        self.parts.append(f'<line class="c-axis" x1="{at}" x2="{at}" y1="{floor}" y2="{floor + 5}"/>')
        self.text(at, floor + 19, words, "c-tick c-middle")

    def uprights(self, values: Sequence[float], write: Format) -> None:
        """Light lines over the whole height at values of the x axis, with their numbers under them."""
        for value in values:
            at = self.across(value)
            self.rule("c-grid", down=at)
            self.text(at, self.height - self.bottom + 19, write(value), "c-tick c-middle")

    def name_x(self, words: str) -> None:
        """The name of the x axis, under its numbers."""
        self.text((self.left + self.width - self.right) / 2, self.height - 12, words, "c-name c-middle")

    def name_y(self, words: str) -> None:
        """The name of the y axis, upright beside its numbers."""
        middle = (self.top + self.height - self.bottom) / 2
        turned = f'transform="translate(15 {middle:g}) rotate(-90)"'
        self.parts.append(f'<text class="c-name c-middle" {turned}>{escape(words)}</text>')

    def rule(self, style: str, *, across: float | None = None, down: float | None = None) -> None:
        """A straight line over the whole plot: ``across`` at that height, or ``down`` at that place."""
        floor, wall = self.height - self.bottom, self.width - self.right
        path = f"M{self.left} {across}H{wall}" if down is None else f"M{down} {self.top}V{floor}"
        self.parts.append(f'<path class="{style}" d="{path}"/>')

    def line(self, xs: Sequence[float], ys: Sequence[float], style: str) -> None:
        """A line through points; a gap where one is not a number."""
        steps, pen = [], "M"
        for x, y in zip(xs, ys, strict=True):
            if not (math.isfinite(x) and math.isfinite(y)):
                pen = "M"
                continue
            steps.append(f"{pen}{self.across(x)} {self.inside(y)}")
            pen = "L"
        if steps:
            self.parts.append(f'<path class="c-line {style}" d="{"".join(steps)}"/>')

    def band(self, xs: Sequence[float], low: Sequence[float], high: Sequence[float], style: str) -> None:
        """The area between two lines."""
        if low:
            there = [f"{self.across(x)} {self.inside(y)}" for x, y in zip(xs, low, strict=True)]
            back = [f"{self.across(x)} {self.inside(y)}" for x, y in zip(xs, high, strict=True)]
            self.parts.append(f'<path class="c-band {style}" d="M{"L".join(there + back[::-1])}Z"/>')

    def inside(self, y: float) -> float:
        """Where a value of the y axis lies; one beyond its ends lies at the end."""
        low, high = self.y
        return self.down(min(max(y, low), high))

    def box(self, x: float, y: float, width: float, height: float, style: str) -> None:
        """A rectangle, in units of the view box."""
        if width > 0 and height > 0:
            self.parts.append(
                f'<rect class="{style}" x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}"/>'
            )

    def within(self, x: float) -> float:
        """Where a value of the x axis lies; one beyond its ends lies at the end."""
        low, high = self.x
        return self.across(min(max(x, low), high))

    def hatch(self, x: float, y: float, width: float, height: float, style: str) -> None:
        """A rectangle of slanting lines, which is told from a filled one without colour."""
        if width <= 0 or height <= 0:
            return
        steps = []
        at = _GAP
        while at < width + height:
            there = f"M{x + max(0.0, at - height):.2f} {y + min(at, height):.2f}"
            steps.append(f"{there}L{x + min(at, width):.2f} {y + max(0.0, at - width):.2f}")
            at += _GAP
        frame = f"M{x:.2f} {y:.2f}h{width:.2f}v{height:.2f}h{-width:.2f}z"
        self.parts.append(f'<path class="c-hatch {style}" d="{frame}{"".join(steps)}"/>')

    def lines(self, x: float, y: float, words: Sequence[str], style: str) -> None:
        """Words on lines of their own, around the height ``y``."""
        first = y + 4 - 8 * (len(words) - 1)
        for place, line in enumerate(words):
            self.text(x, first + 16 * place, line, style)

    def dot(self, x: float, y: float, style: str, radius: float = 4) -> None:
        """A point, at values of the axes."""
        place = f'cx="{self.across(x)}" cy="{self.inside(y)}"'
        self.parts.append(f'<circle class="c-dot {style}" {place} r="{radius:g}"/>')

    def text(self, x: float, y: float, words: str, style: str) -> None:
        """Words, in units of the view box."""
        self.parts.append(f'<text class="{style}" x="{x:.2f}" y="{y:.2f}">{escape(words)}</text>')

    def legend(self, kind: str, style: str, words: str) -> None:
        """One more line of the legend: ``kind`` is line, box, dot or fate (what becomes of a patient)."""
        self.entries.append((kind, style, words))

    def render(self, title: str, description: str) -> str:
        """The whole picture, with words for those who cannot see it."""
        height = self.height + 6
        for kind, style, words in self.entries:
            height = self._entry(height, kind, style, words)
        wide = " c-wide" if self.width > _COLUMN else ""
        return (
            f'<svg class="chart{wide}" viewBox="0 0 {self.width:g} {height:g}" role="img" '
            f'xmlns="http://www.w3.org/2000/svg"><title>{escape(title)}</title>'
            f"<desc>{escape(description)}</desc>{''.join(self.parts)}</svg>"
        )

    def _entry(self, y: float, kind: str, style: str, words: str) -> float:
        """Draws one line of the legend, wrapped where it is long; returns where the next one begins."""
        left = min(self.left, 62.0)
        if kind == "line":
            self.parts.append(f'<path class="c-line {style}" d="M{left:g} {y + 6:g}h26"/>')
        elif kind == "dot":
            self.parts.append(f'<circle class="c-dot {style}" cx="{left + 13:g}" cy="{y + 6:g}" r="4"/>')
        elif kind == "fate" and style == "missed":
            self.hatch(left + 5, y, 16, 12, "s2")
        else:
            self.box(left + 5, y, 16, 12, f"c-{style}" if kind == "fate" else style)
        for line in textwrap.wrap(words, int((self.width - left - 34) / _LETTER)):
            self.text(left + 34, y + 10.5, line, "c-key")
            y += _ROW
        return y


def wrapped(words: str, width: float) -> list[str]:
    """Words on as many lines as they need in a space of this width."""
    return textwrap.wrap(words, max(8, int(width / _LETTER))) or [""]


def described(svg: str) -> str:
    """What a picture says to those who cannot see it."""
    return unescape(svg.partition("<desc>")[2].partition("</desc>")[0])


def with_rules(svg: str, rules: str) -> str:
    """A picture that brings the rules of its classes with it, for where there is no page."""
    head, end, rest = svg.partition(">")
    return f"{head}{end}<style>{rules}</style>{rest}"


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers between ``low`` and ``high``: steps of 1, 2 or 5 times a power of ten."""
    span = high - low
    if span <= 0 or not math.isfinite(span):
        return [low]
    power = 10 ** math.floor(math.log10(span / most))
    step = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= most)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]
