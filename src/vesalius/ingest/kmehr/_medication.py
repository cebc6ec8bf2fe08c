"""Items of medication: which product, since when, how taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vesalius.ingest._resources import Resource, made
from vesalius.ingest._xml import Element, text, texts
from vesalius.ingest.kmehr._dosage import dosages
from vesalius.ingest.kmehr._moments import moment
from vesalius.ingest.kmehr._tables import TABLES, cd_system, code, coded, coding

_MAGISTRAL = {
    "system": "https://www.ehealth.fgov.be/standards/fhir/medication/CodeSystem/medication-type",
    "code": "magistral",
}
_PRODUCTS = ("medicinalproduct", "substanceproduct")
_NOTES = ("text", "instructionforoverdosing", "instructionforreimbursement", "commentfordelivery")


def product(item: Element) -> dict[str, Any]:
    """The product of an item, as a codeable concept: intended, delivered, ATC, compound or in words only."""
    codings, names = [], []
    for content in item.iterfind("content"):
        for kind in _PRODUCTS:
            for found in content.iterfind(kind):
                codings += list(_codings(found))
                names += [*texts(found, "deliveredname"), *texts(found, "intendedname")]
        codings += [one for cd in content.iterfind("cd") if "code" in (one := coding(cd))]
        for compound in content.iterfind("compoundprescription"):
            codings.append(dict(_MAGISTRAL))
            names.append(text(compound))
    names = [name for name in names if name] or list(texts(item, "content/text"))
    return made(coding=codings, text=names[0] if names else "")


def _codings(found: Element) -> Iterator[dict[str, Any]]:
    for which in ("intended", "delivered"):
        display = text(found.find(f"{which}name"))
        for cd in found.iterfind(f"{which}cd"):
            one = coding(cd)
            if "code" in one:
                yield one | ({"display": display} if display else {})


def statement(item: Element, *, scheme: bool) -> Resource:
    """What an item says of how a product is taken, as elements of a MedicationStatement."""
    lifecycle = code(item.find("lifecycle"), "CD-LIFECYCLE")
    temporality = code(item.find("temporality"), "CD-TEMPORALITY")
    return made(
        status=TABLES["medications"].get(lifecycle, "unknown"),
        category=coded(cd_system("CD-TEMPORALITY"), temporality) if temporality else None,
        effectivePeriod=period(item),
        note=[{"text": words} for words in (*notes(item), *other_lifecycle(item, ("medications",)))],
        dosage=dosages(item, scheme=scheme),
    )


def other_lifecycle(item: Element, known: tuple[str, ...]) -> list[str]:
    """The life cycle of an item as a note, if none of the tables ``known`` says what FHIR makes of it."""
    lifecycle = code(item.find("lifecycle"), "CD-LIFECYCLE")
    return (
        [f"CD-LIFECYCLE: {lifecycle}"]
        if lifecycle and not any(lifecycle in TABLES[one] for one in known)
        else []
    )


def period(item: Element) -> dict[str, Any]:
    """From its begin to its end, as far as they are said."""
    return made(start=moment(item.find("beginmoment")), end=moment(item.find("endmoment")))


def notes(item: Element) -> list[str]:
    """What is said about an item in words, besides the name of its product."""
    said = [words for name in _NOTES for words in texts(item, name)]
    said += texts(item, "content/text")
    name = product(item).get("text", "")
    return [words for words in dict.fromkeys(said) if words != name]
