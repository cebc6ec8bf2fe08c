"""Segment maps, compiled: which steps each field takes, and which of them make a doctor, a ward, a device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from vesalius.ingest.hl7v2._conditions import DATATYPES
from vesalius.ingest.hl7v2._ids import REGISTERS
from vesalius.ingest.hl7v2._message import DELETE
from vesalius.ingest.hl7v2._paths import Move, Setter, turn_of
from vesalius.ingest.hl7v2._registers import Registers, Remembered
from vesalius.ingest.hl7v2._run import REFERENCE, Draft, Run
from vesalius.ingest.hl7v2._shared import Known, own
from vesalius.ingest.hl7v2._steps import Step, fused
from vesalius.ingest.hl7v2._tables import Node

_Route = tuple[tuple[str, str], ...]
_At = tuple[int, str, int]
"""The field at which reading stands, the text of its repetition, and its turn."""

_ORDINARY, _TAKEN = -1, -2
"""Of a group in one segment: that its steps are taken one by one, or that all of them were."""


class Group:
    """The steps of a segment that make what one reference leads to, where a hospital keeps a register of it.

    What they make depends on the texts of their fields, of those that their conditions ask, and on nothing
    else.

    Attributes:
        fields: their fields, each with its steps, in their order.
        asked: the fields of the segment that their conditions ask.
        alone: the fields that may make it alone, each with those that may add to it.
        refer: what puts the reference.
        repeats: whether each repetition of a field makes another.
    """

    __slots__ = ("alone", "asked", "fields", "refer", "repeats")

    def __init__(self, steps: list[Step], asked: Iterable[int]) -> None:
        self.fields = _by_field(steps)
        self.asked = sorted(asked)
        self.alone = [(step.row.field, step.rivals) for step in steps if step.rivals is not None]
        self.refer = Setter(list(steps[0].put.leads()[:-1]), "Reference", "")
        self.repeats = any(move.repeats for step in steps for move in step.put.leads())


class SegmentPlan:
    """A segment map, compiled: the rows of each field, and those that wait for none."""

    __slots__ = ("_last", "_none", "_registers", "always", "fields", "kind", "name")

    def __init__(self, name: str, kind: str, steps: list[Step], registers: Registers) -> None:
        self._registers = registers
        self.name = name
        self.kind = kind
        _group(name.partition("[")[0], steps)
        self.always = fused([step for step in steps if step.always])
        self.fields = _by_field(step for step in steps if not step.always)
        asked = (field for step in steps if step.group for field in step.group.asked)
        self._last = max([0, *(step.row.field for step in steps), *asked])
        self._none = [""] * (self._last + 1)

    def apply(self, run: Run, draft: Draft) -> None:
        """Puts what the segment says into a resource."""
        mark = run.message.delimiters.repetition
        fields = run.segment.fields
        if len(fields) <= self._last:
            fields = [*fields, *self._none[len(fields) :]]
        if self.always:
            self._always(run, draft)
        first = turn_of(run.ordinal)
        groups: dict[Group, int] = {}
        for number, steps in self.fields:
            raw = fields[number]
            if not raw or raw == DELETE:
                continue
            run.place = f"{run.segment.name}-{number}"
            for turn, one in enumerate(raw.split(mark), first):
                if one and one != DELETE:
                    self._take(run, draft, steps, (number, one, turn), fields, groups)

    def _take(
        self, run: Run, draft: Draft, steps: list[Step], at: _At, fields: list[str], groups: dict[Group, int]
    ) -> None:
        """Takes the steps of one repetition of a field."""
        _, one, turn = at
        parts, asked, holds = one.split(run.message.delimiters.component), None, True
        for step in steps:
            if step.group is not None and self._grouped(run, draft, step.group, at, fields, groups):
                continue
            if step.holds is not asked:  # rows side by side often share their condition
                asked = step.holds
                holds = asked is None or bool(asked(run, parts))
            if not holds:
                continue
            rivals = step.rivals
            if rivals is not None and not any(map(fields.__getitem__, rivals)):
                self._alone(run, draft, step, one, turn)
                continue
            run.saying = step.says
            value = step.make(run, parts)
            if value or (value is not None and value != {}):
                step.store(run, draft.resource, value, turn)
                if step.says:
                    draft.said = True

    def _grouped(
        self, run: Run, draft: Draft, group: Group, at: _At, fields: list[str], groups: dict[Group, int]
    ) -> bool:
        """Whether the steps of a group were taken together, now or before."""
        state = groups.get(group)
        if state is None or (state >= 0 and state != at[2]):
            state = groups[group] = self._known(run, draft, group, at, fields)
        return state != _ORDINARY

    def _always(self, run: Run, draft: Draft) -> None:
        name, component = run.segment.name, run.message.delimiters.component
        whole, turn = [name], turn_of(run.ordinal)
        for step in self.always:
            number = step.row.field
            run.place = f"{name}-{number}" if number else name
            parts = run.value(name, number).split(component) if number else whole
            if step.holds is None or step.holds(run, parts):
                _carry(run, draft, step, parts, turn)

    def _alone(self, run: Run, draft: Draft, step: Step, one: str, turn: int) -> None:
        """A step that alone makes a doctor, a place …: what its text gave before is not made again."""
        key = (id(step), one, run.context)
        known = self._registers.get(key)
        if known is None:
            mark, parts = run.mark(), one.split(run.message.delimiters.component)
            first = run.draft(step.put.kind)
            run.saying = True
            value = step.make(run, parts)
            value = value[0] if isinstance(value, list) else value
            first.resource = own(value) if isinstance(value, Known) else value or {}
            first.said = bool(first.resource)
            known = self._registers.keep(key, run, first, (mark, {}))
            if known is None:
                run.back(mark)
                _carry(run, draft, step, parts, turn)
                return
        run.saying = True
        if known[0] and step.put.refer:
            step.put.refer.put(run, draft.resource, {REFERENCE: known[0]}, turn)
            run.registers.update(known[1])
            draft.said = True

    def _known(self, run: Run, draft: Draft, group: Group, at: _At, fields: list[str]) -> int:
        """Puts the reference that a group makes: what its texts gave before is not made again.

        Args:
            run: the message.
            draft: what refers.
            group: the steps.
            at: where reading stands.
            fields: all fields of the segment.

        Returns:
            ``_TAKEN`` if the whole group was taken; the turn if only this repetition was; else ``_ORDINARY``.
        """
        number, one, turn = at
        state, mark = _TAKEN, run.message.delimiters.repetition
        valued = [(each, fields[each]) for each, _ in group.fields if fields[each]]
        for each, rivals in group.alone:
            if fields[each] and not any(map(fields.__getitem__, rivals)):
                return _ORDINARY
        if not group.repeats:
            turn = turn_of(run.ordinal)
        elif any(mark in text for _, text in valued):
            if len(valued) > 1:
                return _ORDINARY
            valued, state = [(number, one)], turn
        key = (group, *valued, *[fields[each] for each in group.asked], run.context)
        known = self._registers.get(key)
        if known is None:
            known = self._made(run, draft, group, valued, turn, key)
            run.place = f"{run.segment.name}-{number}"
            if known is None:
                return _ORDINARY
        run.mention(known[1])
        if known[0]:
            run.saying = draft.said = True
            group.refer.put(run, draft.resource, {REFERENCE: known[0]}, turn)
        return state

    def _made(
        self, run: Run, draft: Draft, group: Group, valued: list[tuple[int, str]], first: int, key: Any
    ) -> Remembered | None:
        """What a group makes, remembered; None, and all as it was, if it makes more than registers hold."""
        mark, marks = run.mark(), run.message.delimiters
        made = Draft(draft.type, run.frame, run.segment, run.ordinal)
        run.keep(made.resource)
        steps = dict(group.fields)
        for number, text in valued:
            run.place = f"{run.segment.name}-{number}"
            for turn, one in enumerate(text.split(marks.repetition), first):
                if not one or one == DELETE:
                    continue
                parts = one.split(marks.component)
                for step in steps[number]:
                    if step.holds is None or step.holds(run, parts):
                        _carry(run, made, step, parts, turn)
        leads = group.refer.get(run, made.resource, first).get(REFERENCE)
        known = self._registers.keep(key, run, leads if isinstance(leads, Draft) else None, (mark, {}))
        if known is None:
            run.back(mark)
        return known


def _carry(run: Run, draft: Draft, step: Step, parts: list[str], turn: int) -> None:
    """Puts what a step makes of the components into a resource."""
    run.saying = step.says
    value = step.make(run, parts)
    if value or (value is not None and value != {}):
        step.store(run, draft.resource, value, turn)
        if step.says:
            draft.said = True


def _by_field(steps: Iterable[Step]) -> list[tuple[int, list[Step]]]:
    found: dict[int, list[Step]] = {}
    for step in steps:
        found.setdefault(step.row.field, []).append(step)
    return [(number, fused(rows)) for number, rows in found.items()]


def _group(segment: str, steps: list[Step]) -> None:
    """Finds what steps make together, and notes it in them."""
    routes: dict[_Route, list[Step]] = {}
    for step in steps:
        if step.put.refer and step.put.kind in REGISTERS and step.row.datatype and not step.always:
            step.rivals = _rivals(step, steps)
        if leads := step.put.leads():
            routes.setdefault(_route(leads[:-1]), []).append(step)
    for route, members in routes.items():
        if len(members) == 1 and members[0].rivals is not None:
            continue
        beside = any(_route(step.put.path)[: len(route)] == route for step in steps if step not in members)
        asked = {number for step in members for number in _asked(segment, step)}
        if beside or -1 in asked or any(_other(step) for step in members):
            continue
        group = Group(members, asked)
        for step in members:
            step.group = group


def _other(step: Step) -> bool:
    return step.always or step.put.leads()[-1].name not in REGISTERS


def _rivals(step: Step, steps: list[Step]) -> list[int]:
    """The fields that put into the resource that a step refers to, or beside its reference."""
    into = step.put.leads()
    others = (other for other in steps if other is not step and other.put.leads()[: len(into)] == into)
    return sorted({other.row.field for other in others})


def _route(moves: Iterable[Move]) -> _Route:
    return tuple((move.name, move.which if move.many else "") for move in moves)


def _asked(segment: str, step: Step) -> Iterator[int]:
    """The fields of the segment that a step asks beside its own; -1 for what is elsewhere in the message."""
    refs = [piece[1] for piece in step.row.assigned or () if piece[0] == "ref"]
    for ref in [*refs, *_refs(step.row.condition)]:
        name, _, field = ref.partition(".")
        if name not in DATATYPES:
            yield int(field.partition(".")[0]) if name == segment and field else -1


def _refs(condition: Node | None) -> Iterator[str]:
    if condition is None:
        return
    word, *rest = condition
    if word in {"and", "or", "not"}:
        for each in rest:
            yield from _refs(each)
        return
    yield rest[0]
    if word == "is":
        yield from (text[1:] for text in rest[1] if text.startswith("@"))
