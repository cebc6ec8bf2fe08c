"""Small pictures in SVG, drawn at the server: they need no script and no inline style."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT, BAR = 132, 16, 180


def interval(
    probability: float,
    low: float,
    high: float,
    marks: Sequence[float] = (),
    *,
    label: str = "",
    width: int = WIDTH,
) -> Markup:
    """A probability with its interval on a line from 0 to 1; ``marks`` are the hospital's thresholds.

    Args:
        probability: a fraction of one.
        low: the lower end of its interval.
        high: the upper end.
        marks: fractions of one, drawn as dashes.
        label: the words of the picture; empty when the same words stand beside it.
        width: in pixels.
    """
    dashes = Markup().join(
        Markup('<line class="p-mark" x1="{0}" x2="{0}" y1="0" y2="16"/>').format(_at(mark, width))
        for mark in marks
    )
    wide = max(3.0, round(_at(high, width) - _at(low, width), 1))
    return _svg(width, HEIGHT, label) + Markup(
        '<rect class="p-track" x="4" y="5" width="{span}" height="6" rx="3"/>'
        '<rect class="p-band" x="{low}" y="3.5" width="{wide}" height="9" rx="2"/>{dashes}'
        '<circle class="p-point" cx="{point}" cy="8" r="3.6"/></svg>'
    ).format(span=width - 8, low=_at(low, width), wide=wide, dashes=dashes, point=_at(probability, width))


def weight(contribution: float, most: float) -> Markup:
    """One bar: to the right where a fact makes the target likelier, to the left where less likely.

    Args:
        contribution: what the fact adds to the log odds.
        most: the greatest contribution, without its sign, of the facts that are shown together.
    """
    middle = BAR / 2
    wide = max(1.5, round((middle - 2) * min(1.0, abs(contribution) / (most or 1.0)), 1))
    kind, start = ("p-for", middle) if contribution >= 0 else ("p-against", middle - wide)
    return _svg(BAR, HEIGHT, "") + Markup(
        '<rect class="{0}" x="{1}" y="3" width="{2}" height="10" rx="2"/>'
        '<line class="p-zero" x1="{3}" x2="{3}" y1="0" y2="16"/></svg>'
    ).format(kind, round(start, 1), wide, middle)


def bars(values: Sequence[int], dark: Sequence[int], *, label: str, large: bool = False) -> Markup:
    """One bar per day; of each, the part that ``dark`` counts stands at its foot in another colour.

    Args:
        values: how many, day by day.
        dark: how many of them, day by day.
        label: the words of the picture.
        large: as wide as its panel, instead of small enough for a table.
    """
    wide, high = (12.0, 96) if large else (4.0, 20)
    most = max(*values, 1) if values else 1
    drawn = Markup()
    for place, (value, held) in enumerate(zip(values, dark, strict=True)):
        tall, foot = (round(each / most * (high - 1), 1) for each in (value, min(held, value)))
        for kind, size in (("p-band", tall), ("p-held", foot)):
            drawn += Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}"/>').format(
                kind, place * wide, high - size, wide - 1, size
            )
    return _svg(round(len(values) * wide), high, label) + drawn + Markup("</svg>")


def line(values: Sequence[float | None], *, label: str) -> Markup:
    """Fractions of one, day by day, as a line that breaks off where there is no value.

    Args:
        values: fractions of one, or None.
        label: the words of the picture.
    """
    wide, high, points = 12.0, 96, Markup()
    parts: list[list[str]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            parts.append([])
            continue
        x, y = place * wide + wide / 2, round(4 + (1 - min(1.0, max(0.0, value))) * (high - 8), 1)
        parts[-1].append(f"{x},{y}")
        points += Markup('<circle class="p-point" cx="{}" cy="{}" r="2.2"/>').format(x, y)
    lines = Markup().join(
        Markup('<polyline class="p-line" points="{}"/>').format(" ".join(part)) for part in parts if part
    )
    width = round(len(values) * wide)
    frame = Markup(
        '<line class="p-mark" x1="0" x2="{0}" y1="4" y2="4"/>'
        '<line class="p-zero" x1="0" x2="{0}" y1="{1}" y2="{1}"/>'
    ).format(width, high - 4)
    return _svg(width, high, label) + frame + lines + points + Markup("</svg>")


def trace(
    points: Sequence[tuple[float, float]], low: float | None, high: float | None, gap: float, *, label: str
) -> Markup:
    """A measurement over some time, before what is normal; the line breaks off where nothing was measured.

    Args:
        points: the part of the time that had gone by (0 to 1), and the value; oldest first.
        low: the lower end of what is normal; None if it has none.
        high: the upper end.
        gap: the part of the time from which on two measurements are not joined.
        label: the words of the picture.
    """
    wide, tall = 280, 52
    values = [value for _, value in points] + [each for each in (low, high) if each is not None]
    least, most = min(values), max(values)
    margin = 0.08 * (most - least) or 1.0
    least, most = least - margin, most + margin

    def at(place: float) -> float:
        return round(4 + (wide - 8) * place, 1)

    def down(value: float) -> float:
        return round(2 + (tall - 4) * (1 - (value - least) / (most - least)), 1)

    top, foot = down(most if high is None else high), down(least if low is None else low)
    band = Markup('<rect class="p-track" x="0" y="{}" width="{}" height="{}"/>').format(
        top, wide, round(foot - top, 1)
    )
    parts: list[list[str]] = []
    before = -gap
    for place, value in points:
        if place - before >= gap - 1e-9:  # a part of the time is not an exact number
            parts.append([])
        parts[-1].append(f"{at(place)},{down(value)}")
        before = place
    lines = Markup().join(
        Markup('<polyline class="p-line" points="{}"/>').format(" ".join(part)) for part in parts
    )
    size = 2.4 if len(points) <= 60 else 1.4
    dots = Markup().join(
        Markup('<circle class="p-point" cx="{}" cy="{}" r="{}"/>').format(at(place), down(value), size)
        for place, value in points
    )
    return _svg(wide, tall, label) + band + lines + dots + Markup("</svg>")


def part(value: float, width: int = 160) -> Markup:
    """A fraction of one as a bar; its words stand beside it."""
    return _svg(width, 12, "") + Markup(
        '<rect class="p-track" width="{0}" height="12" rx="2"/>'
        '<rect class="p-band" width="{1}" height="12" rx="2"/></svg>'
    ).format(width, round(width * min(1.0, max(0.0, value)), 1))


def tally(count: int, of_them: int, most: int, width: int = 200) -> Markup:
    """A count as a bar, as long as it is of the greatest; at its beginning, in another colour, a part of it.

    Args:
        count: how many.
        of_them: how many of these are the part.
        most: the greatest count of those that are shown together.
        width: of the greatest, in pixels.
    """
    whole, held = (round(width * each / max(1, most), 1) for each in (count, min(of_them, count)))
    return _svg(width, 14, "") + Markup(
        '<rect class="p-track" width="{0}" height="14" rx="2"/>'
        '<rect class="p-band" width="{1}" height="14" rx="2"/>'
        '<rect class="p-held" width="{2}" height="14" rx="2"/></svg>'
    ).format(width, whole, held)


def share(before: float, after: float) -> Markup:
    """A bar from 0 to 1: what was there, and what was added to it."""
    start, end = _at(before, BAR), _at(after, BAR)
    return _svg(BAR, HEIGHT, "") + Markup(
        '<rect class="p-track" x="4" y="3" width="{span}" height="10" rx="2"/>'
        '<rect class="p-band" x="4" y="3" width="{wide}" height="10" rx="2"/>'
        '<rect class="p-for" x="{start}" y="3" width="{more}" height="10"/></svg>'
    ).format(span=BAR - 8, wide=round(start - 4, 1), start=start, more=round(end - start, 1))


def curve(shares: Sequence[float], *, mark: int, label: str) -> Markup:
    """What is covered by the first 0, 1, 2 … of a list; a point marks one of them.

    Args:
        shares: fractions of one, growing.
        mark: the place of the one to mark.
        label: the words of the picture.
    """
    last = max(1, len(shares) - 1)
    # of a long list, every place is not worth a point
    places = sorted({round(step * last / 120) for step in range(121)} & set(range(len(shares))) | {0, mark})

    def x(place: int) -> float:
        return round(44 + 300 * place / last, 1)

    def y(value: float) -> float:
        return round(126 - 116 * min(1.0, max(0.0, value)), 1)

    grid = Markup().join(
        Markup(
            '<line class="p-mark" x1="44" x2="344" y1="{0}" y2="{0}"/>'
            '<text class="p-text" x="38" y="{1}" text-anchor="end">{2}</text>'
        ).format(y(value), y(value) + 4, f"{value:.0%}")
        for value in (0.0, 0.5, 1.0)
    )
    line = " ".join(f"{x(place)},{y(shares[place])}" for place in places)
    return (
        _svg(360, 150, label)
        + grid
        + Markup(
            '<polyline class="p-line" points="{line}"/><circle class="p-point" cx="{cx}" cy="{cy}" r="4"/>'
            '<text class="p-text" x="44" y="144">0</text>'
            '<text class="p-text" x="344" y="144" text-anchor="end">{last}</text></svg>'
        ).format(line=line, cx=x(mark), cy=y(shares[mark]), last=len(shares) - 1)
    )


def _at(value: float, width: int) -> float:
    return round(4.0 + (width - 8.0) * min(1.0, max(0.0, value)), 1)


def _svg(width: int, height: int, label: str) -> Markup:
    role = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup(
        '<svg class="picture" width="{0}" height="{1}" viewBox="0 0 {0} {1}" {2} focusable="false">'
    ).format(width, height, role)
