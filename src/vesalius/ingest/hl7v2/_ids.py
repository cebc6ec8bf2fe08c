"""The ids of resources: from what names the thing in the hospital, so that two messages about it agree.

A patient is named by his number (PID-3, the hospital's before a national one), a stay by PV1-19, an order or
a report by its placer or filler number and its code, a result by its report, its code (OBX-3), its sub-id
(OBX-4) and how many of these came before it. What nothing names is named by its patient and its content: sent
again it is the same, changed it is another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from vesalius import fhir
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest.hl7v2._run import REFERENCE, Draft, Run
from vesalius.ingest.hl7v2._structure import Frame
from vesalius.ingest.hl7v2._values import system_of

Parts = tuple[str, ...]
_BUSY = "?"

REGISTERS = frozenset({"Organization", "Practitioner", "PractitionerRole", "Location", "Device"})
"""What a hospital keeps a register of, whoever the patient is."""

COUNTED = frozenset(
    ["DiagnosticReport", "Immunization", "MedicationRequest", "Observation", "Procedure", "ServiceRequest"]
)
"""What is counted among its equals where these are alike, and never named by its content."""


class Ids:
    """Gives each resource of one message its id."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._counts: Counter[Parts] = Counter()

    def of(self, draft: Draft) -> str:
        """The id of a resource."""
        if draft.id and draft.id != _BUSY:
            return draft.id
        if draft.id == _BUSY:  # two that nothing names refer to each other
            return fhir.made_id(draft.type, self.message(), str(draft.ordinal))
        draft.id = _BUSY
        parts = _PARTS.get(draft.type, _by_identifier)(self, draft)
        draft.id = fhir.made_id(draft.type, *(parts or self._content(draft)))
        return draft.id

    def reference(self, draft: Draft) -> str:
        """What refers to a resource: ``Type/id``."""
        id_ = draft.id
        return f"{draft.type}/{id_ if id_ and id_ != _BUSY else self.of(draft)}"

    def message(self) -> str:
        """What names the message: its sender, its control id, and when it was sent."""
        head = self._run.message.header
        return "|".join((head.sending_application, head.sending_facility, head.control_id, head.sent_at))

    def patient(self, draft: Draft) -> str:
        """The id of the patient whom a resource is about; empty where the message names none."""
        found = nearest(draft, "Patient")
        return self.of(found) if found and found.said else ""

    def encounter(self, draft: Draft) -> str:
        """The id of the stay that a resource belongs to."""
        found = nearest(draft, "Encounter")
        return self.of(found) if found and found.said else ""

    def turn(self, *parts: str) -> str:
        """How many of the same came before, as text."""
        self._counts[parts] += 1
        return str(self._counts[parts])

    def value(self, draft: Draft, segment: str, field: int, component: int = 0) -> str:
        """A field of the message as seen from a resource."""
        run = self._run
        run.frame, run.segment = draft.frame, draft.segment
        return run.value(segment, field, component)

    def identifier(self, draft: Draft, *types: str) -> Parts:
        """The identifier of a resource: the first of the preferred types, else the first; () for none."""
        found = draft.resource.get("identifier") or []
        all_ = [each for each in (found if isinstance(found, list) else [found]) if each.get("value")]
        if not all_:
            return ()
        one = min(all_, key=lambda each: _rank(each, types)) if types and len(all_) > 1 else all_[0]
        return (one.get("system") or system_of("id", self._run.sender, {}), one["value"])

    def resolved(self, value: Any) -> Any:
        """A copy of a value in which each reference to a resource of the message is its ``Type/id``."""
        if isinstance(value, dict):
            return {
                name: self.reference(one) if isinstance(one, Draft) else self.resolved(one)
                for name, one in value.items()
            }
        return [self.resolved(one) for one in value] if isinstance(value, list) else value

    def _content(self, draft: Draft) -> Parts:
        owner = self._run.sender if draft.type in REGISTERS else self.patient(draft)
        return (owner, fhir.digest(self.resolved(draft.resource)))


def nearest(draft: Draft, type_: str) -> Draft | None:
    """The resource of a type that is nearest to another: in its group of the message, else around it."""
    frame: Frame | None = draft.frame
    while frame:
        for (kind, _), one in frame.targets.items():
            if kind == type_:
                found: Draft = one
                return found
        frame = frame.parent
    return None


def _rank(identifier: dict[str, Any], types: tuple[str, ...]) -> int:
    code = identifier.get("type", {}).get("coding", [{}])[0].get("code", "")
    return types.index(code) if code in types else len(types)


def _code(draft: Draft, name: str = "code") -> str:
    concept = draft.resource.get(name, {})
    coding = (concept.get("coding") or [{}])[0]
    return "|".join((coding.get("system", ""), coding.get("code", "") or concept.get("text", "")))


def _by_identifier(ids: Ids, draft: Draft) -> Parts:
    return ids.identifier(draft)


def _patient(ids: Ids, draft: Draft) -> Parts:
    found = ids.identifier(draft, "MR", "PI", "PT", "PN", "")
    if not found:
        raise FaultError(Cause.MISSING_VALUE, f"{draft.segment.name} holds no number of the patient (PID-3)")
    return found


def _encounter(ids: Ids, draft: Draft) -> Parts:
    if found := ids.identifier(draft, "VN"):
        return found
    patient = ids.patient(draft)
    if account := ids.value(draft, "PID", 18, 1):
        return (patient, "account", account)
    start = draft.resource.get("period", {}).get("start", "")
    return (patient, "start", start) if start else (patient, "message", ids.message(), str(draft.ordinal))


def _order(*types: str) -> Callable[[Ids, Draft], Parts]:
    def parts(ids: Ids, draft: Draft) -> Parts:
        found = ids.identifier(draft, *types)
        if found:
            key = (draft.type, *found, _code(draft))
            turn = ids.turn(*key)
            return (*found, _code(draft)) if turn == "1" else (*found, _code(draft), turn)
        patient = ids.patient(draft)
        when = ids.value(draft, "OBR", 7) or ids.value(draft, "ORC", 9) or ids.message()
        return (patient, _code(draft), when, ids.turn(draft.type, patient, _code(draft), when))

    return parts


def _observation(ids: Ids, draft: Draft) -> Parts:
    code = _code(draft)
    sub = ids.value(draft, "OBX", 4) if draft.segment.name == "OBX" else draft.segment.name
    for kind in ("DiagnosticReport", "Immunization", "ServiceRequest"):
        parent = nearest(draft, kind)
        if parent and parent.said:
            key = (kind, ids.of(parent), code, sub)
            return (*key, ids.turn(*key))
    when = draft.resource.get("effectiveDateTime") or ids.message()
    alone = (ids.patient(draft), ids.encounter(draft), code, sub, when)
    return (*alone, ids.turn(*alone))


def _specimen(ids: Ids, draft: Draft) -> Parts:
    if found := ids.identifier(draft):
        return found
    for kind in ("DiagnosticReport", "ServiceRequest"):
        parent = nearest(draft, kind)
        if parent and parent.said:
            key = (kind, ids.of(parent))
            return (*key, ids.turn("Specimen", *key))
    return ()


def _of_patient(name: str, *more: str) -> Callable[[Ids, Draft], Parts]:
    """By identifier, else by the patient, a code and some fields."""

    def parts(ids: Ids, draft: Draft) -> Parts:
        if found := ids.identifier(draft):
            return found
        if not draft.resource.get(name):
            return ()
        values = tuple(str(draft.resource.get(each, "")) for each in more)
        return (ids.patient(draft), _code(draft, name), *values)

    return parts


def _condition(ids: Ids, draft: Draft) -> Parts:
    if found := ids.identifier(draft):
        return found
    code = _code(draft)
    return (ids.patient(draft), ids.encounter(draft), code) if code != "|" else ()


def _procedure(ids: Ids, draft: Draft) -> Parts:
    if found := ids.identifier(draft):
        return found
    key = (
        ids.patient(draft),
        ids.encounter(draft),
        _code(draft),
        draft.resource.get("performedDateTime", ""),
    )
    return (*key, ids.turn("Procedure", *key))


def _immunization(ids: Ids, draft: Draft) -> Parts:
    # one order may give several doses: the order number alone does not name one
    key = (
        ids.patient(draft), *(ids.identifier(draft, "FILL", "PLAC") or ("", "")),
        _code(draft, "vaccineCode"), draft.resource.get("occurrenceDateTime", ""),
    )  # fmt: skip
    return (*key, ids.turn("Immunization", *key))


def _practitioner(ids: Ids, draft: Draft) -> Parts:
    return ids.identifier(draft)


def _location(ids: Ids, draft: Draft) -> Parts:
    own = ids.identifier(draft)
    outer = draft.resource.get("partOf", {}).get(REFERENCE)
    return (*own, ids.of(outer)) if own and isinstance(outer, Draft) else own


def _organization(ids: Ids, draft: Draft) -> Parts:
    return ids.identifier(draft) or ((draft.resource["name"],) if "name" in draft.resource else ())


def _coverage(ids: Ids, draft: Draft) -> Parts:
    # the number is that of the plan, which thousands share
    found = ids.identifier(draft)
    return (ids.patient(draft), *found, ids.value(draft, "IN1", 36)) if found else ()


def _related(ids: Ids, draft: Draft) -> Parts:
    # one mother may be that of several patients, and FHIR has a RelatedPerson for each
    found = ids.identifier(draft)
    return (ids.patient(draft), *found) if found else ()


def _message(ids: Ids, draft: Draft) -> Parts:
    return (ids.message(), draft.segment.name, ids.turn(draft.type))


_PARTS: dict[str, Callable[[Ids, Draft], Parts]] = {
    "Patient": _patient,
    "Encounter": _encounter,
    "ServiceRequest": _order("PLAC", "FILL"),
    "DiagnosticReport": _order("FILL", "PLAC"),
    "MedicationRequest": _order("PLAC", "FILL"),
    "Observation": _observation,
    "Specimen": _specimen,
    "Condition": _condition,
    "Procedure": _procedure,
    "AllergyIntolerance": _of_patient("code"),
    "Immunization": _immunization,
    "Coverage": _coverage,
    "RelatedPerson": _related,
    "Practitioner": _practitioner,
    "Location": _location,
    "Organization": _organization,
    "MessageHeader": _message,
    "Provenance": _message,
}
