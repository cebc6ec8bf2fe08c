"""FHIR resources under pseudonyms: what names somebody goes, what is measured stays.

What an element holds is known from the R4 tables, so nothing rests on a list of paths that could forget one:
an element that the tables do not know goes, and so does every extension that is not named as safe. What comes
out is valid R4, or is held back.

===================  =====================================================================================
ids, references      pseudonyms of the permit; absolute references become relative, versions go
identifiers          the pseudonym of system and value, under one system; a national number by its digits
names, telecom       gone; so are photographs, contacts, signatures, narratives, coordinates
addresses            country, and the first digits of the postal code
birth date           its year; of who is older than 89, the year of those who are 90
other dates          moved by the patient's own days; those about no patient become their year, or go
words                gone, or scrubbed (:mod:`vesalius.privacy.text`); the display of a code stays where
                     its system is a standard one
attachments, bytes   gone; their content type stays
===================  =====================================================================================
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Literal

import msgspec

from vesalius.errors import InvalidIdentifier, InvalidResource, NotFound, NotScrubbed
from vesalius.fhir import Element, check, elements, resource_types, subject
from vesalius.privacy import _references
from vesalius.privacy.dates import OLDEST, Shifting, birth_year, shift_of, shifted
from vesalius.privacy.pseudonyms import Pseudonyms
from vesalius.privacy.text import Found, Kind, Recogniser, Scrubber

SYSTEM = "urn:vesalius:pseudonym"
"""The system of every identifier that is a pseudonym."""

DICOM = "urn:dicom:uid"
"""The system of the identifiers of studies, whose pseudonyms are those of the images."""

REMOVED = "[REMOVED]"
"""Stands where R4 wants words."""

_LABEL = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "PSEUDED",
    "display": "pseudonymized",
}
_GONE = {"HumanName", "ContactPoint", "ContactDetail", "Narrative", "Signature", "base64Binary", "xhtml"}
_GONE_AT = {
    *((kind, "photo") for kind in ("Patient", "Practitioner", "Person", "RelatedPerson")),
    *(("Bundle", name) for name in ("link", "total")),
    *(("Bundle.entry", name) for name in ("link", "request", "response", "search")),
    *(("Device", name) for name in ("serialNumber", "lotNumber", "udiCarrier")),
    *(("Meta", name) for name in ("lastUpdated", "source")),
    ("AuditEvent.agent", "network"),
    ("Location", "position"),
    ("Patient", "contact"),
    ("Person", "link"),
}
_NAMES = {"name", "alias", "title", "author", "publisher"}
_SAFE_WORDS = {
    ("SampledData", "data"),
    ("QuestionnaireResponse.item", "linkId"),
    ("Questionnaire.item", "linkId"),
}
_SAFE_URIS = {("Meta", "profile"), ("Extension", "url"), ("QuestionnaireResponse", "questionnaire")}
_STANDARD = re.compile(
    r"http://(loinc\.org|snomed\.info/sct|unitsofmeasure\.org|terminology\.hl7\.org/|hl7\.org/fhir"
    r"|www\.whocc\.no/atc|www\.nlm\.nih\.gov/research/umls/rxnorm)|urn:(iso|ietf)"
)
_URIS = {"uri", "url", "canonical", "oid", "uuid"}
_DATES = {"date", "dateTime", "instant"}
_AGES = {"30525-0", "21612-7", "29553-5"}
"""LOINC: age, age reported, age calculated."""


class Pseudonymised(msgspec.Struct, frozen=True):
    """A resource under pseudonyms, and how much of each kind was changed; no value of it.

    Attributes:
        resource: in R4, valid.
        counts: by kind: ``ids``, ``names``, ``dates`` …
    """

    resource: dict[str, Any]
    counts: dict[str, int]


class _Words(msgspec.Struct, frozen=True):
    scrub: Callable[[str], str | None]
    tells: Callable[[str], bool]


class _About(msgspec.Struct, frozen=True):
    """What is known while a resource is worked on."""

    shift: timedelta | None
    words: _Words
    counts: Counter[str]


class Pseudonymiser:
    """Puts resources under the pseudonyms of one permit.

    Args:
        pseudonyms: of the permit.
        today: the day on which ages are judged; the same for every extract of a permit.
        shifting: how far dates move.
        texts: ``remove`` words, or ``scrub`` them, which keeps more and is less certain.
        postcode: how many digits of a postal code stay, 0 to 4.
        extensions: the addresses of extensions that are safe; all others go.
    """

    def __init__(
        self,
        pseudonyms: Pseudonyms,
        today: date,
        shifting: Shifting | None = None,
        texts: Literal["remove", "scrub"] = "remove",
        postcode: int = 2,
        extensions: Collection[str] = (),
    ) -> None:
        shifting = shifting or Shifting()
        shifting.check()
        self._pseudonyms = pseudonyms
        self._today = today
        self._shifting = shifting
        self._scrub = texts == "scrub"
        self._postcode = min(max(postcode, 0), 4)
        self._extensions = frozenset(extensions)
        self._known: dict[str, set[str]] = {}
        self._staff: set[str] = set()
        self._words_of = lru_cache(256)(self._make_words)

    def learn(self, resource: dict[str, Any]) -> None:
        """Remembers what names the person of a resource, to find it in the words of their other resources."""
        try:
            whole = _references.named(resource)
            for inner in [whole, *(entry.get("resource", {}) for entry in whole.get("entry", []))]:
                if inner.get("resourceType") not in resource_types():
                    continue
                found = set(_naming(inner))
                if inner["resourceType"] in {"Practitioner", "Organization", "Location"}:
                    self._staff |= found
                elif found and (about := subject(inner)):
                    self._known.setdefault(about, set()).update(found)
        except (AttributeError, KeyError, TypeError):
            return  # what is no resource is refused when its turn comes
        self._words_of.cache_clear()

    def pseudonymise(self, resource: dict[str, Any]) -> Pseudonymised:
        """A copy of a resource under pseudonyms.

        Raises:
            InvalidResource: it is not R4.
            NotScrubbed: it has what cannot be judged: a modifier extension, rules of another specification.
        """
        check(resource)
        counts: Counter[str] = Counter()
        whole = _references.named(resource)
        try:
            done = self._resource(whole, None, counts)
        except InvalidIdentifier as error:
            raise NotScrubbed(error.message) from None
        try:
            check(done)
        except InvalidResource as error:
            raise NotScrubbed(f"{error.path or resource['resourceType']} cannot go and cannot stay") from None
        return Pseudonymised(done, dict(sorted(counts.items())))

    def _resource(
        self, resource: dict[str, Any], container: _About | None, counts: Counter[str]
    ) -> dict[str, Any]:
        kind = resource["resourceType"]
        about = container or self._about(resource, counts)
        done = {"resourceType": kind, **self._object(kind, resource, about)}
        if "id" in resource:
            done["id"] = self._pseudonyms.of("contained" if container else kind, resource["id"])
            counts["ids"] += 1
        if kind == "Observation":
            _cap_age(done, counts)
        if kind == "Bundle":
            done["type"] = "collection"  # the others tell requests, or a search
        if not container:
            meta = done.get("meta", {})
            done["meta"] = {**meta, "security": [*meta.get("security", []), _LABEL]}
        order = {"resourceType": 0, "id": 1, "meta": 2}
        return dict(sorted(done.items(), key=lambda pair: order.get(pair[0], 3)))

    def _about(self, resource: dict[str, Any], counts: Counter[str]) -> _About:
        patient = subject(resource)
        shift = shift_of(self._pseudonyms, patient, self._shifting) if patient else None
        own = frozenset(_naming(resource)) | frozenset(self._known.get(patient or "", ()))
        return _About(shift, self._words_of(own, shift), counts)

    def _object(self, kind: str, value: dict[str, Any], about: _About) -> dict[str, Any]:
        """The children of an object of a type, each in its new form; those that go are left out."""
        known = _children(kind)
        done: dict[str, Any] = {}
        for name, child in value.items():
            if name in {"resourceType", "fhir_comments"} or (name == "id" and kind in resource_types()):
                continue
            if name in {"modifierExtension", "implicitRules"} and child:
                raise NotScrubbed(f"{kind} has {name}, whose meaning is not known")
            found = known.get(name)
            if found is None or name == "id":
                about.counts["extensions" if name.startswith("_") else "unknown elements"] += 1
                continue
            element, type_ = found
            new = self._values(kind, element, type_, child, about)
            if new is not None:
                done[name] = new
        return done

    def _values(self, kind: str, element: Element, type_: str, value: Any, about: _About) -> Any:
        if not isinstance(value, list):
            return self._value(kind, element, type_, value, about)
        done = [self._value(kind, element, type_, one, about) for one in value]
        return [one for one in done if one is not None] or None

    def _value(self, kind: str, element: Element, type_: str, value: Any, about: _About) -> Any:
        name = element.name
        if type_ in _GONE or (kind, name) in _GONE_AT:
            about.counts[_COUNTED.get(type_, "other elements")] += 1
            return None
        if special := _SPECIAL.get(type_):
            return special(self, value, about)
        if type_ in {"string", "markdown"}:
            return self._string(kind, element, value, about)
        if type_ == "id" and element.name != "versionId":
            about.counts["ids"] += 1
            return (
                self._pseudonyms.uid(value) if element.name == "uid" else self._pseudonyms.of("local", value)
            )
        if type_ in _DATES:
            return self._date(element, type_, value, about)
        if type_ in _URIS:
            return self._uri(kind, element, value, about)
        if type_ == "Resource":
            if kind.startswith(("Bundle", "Parameters")):
                return self._resource(value, None, about.counts)
            return self._resource(value, about, about.counts)
        if not isinstance(value, dict):
            return value
        emptied = {"text": REMOVED} if type_ == "CodeableConcept" and element.min else None
        return self._object(type_, value, about) or emptied

    def _string(self, kind: str, element: Element, value: str, about: _About) -> str | None:
        if (kind, element.name) in _SAFE_WORDS:
            return value
        about.counts["texts"] += 1
        left = about.words.scrub(value) if self._scrub and element.name not in _NAMES else None
        return left or (REMOVED if element.min else None)

    def _date(self, element: Element, type_: str, value: str, about: _About) -> str | None:
        if element.name == "birthDate":
            about.counts["birth dates"] += 1
            return birth_year(value, self._today)
        about.counts["dates"] += 1
        if about.shift is not None:
            return shifted(value, about.shift)
        if type_ != "instant":
            return value[:4]
        return f"{value[:4]}-01-01T00:00:00Z" if element.min else None

    def _uri(self, kind: str, element: Element, value: str, about: _About) -> str | None:
        if kind == "Bundle.entry" and element.name == "fullUrl":
            new = _references.reference(value, self._pseudonyms)
            return new if not new or ":" in new else _references.BASE + new
        if (kind, element.name) in _SAFE_URIS:
            return value
        about.counts["addresses of documents"] += 1
        return "urn:vesalius:removed" if element.min else None

    def _reference(self, value: dict[str, Any], about: _About) -> dict[str, Any] | None:
        done: dict[str, Any] = {}
        if isinstance(text := value.get("reference"), str):
            about.counts["references"] += 1
            new = _references.reference(text, self._pseudonyms)
            done |= {"reference": new} if new else {}
        if "type" in value:
            done["type"] = value["type"]
        if isinstance(value.get("identifier"), dict):
            done["identifier"] = self._identifier(value["identifier"], about)
        return done or {"identifier": {"system": SYSTEM}}

    def _identifier(self, value: dict[str, Any], about: _About) -> dict[str, Any]:
        about.counts["identifiers"] += 1
        done: dict[str, Any] = {"use": value["use"]} if "use" in value else {}
        if coding := value.get("type", {}).get("coding"):
            kept = [self._coding(one, about) for one in coding if _STANDARD.match(one.get("system", ""))]
            done |= {"type": {"coding": kept}} if kept else {}
        said = value.get("value", "")
        if value.get("system") == DICOM and said.startswith("urn:oid:"):  # as in the images of the permit
            uid = self._pseudonyms.uid(said.removeprefix("urn:oid:"))
            return {**done, "system": DICOM, "value": f"urn:oid:{uid}"}
        done["system"] = SYSTEM
        if said:
            done["value"] = self._pseudonyms.identifier(value.get("system", ""), said)
        return done

    def _address(self, value: dict[str, Any], about: _About) -> dict[str, Any] | None:
        about.counts["addresses"] += 1
        code = str(value.get("postalCode", ""))[: self._postcode]
        country = value.get("country", "")
        done = {"postalCode": code} if code.isalnum() else {}
        done |= {"country": country} if re.fullmatch("[A-Z]{2,3}", country) else {}
        return done or None

    def _attachment(self, value: dict[str, Any], about: _About) -> dict[str, Any]:
        about.counts["attachments"] += 1
        return {"contentType": value["contentType"]} if "contentType" in value else {"title": REMOVED}

    def _coding(self, value: dict[str, Any], about: _About) -> dict[str, Any]:
        done: dict[str, Any] = {
            name: value[name] for name in ("system", "version", "code", "userSelected") if name in value
        }
        if about.words.tells(done.get("code", "")):
            del done["code"]
        if shown := value.get("display"):
            standard = _STANDARD.match(value.get("system", ""))
            if standard and not about.words.tells(shown):
                done["display"] = shown
            elif self._scrub and (left := about.words.scrub(shown)):
                done["display"] = left
            about.counts["texts"] += "display" not in done
        return done

    def _quantity(self, value: dict[str, Any], about: _About) -> dict[str, Any]:
        kept = ("value", "comparator", "system", "code")
        done: dict[str, Any] = {name: value[name] for name in kept if name in value}
        if unit := value.get("unit"):
            unit = (
                value.get("code", unit)
                if _STANDARD.match(value.get("system", ""))
                else about.words.scrub(unit)
            )
            done |= {"unit": unit} if unit else {}
        return done

    def _age(self, value: dict[str, Any], about: _About) -> dict[str, Any]:
        done = self._quantity(value, about)
        if (
            isinstance(years := done.get("value"), int | Decimal)
            and years > OLDEST
            and done.get("code") == "a"
        ):
            about.counts["ages"] += 1
            done["value"] = OLDEST + 1
        return done

    def _annotation(self, value: dict[str, Any], about: _About) -> dict[str, Any] | None:
        about.counts["texts"] += 1
        left = about.words.scrub(value.get("text", "")) if self._scrub else None
        if not left:
            return None
        done: dict[str, Any] = {"text": left}
        if about.shift is not None and "time" in value:
            done["time"] = shifted(value["time"], about.shift)
        return done

    def _extension(self, value: dict[str, Any], about: _About) -> dict[str, Any] | None:
        if value.get("url") in self._extensions:
            return self._object("Extension", value, about)
        about.counts["extensions"] += 1
        return None

    def _make_words(self, known: frozenset[str], shift: timedelta | None) -> _Words:
        """What is left of words about somebody: what is known of them is looked for as it stands, too."""
        recognise = _literally(known)
        staff = [_literally(self._staff)] if self._scrub else []
        scrubber = Scrubber([one for one in known if not re.search(r"\d", one)], shift, [recognise, *staff])
        return _Words(
            scrub=lambda text: scrubber.scrub(text).text or None, tells=lambda text: any(recognise(text))
        )


def _literally(known: Collection[str]) -> Recogniser:
    """Finds what is known, as it stands and in any case."""
    listed = sorted({text for text in known if len(text) > 3}, key=len, reverse=True)
    form = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, listed))})(?!\w)", re.IGNORECASE)

    def recognise(text: str) -> Iterator[Found]:
        for match in form.finditer(text) if listed else ():
            yield Found(*match.span(), Kind.ID)

    return recognise


_SPECIAL: dict[str, Callable[[Pseudonymiser, Any, _About], Any]] = {
    "Reference": Pseudonymiser._reference,
    "Identifier": Pseudonymiser._identifier,
    "Address": Pseudonymiser._address,
    "Attachment": Pseudonymiser._attachment,
    "Coding": Pseudonymiser._coding,
    "Age": Pseudonymiser._age,
    "Annotation": Pseudonymiser._annotation,
    "Extension": Pseudonymiser._extension,
} | dict.fromkeys(("Quantity", "Duration", "Count", "Distance", "SimpleQuantity"), Pseudonymiser._quantity)
_COUNTED = {
    "HumanName": "names",
    "ContactPoint": "telecom",
    "ContactDetail": "telecom",
    "Narrative": "narratives",
    "base64Binary": "attachments",
}


def _cap_age(observation: dict[str, Any], counts: Counter[str]) -> None:
    """An age that was observed is told as any other: nobody is older than 90."""
    codes = {one.get("code") for one in observation.get("code", {}).get("coding", [])}
    quantity = observation.get("valueQuantity", {})
    if codes & _AGES and quantity.get("value", 0) > OLDEST and quantity.get("code", "a") == "a":
        counts["ages"] += 1
        observation["valueQuantity"] = {**quantity, "value": OLDEST + 1}


@cache
def _children(kind: str) -> dict[str, tuple[Element, str]]:
    try:
        return {name: (one, type_) for one in elements(kind) for name, type_ in one.names.items()}
    except NotFound:
        return {}


def _naming(value: Any, inside: str = "") -> Iterator[str]:
    """What names somebody in a resource: the parts of names and addresses, numbers, telecom."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _naming(child, name if name in _WHERE else inside and f"{inside}.{name}")
    elif isinstance(value, list):
        for child in value:
            yield from _naming(child, inside)
    elif isinstance(value, str) and inside in _NAMING and value.strip():
        yield value.strip()


_WHERE = {"name", "identifier", "telecom", "address"}
_NAMING = {
    *(f"name.{part}" for part in ("family", "given", "text")),
    *(f"address.{part}" for part in ("line", "city", "text")),
    "identifier.value",
    "telecom.value",
}
