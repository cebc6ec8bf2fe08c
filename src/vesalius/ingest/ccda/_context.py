"""What all entries of a document share: whom it is about, when it was made, how things are named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vesalius import fhir
from vesalius.ingest._resources import made
from vesalius.ingest._xml import Element
from vesalius.ingest.ccda import _data
from vesalius.ingest.ccda._people import People

HL7 = "http://terminology.hl7.org/CodeSystem/"
LOINC = "http://loinc.org"


@dataclass
class Context:
    """One document on its way.

    Attributes:
        key: what names the document.
        subject: the reference to the patient.
        at: when the document was made, as a FHIR dateTime.
        people: who is named in it.
        words: what stands in the readable text of the section at hand, by ID.
    """

    key: tuple[str, ...]
    subject: dict[str, str]
    at: str
    people: People
    words: Mapping[str, str] = field(default_factory=dict)
    _given: set[tuple[str, str]] = field(default_factory=set)
    _count: int = 0

    def named(self, kind: str, entry: Element) -> dict[str, Any]:
        """The type, id, ``meta`` and identifiers of what an entry becomes.

        The id is made of the patient and of the entry's own identifier; an entry without one, or with one
        that another entry of the document has too, is named by the document and its place in it.
        """
        self._count += 1
        identifiers = _data.identifiers(entry)
        for one in identifiers[:1]:
            found = fhir.made_id(kind, self.subject["reference"], one.get("system", ""), one["value"])
            if (kind, found) not in self._given:
                break
        else:
            found = fhir.made_id(kind, *self.key, f"#{self._count}")
        self._given.add((kind, found))
        return made(resourceType=kind, id=found, meta=self.people.meta, identifier=identifiers)

    def concept(self, element: Element | None) -> dict[str, Any]:
        """A coded value."""
        return _data.concept(element, self.words)

    def about(self, entry: Element, path: str = "code") -> dict[str, Any]:
        """What an entry is about: its code, else its words, else that it does not say."""
        found = self.concept(entry.find(path))
        said = _data.referred(entry.find("text"), self.words)
        return found or ({"text": said} if said else {"text": "not said"})

    def recorded(self, entry: Element) -> str:
        """When an entry was written: by its author, else with the document."""
        return _data.time(entry.find("author/time")) or self.at

    def author(self, entry: Element) -> dict[str, str] | None:
        """Who wrote an entry."""
        return self.people.named(entry.find("author/assignedAuthor"))

    def performer(self, entry: Element) -> dict[str, str] | None:
        """Who did what an entry says."""
        return self.people.named(entry.find("performer/assignedEntity"))

    def note(self, entry: Element) -> list[dict[str, str]]:
        """The words that stand beside an entry."""
        said = _data.referred(entry.find("text"), self.words)
        return [{"text": said}] if said else []


def coded(system: str, code: str) -> dict[str, Any]:
    """A codeable concept of one code."""
    return {"coding": [{"system": system, "code": code}]}


def related(entry: Element, *, template: str = "", code: str = "") -> Element | None:
    """The observation beside an entry, by its template or its LOINC code; None if there is none."""
    for one in entry.iterfind("entryRelationship/observation"):
        found = one.find("code")
        if template and template in set(_data.templates(one)):
            return one
        if code and found is not None and found.get("code") == code:
            return one
    return None


def status(entry: Element, table: str, default: str) -> str:
    """The FHIR status for the statusCode of an act."""
    found = entry.find("statusCode")
    code = "" if found is None else found.get("code") or ""
    return str(_data.TABLES[table].get(code, default))


def negated(entry: Element) -> bool:
    """Whether an entry says that something is not so, or was not done."""
    return bool(entry.get("negationInd") == "true")
