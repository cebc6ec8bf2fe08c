"""The pictures of the courses: our own SVG, without script or inline style.

They take their colours from classes (``a-box``, ``a-hit`` …) of the page's stylesheet; what differs by colour
differs by shape too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from textwrap import wrap

_WIDE, _LETTER = 640, 7.4


def _svg(width: float, height: float, label: str, body: str) -> str:
    name = escape(label, quote=True)
    return (
        f'<svg class="lesson" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{name}">{body}</svg>'
    )


def _words(x: float, y: float, words: str, width: float, style: str = "a-text") -> str:
    """Words around a middle, in as many lines as they need."""
    lines = wrap(words, max(8, int(width / _LETTER))) or [""]
    first = y - (len(lines) - 1) * 8
    spans = "".join(
        f'<tspan x="{x:g}" y="{first + 16 * place:g}">{escape(line)}</tspan>'
        for place, line in enumerate(lines)
    )
    return f'<text class="{style}" text-anchor="middle">{spans}</text>'


def flow(labels: Sequence[str], caption: str) -> str:
    """Steps one after the other; the one that begins with ``*`` is a person's."""
    count = max(1, len(labels))
    gap, high = 26, 92
    wide = (_WIDE - gap * (count - 1)) / count
    parts = []
    for place, label in enumerate(labels):
        left = place * (wide + gap)
        mine = label.startswith("*")
        style = "a-box a-person" if mine else "a-box"
        parts.append(
            f'<rect class="{style}" x="{left + 1:g}" y="1" width="{wide - 2:g}" height="{high}" rx="10"/>'
        )
        parts.append(_words(left + wide / 2, high / 2 + 5, label.lstrip("*").strip(), wide - 14))
        if place < count - 1:
            start, end, middle = left + wide + 3, left + wide + gap - 3, high / 2 + 1
            parts.append(f'<path class="a-arrow" d="M{start:g} {middle:g}H{end:g}m-7 -6l7 6l-7 6"/>')
    return _svg(_WIDE, high + 2, caption, "".join(parts))


def hundred(count: int, caption: str, marked: str = "a-hit") -> str:
    """A hundred patients, ``count`` of them filled."""
    parts = []
    for place in range(100):
        x, y = 12 + place % 20 * 22, 12 + place // 20 * 22
        style = marked if place < count else "a-none"
        parts.append(f'<circle class="{style}" cx="{x}" cy="{y}" r="7.5"/>')
    return _svg(442, 112, caption, "".join(parts))


def thousand(groups: Sequence[tuple[int, str]], caption: str) -> str:
    """A thousand patients as dots in rows of fifty, one kind after the other.

    Args:
        groups: how many of each kind, and its class; the rest are ``a-none``.
        caption: the words of the picture.
    """
    kinds = [style for count, style in groups for _ in range(count)][:1000]
    kinds += ["a-none"] * (1000 - len(kinds))
    parts = []
    for place, style in enumerate(kinds):
        x, y = 7 + place % 50 * 12.6, 7 + place // 50 * 12.6
        if style == "a-left":  # a ring with a cross: seen without colour too
            parts.append(f'<path class="a-left" d="M{x - 3.6:g} {y - 3.6:g}l7.2 7.2m0 -7.2l-7.2 7.2"/>')
        else:
            parts.append(f'<circle class="{style}" cx="{x:g}" cy="{y:g}" r="4.4"/>')
    return _svg(632, 254, caption, "".join(parts))


def intervals(labels: Sequence[str], caption: str) -> str:
    """Two probabilities that are the same, one of them sure and one not."""
    parts = []
    for place, (low, high) in enumerate(((0.24, 0.37), (0.08, 0.68))):
        y = 40 + 74 * place
        left, right, middle = (20 + 600 * share for share in (low, high, 0.3))
        words = labels[place] if place < len(labels) else ""
        parts.append(f'<text class="a-text" x="20" y="{y - 18}">{escape(words)}</text>')
        parts.append(f'<rect class="a-track" x="20" y="{y}" width="600" height="10" rx="5"/>')
        parts.append(
            f'<rect class="a-band" x="{left:g}" y="{y - 4}" width="{right - left:g}" height="18" rx="4"/>'
        )
        parts.append(f'<circle class="a-point" cx="{middle:g}" cy="{y + 5}" r="7"/>')
    return _svg(_WIDE, 140, caption, "".join(parts))


def scales(labels: Sequence[str], caption: str) -> str:
    """Two voices: what the tool says, and what one sees; and what becomes of them."""
    said, seen, then = [*labels, "", "", ""][:3]
    body = (
        '<rect class="a-box" x="1" y="1" width="258" height="70" rx="10"/>'
        '<rect class="a-box a-person" x="381" y="1" width="258" height="70" rx="10"/>'
        '<path class="a-arrow" d="M130 74V112H250m-7 -6l7 6l-7 6M510 74V112H390m7 -6l-7 6l7 6"/>'
        '<rect class="a-box a-strong" x="256" y="84" width="128" height="58" rx="10"/>'
        f"{_words(130, 41, said, 240)}{_words(510, 41, seen, 240)}{_words(320, 118, then, 116)}"
    )
    return _svg(_WIDE, 146, caption, body)


def _thirty(labels: Sequence[str], caption: str) -> str:  # noqa: ARG001
    return hundred(30, caption)


PICTURES: dict[str, Callable[[Sequence[str], str], str]] = {
    "flow": flow,
    "thirty": _thirty,
    "intervals": intervals,
    "scales": scales,
}
"""The pictures that a written course can name; ``labels`` of the page are their words, one a line."""


def drawn(name: str, labels: Sequence[str], caption: str) -> str:
    """One of :data:`PICTURES`."""
    return PICTURES[name]([label.strip() for label in labels if label.strip()], caption)
