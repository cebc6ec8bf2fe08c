"""The medication scheme: a list, and one statement per line with its suspensions.

A line is a transaction ``medicationschemeelement``; a ``treatmentsuspension`` points to the line that it
suspends and has no meaning without it. Source: Vitalink/SAFE cookbooks on the medication scheme.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from vesalius import fhir
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._resources import Resource, made
from vesalius.ingest._xml import Element, text, texts
from vesalius.ingest.kmehr._dosage import number
from vesalius.ingest.kmehr._items import Context, kind_of
from vesalius.ingest.kmehr._medication import period, product, statement
from vesalius.ingest.kmehr._moments import moment
from vesalius.ingest.kmehr._tables import cd_system, code, coded

SCHEME, LINE, SUSPENSION = "medicationscheme", "medicationschemeelement", "treatmentsuspension"

_SUSPENSION = (
    "https://www.ehealth.fgov.be/standards/fhir/medication/StructureDefinition/extension-MedicationSuspension"
)
_TARGET = re.compile(r"""=\s*["']([^"']+)["']\s*\]\s*$""")


def target(suspension: Element) -> str:
    """The number of the transaction that a suspension points to; empty if it points nowhere."""
    for link in suspension.iter("lnk"):
        if link.get("TYPE") == "isplannedfor" and (found := _TARGET.search(link.get("URL") or "")):
            return found[1]
    return ""


def medication_item(transaction: Element) -> Element:
    """The one item of medication of a line or a suspension.

    Raises:
        FaultError: it has none.
    """
    for item in transaction.iterfind("item"):
        if kind_of(item) == "medication":
            return item
    raise FaultError(Cause.MISSING_VALUE, "a line of a medication scheme without an item of medication")


def line_id(key: tuple[str, ...]) -> str:
    """The id of the statement that a line becomes."""
    return fhir.made_id("MedicationStatement", *key)


def line(transaction: Element, suspensions: Sequence[Element], context: Context) -> Resource:
    """The statement that a line of the scheme makes, with its suspensions.

    Raises:
        FaultError: it has no item of medication.
    """
    item = medication_item(transaction)
    taken = statement(item, scheme=True)
    remarks = _remarks(transaction)
    others = [{"text": f"{name}: {words}"} for name, words in remarks if name != "medicationuse"]
    written = [at for at in (context.at, *map(moment, suspensions)) if at]
    return made(
        resourceType="MedicationStatement",
        id=line_id(context.key),
        identifier=[{"type": {"text": "KMEHR"}, "value": "/".join(context.key)}],
        status="stopped" if any(_lifecycle(one) == "stopped" for one in suspensions) else taken["status"],
        statusReason=[_suspended(one) for one in suspensions],
        medicationCodeableConcept=product(item),
        subject=context.subject,
        dateAsserted=max(written, key=fhir.parse_time, default=""),
        informationSource=context.author,
        reasonCode=[{"text": words} for name, words in remarks if name == "medicationuse"],
        note=[*taken.pop("note", []), *others],
        **{name: value for name, value in taken.items() if name != "status"},
    )


def _remarks(transaction: Element) -> list[tuple[str, str]]:
    """The remarks of a line, each with its CD-ITEM-MS: what it is for, when to begin and to stop."""
    found = []
    for item in transaction.iterfind("item"):
        if kind_of(item) != "medication":
            names = [text(cd) for cd in item.iterfind("content/cd") if cd.get("S") == "CD-ITEM-MS"]
            words = "; ".join(texts(item, "content/text"))
            if words:
                found.append((names[0] if names else code(item, "CD-ITEM"), words))
    return found


def _lifecycle(suspension: Element) -> str:
    return code(medication_item(suspension).find("lifecycle"), "CD-LIFECYCLE")


def _suspended(suspension: Element) -> dict[str, Any]:
    item = medication_item(suspension)
    reasons = [
        words
        for other in suspension.iterfind("item")
        if code(other, "CD-ITEM") == "transactionreason"
        for words in texts(other, "content/text")
    ]
    when, length = period(item), _length(item)
    words = "; ".join(reasons + ([length] if length else []))
    return made(
        extension=[{"url": _SUSPENSION, "valuePeriod": when}] if when else [],
        text=words,
    ) | coded(cd_system("CD-LIFECYCLE"), _lifecycle(suspension) or "suspended")


def _length(item: Element) -> str:
    amount = number(item.find("duration/decimal"))
    unit = code(item.find("duration/unit"), "CD-TIMEUNIT")
    return f"{amount} {unit}" if amount is not None and unit else ""


def scheme(transaction: Element, context: Context, lines: Sequence[str]) -> Resource:
    """The list of the lines of a scheme, as of its version.

    Args:
        transaction: the transaction ``medicationscheme``.
        context: of it.
        lines: the ids of the statements of the message.
    """
    version = text(transaction.find("version"))
    return made(
        resourceType="List",
        id=fhir.made_id("List", *context.key),
        meta=made(lastUpdated=context.at if "T" in context.at else ""),
        identifier=[{"type": {"text": "KMEHR"}, "value": "/".join(context.key)}],
        status="current",
        mode="snapshot",
        title=f"medication scheme, version {version}" if version else "medication scheme",
        code=coded("http://loinc.org", "10160-0"),
        subject=context.subject,
        date=context.at,
        source=context.author,
        entry=[{"item": {"reference": f"MedicationStatement/{one}"}} for one in lines],
    )
