"""Posology: when, how much, by which way, as FHIR dosages.

A regimen is a row of steps (a day, a moment of the day, an amount); each becomes one dosage, since each may
have another amount. Sources: KMEHR's regimen and posology (eHealth platform); FHIR R4 Timing, EventTiming.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import time
from decimal import Decimal, InvalidOperation
from typing import Any

from vesalius.ingest._resources import made
from vesalius.ingest._xml import Element, text, texts
from vesalius.ingest.kmehr._moments import day, whole
from vesalius.ingest.kmehr._tables import TABLES, cd_system, code, coded

Dosage = dict[str, Any]

_UCUM = "http://unitsofmeasure.org"
_UNIT_TABLES = ("CD-ADMINISTRATIONUNIT", "CD-ADMINISTRATION-UNIT", "CD-UNIT")
_WHOLE = 10**12


@dataclass
class Step:
    """One step of a regimen, as it is read.

    Attributes:
        when: a code of EventTiming, or empty.
        time: an hour of the day, or empty.
        weekday, event: the day of the week, the date.
        numbered: whether it is for a day of a cycle, which is then an instruction.
        told: what stays an instruction: that day, or a period of the day that FHIR has no code for.
        quantity: how much.
    """

    when: str = ""
    time: str = ""
    weekday: str = ""
    event: str = ""
    numbered: bool = False
    told: list[dict[str, Any]] = field(default_factory=list)
    quantity: dict[str, Any] = field(default_factory=dict)

    def tell(self, words: str, *, unless: str) -> None:
        """Keeps words as an instruction, unless they were understood."""
        if words and not unless:
            self.told.append({"text": words})


def dosages(item: Element, *, scheme: bool) -> list[Dosage]:
    """The dosages of an item of medication.

    Args:
        item: the item, or anything with the same children.
        scheme: whether it stands in a medication scheme. There ``oneshot`` means "when needed", and a line
            without periodicity is for its first day only (Vitalink's rules for the scheme).
    """
    steps = list(_steps(item)) or [Step()]
    start = day(item.find("beginmoment"))
    common = _common(item, scheme=scheme)
    repeat = _repeat(item)
    periodic = code(item.find("frequency/periodicity"), "CD-PERIODICITY") != ""
    found = []
    for step in steps:
        if scheme and not periodic and not (step.event or step.weekday or step.numbered):
            step.event = start
        timing = made(
            event=[step.event] if step.event else [],
            repeat=made(
                **repeat,
                dayOfWeek=[step.weekday] if step.weekday else [],
                when=[step.when] if step.when and not step.time else [],
                timeOfDay=[step.time] if step.time else [],
            ),
        )
        dosage = made(**common, timing=timing, additionalInstruction=step.told)
        if step.quantity:
            dosage["doseAndRate"] = [{"doseQuantity": step.quantity}]
        found.append(dosage)
    return [dosage for dosage in found if dosage]


def _common(item: Element, *, scheme: bool) -> Dosage:
    """What holds for every step: the words, the way, whether it is taken only when needed."""
    temporality = code(item.find("temporality"), "CD-TEMPORALITY")
    when_needed = (scheme and temporality == "oneshot") or _periodicity(item) == "ondemand"
    route = item.find("route")
    return made(
        text="; ".join(texts(item, "posology/text")),
        patientInstruction="; ".join(texts(item, "instructionforpatient")),
        asNeededBoolean=when_needed or None,
        route=_route(route) if route is not None else None,
    )


def _route(route: Element) -> dict[str, Any] | None:
    way = code(route, "CD-DRUG-ROUTE") or text(route)
    return coded(cd_system("CD-DRUG-ROUTE"), way) if way else None


def _periodicity(item: Element) -> str:
    return code(item.find("frequency/periodicity"), "CD-PERIODICITY")


def _repeat(item: Element) -> dict[str, Any]:
    repeat: dict[str, Any] = {}
    if entry := TABLES["periodicities"].get(_periodicity(item)):
        period, unit = entry
        repeat |= {"frequency": 1, "period": period, "periodUnit": unit}
    unit = code(item.find("duration/unit"), "CD-TIMEUNIT") or text(item.find("duration/unit"))
    amount = number(item.find("duration/decimal"))
    if amount is not None and unit in TABLES["timeunits"]:
        standard, factor = TABLES["timeunits"][unit]
        repeat |= {"duration": plain(Decimal(amount) * Decimal(factor)), "durationUnit": standard}
    return repeat


def _steps(item: Element) -> Iterator[Step]:
    for regimen in item.iterfind("regimen"):
        step, begun = Step(), False
        for child in regimen:
            begun = _read(step, child) or begun
            if child.tag == "quantity":
                yield step
                step, begun = Step(), False
        if begun:
            yield step
    if item.find("regimen") is None:
        yield from _simple(item)


def _simple(item: Element) -> Iterator[Step]:
    """The older form: periods of the day beside a posology with an amount."""
    amount = _amount(item.find("posology"))
    periods = item.findall("dayperiod")
    for period in periods:
        step = Step(quantity=amount)
        _period(step, period)
        yield step
    if amount and not periods:
        yield Step(quantity=amount)


def _amount(posology: Element | None) -> dict[str, Any]:
    if posology is None:
        return {}
    amounts = [number(posology.find(path)) for path in ("takes/high", "takes/low", "high", "low")]
    first = next((one for one in amounts if one is not None), None)
    return {} if first is None else {"value": first} | _unit(posology.find("unit"))


def _read(step: Step, child: Element) -> bool:
    """Adds one child of a regimen to a step; whether it was one that we know."""
    if child.tag == "daytime":
        _daytime(step, child)
    elif child.tag == "weekday":
        weekday = code(child, "CD-WEEKDAY")
        step.weekday = TABLES["weekdays"].get(weekday, "")
        step.tell(weekday, unless=step.weekday)
    elif child.tag == "date":
        step.event = whole(text(child))[:10]
        step.tell(text(child), unless=step.event)
    elif child.tag == "daynumber":
        step.numbered = True
        step.told.append({"text": f"Day {text(child)} of the treatment cycle"})
    elif child.tag == "quantity":
        value = number(child.find("decimal"))
        step.quantity = {} if value is None else {"value": value} | _unit(child.find("unit"))
    else:
        return False
    return True


def _daytime(step: Step, daytime: Element) -> None:
    hour = text(daytime.find("time"))
    step.time = _hour(hour)
    step.tell(hour, unless=step.time)
    if (period := daytime.find("dayperiod")) is not None:
        _period(step, period)


def _hour(written: str) -> str:
    """A time of the day as FHIR writes it, without a zone; empty if it is none."""
    with suppress(ValueError):
        return time.fromisoformat(written).replace(microsecond=0, tzinfo=None).isoformat()
    return ""


def _period(step: Step, period: Element) -> None:
    name = (code(period, "CD-DAYPERIOD") or text(period)).lower()
    if when := TABLES["dayperiods"].get(name):
        step.when = when
    elif name:
        step.told.append(coded(cd_system("CD-DAYPERIOD"), name))


def _unit(unit: Element | None) -> dict[str, Any]:
    """The unit of an amount: UCUM where the code is a measure, else KMEHR's own code."""
    name = next((found for table in _UNIT_TABLES if (found := code(unit, table))), "") or text(unit)
    if not name:
        return {}
    if ucum := TABLES["units"].get(name):
        return {"unit": ucum, "system": _UCUM, "code": ucum}
    return {"unit": name, "system": cd_system("CD-ADMINISTRATIONUNIT"), "code": name}


def number(element: Element | None) -> int | Decimal | None:
    """The number that an element holds, its digits kept; None if it holds none."""
    written = text(element).replace(",", ".")
    try:
        value = Decimal(written)
    except InvalidOperation:
        return None
    return plain(value) if value.is_finite() and abs(value) < _WHOLE else None


def plain(value: Decimal) -> int | Decimal:
    """A whole number as such, any other as the decimal that it is."""
    return int(value) if value == value.to_integral_value() and "." not in str(value) else value
