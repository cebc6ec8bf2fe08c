"""From features to the inputs of the card: plain functions on columns, one value per candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from vesalius.usecase import Candidate
from vesalius.usecases.readmission import stays, words
from vesalius.usecases.readmission.diagnoses import CHARLSON, OTHER, charlson

STAY = (
    "begins",
    "ends",
    "days",
    "priority",
    "type_system",
    "type",
    "source_system",
    "source",
    "disposition_system",
    "disposition",
    "specialty_system",
    "specialty",
    "specialty_text",
    "principal",
)
"""The columns of the stays that are read."""

HAS, TAKES, CHARLSON_ = "has_", "takes_", "charlson_"
"""What the names of features begin with: a group of diagnoses, a class of medicines, a condition."""

CLASSES = ("metformin", "sulfonylurea", "glitazone", "glinide")

Column = list[Any]
Columns = Mapping[str, Column]


def columns(
    read: Columns, before: Sequence[Mapping[str, tuple[str, ...]]], asked: Sequence[Candidate]
) -> dict[str, Column]:
    """The inputs of the card.

    Args:
        read: the features by name, N values each.
        before: for each of N candidates the earlier stays and visits, by input.
        asked: N candidates.
    """
    made = {name: column for name, column in read.items() if name.startswith(HAS)}
    made |= _person(read, asked) | _stay(read) | _earlier(read, before) | _diagnoses(read)
    made |= _medicines(read) | _results(read)
    known = [bool(count) for count in read["counted_diagnoses"]]
    for name in (name for name in made if name.startswith(HAS)):
        made[name] = [
            bool(value) if is_known else None for value, is_known in zip(made[name], known, strict=True)
        ]
    return made


def scope(read: Columns, asked: Sequence[Candidate]) -> dict[str, Column]:
    """The inputs that decide whether a stay is in scope."""
    made = _person(read, asked) | _stay(read)
    return {name: made[name] for name in ("age", "destination", "length_of_stay")}


@cache
def parts() -> dict[str, tuple[str, ...]]:
    """Which features an input is made of, where they have other names than the input."""
    return {
        "age": ("age_from", "birth_date"),
        "length_of_stay": ("days", "begins", "ends"),
        "admission": ("priority", "type"),
        "origin": ("source",),
        "destination": ("disposition",),
        "specialty": ("specialty", "specialty_text"),
        "principal_diagnosis": ("principal_group",),
        "diagnoses": ("diagnoses", "counted_diagnoses"),
        "charlson": tuple(f"{CHARLSON_}{name}" for name in CHARLSON),
        "insulin": ("takes_insulin",),
        **{name: (f"{TAKES}{name}",) for name in CLASSES},
        "diabetes_medicine": ("diabetes_medicine", "takes_diabetes_medicine"),
        "medicines": ("medicines", "counted_medicines"),
        "procedures": ("procedures", "counted_procedures"),
        "laboratory_tests": ("laboratory_tests", "counted_tests"),
        "hba1c": ("hba1c", "hba1c_band"),
        "glucose": ("glucose", "glucose_band"),
    }


def _person(read: Columns, asked: Sequence[Candidate]) -> dict[str, Column]:
    bands = zip(read["age_from"], read["birth_date"], asked, strict=True)
    return {
        "age": [words.age_band(_years(low, born, candidate)) for low, born, candidate in bands],
        "sex": [sex if sex in ("female", "male") else None for sex in read["sex"]],
    }


def _years(low: float | None, born: str | None, candidate: Candidate) -> float | None:
    """The age in years; of an age by bands, where the band begins."""
    if low is not None:
        return low
    birth = stays.moment(born)
    return (candidate.as_of - birth).days / 365.25 if birth is not None else None


def _stay(read: Columns) -> dict[str, Column]:
    coded = {
        name: list(zip(read[f"{name}_system"], read[name], strict=True))
        for name in ("type", "source", "disposition", "specialty")
    }
    spans = zip(read["days"], read["begins"], read["ends"], strict=True)
    return {
        "length_of_stay": [_days(days, begins, ends) for days, begins, ends in spans],
        "admission": [
            words.PRIORITIES.get(priority or "") or words.ADMISSIONS.get(kind)
            for priority, kind in zip(read["priority"], coded["type"], strict=True)
        ],
        "origin": [words.ORIGINS.get(code) for code in coded["source"]],
        "destination": [words.DESTINATIONS.get(code) for code in coded["disposition"]],
        "specialty": [
            words.SPECIALTY_CODES.get(code) or _specialty(text)
            for code, text in zip(coded["specialty"], read["specialty_text"], strict=True)
        ],
    }


def _days(days: float | None, begins: str | None, ends: str | None) -> float | None:
    """Days in hospital: as said, else the nights between the two dates."""
    if days is not None:
        return float(days) if days >= 0 else None
    if not begins or not ends or len(begins) < len("2026-01-01") or len(ends) < len("2026-01-01"):
        return None
    first, last = stays.moment(begins[:10]), stays.moment(ends[:10])
    nights = (last - first).days if first and last else -1
    return float(nights) if nights >= 0 else None


def _specialty(text: str | None) -> str | None:
    return words.SPECIALTY_NAMES.get(text, words.OTHER_SPECIALTY) if text else None


def _earlier(read: Columns, before: Sequence[Mapping[str, tuple[str, ...]]]) -> dict[str, Column]:
    """The count that the source gives, else the stays and visits of the record: none is 0."""
    return {
        name: [
            float(given) if given is not None else float(len(counted.get(name, ())))
            for given, counted in zip(read[name], before, strict=True)
        ]
        for name in stays.KINDS
    }


def _diagnoses(read: Columns) -> dict[str, Column]:
    held = [read[f"{CHARLSON_}{name}"] for name in CHARLSON]
    known = [bool(count) for count in read["counted_diagnoses"]]
    return {
        "principal_diagnosis": [name or None for name in read["principal_group"]],
        "diagnoses": _count(read, "diagnoses", "counted_diagnoses"),
        "charlson": [
            float(charlson(name for name, has in zip(CHARLSON, row, strict=True) if has))
            if is_known
            else None
            for is_known, *row in zip(known, *held, strict=True)
        ],
    }


def _medicines(read: Columns) -> dict[str, Column]:
    said = read["diabetes_medicine"]
    counted = [bool(count) for count in read["counted_medicines"]]
    known = [answer is not None or is_listed for answer, is_listed in zip(said, counted, strict=True)]
    takes = {name: read[f"{TAKES}{name}"] for name in words.MEDICINES}
    made = {
        name: [bool(value) if is_known else None for value, is_known in zip(takes[name], known, strict=True)]
        for name in CLASSES
    }
    return made | {
        "insulin": [
            _insulin(bool(value), dose) if is_known else None
            for value, dose, is_known in zip(takes["insulin"], read["dose"], known, strict=True)
        ],
        "diabetes_medicine": [
            answer if answer is not None else bool(value) if is_known else None
            for answer, value, is_known in zip(said, takes["diabetes_medicine"], known, strict=True)
        ],
        "medication_changed": read["medication_changed"],
        "medicines": _count(read, "medicines", "counted_medicines"),
    }


def _insulin(taken: bool, dose: str | None) -> str:
    return words.DOSES.get(dose or "", "taken") if taken else "not_taken"


def _results(read: Columns) -> dict[str, Column]:
    hba1c = zip(read["hba1c"], read["hba1c_band"], strict=True)
    glucose = zip(read["glucose"], read["glucose_band"], strict=True)
    return {
        "hba1c": [
            words.band("hba1c", _number("hba1c", each)) or words.BANDS["hba1c"].get(text)
            for each, text in hba1c
        ],
        "glucose": [
            words.band("glucose", each) or words.BANDS["glucose"].get(text) for each, text in glucose
        ],
        "haemoglobin": [_number("haemoglobin", each) for each in read["haemoglobin"]],
        "sodium": [_number("sodium", each) for each in read["sodium"]],
        "laboratory_tests": _count(read, "laboratory_tests", "counted_tests"),
        "procedures": _count(read, "procedures", "counted_procedures"),
    }


def _number(test: str, quantity: str | None) -> float | None:
    value, _, unit = (quantity or "").partition("|")
    return words.in_unit(test, float(value), unit) if value else None


def _count(read: Columns, name: str, counted: str) -> Column:
    """The count of the source, else of the record; none in the record is not known to be none."""
    return [
        float(given) if given is not None else float(count) if count else None
        for given, count in zip(read[name], read[counted], strict=True)
    ]


__all__ = ["CHARLSON_", "HAS", "OTHER", "STAY", "TAKES", "columns", "parts"]
