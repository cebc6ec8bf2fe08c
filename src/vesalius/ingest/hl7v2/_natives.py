"""What the tables say in words only: systems of codes and identifiers, translation, places within places."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

from vesalius import fhir
from vesalius.ingest.hl7v2._message import DELETE
from vesalius.ingest.hl7v2._run import REFERENCE, Run, nth
from vesalius.ingest.hl7v2._shared import Known, own
from vesalius.ingest.hl7v2._values import V2_SYSTEM, authority, system_of

Maker = Callable[[Run, list[str]], Any]
Codes = dict[str, tuple[str, str, str]]

_CODED = frozenset({"CWE", "CE", "CNE", "CF"})
_NATIONAL = frozenset({"NNBEL", "NISS", "INSZ", "SSIN"})
_TYPES = f"{V2_SYSTEM}0203"


def is_system(base: str, name: str) -> bool:
    """Whether a component of a coded data type names its code system."""
    return name == "system" and base in _CODED


def system(run: Run, text: str) -> str | None:
    """The URI of a code system."""
    return system_of(text, run.sender, run.tables.systems) if text.strip() else None


def wrapped(name: str, make: Maker) -> Maker:
    """A data type map, with what the tables say of it in words."""
    base = name.partition("[")[0]
    if name == "HD[uri]":
        return lambda run, parts: authority(parts, run) or None
    if name in {"CX[Identifier]", "PLN[Identifier]"}:
        return _typed(make)
    if name.startswith(("EI[Identifier", "EI[Condition")):
        return _with_system(make, lambda _, parts: parts[1:4])
    if base == "EIP":
        number = 2 if "Filler" in name else 1
        return _with_system(
            make, lambda run, parts: nth(parts, number).split(run.message.delimiters.subcomponent)[1:4]
        )
    if name.startswith("CWE[CodeableConcept") or base in {"CE", "CNE", "CF"}:
        return _coded(make)
    if name == "CWE[Quantity]":
        return _unit(make)
    if base == "ED":
        return _document(make)
    return make


def _with_system(make: Maker, of: Callable[[Run, list[str]], list[str]]) -> Maker:
    def made(run: Run, parts: list[str]) -> Any:
        value = make(run, parts)
        if not isinstance(value, dict) or "value" not in value:
            return value
        named = of(run, parts)
        if named and (mark := run.message.delimiters.subcomponent) in named[0]:
            named = named[0].split(mark)  # an HD where its parts should stand
        if found := authority(named, run):
            value["system"] = found
        return value

    return made


def _typed(make: Maker) -> Maker:
    """Identifiers: the system of their type code, and national numbers under their national system."""

    def made(run: Run, parts: list[str]) -> Any:
        value = make(run, parts)
        if not isinstance(value, dict):
            return value
        kind = value.get("type")
        if type(kind) is Known:
            kind = value["type"] = kind.typed or _with_type_system(kind)
        if kind and "code" in (coding := kind.get("coding", _NO_CODINGS)[0]):
            coding.setdefault("system", _TYPES)
            if coding["code"] in _NATIONAL:
                value["system"] = fhir.belgium.NISS
        if value.get("system") == fhir.belgium.NISS and fhir.belgium.niss_is_valid(value.get("value", "")):
            value["value"] = re.sub(r"\D", "", value["value"])
        return value

    return made


_NO_CODINGS: tuple[dict[str, Any]] = ({},)


def _with_type_system(kind: Known) -> Known:
    """The type of an identifier, which is of HL7's table where it names no other; remembered with it."""
    made = own(kind)
    coding = made.get("coding", _NO_CODINGS)[0]
    if "code" in coding:
        coding.setdefault("system", _TYPES)
    kind.typed = Known(made)
    return kind.typed


def _coded(make: Maker) -> Maker:
    """Concepts: what says no code but only a text is its text."""

    def made(run: Run, parts: list[str]) -> Any:
        value = make(run, parts)
        if not isinstance(value, dict):
            return value
        codings = [each for each in value.get("coding", ()) if "code" in each or "display" in each]
        for each in codings:
            if "code" not in each:
                each.pop("system", None)
                value.setdefault("text", each["display"])
        codings = [each for each in codings if "code" in each]
        value.pop("coding", None)
        return {"coding": codings, **value} if codings else value

    return made


def translate(value: dict[str, Any], codes: Codes) -> None:
    """Translates the first coding of a concept (or a coding); one of another system than HL7's stays too."""
    coding = value["coding"][0] if value.get("coding") else value
    code, system_ = coding.get("code", ""), coding.get("system", "")
    found = codes.get(code)
    if not found or (system_ and not system_.startswith((V2_SYSTEM, "urn:x-hl7v2:"))):
        return
    to, display, url = found
    made = {"system": url, "code": to, "display": display}
    made = {name: text for name, text in made.items() if text}
    if coding is value:
        value.update(made)
    elif (made.get("system"), to) != (system_, code):
        value["coding"] = [made, *value["coding"]] if system_ else [made, *value["coding"][1:]]
    if coding is not value and "text" not in value and (said := coding.get("display")) and said != display:
        value["text"] = said


def _unit(make: Maker) -> Maker:
    """Units: a code needs its system; without one it is a unit in words."""

    def made(run: Run, parts: list[str]) -> Any:
        value = make(run, parts)
        if isinstance(value, dict) and value.get("system", "").startswith("urn:x-hl7v2:"):
            value.pop("system")
            value.setdefault("unit", value.pop("code", ""))
            value.pop("code", None)
        return value

    return made


def _document(make: Maker) -> Maker:
    """Encapsulated data: what comes in base 64 stays so; other text is turned into it."""

    def made(run: Run, parts: list[str]) -> Any:
        value = make(run, parts)
        raw = nth(parts, 5)
        if not isinstance(value, dict) or not raw or raw == DELETE:
            return value
        kind = nth(parts, 4).strip().upper()
        text = "".join(run.text(raw).split()) if kind in {"BASE64", "HEX"} else run.text(raw)
        data = _bytes(text, kind)
        attachment = value["content"][0]["attachment"] if "content" in value else value
        attachment["data"] = base64.b64encode(data).decode()
        return value

    return made


def _bytes(text: str, kind: str) -> bytes:
    try:
        if kind == "BASE64":
            return base64.b64decode(text, validate=True)
        if kind == "HEX":
            return bytes.fromhex(text)
    except (binascii.Error, ValueError):
        pass  # it is not what it says: it is kept as the text that it is
    return text.encode()


def joined(run: Run, roots: dict[str, dict[str, Any]], links: dict[str, str]) -> Any:
    """What a data type map made: one value, several, or the innermost of places within places."""
    if not roots:
        return None
    if not links:
        return roots.get("") or roots.get("1") if len(roots) == 1 else [roots[key] for key in sorted(roots)]
    chain = sorted(roots, key=lambda key: _ORDER.get(key, 9))
    value = roots[chain[-1]]
    for key in reversed(chain[:-1]):
        outer = run.draft("Location")
        outer.resource, outer.said = value, True
        value = roots[key]
        value["partOf"] = {REFERENCE: outer}
    return value


# Bed, room, floor, ward, building, site: from the inside out, as the map of PL numbers them.
_ORDER = {"1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "6": 6}
