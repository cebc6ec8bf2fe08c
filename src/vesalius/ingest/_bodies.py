"""The resources of a row as JSON, most of them written without making them first.

What a map says of a resource is, for most rows, one text with gaps: what does not depend on the row is
written once, when the map is read, and each gap is filled with the JSON of a cell. Where a cell says nothing,
elements are left out; such a resource is made as a dictionary and written from that, to the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from vesalius import fhir
from vesalius.errors import InvalidResource
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._cells import ABSENT, CellMaker, Maker, Row
from vesalius.ingest._items import Found
from vesalius.ingest._makers import Condition, Constant, Object, Part, Several, Text

REMEMBERED = 10_000
"""Of one cell, for how many texts the JSON of its value is kept."""


Fill = Callable[[Row], bytes | None]
"""What a gap is filled with; None where there is nothing to say."""


class Gaps:
    """The gaps of all resources of one map, numbered; those that are filled alike are one."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Gap] = {}

    def gap(self, key: Hashable, fill: Fill) -> Gap:
        """The gap with this key, made with ``fill`` if there is none."""
        return self._known.setdefault(key, Gap(len(self._known), fill))


class Gap(NamedTuple):
    """A place that each row fills in."""

    number: int
    fill: Fill


class Body:
    """One resource of a map.

    Args:
        conditions: those under which it is made.
        maker: makes it.
        needs: the elements without which it is not made.
        gaps: those of the map.
    """

    def __init__(
        self, conditions: Sequence[Condition], maker: Object, needs: frozenset[str], gaps: Gaps
    ) -> None:
        self._conditions, self._maker, self._needs = conditions, maker, needs
        try:
            pieces = list(_pieces(maker, gaps))
        except (InvalidResource, ArithmeticError):  # each row will say so
            pieces = []
        self._gaps = [piece for piece in pieces if isinstance(piece, Gap)]
        self._template = b"".join(b"%b" if isinstance(each, Gap) else _plain(each) for each in pieces)
        self._whole = bool(pieces) and needs <= {name for name, _ in maker.makers}

    def __call__(self, row: Row) -> Found | None:
        """The resource that a row becomes; None if it becomes none.

        Raises:
            FaultError: a cell is not what the map announces.
            InvalidResource: it cannot be written as JSON.
        """
        for holds in self._conditions:
            if not holds(row):
                return None
        if self._whole and (body := self._filled(row)) and (usual := fhir.usual(body)):
            return Found(None, body, usual)
        made = self._made(row)
        return None if made is ABSENT else Found(made, fhir.dump(made))

    def make(self, row: Row) -> Any:
        """The resource as a dictionary, or :data:`ABSENT`.

        Raises:
            FaultError: a cell is not what the map announces.
        """
        return self._made(row) if all(holds(row) for holds in self._conditions) else ABSENT

    def _made(self, row: Row) -> Any:
        made = self._maker(row)
        if any(name not in made for name in self._needs):
            return ABSENT
        if "id" not in made:
            raise FaultError(Cause.MISSING_VALUE, f"a {made['resourceType']} has no id: its cell is empty")
        return made

    def _filled(self, row: Row) -> bytes | None:
        """The JSON, if each of its gaps has something to say."""
        written, cells = row.written, []
        for number, fill in self._gaps:
            try:
                cell = written[number]
            except KeyError:
                try:
                    cell = written[number] = fill(row)
                except (InvalidResource, ArithmeticError):  # the longer way says why
                    return None
            if cell is None:
                return None
            cells.append(cell)
        return self._template % tuple(cells)


def _plain(piece: bytes) -> bytes:
    return piece.replace(b"%", b"%%")


def _pieces(maker: Maker, gaps: Gaps) -> Iterator[bytes | Gap]:
    """The JSON of what a maker makes, if no cell that it reads is empty."""
    match maker:
        case Constant(value):
            yield _json(value)
        case Text(parts):
            yield b'"'
            for part in parts:
                yield _text(part.text)
                if part.column:
                    yield gaps.gap(part._replace(text=""), _texts(part))
            yield b'"'
        case Object(makers) if makers:
            for place, (name, each) in enumerate(makers):
                yield (b"," if place else b"{") + _json(name) + b":"
                yield from _pieces(each, gaps)
            yield b"}"
        case Several(makers) if makers:
            for place, each in enumerate(makers):
                yield b"," if place else b"["
                yield from _pieces(each, gaps)
            yield b"]"
        case CellMaker(cell) if maker.alone:
            yield gaps.gap(cell, _values(maker))
        case _:  # what is there in some rows only, or takes more than one cell
            yield gaps.gap(maker, _any(maker))


def _texts(part: Part) -> Fill:
    def fill(row: Row) -> bytes | None:
        cell = part.cell(row)
        return None if cell is None else _text(cell)

    return fill


def _values(maker: CellMaker) -> Fill:
    column, read, known = maker.cell.column, maker.read, dict[str, bytes]()

    def fill(row: Row) -> bytes | None:
        text = row.cell(column)
        if text is None:
            return None
        if text not in known:
            if len(known) >= REMEMBERED:
                known.clear()
            known[text] = _json(read(text, row))
        return known[text]

    return fill


def _any(maker: Maker) -> Fill:
    def fill(row: Row) -> bytes | None:
        made = maker(row)
        return None if made is ABSENT else _json(made)

    return fill


def _text(text: str) -> bytes:
    """A text as it stands between quotes."""
    return _json(text)[1:-1]


_ENCODER = msgspec.json.Encoder(decimal_format="number")


def _json(value: object) -> bytes:
    try:
        return _ENCODER.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidResource(f"cannot be written as JSON ({type(error).__name__})") from None
