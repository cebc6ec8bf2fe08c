"""Patients who are in the hospital twice: what an outpatient clinic sends of those it registered by itself.

Each is made of a patient who is there, with one slip of the kind that happens at a desk, and without the
national number: pairs that a rule doubts and a person decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from vesalius.demo.records import NUMBERS, meta
from vesalius.fhir import belgium

FILE = "polyclinique.ndjson"
SOURCE = "polyclinique"

Resource = dict[str, Any]


def _as_it_is(patient: Resource) -> Resource:
    return patient


def _misspelt(patient: Resource) -> Resource:
    """One letter of the family name is doubled."""
    family = patient["name"][0]["family"]
    return _named(patient, f"{family[:2]}{family[1:]}")


def _slipped(patient: Resource) -> Resource:
    """One digit of the day of birth is another."""
    born = patient["birthDate"]
    return patient | {"birthDate": f"{born[:9]}{'1' if born[9] != '1' else '2'}"}


def _married(patient: Resource) -> Resource:
    """Registered under another family name."""
    return _named(patient, "Vandenabeele" if patient["name"][0]["family"] != "Vandenabeele" else "Lacroix")


def _named(patient: Resource, family: str) -> Resource:
    return patient | {"name": [patient["name"][0] | {"family": family}]}


SLIPS: tuple[Callable[[Resource], Resource], ...] = (_as_it_is, _misspelt, _slipped, _married)
"""What went wrong at the desk, one patient each."""


def doubles(patients: Iterable[Resource], at: datetime) -> Iterator[bytes]:
    """The lines of the file: the first patients who are fit for it, each with one slip.

    Args:
        patients: patients who are in the hospital, in a fixed order.
        at: when the clinic registered them.
    """
    fit = (each for each in patients if _is_fit(each))
    for number, (slip, patient) in enumerate(zip(SLIPS, fit, strict=False), 1):
        name = f"P{number:04d}"
        registered = slip(patient) | {"id": name, "meta": meta(at)}
        registered["identifier"] = [{"use": "usual", "system": f"{NUMBERS}/polyclinique", "value": name}]
        yield msgspec.json.encode(registered)


def _is_fit(patient: Resource) -> bool:
    """A woman whose whole birth date is known, whose day a slip leaves in the same month."""
    born = patient.get("birthDate", "")
    numbered = any(each.get("system") == belgium.NISS for each in patient.get("identifier", ()))
    return numbered and patient.get("gender") == "female" and len(born) == 10 and born[8] in "01"
