"""Two simple pictures: a hundred people, and how much each fact weighed. They can be read in grey."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from textwrap import wrap

from vesalius.explanation.document import Picture

INK, SOFT, FILL = "#1b2530", "#51606f", "#0067a5"
LINE = 36
"""How many letters stand in a line of a picture: it is still read on a telephone, 320 px wide."""

_FONT = 'font-family="Libertinus Serif, Georgia, serif"'


def people(filled: int, words: str) -> Picture:
    """A hundred circles, ``filled`` of them full, row by row.

    Source: icon arrays with one denominator (Garcia-Retamero R, Cokely ET. Designing visual aids that promote
    risk literacy. Hum Factors 2017;59(4):582-627).

    Args:
        filled: 0 to 100.
        words: the same in words.
    """
    marks = []
    for number in range(100):
        x, y = 14 + 28 * (number % 10), 14 + 28 * (number // 10)
        full = number < filled
        style = f'fill="{FILL}" stroke="{FILL}"' if full else f'fill="none" stroke="{SOFT}"'
        marks.append(f'<circle cx="{x}" cy="{y}" r="10" stroke-width="2" {style}/>')
    return Picture(_svg(280, 280, marks, words), words)


def weights(facts: Sequence[tuple[str, float, str]], words: str) -> Picture:
    """One bar per fact: full where it raises the chance, empty where it lowers it; its direction is written.

    Args:
        facts: its words, its weight (its sign is its direction), and its direction in words.
        words: the same in words.
    """
    heaviest = max((abs(weight) for _, weight, _ in facts), default=1.0) or 1.0
    parts, top = [], 0
    for fact, weight, direction in facts:
        for line in wrap(fact, LINE):
            top += 26
            parts.append(f'<text x="2" y="{top}" font-size="20" fill="{INK}" {_FONT}>{escape(line)}</text>')
        fill, width = FILL if weight > 0 else "none", max(6.0, 390 * abs(weight) / heaviest)
        parts.append(
            f'<rect x="2" y="{top + 10}" width="{width:.0f}" height="16" fill="{fill}"'
            f' stroke="{FILL}" stroke-width="2"/>'
            f'<text x="2" y="{top + 48}" font-size="18" fill="{SOFT}" {_FONT}>{escape(direction)}</text>'
        )
        top += 66
    return Picture(_svg(400, max(top, 26), parts, words), words)


def _svg(width: int, height: int, parts: Sequence[str], words: str) -> str:
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(words)}">'
    return f"{head}{''.join(parts)}</svg>"
