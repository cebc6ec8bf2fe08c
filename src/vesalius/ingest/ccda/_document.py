"""A C-CDA document: its composition, whom and what it names, and itself, byte for byte."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from vesalius import fhir
from vesalius.ingest import _narrative, _xml
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._items import Item
from vesalius.ingest._resources import UNKNOWN, Resource, found, made, reference
from vesalius.ingest._xml import Element, text
from vesalius.ingest.ccda import _data, _entries, _text
from vesalius.ingest.ccda._context import Context
from vesalius.ingest.ccda._data import TABLES
from vesalius.ingest.ccda._people import People, patient

ROOT = "ClinicalDocument"

_CONFIDENTIAL = {"U", "L", "M", "N", "R", "V"}


@dataclass
class Account:
    """What became of the sections and entries of one document.

    Attributes:
        sections: how many there are.
        entries: how many entries there are, by the title of their section.
        mapped: how many of them became resources, likewise.
        unmapped: those that did not, by kind.
    """

    sections: int = 0
    entries: Counter[str] = field(default_factory=Counter)
    mapped: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[str] = field(default_factory=Counter)


def recognises(beginning: bytes) -> bool:
    """Whether a file that begins so is a clinical document of HL7."""
    return _xml.root_name(beginning) == ROOT


def read(stream: BinaryIO) -> Iterator[Item]:
    """One item: the document that the stream holds.

    Raises:
        FaultError: the compressed stream breaks off or is damaged.
    """
    raw = _xml.whole(stream)
    if isinstance(raw, Item):
        yield raw
    elif raw.strip():
        yield _item(raw, "the file")


def again(raw: bytes, place: str, context: dict[str, Any]) -> list[Item]:  # noqa: ARG001 -- needs no more
    """Reads a document that was held once more."""
    return [_item(raw, place)]


def _item(raw: bytes, place: str) -> Item:
    try:
        resources, _ = converted(raw)
        return Item(place, raw, tuple(map(found, resources)))
    except FaultError as fault:
        return Item(place, raw, fault=fault)


def converted(raw: bytes) -> tuple[list[Resource], Account]:
    """The resources of a document, the composition first, and what became of its entries.

    Raises:
        FaultError: it cannot be read, or does not say what it is and whom it is about.
    """
    root = _xml.without_namespaces(_xml.parse(raw))
    if root.tag != ROOT:
        raise FaultError(Cause.UNSUPPORTED, "the document is no clinical document of HL7 (CDA)")
    at = _data.time(root.find("effectiveTime"))
    if not at:
        raise FaultError(Cause.MISSING_VALUE, "the document does not say when it was made")
    people = People(at)
    who = patient(root.find("recordTarget"), people, at)
    context = Context(_key(root, who), reference(who), at, people)
    account = Account()
    encounter = _stay(root, context)
    composition = _composition(root, context)
    if encounter:
        composition["encounter"] = reference(encounter)
    sections, resources = _sections(root, context, account)
    itself = _itself(root, raw, context, composition)
    composition |= made(section=sections)
    stays = [encounter] if encounter else []
    return [composition, who, *people.resources.values(), *stays, *resources, itself], account


def _key(root: Element, who: Resource) -> tuple[str, ...]:
    """What names the document: its own number, and whom it is about.

    Raises:
        FaultError: it has no number.
    """
    for one in _data.identifiers(root):
        return (str(who["id"]), one.get("system", ""), one["value"])
    raise FaultError(Cause.NO_ID, "the document has no identifier")


def _composition(root: Element, context: Context) -> Resource:
    authors = [context.people.named(one) for one in root.iterfind("author/assignedAuthor")]
    custodian = root.find("custodian/assignedCustodian/representedCustodianOrganization")
    kind, language = context.about(root), root.find("languageCode")
    secrecy = root.find("confidentialityCode")
    code = "" if secrecy is None else secrecy.get("code") or ""
    return made(
        resourceType="Composition",
        id=fhir.made_id("Composition", *context.key),
        meta=context.people.meta,
        language=_language(language),
        identifier=_data.identifiers(root)[0],
        status="final",
        type=kind,
        subject=context.subject,
        date=context.at,
        author=[one for one in authors if one] or [UNKNOWN],
        title=text(root.find("title")) or kind.get("text") or "clinical document",
        confidentiality=code if code in _CONFIDENTIAL else "",
        custodian=context.people.organization(custodian),
        relatesTo=[one for other in root.iterfind("relatedDocument") if (one := _related(other))],
    )


def _language(element: Element | None) -> str:
    code = "" if element is None else (element.get("code") or "").strip()
    return code if code and code.replace("-", "").isalnum() and code.isascii() else ""


def _related(element: Element) -> dict[str, Any] | None:
    kind, parent = TABLES["relations"].get(element.get("typeCode") or ""), element.find("parentDocument")
    identifiers = [] if parent is None else _data.identifiers(parent)
    return {"code": kind, "targetIdentifier": identifiers[0]} if kind and identifiers else None


def _stay(root: Element, context: Context) -> Resource | None:
    """The encounter that the document is about."""
    stay = root.find("componentOf/encompassingEncounter")
    if stay is None:
        return None
    when, seen = _data.period(stay.find("effectiveTime")), stay.find("responsibleParty/assignedEntity")
    who, code = context.people.named(seen), context.concept(stay.find("code"))
    discharge = context.concept(stay.find("dischargeDispositionCode"))
    return context.named("Encounter", stay) | {
        "class": UNKNOWN,
        **made(
            status="finished" if when.get("end") else "unknown",
            type=[code] if code else [],
            subject=context.subject,
            participant=[{"individual": who}] if who else [],
            period=when,
            hospitalization=made(dischargeDisposition=discharge),
        ),
    }


def _sections(
    root: Element, context: Context, account: Account
) -> tuple[list[dict[str, Any]], list[Resource]]:
    resources: list[Resource] = []
    found = [
        _section(one, context, account, resources)
        for one in root.iterfind("component/structuredBody/component/section")
    ]
    return [one for one in found if one], resources


def _section(
    section: Element, context: Context, account: Account, resources: list[Resource]
) -> dict[str, Any]:
    account.sections += 1
    context.words = _text.words(section)
    title, code = text(section.find("title")), context.concept(section.find("code"))
    name = title or code.get("text") or "untitled"
    entries: list[Resource] = []
    for holder in section.iterfind("entry"):
        for entry in holder.iterchildren("*"):
            account.entries[name] += 1
            made_resources = _entries.made_of(entry, context)
            account.mapped[name] += bool(made_resources)
            if not made_resources:
                account.unmapped[_entries.kind(entry)] += 1
            entries += made_resources
    resources += entries
    narrative = _text.cleaned(section.find("text"))
    inside = [_section(one, context, account, resources) for one in section.iterfind("component/section")]
    return made(
        title=title,
        code=code,
        text=_narrative.sent(narrative) if narrative else None,
        entry=[reference(one) for one in entries],
        section=[one for one in inside if one],
    )


def _itself(root: Element, raw: bytes, context: Context, composition: Resource) -> Resource:
    """The document as it came, and the file that it holds if it has no sections."""
    original = {"contentType": "text/xml", "data": b64encode(raw).decode("ascii")}
    content = [{"attachment": original}, *_embedded(root)]
    return made(
        resourceType="DocumentReference",
        id=fhir.made_id("DocumentReference", *context.key),
        meta=context.people.meta,
        masterIdentifier=composition["identifier"],
        status="current",
        type=composition["type"],
        subject=context.subject,
        date=_data.instant(context.at),
        author=[one for one in composition["author"] if "reference" in one],
        custodian=composition.get("custodian"),
        description=composition["title"],
        content=content,
    )


def _embedded(root: Element) -> Iterator[dict[str, Any]]:
    """The file of an unstructured document: its bytes, its text, or where it lies."""
    for body in root.iterfind("component/nonXMLBody/text"):
        kind, link = body.get("mediaType") or "text/plain", body.find("reference")
        attachment = made(contentType=kind)
        if link is not None and link.get("value"):
            attachment["url"] = (link.get("value") or "").strip()
        elif body.get("representation") == "B64":
            attachment["data"] = "".join((body.text or "").split())
        else:
            attachment["data"] = b64encode((body.text or "").encode()).decode("ascii")
        yield {"attachment": attachment}
