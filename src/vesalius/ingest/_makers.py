"""What a map makes of a row, piece by piece: each is called with the row, and gives a value or nothing.

They are read once more by :mod:`vesalius.ingest._bodies`, which writes the same resources without making
them first.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from vesalius.ingest._cells import ABSENT, Maker, Row

_ID = re.compile(r"[A-Za-z0-9.-]{1,20}", re.ASCII)
_NO_ROW = Row(0, {}, frozenset())

Condition = Callable[[Row], bool]


def id_piece(text: str) -> str:
    """What ``{column:id}`` puts into an id: the text if it can stand there, else 16 digits of its SHA-256.

    >>> id_piece("A-17"), id_piece("2026-05-01 10:30")
    ('A-17', '6851fef0c2db46e3')
    """
    return text if _ID.fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()[:16]


class Part(NamedTuple):
    """A piece of a text: what stands before a column, the column, and whether it must fit into an id."""

    text: str
    column: str
    clean: bool

    def cell(self, row: Row) -> str | None:
        """What the column adds to the text; None where its cell says nothing."""
        if not self.column:
            return ""
        cell = str(row.number) if self.column == "row" else row.cell(self.column)
        return id_piece(cell) if self.clean and cell is not None else cell


@dataclass(frozen=True, slots=True)
class Constant:
    """Makes the same of every row: made once, and shared by all resources, which nobody changes in place."""

    value: Any

    def __call__(self, _: Row) -> Any:
        """The value."""
        return self.value


@dataclass(frozen=True, slots=True)
class Text:
    """A text; nothing, if one of its cells says nothing."""

    parts: Sequence[Part]

    def __call__(self, row: Row) -> Any:
        """The text, or :data:`ABSENT`."""
        said = ""
        for part in self.parts:
            cell = part.cell(row)
            if cell is None:
                return ABSENT
            said += part.text + cell
        return said


@dataclass(frozen=True, slots=True)
class Object:
    """An object of those elements that say something."""

    makers: Sequence[tuple[str, Maker]]

    def __call__(self, row: Row) -> Any:
        """The object, or :data:`ABSENT`."""
        made = {}
        for name, maker in self.makers:
            value = maker(row)
            if value is not ABSENT:
                made[name] = value
        return made or ABSENT


@dataclass(frozen=True, slots=True)
class Several:
    """A list of those entries that say something."""

    makers: Sequence[Maker]

    def __call__(self, row: Row) -> Any:
        """The list, or :data:`ABSENT`."""
        return [value for maker in self.makers if (value := maker(row)) is not ABSENT] or ABSENT


@dataclass(frozen=True, slots=True)
class Perhaps:
    """What a maker makes of the rows for which some conditions hold."""

    conditions: Sequence[Condition]
    maker: Maker

    def __call__(self, row: Row) -> Any:
        """The value, or :data:`ABSENT`."""
        return self.maker(row) if all(holds(row) for holds in self.conditions) else ABSENT


def settled(maker: Text | Object | Several) -> Maker:
    """The same maker; a constant, if the row has no say in it."""
    match maker:
        case Text(parts):
            constant = not any(part.column for part in parts)
        case Object(named):
            constant = bool(named) and all(isinstance(each, Constant) for _, each in named)
        case Several(makers):
            constant = bool(makers) and all(isinstance(each, Constant) for each in makers)
    return Constant(maker(_NO_ROW)) if constant else maker
