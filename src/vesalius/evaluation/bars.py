"""Pictures of counts: a thousand patients, what thresholds do with them, what was missing, who is needed.

What becomes of a patient has four looks, the same in each picture, told apart in grey and without colour:
solid (helped), hatched (missed), pale (acted on for nothing), empty (rightly left alone).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vesalius.evaluation._svg import Named, Picture, ticks, wrapped
from vesalius.evaluation.run import Decided, Missing, Proposed, SampleSize, Threshold
from vesalius.evaluation.words import DASH, Words

KINDS = ("helped", "missed", "harmed", "spared")
"""What becomes of a patient: with the outcome acted on or not, without it acted on or not."""

SHOWN = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
"""The thresholds whose line is in the report; the run holds all."""

FEW = 10
"""Below as many patients, no share with the outcome is given."""

MOST = 30
"""Inputs in the picture of what was missing: those that were missing most often."""

_COLUMN, _STEP, _MARK = 20, 8.7, 6.2

_SHAPES = {
    "helped": "M{x:.1f} {y:.1f}h6.2v6.2h-6.2z",
    "missed": "M{x:.1f} {y:.1f}l6.2 6.2m-6.2 0l6.2-6.2",
    "harmed": "M{x:.1f} {y:.1f}h6.2v6.2h-6.2z",
    "spared": "M{x:.1f} {y:.1f}m2.2 2.2h1.8v1.8h-1.8z",
}


def fates(row: Threshold) -> tuple[int, int, int, int]:
    """Of 1,000 patients, how many are helped, missed, harmed and spared at a threshold; together 1,000."""
    means = (row.helped, row.left, row.harmed)
    helped, missed, harmed = (round(item.value or 0.0) if item else 0 for item in means)
    return helped, missed, harmed, max(0, 1000 - helped - missed - harmed)


def consequences(
    rows: Sequence[Threshold], in_force: Sequence[float], words: Words, own: Mapping[str, str]
) -> str:
    """What becomes of 1,000 patients at each threshold in force: one mark for each of them.

    Args:
        rows: of the run.
        in_force: the hospital's thresholds.
        words: of the reader's language.
        own: the card's words for ``helped``, ``harmed`` and ``missed``.
    """
    picture = Picture(width=480, height=0, left=16, right=8)
    names = {kind: _capital(own.get(kind, words(f"consequence.{kind}"))) for kind in KINDS}
    y, told = 18.0, []
    for row in rows:
        if row.probability not in in_force or row.helped is None:
            continue
        at = words("consequences.from", at=words.percent(row.probability))
        y = _panel(picture, y, at, row, words, names)
        counts = zip(KINDS, fates(row), strict=True)
        each = ", ".join(words("pair", name=names[kind], value=words.number(count)) for kind, count in counts)
        told.append(words("pair", name=at, value=each))
    picture.height = y - 18
    return picture.render(words("consequences.title"), words("consequences.desc", figures="; ".join(told)))


def _panel(
    picture: Picture, y: float, title: str, row: Threshold, words: Words, names: Mapping[str, str]
) -> float:
    """One threshold: title, the two groups, their marks, what the marks mean; returns where it ends."""
    counts = dict(zip(KINDS, fates(row), strict=True))
    ill = round(sum(item.value or 0.0 for item in (row.helped, row.left) if item))
    picture.text(picture.left, y, title, "c-key c-strong")
    sizes = (
        words("pair", name=words("histogram.with"), value=words.number(ill)),
        words("pair", name=words("histogram.without"), value=words.number(1000 - ill)),
    )
    picture.text(picture.left, y + 20, sizes[0], "c-tick")
    sides = [math.ceil(sum(counts[kind] for kind in kinds) / _COLUMN) for kinds in (KINDS[:2], KINDS[2:])]
    right = picture.left + (sum(sides) + 1) * _STEP - (_STEP - _MARK)
    picture.text(right, y + 20, sizes[1], "c-tick c-end")
    top, left = y + 28, picture.left
    for kinds, columns in zip((KINDS[:2], KINDS[2:]), sides, strict=True):
        place = 0
        for kind in kinds:
            marks = [_mark(kind, left, top, place + number) for number in range(counts[kind])]
            place += counts[kind]
            if marks:
                picture.parts.append(f'<path class="c-{kind}" d="{"".join(marks)}"/>')
        left += (columns + 1) * _STEP
    return _keys(picture, top + _COLUMN * _STEP + 8, row, words, names, counts)


def _mark(kind: str, left: float, top: float, place: int) -> str:
    """The mark of one patient; columns are filled from the left, twenty in each."""
    column, line = divmod(place, _COLUMN)
    return _SHAPES[kind].format(x=left + column * _STEP, y=top + line * _STEP)


def _keys(
    picture: Picture,
    y: float,
    row: Threshold,
    words: Words,
    names: Mapping[str, str],
    counts: Mapping[str, int],
) -> float:
    items = {"helped": row.helped, "missed": row.left, "harmed": row.harmed}
    for kind in KINDS:
        shape = _SHAPES[kind].format(x=picture.left, y=y)
        picture.parts.append(f'<path class="c-{kind}" d="{shape}"/>')
        item = items.get(kind)
        figure = words.estimate(item, 0) if item else words.number(counts[kind])
        picture.text(picture.left + 16, y + 7.5, figure, "c-key c-strong")
        for line in wrapped(names[kind], 330):
            picture.text(picture.left + 126, y + 7.5, line, "c-key")
            y += 17
        y += 3
    return y + 26


@dataclass(frozen=True)
class _Stack:
    """One lying bar of parts: (kind, size) in order."""

    name: str
    parts: Sequence[tuple[str, float]]
    note: str = ""
    strong: bool = False


def fate_bars(
    rows: Sequence[Threshold], count: int, events: int, in_force: Sequence[float], words: Words
) -> str:
    """Of 1,000 patients, what becomes of them at each threshold: one bar each.

    Args:
        rows: of the run; those of :data:`SHOWN` and those in force are drawn.
        count: rows of the run.
        events: of them, with the outcome.
        in_force: the hospital's thresholds; their names stand out.
        words: of the reader's language.
    """
    per = 1000 / count
    stacks = []
    for row in rows:
        if row.probability not in SHOWN and row.probability not in in_force:
            continue
        sizes = (row.caught, row.missed, row.acted - row.caught, count - row.acted - row.missed)
        parts = [(kind, max(0.0, size * per)) for kind, size in zip(KINDS, sizes, strict=True)]
        stacks.append(_Stack(words.percent(row.probability), parts, strong=row.probability in in_force))
    picture = Picture(width=720, height=70 + 30 * len(stacks), left=78, right=24, top=10, x=(0, 1000))
    _stacked(picture, stacks, words, 30, 22)
    picture.name_x(words("axis.per_thousand"))
    share = words.number(events * per)
    _legend(picture, words, "consequence")
    return picture.render(words("fates.title"), words("fates.desc", events=share))


def decided(ways: Sequence[Decided], words: Words, named: Named) -> str:
    """Each way of deciding as two bars, with the outcome and without: acted on, or left alone."""
    stacks = []
    for way in ways:
        name = named(way.name)
        ill = [("helped", float(way.acted_with)), ("missed", float(way.left_with))]
        well = [("harmed", float(way.acted_without)), ("spared", float(way.left_without))]
        stacks.append(_Stack(name, ill, words("histogram.with"), strong=True))
        stacks.append(_Stack(name, well, words("histogram.without"), strong=True))
    most = max([sum(size for _, size in stack.parts) for stack in stacks] + [1.0])
    picture = Picture(width=720, height=70 + 46 * len(stacks), left=190, right=24, top=10, x=(0, most))
    _stacked(picture, stacks, words, 46, 24)
    picture.name_x(words("axis.patients"))
    for kind, key in zip(KINDS, ("caught", "missed", "needless", "spared"), strict=True):
        picture.legend("fate", kind, words(f"decided.{key}"))
    return picture.render(words("decided.title"), words("decided.desc"))


def proposed(rows: Sequence[Proposed], words: Words, named: Named) -> str:
    """How often each option was proposed, and to how many with the outcome."""
    stacks = [
        _Stack(
            named(row.option),
            [("ill", float(row.events)), ("spared", float(row.rows - row.events))],
        )
        for row in rows
    ]
    most = max([row.rows for row in rows] + [1])
    picture = Picture(width=720, height=70 + 46 * len(stacks), left=250, right=40, top=10, x=(0, most))
    _stacked(picture, stacks, words, 46, 24)
    picture.name_x(words("axis.patients"))
    picture.legend("fate", "ill", words("histogram.with"))
    picture.legend("fate", "spared", words("histogram.without"))
    told = "; ".join(
        words(
            "proposed.each",
            name=named(row.option),
            rows=words.number(row.rows),
            events=words.number(row.events),
        )
        for row in rows
    )
    return picture.render(words("proposed.title"), words("proposed.desc", figures=told))


def missing(items: Sequence[Missing], count: int, words: Words, named: Named) -> str:
    """How often each input was not known, most often first; and the outcome there, and where it was known.

    Args:
        items: of the run; those that were always known are left out.
        count: rows of the run.
        words: of the reader's language.
        named: from the name of an input to words.
    """
    rows = sorted((item for item in items if item.rows), key=lambda item: -item.rows)[:MOST]
    names = [wrapped(named(item.input), 206) for item in rows]
    tall = [max(24.0, 16.0 * len(name) + 6) for name in names]
    shares = [share for item in rows for share in _outcomes(item, count)]
    height = 74 + sum(tall)
    picture = Picture(width=720, height=height, left=226, right=284, top=34, bottom=40)
    other = Picture(
        width=720, height=height, left=500, right=24, top=34, bottom=40, x=(0, max([*shares, 0.05]) * 1.1)
    )
    other.parts = picture.parts  # one picture, two scales
    picture.text(picture.left, 18, words("missing.share"), "c-key c-strong")
    if shares:
        picture.text(other.left, 18, words("missing.outcome"), "c-key c-strong")
        other.uprights(ticks(*other.x, 4), words.percent)
    picture.uprights((0.0, 0.5, 1.0), words.percent)
    picture.rule("c-axis", down=picture.across(0))
    y = picture.top
    for item, name, high in zip(rows, names, tall, strict=True):
        middle = y + high / 2
        picture.lines(8, middle, name, "c-key")
        picture.box(picture.left, middle - 7, picture.across(item.share) - picture.left, 14, "c-solid s1")
        picture.text(picture.across(item.share) + 6, middle + 4, words.percent(item.share), "c-tick")
        _pair(other, _outcomes(item, count), middle)
        y += high
    if shares:
        picture.legend("dot", "c-full", words("missing.where_missing"))
        picture.legend("dot", "c-ring", words("missing.where_known"))
    told = "; ".join(
        words("pair", name=named(item.input), value=words.percent(item.share)) for item in rows[:5]
    )
    return picture.render(words("missing.title"), words("missing.desc", figures=told or DASH))


def _outcomes(item: Missing, count: int) -> list[float]:
    """The share with the outcome where the input is not known, and where it is; both or nothing."""
    if (
        item.rows < FEW
        or count - item.rows < FEW
        or item.outcome_missing is None
        or item.outcome_known is None
    ):
        return []
    return [item.outcome_missing, item.outcome_known]


def _pair(picture: Picture, pair: Sequence[float], y: float) -> None:
    """Two points and the way between them: filled where the input was not known, a ring where it was."""
    if not pair:
        return
    gone, known = (picture.across(share) for share in pair)
    picture.parts.append(f'<path class="c-axis" d="M{gone} {y:g}H{known}"/>')
    picture.parts.append(f'<circle class="c-ring" cx="{known}" cy="{y:g}" r="5"/>')
    picture.parts.append(f'<circle class="c-full" cx="{gone}" cy="{y:g}" r="4"/>')


def sample(size: SampleSize, words: Words) -> str:
    """How much there is of what each criterion asks for; a bar beyond 200 % ends in a point."""
    end = 2.0
    names = [wrapped(words(f"need.{need.criterion}"), 262) for need in size.needs]
    tall = [max(34.0, 16.0 * len(name) + 12) for name in names]
    picture = Picture(width=720, height=66 + sum(tall), left=280, right=160, top=14, x=(0, end))
    picture.uprights((0, 0.5, 1, 1.5, 2), words.percent)
    picture.rule("c-axis", down=picture.across(0))
    y, told = picture.top, []
    for need, name, high in zip(size.needs, names, tall, strict=True):
        middle = y + high / 2
        picture.lines(8, middle, name, "c-key")
        there = need.given / need.rows if need.rows else 0.0
        wide = picture.across(min(there, end)) - picture.left
        if need.met:
            picture.box(picture.left, middle - 8, wide, 16, "c-solid s3")
        else:
            picture.hatch(picture.left, middle - 8, wide, 16, "s2")
        if there > end:
            picture.parts.append(
                f'<path class="c-solid s3" d="M{picture.left + wide} {middle - 8:g}l8 8l-8 8z"/>'
            )
        said = words("sample.of", given=words.number(need.given), rows=words.number(need.rows))
        verdict = words("size.enough" if need.met else "size.short")
        picture.text(picture.width - picture.right + 14, middle - 3, said, "c-key")
        picture.text(picture.width - picture.right + 14, middle + 13, verdict, "c-tick")
        told.append(words("pair", name=words(f"need.{need.criterion}"), value=f"{said}, {verdict}"))
        y += high
    picture.rule("c-line c-mark", down=picture.across(1))
    picture.name_x(words("axis.sample"))
    return picture.render(words("sample.title"), words("sample.desc", figures="; ".join(told)))


def _stacked(picture: Picture, stacks: Sequence[_Stack], words: Words, high: float, bar: float) -> None:
    """Bars of parts under each other, each with its name, and its numbers where they have room."""
    picture.uprights(ticks(*picture.x, 6), words.number)
    for place, stack in enumerate(stacks):
        y = picture.top + high * place
        middle, bold = y + high / 2, " c-strong" if stack.strong else ""
        name = wrapped(stack.name, picture.left - 20)
        picture.lines(8, middle - (8 if stack.note else 0), name, f"c-key{bold}")
        if stack.note:
            picture.text(8, middle + 12, stack.note, "c-tick")
        start = 0.0
        for kind, size in stack.parts:
            _part(picture, middle - bar / 2, bar, (start, size), kind, words)
            start += size


def _part(
    picture: Picture, y: float, high: float, span: tuple[float, float], kind: str, words: Words
) -> None:
    """One part of a bar in the look of its kind; its number where there is room."""
    start, size = span
    left, right = picture.across(start), picture.across(start + size)
    if right - left < 0.05:
        return
    number = words.number(size)
    fits = right - left > 8 * len(number) + 4
    middle = (left + right) / 2
    if kind == "missed":
        picture.hatch(left, y, right - left, high, "s2")
        if fits:
            picture.box(middle - 4 * len(number) - 2, y + high / 2 - 8, 8 * len(number) + 4, 16, "c-paper")
    else:
        picture.box(left, y, right - left, high, f"c-{kind}")
    if fits:
        tone = "c-inside" if kind in ("helped", "ill") else "c-onpale"
        picture.text(middle, y + high / 2 + 4.5, number, f"{tone} c-middle")


def _legend(picture: Picture, words: Words, prefix: str) -> None:
    for kind in KINDS:
        picture.legend("fate", kind, _capital(words(f"{prefix}.{kind}")))


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
