"""A message becomes resources: its structure is found, its segments are applied, its resources are named."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from vesalius import fhir
from vesalius.errors import InvalidMap, NotFound
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._items import Found
from vesalius.ingest.hl7v2 import _language as language
from vesalius.ingest.hl7v2 import _observation
from vesalius.ingest.hl7v2._conditions import Condition, compiled
from vesalius.ingest.hl7v2._finish import Resource, finished
from vesalius.ingest.hl7v2._ids import REGISTERS
from vesalius.ingest.hl7v2._merging import merged
from vesalius.ingest.hl7v2._message import Message
from vesalius.ingest.hl7v2._paths import Setter, setter, turn_of
from vesalius.ingest.hl7v2._plan import Plan
from vesalius.ingest.hl7v2._run import REFERENCE, Draft, Run
from vesalius.ingest.hl7v2._shared import Entry
from vesalius.ingest.hl7v2._structure import Frame, Node, placed, structure
from vesalius.ingest.hl7v2._tables import Tables, Use

Key = tuple[str, str]


class _Link(NamedTuple):
    source: Key
    put: Setter | None
    target: Key
    constant: str = ""


class _Applied(NamedTuple):
    """One compiled row of a message map."""

    key: Key
    map: str
    holds: Condition | None
    links: list[_Link]
    into: tuple[Key, Setter] | None


class Shape(NamedTuple):
    """One compiled message structure: its groups, and the group that each resource belongs to."""

    root: Node
    homes: dict[Key, tuple[str, ...]]
    applied: dict[int, list[_Applied]]


class Converter:
    """Converts messages by one set of tables, and compiles what it needs of them once."""

    def __init__(self, tables: Tables | None = None) -> None:
        self.tables = tables or Tables.standard()
        self.plan = Plan(self.tables)
        self._shapes: dict[str, Shape] = {}

    def structure_of(self, message: Message) -> str:
        """The message map that a message follows.

        Raises:
            FaultError: there is none for its type.
        """
        head = message.header
        if not head.code:
            raise FaultError(Cause.MISSING_VALUE, "MSH-9 does not say what type of message it is")
        if words := self.tables.refused.get(head.trigger if head.code == "ADT" else ""):
            raise FaultError(Cause.UNSUPPORTED, f"{head.code}^{head.trigger}: {words}")
        for name in (head.type, head.structure, head.code):
            if found := self.tables.structures.get(name):
                return found
            if name in self.tables.messages:
                return name
        raise FaultError(Cause.UNSUPPORTED, "messages of the type in MSH-9 are not converted")

    def resources(self, message: Message, raw: bytes) -> list[Resource]:
        """The resources that a message holds.

        Args:
            message: the message.
            raw: its bytes, which are kept in a ``DocumentReference`` beside its resources.

        Raises:
            FaultError: it cannot be converted; the words name the segment and the field.
        """
        name = self.structure_of(message)
        shape = self._shape(name)
        run = Run(message, self.tables, Frame(shape.root, None))
        late: list[tuple[Frame, _Link]] = []
        for ordinal, (segment, frame, node) in enumerate(placed(shape.root, message.segments)):
            run.segment, run.frame, run.ordinal = _observation.read(segment, message), frame, ordinal
            uses = shape.applied.get(id(node), ()) if node else self._unplaced(segment.name)
            for use in uses:
                self._apply(run, shape, use, late)
        for frame, link in late:
            _connect(frame, link, run)
        if not any(draft.type == "Patient" and draft.said for draft in run.drafts):
            raise FaultError(Cause.MISSING_VALUE, "the message has no PID segment with a patient in it")
        if merging := self.tables.merges.get(message.header.trigger if message.header.code == "ADT" else ""):
            merged(run, merging)
        found = finished(run, raw)
        run.end()
        return found

    def found(self, message: Message, raw: bytes) -> tuple[Found, ...]:
        """The same resources with their JSON, which of an entry of a register was made and checked before.

        Raises:
            FaultError: it cannot be converted; the words name the segment and the field.
        """
        resources = self.resources(message, raw)
        return tuple(one.found if type(one) is Entry else Found(one, fhir.dump(one)) for one in resources)

    def _unplaced(self, segment: str) -> tuple[_Applied, ...]:
        """What a segment adds to that the structure does not know, such as one of a site's own."""
        use = self.tables.anywhere(segment)
        found = _applied(use) if use else None
        return (found,) if found else ()

    def shape(self, message: Message) -> Shape:
        """The structure that a message follows, compiled.

        Raises:
            FaultError: there is none for its type.
        """
        return self._shape(self.structure_of(message))

    def _shape(self, name: str) -> Shape:
        if name not in self._shapes:
            self._shapes[name] = _shaped(name, self.tables.messages[name])
        return self._shapes[name]

    def _apply(self, run: Run, shape: Shape, use: _Applied, late: list[tuple[Frame, _Link]]) -> None:
        if use.holds and not use.holds(run, [""]):
            return
        home = _home(run.frame, shape.homes.get(use.key, run.frame.node.path))
        draft = home.targets.get(use.key)
        again = draft and draft.segment.name == run.segment.name and draft.ordinal != run.ordinal
        if draft is None or again or draft.id:
            draft = run.draft(use.key[0])
            home.targets[use.key] = draft
            if use.into and (source := _found(run.frame, use.into[0])):
                use.into[1].put(run, source.resource, {REFERENCE: draft}, turn_of(run.ordinal))
        if use.map and not (draft.type in REGISTERS and self._register(run, use, draft)):
            self.plan.segment(use.map, draft.type).apply(run, draft)
        if use.links:
            late += [(run.frame, link) for link in use.links if not _connect(run.frame, link, run)]

    def _register(self, run: Run, use: _Applied, draft: Draft) -> bool:
        """Applies a segment that makes a doctor, a device …, as it was applied to the same text before."""
        if not run.drafts or run.drafts[-1] is not draft:
            return False
        key = (use.map, draft.type, tuple(run.segment.fields), run.context)
        known = self.plan.registers.get(key)
        if known is None:
            (drafts, mentions), around = run.mark(), run.registers
            run.registers = {}
            self.plan.segment(use.map, draft.type).apply(run, draft)
            known = self.plan.registers.keep(key, run, draft, ((drafts - 1, mentions), run.registers))
            run.registers = around | run.registers
            if known is None:
                return True
        elif run.drafts[-1] is draft:
            run.drafts.pop()
        draft.said, draft.id = bool(known[0]), known[0].partition("/")[2]
        run.registers.update(known[1])
        return True


def _home(frame: Frame, path: tuple[str, ...]) -> Frame:
    """The occurrence, around where we are, of the group that a resource belongs to."""
    outer: Frame | None = frame
    while outer:
        if outer.node.path == path:
            return outer
        outer = outer.parent
    return frame


def _found(frame: Frame, key: Key) -> Draft | None:
    """The resource that a table means by a type and an index, nearest to where we are."""
    inner: Frame | None = frame
    while inner:
        if key in inner.targets:
            return cast("Draft", inner.targets[key])
        inner = inner.parent
    kind, inner = key[0], frame
    while inner:
        for other in inner.targets:
            if other[0] == kind:
                return cast("Draft", inner.targets[other])
        inner = inner.parent
    return None


def _connect(frame: Frame, link: _Link, run: Run) -> bool:
    source = _found(frame, link.source)
    if source is None or link.put is None:
        return source is not None
    if link.constant:
        link.put.put(run, source.resource, link.constant, turn_of(run.ordinal))
        return True
    target = _found(frame, link.target)
    if target is None:
        return False
    link.put.put(run, source.resource, {REFERENCE: target}, turn_of(run.ordinal))
    return True


# Compiling a message map -----------------------------------------------------------------------------------


def _shaped(name: str, uses: list[Use]) -> Shape:
    root = structure(name, uses)
    homes: dict[Key, tuple[str, ...]] = {}
    applied: dict[int, list[_Applied]] = {}
    for node in _leaves(root):
        for use in node.uses:
            one = _applied(use)
            if one is None:
                continue
            applied.setdefault(id(node), []).append(one)
            mentioned = [one.key, *(link.target for link in one.links if link.target[0])]
            mentioned += [link.source for link in one.links]
            for key in mentioned:
                homes[key] = _common(homes.get(key, node.path), node.path)
    return Shape(root, homes, applied)


def _leaves(node: Node) -> list[Node]:
    if node.children is None:
        return [node]
    return [leaf for child in node.children for leaf in _leaves(child)]


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    length = 0
    while length < min(len(one), len(other)) and one[length] == other[length]:
        length += 1
    return one[:length]


def _applied(use: Use) -> _Applied | None:
    steps = language.path(use.target)
    kind, index = steps[0]
    into = None
    if kind == "Bundle":
        return None
    if steps[-1][0] == ">":
        into = ((kind, _index(index)), setter(kind, steps[1:-1], -1, ""))
        kind, index = steps[-1][1], f"@{use.segment}"  # its own, whatever else of that type there is
    links = [link for each in use.references if (link := _link(each, (kind, _index(index))))]
    return _Applied((kind, _index(index)), use.map, compiled(use.condition), links, into)


def _index(index: str) -> str:
    return "" if index.isupper() else index


def _link(reference: list[Any], own: Key) -> _Link | None:
    kind, index, steps, *target = reference
    if "Bundle" in (kind, target[0]):
        return None
    source = own if kind == own[0] and not index else (kind, _index(index))
    try:
        if len(target) == 1:
            return _Link(source, setter(kind, steps, -1, ""), ("", ""), target[0].strip('"'))
        return _Link(source, setter(kind, steps, -1, ""), (target[0], _index(target[1])))
    except (InvalidMap, NotFound):
        return None
