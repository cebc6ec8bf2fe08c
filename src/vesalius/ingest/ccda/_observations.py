"""Observations: results, vital signs, social history and others."""

from __future__ import annotations

from typing import Any

from vesalius.ingest._resources import Resource, made, reference
from vesalius.ingest._xml import Element, text
from vesalius.ingest.ccda import _data
from vesalius.ingest.ccda._context import HL7, Context, coded, negated, status

_CATEGORY = HL7 + "observation-category"


def results(organizer: Element, context: Context) -> list[Resource]:
    """A report and its observations."""
    found = [_one(one, context, "laboratory") for one in organizer.iterfind("component/observation")]
    when = _data.period(organizer.find("effectiveTime"))
    same = when.get("start") == when.get("end")
    report = context.named("DiagnosticReport", organizer) | made(
        status=_report_status(organizer),
        code=context.about(organizer),
        subject=context.subject,
        effectiveDateTime=when.get("start", "") if same else "",
        effectivePeriod={} if same else when,
        issued=_data.instant(context.recorded(organizer)),
        result=[reference(one) for one in found],
    )
    return [report, *found]


def _report_status(organizer: Element) -> str:
    # A report that is only begun has no preliminary results by that alone.
    return {"preliminary": "partial"}.get(found := status(organizer, "observations", "unknown"), found)


def vitals(organizer: Element, context: Context) -> list[Resource]:
    """The vital signs of one moment."""
    return [_one(one, context, "vital-signs") for one in organizer.iterfind("component/observation")]


def social(entry: Element, context: Context) -> list[Resource]:
    """An observation of social history."""
    return [_one(entry, context, "social-history")]


def observation(entry: Element, context: Context) -> list[Resource]:
    """Any other observation."""
    return [_one(entry, context, "")]


def _one(entry: Element, context: Context, category: str) -> Resource:
    when = _data.period(entry.find("effectiveTime"))
    same = when.get("start") == when.get("end")
    value = _value(entry, context)
    return context.named("Observation", entry) | made(
        status=status(entry, "observations", "unknown"),
        category=[coded(_CATEGORY, category)] if category else [],
        code=context.about(entry),
        subject=context.subject,
        effectiveDateTime=when.get("start", "") if same else "",
        effectivePeriod={} if same else when,
        issued=_data.instant(context.recorded(entry)),
        performer=[performer] if (performer := context.performer(entry)) else [],
        **value,
        dataAbsentReason=_absent(entry, value),
        interpretation=[
            one for code in entry.iterfind("interpretationCode") if (one := context.concept(code))
        ],
        referenceRange=_ranges(entry, context),
        note=context.note(entry),
    )


def _absent(entry: Element, value: dict[str, Any]) -> dict[str, Any] | None:
    if value or (entry.find("value") is None and not negated(entry)):
        return None
    return coded(HL7 + "data-absent-reason", "unknown")


def _value(entry: Element, context: Context) -> dict[str, Any]:
    """The value of an observation, by its type; of several, the first."""
    value = entry.find("value")
    if value is None or negated(entry):
        return {}
    kind = _data.type_of(value)
    if kind == "PQ":
        return made(valueQuantity=_data.quantity(value))
    if kind == "IVL_PQ":
        return made(valueRange=_range(value))
    if kind in {"CD", "CE", "CO", "CV", "CS"}:
        return made(valueCodeableConcept=context.concept(value))
    if kind == "INT" and isinstance(number := _data.number(value.get("value")), int) and abs(number) < 2**31:
        return {"valueInteger": number}
    if kind == "REAL":
        return made(valueQuantity=_data.quantity(value))
    if kind == "BL":
        return {"valueBoolean": value.get("value") == "true"} if value.get("value") else {}
    if kind == "TS":
        return made(valueDateTime=_data.time(value))
    return made(valueString=text(value) or value.get("value"))


def _range(value: Element) -> dict[str, Any]:
    return made(low=_data.quantity(value.find("low")), high=_data.quantity(value.find("high")))


def _ranges(entry: Element, context: Context) -> list[dict[str, Any]]:
    found = []
    for one in entry.iterfind("referenceRange/observationRange"):
        value, said = one.find("value"), _data.referred(one.find("text"), context.words)
        limits = {} if value is None or _data.type_of(value) != "IVL_PQ" else _range(value)
        if limits or said:
            found.append(limits | made(text=said))
    return found
