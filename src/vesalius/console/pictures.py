"""Small pictures in SVG, drawn at the server: they need no script and no inline style."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from markupsafe import Markup

WIDTH, HEIGHT = 132, 16


class Weighed(Protocol):
    """A fact with its weight."""

    @property
    def name(self) -> str:
        """What it is."""

    @property
    def value(self) -> str:
        """Its value, in words."""

    @property
    def contribution(self) -> float:
        """What it adds to the log odds."""


def interval(
    probability: float, low: float, high: float, marks: Sequence[float] = (), *, label: str = "", width: int = WIDTH
) -> Markup:
    """A probability with its interval on a line from 0 to 1; ``marks`` are the hospital's thresholds.

    Args:
        probability, low, high: fractions of one.
        marks: fractions of one, drawn as dashes.
        label: the words of the picture; empty when the same words stand beside it.
        width: in pixels.
    """
    dashes = Markup().join(
        Markup('<line class="p-mark" x1="{0}" x2="{0}" y1="0" y2="16"/>').format(_at(mark, width)) for mark in marks
    )
    wide = max(3.0, round(_at(high, width) - _at(low, width), 1))
    return _svg(width, HEIGHT, label) + Markup(
        '<rect class="p-track" x="4" y="5" width="{span}" height="6" rx="3"/>'
        '<rect class="p-band" x="{low}" y="3.5" width="{wide}" height="9" rx="2"/>{dashes}'
        '<circle class="p-point" cx="{point}" cy="8" r="3.6"/></svg>'
    ).format(span=width - 8, low=_at(low, width), wide=wide, dashes=dashes, point=_at(probability, width))


def reasons(facts: Sequence[Weighed], *, label: str) -> Markup:
    """One bar per fact: to the right where it makes the target likelier, to the left where less likely."""
    row, half, middle = 22, 170.0, 480.0
    most = max((abs(fact.contribution) for fact in facts), default=0.0) or 1.0
    parts = []
    for index, fact in enumerate(facts):
        wide = max(1.0, round(half * abs(fact.contribution) / most, 1))
        kind, start = ("p-for", middle) if fact.contribution >= 0 else ("p-against", middle - wide)
        words = f"{fact.name}: {fact.value}" if fact.value else fact.name
        parts.append(
            Markup('<text x="296" y="{0}" text-anchor="end">{1}</text>'
                   '<rect class="{2}" x="{3}" y="{4}" width="{5}" height="12" rx="2"/>').format(
                index * row + 15, _cut(words), kind, round(start, 1), index * row + 5, wide
            )
        )
    height = row * len(facts) + 4
    line = Markup('<line class="p-zero" x1="{0}" x2="{0}" y1="0" y2="{1}"/></svg>').format(middle, height)
    return _svg(660, height, label) + Markup().join(parts) + line


def _at(value: float, width: int) -> float:
    return round(4.0 + (width - 8.0) * min(1.0, max(0.0, value)), 1)


def _svg(width: int, height: int, label: str) -> Markup:
    role = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="picture" width="{0}" height="{1}" viewBox="0 0 {0} {1}" {2} focusable="false">').format(
        width, height, role
    )


def _cut(words: str, most: int = 46) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"
