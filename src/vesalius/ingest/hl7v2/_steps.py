"""One row of a table, compiled; and rows next to each other that assign what is known beforehand, as one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import TYPE_CHECKING, Any

from vesalius.ingest.hl7v2._conditions import Condition, getter
from vesalius.ingest.hl7v2._paths import Setter
from vesalius.ingest.hl7v2._run import Run
from vesalius.ingest.hl7v2._tables import Node, Row
from vesalius.ingest.hl7v2._values import TIMED, Reader

if TYPE_CHECKING:
    from vesalius.ingest.hl7v2._segments import Group

Maker = Callable[[Run, list[str]], Any]


class Constant:
    """Makes the same value whatever the message says; it is read when it is first needed."""

    __slots__ = ("_known", "_read", "_text")

    def __init__(self, text: str, read: Reader | None) -> None:
        self._text = text
        self._read = read
        self._known: list[Any] = []

    def __call__(self, run: Run, parts: list[str]) -> Any:  # noqa: ARG002 -- the form of every maker
        if not self._known:
            self._known.append(self._read(run, self._text) if self._read else self._text.strip() or None)
        return self._known[0]


class Step:
    """One compiled row.

    Attributes:
        row: the row.
        holds: its condition.
        make: what makes the value of the components of one repetition.
        put: where in the resource it is put.
        store: what puts it there.
        always: whether it does not wait for its field to be valued.
        says: whether its value comes from the message, and is not only assigned by the tables.
        group: the steps that it makes something together with, which is remembered; else None.
        rivals: of one that alone makes all that is referred to, the fields that may add to it; else None.
        root: which of the resources that a data type map makes it belongs to.
    """

    __slots__ = ("always", "group", "holds", "make", "put", "rivals", "root", "row", "says", "store")

    def __init__(self, row: Row, base: str, holds: Condition | None, make: Maker, put: Setter) -> None:
        self.row = row
        self.holds = holds
        self.make = make
        self.put = put
        self.store = put.put
        self.group: Group | None = None
        self.rivals: list[int] | None = None
        self.always = row.field == 0 or _absent(row.condition, f"{base}.{row.field}")
        self.says = not self.always and (not row.assigned or bool(put.complex and row.datatype))
        self.root = ""

    def joined(self, others: list[Step]) -> Step:
        """This step and others beside it, which put constants into the same element, as one step."""
        make = _together([(step.put.name, step.make) for step in (self, *others)])
        made = Step(self.row, "", self.holds, make, self.put)
        made.always, made.says, made.group, made.root = self.always, self.says, self.group, self.root
        made.store = self.put.beside()
        return made


def _together(makes: list[tuple[str, Maker]]) -> Maker:
    known: list[dict[str, Any]] = []

    def make(run: Run, parts: list[str]) -> Any:
        if not known:
            found = {name: one(run, parts) for name, one in makes}
            known.append({name: value for name, value in found.items() if value is not None})
        return known[0]

    return make


def fused(steps: list[Step]) -> list[Step]:
    """The steps, those that stand together and put constants into the same element joined into one."""
    found: list[Step] = []
    for key, group in groupby(steps, _beside):
        first, *others = group
        found += [first.joined(others)] if key and others else [first, *others]
    return found


def _beside(step: Step) -> tuple[Any, ...]:
    """What steps must have in common to be joined; () for one that is not to be."""
    if not isinstance(step.make, Constant) or not step.put.single:
        return ()
    return (step.root, step.row.field, repr(step.row.condition), step.put.moves, id(step.group))


def assigned(pieces: list[Node], read: Reader | None) -> Maker:
    """What makes the value that a table assigns: of texts alone, or of texts and fields."""
    if all(piece[0] == "text" for piece in pieces):
        text = "".join(piece[1] for piece in pieces)
        if read is None or read not in TIMED:
            return Constant(text, read)
        timed = read  # the same text is another moment for another sender
        return lambda run, _: timed(run, text)
    made = [(piece[1], None) if piece[0] == "text" else ("", getter(piece[1])) for piece in pieces]

    def make(run: Run, parts: list[str]) -> Any:
        text = "".join([text if get is None else run.text(get(run, parts)) for text, get in made])
        return read(run, text) if read else (text.strip() or None)

    return make


def _absent(condition: Node | None, own: str) -> bool:
    """Whether a condition asks for its own field to be absent, so that the row cannot wait for it."""
    if condition is None or condition[0] not in {"not", "and", "or"}:
        return False
    if condition[0] == "not":
        return bool(condition[1] == ["valued", own])
    return any(_absent(each, own) for each in condition[1:])
