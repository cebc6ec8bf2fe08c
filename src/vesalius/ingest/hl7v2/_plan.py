"""Tables become functions: each row is compiled once into what reads a value and what puts it in place."""

from __future__ import annotations

from typing import Any

from vesalius import fhir
from vesalius.errors import InvalidMap, NotFound
from vesalius.ingest._causes import FaultError
from vesalius.ingest.hl7v2 import _natives
from vesalius.ingest.hl7v2._conditions import DATATYPES, Condition, compiled
from vesalius.ingest.hl7v2._message import DELETE
from vesalius.ingest.hl7v2._paths import Put, Setter, setter
from vesalius.ingest.hl7v2._registers import Registers
from vesalius.ingest.hl7v2._run import Run, nth
from vesalius.ingest.hl7v2._segments import SegmentPlan
from vesalius.ingest.hl7v2._shared import Known, own
from vesalius.ingest.hl7v2._steps import Maker, Step, assigned, fused
from vesalius.ingest.hl7v2._tables import Node, Row, Tables
from vesalius.ingest.hl7v2._values import Reader, decimal, reader, string

# Codes and units, which come back in every message and say nothing of a patient by themselves.
_REPEATED = frozenset({"CWE", "CE", "CNE", "CF", "HD"})
_TEXTS = frozenset({"ST", "TX", "FT", ""})
_DEFAULTS = {
    "CodeableConcept": "CWE[CodeableConcept]",
    "Coding": "CWE[Coding]",
    "Quantity": "CQ[Quantity]",
    "Period": "DR[Period]",
    "HumanName": "XPN[HumanName]",
    "Address": "XAD[Address]",
    "ContactPoint": "XTN[ContactPoint]",
}
_IDENTIFIERS = {"CX": "CX[Identifier]", "EIP": "EIP[Identifier-PlacerAssignedIdentifier]"}


class Plan:
    """The tables, compiled as they are needed.

    Attributes:
        tables: what it follows.
        unfit: rows that base R4 has no place for, with the reason.
    """

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.unfit: list[str] = []
        self.registers = Registers()
        self._segments: dict[tuple[str, str], SegmentPlan] = {}
        self._datatypes: dict[str, Maker] = {}
        self._conditions: dict[str, Condition | None] = {}

    def segment(self, name: str, kind: str) -> SegmentPlan:
        """A segment map, for a resource type."""
        found = self._segments.get((name, kind))
        if not found:
            rows = self.tables.segments.get(name, [])
            repeating = _repeating(rows, kind)
            steps = [step for row in rows if (step := self._compiled(name, row, kind, repeating))]
            found = self._segments[name, kind] = SegmentPlan(name, kind, steps, self.registers)
        return found

    def datatype(self, name: str) -> Maker:
        """A data type map: what makes a value of the components of a field."""
        found = self._datatypes.get(name)
        if not found:
            # a data type may be made of itself in a table that is wrong: it then makes nothing
            self._datatypes[name] = lambda *_: None
            found = _natives.wrapped(name, self._made(name))
            if name.partition("[")[0] in _REPEATED:
                found = self.registers.remembering(name, found, shared=not self._made_type(name))
            self._datatypes[name] = found
        return found

    def _compiled(self, name: str, row: Row, kind: str, repeating: dict[int, int]) -> Step | None:
        base = name.partition("[")[0]
        if not row.field and row.assigned is None and "." not in name and base not in DATATYPES:
            return None  # the whole segment is no value
        try:
            put = setter(kind, row.path, repeating.get(row.field, -1), self._made_type(row.datatype))
            make = self._maker(row, put, base)
            return Step(row, base, self._condition(row.condition), make, put)
        except (InvalidMap, NotFound) as error:
            self.unfit.append(f"{name} {base}-{row.field}: {error}")
            return None

    def _condition(self, tree: Node | None) -> Condition | None:
        """A condition, the same function wherever it is the same."""
        key = repr(tree)
        if key not in self._conditions:
            self._conditions[key] = compiled(tree)
        return self._conditions[key]

    def _made_type(self, datatype: str) -> str:
        kind = datatype.partition("[")[2].rstrip("]").partition("-")[0]
        return kind if kind in fhir.resource_types() else ""

    def _maker(self, row: Row, put: Setter, base: str) -> Maker:
        """What makes the value of a row: assigned, through a data type map, or read as a primitive."""
        if row.assigned is not None and not (put.complex and row.datatype):
            if put.complex:
                raise InvalidMap(f"{put.kind} is more than a text")
            return assigned(row.assigned, reader(put.kind, put.codes))
        datatype = self._fitting(row.datatype, put)
        if not put.name and put.kind in fhir.resource_types() and self._made_type(datatype) != put.kind:
            raise InvalidMap(f"{datatype or row.v2} makes no {put.kind}")
        if put.complex and not datatype:
            datatype = (
                _IDENTIFIERS.get(row.v2, "EI[Identifier-Extension]") if put.kind == "Identifier" else ""
            )
            datatype = datatype or _DEFAULTS.get(put.kind, "")
            if not datatype:
                raise InvalidMap(f"{put.kind} has no data type map")
        codes = self.tables.codes.get(row.codes) if row.codes else None
        if datatype:
            return self._translated(datatype, row.codes if codes else "", put)
        whole = row.v2 in _TEXTS
        read = _natives.system if _natives.is_system(base, put.name) else reader(put.kind, put.codes)
        return _primitive(read, codes, whole=whole)

    def _translated(self, datatype: str, codes: str, put: Setter) -> Maker:
        """What makes a value through a data type map and a code map; remembered where that is."""
        make = self.datatype(datatype)
        made = _through(make, self.tables.codes.get(codes), put)
        if made is make or datatype.partition("[")[0] not in _REPEATED:
            return made
        name = f"{datatype} {codes} {put.kind} {put.codes}"
        return self.registers.remembering(name, made, shared=not self._made_type(datatype))

    def _fitting(self, name: str, put: Setter) -> str:
        """The map that makes what the path ends in, where the table names that of another resource."""
        made = self._made_type(name)
        other = f"{name.partition('[')[0]}[{put.kind}]"
        return other if made and made != put.kind and other in self.tables.datatypes else name

    def _made(self, name: str) -> Maker:
        kind = name.partition("[")[2].rstrip("]").partition("-")[0]
        rows = self.tables.datatypes.get(name, [])
        if kind in {
            "code",
            "string",
            "uri",
            "boolean",
            "decimal",
            "dateTime",
            "positiveInt",
            "unsignedInt",
        } or all(not row.path for row in rows):
            return self._single(rows, kind)
        steps = [step for row in rows if (step := self._component(name, row, kind))]
        return _composite(steps, _links(rows))

    def _component(self, name: str, row: Row, kind: str) -> Step | None:
        indexed = bool(row.path) and not row.path[0][0]
        if indexed and _is_link(row):
            return None
        path = row.path[1:] if indexed else row.path
        step = self._compiled(name, Row(row.field, row.v2, path, *_rest(row)), kind, {})
        if step and step.put.kind in {"dateTime", "date", "Period"}:
            step.make = _forgiving(step.make)
        if step and indexed:
            step.root = row.path[0][1]
        return step

    def _single(self, rows: list[Row], kind: str) -> Maker:
        """A data type map whose value is one primitive: the first row that holds and says something."""
        options = []
        for row in rows:
            condition = compiled(row.condition)
            if row.assigned is not None:
                make = assigned(row.assigned, None)
            else:
                make = (
                    self.datatype(row.datatype)
                    if row.datatype
                    else _primitive(reader(kind, ""), None, whole=True)
                )
            options.append((row.field, condition, make, row.condition is not None))
        options.sort(key=lambda option: not option[3])  # a row with a condition is the more particular

        def made(run: Run, parts: list[str]) -> Any:
            marks = run.message.delimiters
            for field, holds, make, _ in options:
                raw = nth(parts, field or 1)
                if not raw or raw == DELETE or (holds and not holds(run, parts)):
                    continue
                value = make(run, raw.split(marks.subcomponent))
                if value is not None:
                    return value
            return None

        return made


def _rest(row: Row) -> tuple[str, str, list[Node] | None, Node | None]:
    return row.datatype, row.codes, row.assigned, row.condition


def _is_link(row: Row) -> bool:
    return row.path[-1][0] == ">" and not row.datatype and row.assigned is None


def _links(rows: list[Row]) -> dict[str, str]:
    """Of a map that makes several resources, which is part of which."""
    indexed = (row for row in rows if row.path and not row.path[0][0] and _is_link(row))
    return {row.path[0][1]: row.path[-1][2] for row in indexed}


def _repeating(rows: list[Row], kind: str) -> dict[int, int]:
    """For each field, the step of its paths that is begun anew for each of its repetitions."""
    found: dict[int, int] = {}
    for row in rows:
        if row.field in found or row.assigned is not None or not row.path:
            continue
        many, current = -1, kind
        for place, (name, *_) in enumerate(row.path):
            if name == ">":
                break
            try:
                element = next(each for each in fhir.elements(current) if name in each.names)
            except (StopIteration, NotFound):
                break
            if element.many and not (name == "extension" and many >= 0):
                many = place
            current = element.names[name]
        found[row.field] = many
    return found


def _primitive(read: Reader, codes: dict[str, tuple[str, str, str]] | None, *, whole: bool) -> Maker:
    def make(run: Run, parts: list[str]) -> Any:
        text = parts[0] if len(parts) == 1 or not whole else run.message.delimiters.component.join(parts)
        if not text or text == DELETE:
            return None
        if run.escape in text:
            text = run.text(text)
        if codes:
            text = codes.get(text.strip(), (text, "", ""))[0]
        return read(run, text)

    def word(run: Run, parts: list[str]) -> Any:
        text = parts[0] if len(parts) == 1 or not whole else run.message.delimiters.component.join(parts)
        if text.isalnum():
            return text  # as it is: most words are
        if not text or text == DELETE:
            return None
        return read(run, run.text(text) if run.escape in text else text)

    return word if read is string and not codes else make


def _forgiving(make: Maker) -> Maker:
    """Since when a name or a number is used is no reason to refuse a message whose date for it is none."""

    def made(run: Run, parts: list[str]) -> Any:
        try:
            return make(run, parts)
        except FaultError:
            return None

    return made


def _through(make: Maker, codes: dict[str, tuple[str, str, str]] | None, put: Setter) -> Maker:
    read = None if put.complex else reader(put.kind, put.codes)
    if not codes and not read and put.kind not in {"Quantity", "Identifier"}:
        return make

    def made(run: Run, parts: list[str]) -> Any:
        value = make(run, parts)
        if isinstance(value, str):
            value = codes.get(value.strip(), (value, "", ""))[0] if codes else value
            if put.kind in {"Quantity", "Identifier"}:
                return {"value": decimal(run, value) if put.kind == "Quantity" else value}
            return read(run, value) if read else None
        if codes and isinstance(value, dict):
            value = own(value) if isinstance(value, Known) else value
            _natives.translate(value, codes)
        return value if value is None or put.complex or not isinstance(value, dict) else None

    return made


_Put = tuple[Condition | None, Maker, Put, str, int]
"""A step of a data type map: its condition, what makes its value and what puts it, the number of what it
belongs to, and which component it reads: 0 for all, -1 for the one at hand."""


def _composite(steps: list[Step], links: dict[str, str]) -> Maker:
    """A data type map that makes an element, or several: by root, as the tables number them."""
    always = [_put_by(step) for step in fused([step for step in steps if step.always])]
    waiting: dict[int, list[Step]] = {}
    for step in steps:
        if not step.always:
            waiting.setdefault(step.row.field, []).append(step)
    fields = {number: [_put_by(step) for step in fused(rows)] for number, rows in waiting.items()}
    if links or any(step.root for step in steps):
        return _several(always, fields, links)
    return _element(always, fields)


def _several(always: list[_Put], fields: dict[int, list[_Put]], links: dict[str, str]) -> Maker:
    def made(run: Run, parts: list[str]) -> Any:
        roots: dict[str, dict[str, Any]] = {}
        mark = run.message.delimiters.subcomponent
        if always:
            _put(run, roots, always, parts, mark)
        for number, raw in enumerate(parts, 1):
            if raw and number in fields and raw != DELETE:
                _put(run, roots, fields[number], parts, mark, raw)
        for each in roots.values():
            run.keep(each)
        return _natives.joined(run, roots, links) if roots else None

    return made


def _element(always: list[_Put], fields: dict[int, list[_Put]]) -> Maker:
    def made(run: Run, parts: list[str]) -> Any:
        here: dict[str, Any] = {}
        mark = run.message.delimiters.subcomponent
        if always:
            _put(run, {"": here}, always, parts, mark)
        number = 0
        for raw in parts:
            number += 1
            if not raw or number not in fields or raw == DELETE:
                continue
            inner, asked, held = raw.split(mark), None, True
            for holds, make, store, _, reads in fields[number]:
                if holds is not asked:  # rows side by side often share their condition
                    asked = holds
                    held = asked is None or bool(asked(run, parts))
                if held:
                    value = make(run, parts if reads == 0 else inner)
                    if value or (value is not None and value != {}):
                        store(run, here, value, 0)
        if here:
            run.keep(here)
            return here
        return None

    return made


def _put_by(step: Step) -> _Put:
    row = step.row
    reads = (
        0 if row.assigned is not None or (step.always and not row.field) else row.field if step.always else -1
    )
    return step.holds, step.make, step.store, step.root, reads


def _put(
    run: Run, roots: dict[str, dict[str, Any]], steps: list[_Put], parts: list[str], mark: str, raw: str = ""
) -> None:
    """Puts what the rows of one component make of it where they say; of all components for those of none."""
    for holds, make, store, root, reads in steps:
        if holds is not None and not holds(run, parts):
            continue
        value = make(run, parts if reads == 0 else (raw if reads < 0 else nth(parts, reads)).split(mark))
        if value or (value is not None and value != {}):
            here = roots.get(root)
            if here is None:
                here = roots[root] = {}
            store(run, here, value, 0)
