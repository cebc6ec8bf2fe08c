"""Antibiograms as rows: which organism, which antibiotic, S/I/R, and what was measured.

Laboratories build them as trees of observations, each in its own way: the antibiotics are members of the
organism, or derived from it; the organism is a code, or the value of a culture; the measurement stands in the
answer, in an observation that it is derived from, or in an extension. This reads all of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from vesalius.fhir.codes import INTERPRETATION, LOINC
from vesalius.fhir.results import ANSWERS, Result, quantity_result, result

DILUTION = "http://mimic.mit.edu/fhir/mimic/StructureDefinition/dilution-details"


class Susceptibility(msgspec.Struct, frozen=True):
    """One answer of an antibiogram.

    Attributes:
        organism, organism_codes: what grew: its name, and its codes as (system, code).
        antibiotic, antibiotic_codes: what was tried on it.
        answer: S, I or R; or SDD, NS, IND.
        mic: the least concentration that stops it, if it was sent; read its comparator too.
        zone: the diameter of the zone around a disk, if it was sent.
        source: the observation that gives the answer, as ``Observation/ID``.
        parent: the observation of the organism.
    """

    organism: str
    organism_codes: tuple[tuple[str, str], ...]
    antibiotic: str
    antibiotic_codes: tuple[tuple[str, str], ...]
    answer: str
    mic: Result | None
    zone: Result | None
    source: str
    parent: str


def antibiogram(observations: Iterable[dict[str, Any]]) -> Iterator[Susceptibility]:
    """The answers in some observations: of one report, one patient, or all; each at most once.

    An answer without an organism is left out: it says nothing by itself.

    Args:
        observations: decoded observations; those that are no part of an antibiogram are passed over.
    """
    known = {f"Observation/{each['id']}": each for each in observations if "id" in each}
    members = ((name, each.get("hasMember", ())) for name, each in known.items())
    parents = {member.get("reference", ""): name for name, of in members for member in of}
    for name, each in known.items():
        answer = _answer(each)
        parent = parents.get(name) or _derived_parent(each, known)
        if answer and parent in known and not _answer(known[parent]):
            yield _susceptibility(name, each, answer, parent, known)


def _susceptibility(
    name: str, each: dict[str, Any], answer: str, parent: str, known: dict[str, dict[str, Any]]
) -> Susceptibility:
    organism = _organism(known[parent])
    measured = list(_measured(each, known))
    return Susceptibility(
        organism=_name(organism),
        organism_codes=_codes(organism),
        antibiotic=_name(each["code"]),
        antibiotic_codes=_codes(each["code"]),
        answer=answer,
        mic=next((found for found in measured if found.unit != "mm"), None),
        zone=next((found for found in measured if found.unit == "mm"), None),
        source=name,
        parent=parent,
    )


def _answer(observation: dict[str, Any]) -> str:
    found = result(observation)
    if found.form == "susceptibility":
        return found.code
    if found.form in ("quantity", "none"):
        for concept in observation.get("interpretation", ()):
            for coding in concept.get("coding", ()):
                if coding.get("system") == INTERPRETATION and coding.get("code") in ANSWERS:
                    return str(coding["code"])
    return ""


def _derived_parent(each: dict[str, Any], known: dict[str, dict[str, Any]]) -> str:
    names = (source.get("reference", "") for source in each.get("derivedFrom", ()))
    return next((name for name in names if name in known and "hasMember" in known[name]), "")


def _organism(parent: dict[str, Any]) -> dict[str, Any]:
    """What names the organism: the value of a culture, which has a LOINC code; else the code itself."""
    code: dict[str, Any] = parent["code"]
    if any(coding.get("system") == LOINC for coding in code.get("coding", ())):
        if concept := parent.get("valueCodeableConcept"):
            return dict(concept)
        return {"text": parent.get("valueString", "")}
    return code


def _measured(each: dict[str, Any], known: dict[str, dict[str, Any]]) -> Iterator[Result]:
    raw = [known[name] for name in _references(each) if name in known and "hasMember" not in known[name]]
    found = [result(source) for source in (each, *raw)]
    dilutions = (one for one in each.get("extension", ()) if one.get("url") == DILUTION)
    found += [quantity_result(one["valueQuantity"]) for one in dilutions if "valueQuantity" in one]
    yield from (one for one in found if one.form == "quantity")


def _references(each: dict[str, Any]) -> Iterator[str]:
    return (source.get("reference", "") for source in each.get("derivedFrom", ()))


def _name(concept: dict[str, Any]) -> str:
    names = (concept.get("text"), *(coding.get("display") for coding in concept.get("coding", ())))
    return str(next((name for name in names if name), ""))


def _codes(concept: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    codings = concept.get("coding", ())
    return tuple((coding.get("system", ""), coding["code"]) for coding in codings if "code" in coding)
