"""The facts: who is due, and what was known about them at their moment, read through the views."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vesalius.card import Card
from vesalius.fhir.codes import LOINC
from vesalius.usecase import Candidate, Evidence
from vesalius.usecases.cases import arrow_type
from vesalius.views import View
from vesalius.views.features import WITHDRAWN, Feature, Features

if TYPE_CHECKING:
    import pyarrow as pa

    from vesalius.lake import Lake

FOLDER = Path(__file__).parent
_FOREVER = datetime.max.replace(tzinfo=UTC)

CURRENT = timedelta(days=3)
"""How long a symptom, a vital sign or a catheter that was recorded counts as still there."""

SETTLING = timedelta(minutes=15)
"""How long after the first result of a sample its suggestion is due, so that the rest of the same urinalysis
is in it. A working time of ours, not a clinical threshold."""

PREGNANCY = timedelta(weeks=42)
"""How long a recorded pregnancy counts: as long as one lasts at most."""

LONG = timedelta(days=31)
"""A stretch of time from which on all observations are read at once, not those of the patients of that
time."""

TESTS = (
    "nitrite",
    "leukocytes_strip",
    "blood",
    "protein",
    "glucose",
    "ketones",
    "clarity",
    "leukocytes_count",
    "erythrocytes_count",
    "bacteria_count",
)
"""The results of a urinalysis: the first of them makes a sample due."""

COUNTS = ("leukocytes_count", "erythrocytes_count", "bacteria_count")
VITALS = ("temperature", "heart_rate", "systolic_pressure", "respiratory_rate")
LASTING = ("history_uti", "history_calculi", "immunocompromised")

GRADES = {
    "260385009": "negative",
    "260405006": "trace",
    "260347006": "small",
    "260348001": "moderate",
    "260349009": "large",
    "10828004": "positive",
}
"""SNOMED CT codes of a strip's grades. "Positive" without a grade is read as the least grade, +."""

ANSWERS = {"77386006": True, "60001007": False}
"""SNOMED CT: pregnant, not pregnant (answers to LOINC 82810-3)."""

FLAGS = {"L": "low", "LL": "low", "N": "normal", "H": "high", "HH": "high"}

CUTS: Mapping[str, tuple[float | None, float | None]] = {
    "temperature": (None, 38.0),
    "heart_rate": (None, 101.0),
    "systolic_pressure": (100.0, None),
    "respiratory_rate": (None, 22.0),
}
"""Where a number is low (up to the first) or high (from the second): 100 mmHg or less and 22 breaths a
minute or more as in quick SOFA (Singer et al., JAMA 2016;315:801-810); 38 °C and more than 100 beats a
minute by common use. Where the source sends a flag only, its flag is read."""

_PER_MICROLITRE = {"/uL": 1.0, "{cells}/uL": 1.0, "10*6/L": 1.0, "10*3/mL": 1.0, "10*3/uL": 1000.0}

UNITS: Mapping[str, Mapping[str, float]] = {
    "temperature": {"Cel": 1.0},
    "heart_rate": {"/min": 1.0, "{beats}/min": 1.0},
    "systolic_pressure": {"mm[Hg]": 1.0},
    "respiratory_rate": {"/min": 1.0, "{breaths}/min": 1.0},
    "leukocytes_count": _PER_MICROLITRE,
    "erythrocytes_count": _PER_MICROLITRE,
    "bacteria_count": _PER_MICROLITRE,
}
"""UCUM units that are understood, with the factor to the card's unit; a number in another is not known."""


@cache
def card() -> Card:
    """The card, read once."""
    return Card.load(FOLDER)


@cache
def view(name: str) -> View:
    """One of the views beside this module, compiled once."""
    return View.load(FOLDER / "views" / f"{name}.json")


def codes(*names: str) -> frozenset[str]:
    """The codes of some inputs, as ``SYSTEM|CODE``."""
    return frozenset(code for item in card().inputs if item.name in names for code in item.codes)


def due(lake: Lake, since: datetime, until: datetime) -> list[Candidate]:
    """The samples whose first urinalysis result has settled in (``since``, ``until``], in that order.

    A result that was withdrawn, or moved to another patient, before it settled makes nobody due.
    """
    subjects = None if until - since > LONG else _subjects(lake, since - SETTLING, until)
    if subjects == []:
        return []
    rows = observations(lake, subjects)
    settled = _settled(rows, None if subjects is None else set(subjects))
    found = [Candidate(subject, focus, at) for (subject, focus), at in settled.items() if since < at <= until]
    return sorted(found, key=lambda candidate: (candidate.as_of, candidate.subject, candidate.focus))


def observations(lake: Lake, subjects: Sequence[str] | None) -> pa.Table:
    """The view of the observations, with a column ``quantity``: number and unit, as ``7.5|/uL``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = view("observations").table(lake, subjects)
    number: Any = pc.cast(rows["number"], pa.string())
    unit: Any = pc.coalesce(rows["unit"], rows["unit_text"])
    quantity: Any = pc.binary_join_element_wise(number, unit, "|")
    return rows.append_column("quantity", quantity)


def _subjects(lake: Lake, since: datetime, until: datetime) -> list[str]:
    """The patients about whom an observation was recorded in that time."""
    versions = lake.resources("Observation", as_of=until, since=since)
    return sorted({version.subject for version in versions if version.subject})


def _settled(rows: pa.Table, subjects: set[str] | None) -> dict[tuple[str, str], datetime]:
    """When each sample of the patients is due: the first time that a result has settled and one is known."""
    found: dict[tuple[str, str], datetime] = {}
    for (subject, focus), spans in _spans(rows).items():
        if subjects is None or subject in subjects:
            moments = (start + SETTLING for start, _ in sorted(spans))
            due = (at for at in moments if any(start <= at < end for start, end in spans))
            if (at := next(due, None)) is not None:
                found[subject, focus] = at
    return found


def _spans(rows: pa.Table) -> dict[tuple[str, str], list[tuple[datetime, datetime]]]:
    """For each patient and sample, from when until when each version of a test's result was in force."""
    tests, replaced = codes(*TESTS), _replaced(rows)
    spans: dict[tuple[str, str], list[tuple[datetime, datetime]]] = {}
    for row in result_rows(rows, ("_resource", "_seq", "grade", "text", "quantity", "code_system", "code")):
        is_test = f"{row['code_system']}|{row['code']}" in tests
        if is_test and any(row[name] is not None for name in ("grade", "text", "quantity")):
            span = row["_recorded_at"], replaced.get((row["_resource"], row["_seq"]), _FOREVER)
            spans.setdefault((row["_subject"], focus_of(row["specimen"])), []).append(span)
    return spans


def _replaced(rows: pa.Table) -> dict[tuple[str, int], datetime]:
    """When each version was replaced by the next one of its resource; the last ones are not there."""
    columns = (rows[name].to_pylist() for name in ("_resource", "_recorded_at", "_seq"))
    ordered = sorted(set(zip(*columns, strict=True)))
    return {(one[0], one[2]): after[1] for one, after in pairwise(ordered) if one[0] == after[0]}


def result_rows(rows: pa.Table, columns: Sequence[str]) -> Iterable[dict[str, Any]]:
    """The rows about a specimen of a known patient that say something, with some of their columns."""
    names = ("_subject", "_recorded_at", "specimen", "status", *columns)
    for row in rows.select(names).to_pylist():
        if row["_subject"] and row["specimen"] and row["status"] not in {*WITHDRAWN, "registered"}:
            yield row


def focus_of(reference: str) -> str:
    """``Specimen/ID`` of a reference, without server and version."""
    return "/".join(reference.partition("/_history/")[0].split("/")[-2:])


def gather(lake: Lake, candidates: Sequence[Candidate]) -> Evidence:
    """What was known about each candidate at its moment, from one reading of the lake."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lake = lake.pinned()
    subjects = sorted({candidate.subject for candidate in candidates})
    orders = view("orders").table(lake, subjects)
    parts = [
        _observed().of(observations(lake, subjects), candidates),
        _person().table(lake, candidates),
        _ordered().of(orders, candidates),
        _ordered_anywhere().of(orders.filter(pc.is_null(orders["specimen"])), candidates),
    ]
    rows = [_merged(row) for row in zip(*(part.table.to_pylist() for part in parts), strict=True)]
    sources = [_merged(row) for row in zip(*(part.sources for part in parts), strict=True)]
    facts = [_facts(row, candidate) for row, candidate in zip(rows, candidates, strict=True)]
    columns = {
        item.name: pa.array([row[item.name] for row in facts], arrow_type(item)) for item in card().inputs
    }
    return Evidence(
        tuple(candidates),
        pa.table(columns),
        tuple(_sources(row, found) for row, found in zip(facts, sources, strict=True)),
        lake.position(),
    )


def _merged(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: value for part in parts for name, value in part.items()}


_CULTURE = f"{LOINC}|630-4"

_PARTS = {"age": ("birth_date",), "culture_ordered": ("ordered", "ordered_anywhere", "cultured")}
"""Inputs that are made of other features; a vital sign is made of its number and its flag."""


@cache
def _person() -> Features:
    return Features(view("patients"), [Feature(name, column=name) for name in ("sex", "birth_date")])


@cache
def _observed() -> Features:
    """The features of the observations: of this sample, of these days, of this pregnancy, of the past."""
    found = []
    for item in card().inputs:
        name, where = item.name, item.codes
        if name in TESTS:
            column = "quantity" if name in COUNTS else "text" if name == "clarity" else "grade"
            found.append(Feature(name, where, column, link="specimen"))
        elif name in VITALS:
            found.append(Feature(name, where, "quantity", CURRENT))
            found.append(Feature(f"{name}_flag", where, "interpretation", CURRENT))
        elif name == "pregnant":
            found.append(Feature(name, where, "grade", PREGNANCY))
        elif item.kind == "boolean" and name != "culture_ordered":
            found.append(Feature(name, where, "boolean", None if name in LASTING else CURRENT))
    found.append(Feature("cultured", (_CULTURE,), "status", link="specimen"))
    return Features(view("observations"), found, added=["quantity"])


@cache
def _ordered() -> Features:
    """Whether a culture was ordered of the sample: any order that stands counts, whichever came last."""
    return Features(view("orders"), [Feature("ordered", (_CULTURE,), "ordered", link="specimen")])


@cache
def _ordered_anywhere() -> Features:
    """Whether a culture was ordered on the same day; for orders of no sample in particular."""
    feature = Feature("ordered_anywhere", (_CULTURE,), "ordered", within=timedelta(days=1))
    return Features(view("orders"), [feature])


def _facts(row: dict[str, Any], candidate: Candidate) -> dict[str, Any]:
    """The inputs of the card, from the features."""
    facts = {item.name: row.get(item.name) for item in card().inputs}
    facts["age"] = age(row["birth_date"], candidate.as_of)
    facts["sex"] = row["sex"] if row["sex"] in ("female", "male") else None
    for name in TESTS:
        facts[name] = _result(name, row[name])
    for name in VITALS:
        facts[name] = flag(name, row[name], row[f"{name}_flag"])
    facts["pregnant"] = ANSWERS.get(row["pregnant"] or "")
    facts["culture_ordered"] = bool(row["ordered"] or row["ordered_anywhere"] or row["cultured"])
    return facts


def _result(name: str, value: str | None) -> str | float | None:
    if name in COUNTS:
        return number(name, value)
    if name == "clarity":
        return value if value in ("clear", "cloudy") else None
    grade = GRADES.get(value or "")
    if name == "nitrite":
        return {"negative": "negative", "trace": None, None: None}.get(grade, "positive")
    return "small" if grade == "positive" else grade


def number(name: str, quantity: str | None) -> float | None:
    """The number of ``NUMBER|UNIT`` in the unit of the card; None in a unit that is not understood.

    What no body has, a number below zero or beyond all bounds, is not known either. A comparator (``<``,
    ``>``) is read as its bound, as laboratories print it.
    """
    value, _, unit = (quantity or "").partition("|")
    factor = UNITS[name].get(unit)
    read = float(value) * factor if value and factor else None
    return read if read is not None and isfinite(read) and read >= 0 else None


def flag(name: str, quantity: str | None, interpretation: str | None) -> str | None:
    """Low, normal or high: by the number where there is one, else by the flag of the source."""
    value = number(name, quantity)
    if value is None:
        return FLAGS.get(interpretation or "")
    low, high = CUTS[name]
    if low is not None and value <= low:
        return "low"
    return "high" if high is not None and value >= high else "normal"


def age(birth_date: str | None, moment: datetime) -> float | None:
    """Completed years at ``moment``; of a year alone, the difference of the years.

    Examples:
        >>> from datetime import UTC
        >>> age("1980-06-02", datetime(2026, 6, 1, tzinfo=UTC)), age("1980", datetime(2026, 6, 1, tzinfo=UTC))
        (45.0, 46.0)
    """
    if not birth_date:
        return None
    born = [int(part) for part in birth_date.split("-")]
    before_birthday = [moment.month, moment.day][: len(born) - 1] < born[1:]
    years = moment.year - born[0] - before_birthday
    return float(years) if years >= 0 else None


def _sources(facts: Mapping[str, Any], places: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The sources of each input that is known, under the input's name."""
    found = {}
    for name, value in facts.items():
        parts = (name, f"{name}_flag") if name in VITALS else _PARTS.get(name, (name,))
        sources = tuple(dict.fromkeys(source for part in parts for source in places.get(part, ())))
        if value is not None and sources:
            found[name] = sources
    return found
