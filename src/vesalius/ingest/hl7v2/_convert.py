"""A message becomes resources: its structure is found, its segments are applied, its resources are named."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

from vesalius import fhir
from vesalius.errors import InvalidMap, NotFound
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest.hl7v2 import _language as language
from vesalius.ingest.hl7v2 import _observation
from vesalius.ingest.hl7v2._complete import completed
from vesalius.ingest.hl7v2._conditions import Condition, compiled
from vesalius.ingest.hl7v2._ids import Ids, nearest
from vesalius.ingest.hl7v2._message import Message
from vesalius.ingest.hl7v2._paths import Setter, setter
from vesalius.ingest.hl7v2._plan import Plan
from vesalius.ingest.hl7v2._run import REFERENCE, Draft, Run
from vesalius.ingest.hl7v2._structure import Frame, Node, placed, structure
from vesalius.ingest.hl7v2._tables import Tables, Use

Key = tuple[str, str]
Resource = dict[str, Any]

# What a hospital keeps a register of: it is known from the day it is received, and a message that repeats it
# unchanged makes no new version.
_REGISTERS = frozenset({"Organization", "Practitioner", "PractitionerRole", "Location", "Device"})
_SUBJECTS = ("subject", "patient", "beneficiary")
ER7 = "x-application/hl7-v2+er7"


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


class _Shape(NamedTuple):
    """One compiled message structure: its groups, and the group that each resource belongs to."""

    root: Node
    homes: dict[Key, tuple[str, ...]]
    applied: dict[int, list[_Applied]]


class Converter:
    """Converts messages by one set of tables; compiles what it needs once, and may be used again and again."""

    def __init__(self, tables: Tables | None = None) -> None:
        self.tables = tables or Tables.standard()
        self.plan = Plan(self.tables)
        self._shapes: dict[str, _Shape] = {}

    def structure_of(self, message: Message) -> str:
        """The message map that a message follows.

        Raises:
            FaultError: there is none for its type.
        """
        head = message.header
        if not head.code:
            raise FaultError(Cause.MISSING_VALUE, "MSH-9 does not say what type of message it is")
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
            for use in shape.applied.get(id(node), ()):
                self._apply(run, shape, use, late)
        for frame, link in late:
            _connect(frame, link, run)
        if not any(draft.type == "Patient" and draft.said for draft in run.drafts):
            raise FaultError(Cause.MISSING_VALUE, "the message has no PID segment with a patient in it")
        return _finished(run, raw)

    def _shape(self, name: str) -> _Shape:
        if name not in self._shapes:
            self._shapes[name] = _shaped(name, self.tables.messages[name])
        return self._shapes[name]

    def _apply(self, run: Run, shape: _Shape, use: _Applied, late: list[tuple[Frame, _Link]]) -> None:
        if use.holds and not use.holds(run, [""]):
            return
        home = _home(run.frame, shape.homes[use.key])
        draft = home.targets.get(use.key)
        again = draft and draft.segment.name == run.segment.name and draft.ordinal != run.ordinal
        if draft is None or again:
            draft = run.draft(use.key[0])
            home.targets[use.key] = draft
            if use.into and (source := _found(run.frame, use.into[0])):
                use.into[1](run, source.resource, {REFERENCE: draft}, (run.ordinal, 0))
        if use.map:
            self.plan.segment(use.map, draft.type).apply(run, draft)
        for link in use.links:
            if not _connect(run.frame, link, run):
                late.append((run.frame, link))


def _home(frame: Frame, path: tuple[str, ...]) -> Frame:
    """The occurrence, around where we are, of the group that a resource belongs to."""
    return next((outer for outer in frame.upwards() if outer.node.path == path), frame)


def _found(frame: Frame, key: Key) -> Draft | None:
    """The resource that a table means by a type and an index, nearest to where we are."""
    for outer in frame.upwards():
        if key in outer.targets:
            exact: Draft = outer.targets[key]
            return exact
    for outer in frame.upwards():
        for (kind, _), draft in outer.targets.items():
            if kind == key[0]:
                near: Draft = draft
                return near
    return None


def _connect(frame: Frame, link: _Link, run: Run) -> bool:
    source = _found(frame, link.source)
    if source is None or link.put is None:
        return source is not None
    if link.constant:
        link.put(run, source.resource, link.constant, (run.ordinal, 0))
        return True
    target = _found(frame, link.target)
    if target is None:
        return False
    link.put(run, source.resource, {REFERENCE: target}, (run.ordinal, 0))
    return True


# Compiling a message map -----------------------------------------------------------------------------------


def _shaped(name: str, uses: list[Use]) -> _Shape:
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
    return _Shape(root, homes, applied)


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


# Finishing -------------------------------------------------------------------------------------------------


def _finished(run: Run, raw: bytes) -> list[Resource]:
    ids = Ids(run)
    drafts = [draft for draft in run.drafts if draft.said]
    _about(drafts)
    when = _known_at(run)
    found: dict[tuple[str, str], Resource] = {}
    for draft in drafts:
        resource = completed(draft.type, draft.resource, ids)
        key = (draft.type, ids.of(draft))
        meta = dict(resource.pop("meta", {}))
        if when and draft.type not in _REGISTERS:
            meta["lastUpdated"] = when
        whole = {"resourceType": draft.type, "id": key[1]} | ({"meta": meta} if meta else {}) | resource
        found[key] = _joined(found[key], whole) if key in found else whole
    _kept(run, ids, raw, when, found)
    return list(found.values())


def _known_at(run: Run) -> str:
    """When the hospital knew what the message says: EVN-2, else MSH-7; empty where neither says it."""
    event = next((segment.field(2) for segment in run.message.segments if segment.name == "EVN"), "")
    head = run.message.header.sent_at
    for place, text in (("EVN-2", event.split(run.message.delimiters.component)[0]), ("MSH-7", head)):
        if text.strip() and text != '""':
            found = run.clock.instant(text.strip())
            if not found:
                raise FaultError(Cause.BAD_VALUE, f"{place} is not a date or time that exists")
            return found
    return ""


def _about(drafts: list[Draft]) -> None:
    """Says of each resource whom it is about and in which stay, where it does not say so yet."""
    for draft in drafts:
        if draft.type in {"Patient", "Device", "Group"}:
            continue
        names = {element.name: element for element in fhir.elements(draft.type)}
        patient, encounter = nearest(draft, "Patient"), nearest(draft, "Encounter")
        for name in _SUBJECTS:
            if patient and patient.said and name in names and name not in draft.resource:
                if "Patient" in names[name].targets:
                    one = {REFERENCE: patient}
                    draft.resource[name] = [one] if names[name].many else one
                    break
        if encounter and encounter.said and draft.type != "Encounter":
            if "encounter" in names and "encounter" not in draft.resource:
                one = {REFERENCE: encounter}
                draft.resource["encounter"] = [one] if names["encounter"].many else one


def _joined(one: Resource, other: Resource) -> Resource:
    """Two resources of a message that are the same thing: what either says; of two values the later."""
    joined = dict(one)
    for name, value in other.items():
        there = joined.get(name)
        if isinstance(there, list) and isinstance(value, list):
            joined[name] = [*there, *(each for each in value if each not in there)]
        elif isinstance(there, dict) and isinstance(value, dict):
            joined[name] = _joined(there, value)
        else:
            joined[name] = value
    return joined


def _kept(run: Run, ids: Ids, raw: bytes, when: str, found: dict[tuple[str, str], Resource]) -> None:
    """Keeps the message itself, as the source that its provenance names, and names what it gave."""
    document = fhir.made_id("DocumentReference", "message", ids.message())
    patient = next((f"Patient/{id_}" for type_, id_ in found if type_ == "Patient"), None)
    attachment = {"contentType": ER7, "data": base64.b64encode(raw).decode()}
    resource: Resource = {"resourceType": "DocumentReference", "id": document}
    resource |= {"meta": {"lastUpdated": when}} if when else {}
    resource |= {
        "status": "current",
        "subject": {"reference": patient},
        "content": [{"attachment": attachment}],
    }
    named = [
        {"reference": f"{type_}/{id_}"} for type_, id_ in found if type_ not in _REGISTERS | {"Provenance"}
    ]
    for (type_, _), each in found.items():
        if type_ == "Provenance" and each.get("entity"):
            each["target"] = named
            each["entity"][0]["what"] = {"reference": f"DocumentReference/{document}"}
        if type_ == "MessageHeader":
            each["focus"] = [one for one in named if not one["reference"].startswith("MessageHeader/")]
    found["DocumentReference", document] = resource
