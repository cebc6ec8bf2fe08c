"""The pages about what was received and is not understood."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from vesalius.console.contexts.frame import Choice


@dataclass(frozen=True)
class ProblemRow:
    """What is wrong in the same words with a number of items of one feed.

    Attributes:
        label: the cause, in English.
        words: why, in English, as the reader of the format says it.
        source: the feed.
        count: how many items.
        bar: their share of all that is shown, as a picture.
        since: when the oldest was received.
        item: the number of the newest, which stands for all.
    """

    label: str
    words: str
    source: str
    count: int
    bar: Markup
    since: datetime
    item: int


@dataclass(frozen=True)
class AttemptRow:
    """Something that was done about what is held.

    Attributes:
        id: its number.
        at: when.
        by: the name of the person.
        label: what was done, in English.
        reason: why, in that person's words.
        items: how many items.
        released: how many of them were taken in.
        held: how many are still held.
        written: how many resources became new versions.
    """

    id: int
    at: datetime
    by: str
    label: str
    reason: str
    items: int
    released: int
    held: int
    written: int


@dataclass(frozen=True)
class QuarantinePage:
    """``/quarantine``: the problems, and what was done about them.

    Attributes:
        problems: the most frequent first.
        total: how many items they are in all.
        causes: the causes to choose from, with how many items each.
        feeds: the feeds to choose from.
        aside: whether what was set aside is shown, instead of what waits.
        asides: how many items were set aside.
        attempts: newest first.
        may_act: whether the reader may try again and set aside.
    """

    problems: tuple[ProblemRow, ...]
    total: int
    causes: tuple[Choice, ...]
    feeds: tuple[Choice, ...]
    aside: bool
    asides: int
    attempts: tuple[AttemptRow, ...]
    may_act: bool


@dataclass(frozen=True)
class CellRow:
    """One cell of a row of CSV.

    Attributes:
        column: its name.
        text: what it holds.
        named: whether the problem names this column.
    """

    column: str
    text: str
    named: bool


@dataclass(frozen=True)
class StepRow:
    """What an attempt did.

    Attributes:
        attempt: its number.
        item: the number of the item.
        at: when.
        by: the name of the person.
        before: the cause before, in English.
        after: what became of it, in English.
        words: why it is still held, or empty.
        became: the resources that it became, on one line.
        released: whether it was taken in.
    """

    attempt: int
    item: int
    at: datetime
    by: str
    before: str
    after: str
    words: str
    became: str
    released: bool


@dataclass(frozen=True)
class MapForm:
    """The map that rows of CSV came through, to be mended.

    Attributes:
        name: of its file.
        text: itself, or what the reader made of it.
        problem: what is wrong with what the reader made of it, or empty.
        tried: how many items were tried with it, without writing anything; None before.
        released: how many of them would be taken in.
        still: what would still be wrong, as (cause in English, words, how many items).
    """

    name: str
    text: str
    problem: str
    tried: int | None
    released: int
    still: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class HeldPage:
    """``/quarantine/{id}``: one item, which stands for all that have the same problem.

    Attributes:
        id: its number.
        label: the cause, in English.
        words: why.
        source: the feed.
        file: the name of its file.
        place: where it stands in it.
        format: of the file.
        at: when it was received.
        status: ``held``, ``released`` or ``aside``.
        same: how many items of this feed have the same problem, this one among them.
        cells: its cells, if it is a row of CSV.
        original: its bytes as text, cut.
        cut: whether there is more.
        size: how many bytes it has.
        steps: what was done about it, newest first.
        map: the map to be mended, for a row of CSV whose map is known.
        may_act: whether the reader may try again and set aside.
    """

    id: int
    label: str
    words: str
    source: str
    file: str
    place: str
    format: str
    at: datetime
    status: str
    same: int
    cells: tuple[CellRow, ...]
    original: str
    cut: bool
    size: int
    steps: tuple[StepRow, ...]
    map: MapForm | None
    may_act: bool


@dataclass(frozen=True)
class AttemptPage:
    """``/quarantine/attempts/{id}``: what an attempt changed.

    Attributes:
        attempt: itself.
        changes: as (cause before, what became of it, how many items), in English.
        steps: what became of each item, the first of them.
        map: the digest of the mended map, or empty.
    """

    attempt: AttemptRow
    changes: tuple[tuple[str, str, int], ...]
    steps: tuple[StepRow, ...]
    map: str
