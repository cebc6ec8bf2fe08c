"""Where a value goes in a resource: paths of the tables, checked against R4 and compiled."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from vesalius import fhir
from vesalius.errors import InvalidMap
from vesalius.ingest.hl7v2._run import REFERENCE, Run
from vesalius.ingest.hl7v2._shared import Known, own
from vesalius.ingest.hl7v2._tables import Node

Turn = int
"""Which segment of the message (:func:`turn_of`) and, added to it, which repetition a value comes from."""

_FIELD = 32


def turn_of(ordinal: int) -> Turn:
    """The turn of the first repetition of the fields of a segment."""
    return ordinal << _FIELD


Put = Callable[[Run, dict[str, Any], Any, Turn], None]


class Move(NamedTuple):
    """One step of a compiled path.

    Attributes:
        name: of the element; of the resource type, where ``link`` says that it leads into one.
        which: which of several in a list, as the tables number them.
        many: whether the element is a list.
        repeats: whether each repetition of the field has its own.
        link: whether it leads into the resource that a reference points to.
    """

    name: str
    which: str = ""
    many: bool = False
    repeats: bool = False
    link: bool = False


# How many values of a list are compared with a new one: equal ones are few, and come early.
_COMPARED = 64

_Stride = tuple[str, str, int, bool]
"""A move as it is walked: its name, the place in a list if any, what counts of the turn there, its link."""


def _stride(move: Move) -> _Stride:
    counts = -1 if move.repeats else -1 << _FIELD
    return move.name, f"{move.name}[{move.which}]" if move.many else "", counts, move.link


class Setter:
    """Puts values at one path.

    Attributes:
        name: of the last element; empty where the value is the whole resource.
        kind: its type.
        codes: the value set that a code of it must come from.
        complex: whether it is no primitive.
        moves: the steps down to the last element, and ``path``, with the step to it.
        refer: what puts the reference, where the value is a whole resource that it refers to.
        single: whether the last element is one that takes one value.
        put: puts a value (or, of what may have several, a list of them) into a resource.
    """

    __slots__ = ("codes", "complex", "kind", "moves", "name", "path", "put", "refer", "single")

    def __init__(self, moves: list[Move], kind: str, codes: str) -> None:
        last = moves[-1] if moves and not moves[-1].link else None
        self.path = tuple(moves)
        self.moves = self.path[:-1] if last else self.path
        self.refer = Setter(moves[:-1], "Reference", "") if moves and last is None else None
        self.single = last is not None and not last.many
        self.name = last.name if last else ""
        self.kind = kind
        self.codes = codes
        self.complex = kind not in fhir.primitives()
        self.put = _put_whole(self.moves) if last is None else _put_into(self.moves, last)

    def get(self, run: Run, root: dict[str, Any], turn: Turn) -> dict[str, Any]:
        """The element at the path, begun if it is not there."""
        return _walked(run, root, tuple(map(_stride, self.path)), turn)

    def beside(self) -> Put:
        """Puts several values, by their names, into the element that holds the last one."""
        strides = tuple(map(_stride, self.moves))

        def put(run: Run, root: dict[str, Any], values: Any, turn: Turn) -> None:
            _walked(run, root, strides, turn).update(values)

        return put

    def leads(self) -> tuple[Move, ...]:
        """The first steps, up to the first that leads into a resource; () where none does."""
        place = next((place for place, move in enumerate(self.moves) if move.link), -1)
        return self.moves[: place + 1]


def _put_whole(moves: tuple[Move, ...]) -> Put:
    strides = tuple(map(_stride, moves))

    def put(run: Run, root: dict[str, Any], value: Any, turn: Turn) -> None:
        merge(run, _walked(run, root, strides, turn), value[0] if isinstance(value, list) else value)

    return put


def _put_into(moves: tuple[Move, ...], last: Move) -> Put:
    strides = tuple(map(_stride, moves))
    name, mark, counts, _ = _stride(last)

    def put_one(run: Run, root: dict[str, Any], value: Any, turn: Turn) -> None:
        here = _walked(run, root, strides, turn) if strides else root
        if type(value) is str:
            here[name] = value
            return
        one = value[0] if type(value) is list else value
        if name in here and isinstance(one, dict) and isinstance(known := here[name], dict):
            if type(known) is Known:
                known = here[name] = own(known)
            merge(run, known, one)
        else:
            here[name] = one

    def put_many(run: Run, root: dict[str, Any], value: Any, turn: Turn) -> None:
        here = _walked(run, root, strides, turn) if strides else root
        place = (id(here), mark, turn & counts)
        if type(value) is not list:
            _append(run, here, name, value, place)
            return
        for number, one in enumerate(value):
            _append(run, here, name, one, (*place, number) if number else place)

    return put_many if last.many else put_one


def _walked(run: Run, here: dict[str, Any], strides: tuple[_Stride, ...], turn: Turn) -> dict[str, Any]:
    """Where the steps of a path lead; what is not there yet is begun."""
    for name, mark, counts, link in strides:
        if mark:
            place = (id(here), mark, turn & counts)
            found = run.slots.get(place)
            if found is None:
                found = run.slots[place] = {}
                if name in here:
                    here[name].append(found)
                else:
                    here[name] = [found]
            elif type(found) is Known:
                found = _opened(run, here[name], found, place)
            here = found
        elif link:
            here = run.linked(here, name).resource
        elif name in here:
            found = here[name]
            if type(found) is Known:
                found = here[name] = own(found)
            here = found
        else:
            found = here[name] = {}
            here = found
    return here


def _append(run: Run, here: dict[str, Any], name: str, one: Any, place: Hashable) -> None:
    values = here.get(name)
    if values is None:
        here[name] = values = []
    if isinstance(one, dict):
        known = run.slots.get(place)
        if known is None:
            if type(one) is Known and any(each is one for each in values):
                one = own(one)  # so that each in the list can be told from the others
            run.slots[place] = one
            values.append(one)
        else:
            merge(run, _opened(run, values, known, place) if type(known) is Known else known, one)
    elif len(values) > _COMPARED or one not in values:
        values.append(one)


def _opened(run: Run, values: list[Any], known: Known, place: Hashable) -> dict[str, Any]:
    """A shared value of a list, replaced by one into which something can be put."""
    found: dict[str, Any] = own(known)
    values[next(number for number, each in enumerate(values) if each is known)] = found
    run.slots[place] = found
    return found


def merge(run: Run, known: dict[str, Any], more: dict[str, Any]) -> None:
    """Puts the elements of one value into another: lists are joined, the later of two values stands."""
    if type(more) is Known:
        more = own(more)
    run.keep(more)
    for name, value in more.items():
        there = known.get(name)
        if isinstance(there, list) and isinstance(value, list):
            there.extend(one for one in value if one not in there)
        elif isinstance(there, dict) and isinstance(value, dict):
            if type(there) is Known:
                there = known[name] = own(there)
            merge(run, there, value)
        else:
            known[name] = value


def setter(kind: str, path: list[Node], repeating: int, made: str) -> Setter:
    """Compiles a path within a type.

    Args:
        kind: the type that it begins in.
        path: as ``_language.path`` gives it.
        repeating: the step that is begun anew for each repetition of the field; -1 for none.
        made: the resource type that the value is, where it is one: a reference then leads into it.

    Raises:
        InvalidMap: base R4 has no such element.
    """
    moves: list[Move] = []
    current, codes = kind, ""
    steps = [step for place, step in enumerate(path) if place or step[0] != kind]
    shift = len(path) - len(steps)
    for place, step in enumerate(steps):
        into = place + 1 < len(steps) and steps[place + 1][0] == ">"
        if step[0] == ">":
            if current != "Reference":
                raise InvalidMap(f"{current} is no reference")
            moves.append(Move(step[1], link=True))
            current = step[1]
        elif not (step[0] == REFERENCE and into):
            move, current, codes = _element(current, step, into=into, last=place == len(steps) - 1)
            moves.append(move._replace(repeats=place + shift == repeating))
    if made and current == "Reference":
        moves.append(Move(made, link=True))
        current = made
    return Setter(moves, current, codes)


def _element(kind: str, step: Node, *, into: bool, last: bool) -> tuple[Move, str, str]:
    """One step: the element, its type, and its value set."""
    name, index = step
    if kind in fhir.primitives() and kind != "Element":
        raise InvalidMap(f"{kind} has no {name}")
    for each in fhir.elements(kind):
        names = each.names
        found = name if name in names else f"{name}Reference" if into and f"{name}Reference" in names else ""
        if not found:
            continue
        type_ = names[found]
        if type_ in fhir.primitives() and not last:
            if each.many:
                raise InvalidMap(f"{kind}.{name} is a list of primitives: its extensions have no place")
            return Move(f"_{found}", index), "Element", ""
        return Move(found, index, many=each.many), type_, each.codes
    raise InvalidMap(f"{kind} has no {name}")
