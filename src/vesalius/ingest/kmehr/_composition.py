"""A transaction as a document: a composition, and the resources of its items.

Items that are no event of their own (a risk, a patient's will) are contained in the composition, coded, so
that no reader takes them for a problem; an item that our tables do not know is kept in words.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Sequence
from typing import Any

from vesalius import fhir
from vesalius.ingest import _narrative
from vesalius.ingest._resources import Resource, made, reference
from vesalius.ingest._xml import Element, text
from vesalius.ingest.kmehr._items import RESOURCES, Context, kind_of, made_of, remark, said
from vesalius.ingest.kmehr._tables import TABLES, cd_system, code, coded

_SUMMARY = ("medication", "allergy", "active", "immunization", "past")
_NAMED_ELSEWHERE = ("contact", "gp")  # in Patient.contact and Patient.generalPractitioner


def document(transaction: Element, context: Context, authors: Sequence[dict[str, str]]) -> list[Resource]:
    """The composition of a transaction, then what its items become, then the files that it carries."""
    sections: dict[str, list[tuple[dict[str, str], str]]] = {name: [] for name in TABLES["sections"]}
    resources: list[Resource] = []
    contained: list[Resource] = []
    for place, item in enumerate(transaction.iterfind("item")):
        kind = kind_of(item)
        if kind in RESOURCES:
            made_resources = made_of(item, context, place)
            resources += made_resources
            sections[_section(kind, made_resources[0])].append(
                (reference(made_resources[0]), _words(item, made_resources))
            )
        elif kind == "risk":
            contained.append(remark(item, context, place))
            sections["risk"].append(({"reference": f"#item-{place}"}, _named(item)))
        elif kind not in _NAMED_ELSEWHERE:
            sections["other"].append(({}, f"{code(item, 'CD-ITEM')}: {text(item)}"))
    files = _files(transaction, context)
    head = _composition(transaction, context, authors) | made(
        contained=contained, section=_sections(sections, transaction)
    )
    return [_ordered(head), *resources, *files]


def _ordered(head: Resource) -> Resource:
    first = ("resourceType", "id", "contained")
    return {name: head[name] for name in first if name in head} | head


def _section(kind: str, resource: Resource) -> str:
    if kind != "condition":
        return kind
    status = resource.get("clinicalStatus", {}).get("coding", [{}])[0].get("code")
    return "past" if status == "inactive" else "active"


def _words(item: Element, resources: Sequence[Resource]) -> str:
    about = resources[-1].get("code") or resources[0].get("vaccineCode") or {}
    shown = [about.get("text", ""), *(one.get("display", "") for one in about.get("coding", []))]
    return next((words for words in shown if words), code(item, "CD-ITEM"))


def _named(item: Element) -> str:
    about = said(item)
    codes = ", ".join(one["code"] for one in about.get("coding", []) if "code" in one)
    return f"{code(item, 'CD-ITEM')}: {about.get('text', '')} ({codes})" if codes else code(item, "CD-ITEM")


def _composition(transaction: Element, context: Context, authors: Sequence[dict[str, str]]) -> Resource:
    kind = code(transaction, "CD-TRANSACTION")
    loinc = TABLES["documents"].get(kind, "")
    codings = [{"system": "http://loinc.org", "code": loinc}] if loinc else []
    return made(
        resourceType="Composition",
        id=fhir.made_id("Composition", *context.key),
        identifier={"type": {"text": "ID-KMEHR"}, "value": "/".join(context.key)},
        status="final" if context.final else "preliminary",
        type={"coding": [*codings, made(system=cd_system("CD-TRANSACTION"), code=kind or "unknown")]},
        subject=context.subject,
        date=context.at,
        author=list(authors),
        title=f"KMEHR {kind}".strip(),
    )


def _sections(
    found: dict[str, list[tuple[dict[str, str], str]]], transaction: Element
) -> list[dict[str, Any]]:
    sections = [_titled(name, entries) for name, entries in found.items() if entries]
    if words := [text(one) for name in ("text", "heading") for one in transaction.iterfind(name)]:
        sections.append({"title": "Text", "text": _narrative.listed(words)})
    return sections


def _titled(name: str, entries: list[tuple[dict[str, str], str]]) -> dict[str, Any]:
    title, loinc = TABLES["sections"][name]
    return made(
        title=title,
        code=coded("http://loinc.org", loinc) if loinc else None,
        text=_narrative.listed(words for _, words in entries),
        entry=[entry for entry, _ in entries if entry],
    )


def _files(transaction: Element, context: Context) -> list[Resource]:
    """The files that a transaction carries in itself: a report as PDF, a letter."""
    found = []
    for place, link in enumerate(transaction.iter("lnk")):
        data = "".join((link.text or "").split())
        if not data or not _is_base64(data):
            continue
        found.append(
            made(
                resourceType="DocumentReference",
                id=fhir.made_id("DocumentReference", *context.key, str(place)),
                status="current",
                type=coded(cd_system("CD-TRANSACTION"), code(transaction, "CD-TRANSACTION") or "unknown"),
                subject=context.subject,
                date=context.at if "T" in context.at else "",
                author=[context.author] if context.author else [],
                content=[{"attachment": made(contentType=_media_type(link), data=data)}],
            )
        )
    return found


def _media_type(link: Element) -> str:
    return (link.get("MEDIATYPE") or "application/octet-stream").lower()


def _is_base64(data: str) -> bool:
    try:
        b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
