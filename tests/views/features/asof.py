"""What the tests of features share: rows, moments, and a model of features that is slow and obvious."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pyarrow as pa

from vesalius.views import View
from vesalius.views.features import WITHDRAWN, Features

DAWN = datetime(2024, 1, 1, tzinfo=UTC)
LOINC = "http://loinc.org"
SCHEMA = pa.schema(
    [
        ("code", pa.string()),
        ("code_system", pa.string()),
        ("value", pa.float64()),
        ("status", pa.string()),
        ("effective", pa.string()),
        ("specimen", pa.string()),
        ("_reference", pa.string()),
        ("_resource", pa.string()),
        ("_subject", pa.string()),
        ("_recorded_at", pa.timestamp("us", tz="UTC")),
        ("_seq", pa.int64()),
    ]
)
DEFINITION = {
    "resource": "Observation",
    "select": [
        {
            "column": [
                {"name": "status", "path": "status"},
                {"name": "effective", "path": "effective.ofType(dateTime)"},
                {"name": "specimen", "path": "specimen.reference"},
                {"name": "value", "path": "value.ofType(Quantity).value"},
            ]
        },
        {
            "forEachOrNull": "code.coding",
            "column": [{"name": "code_system", "path": "system"}, {"name": "code", "path": "code"}],
        },
    ],
}
VIEW = View.load(DEFINITION)


class Candidate(NamedTuple):
    subject: str = "Patient/1"
    focus: str = "Specimen/1"
    as_of: datetime = DAWN + timedelta(hours=10)


def row(resource="a", version=1, hour=0, value=1.0, code="x", seq=None, **more):
    return {
        "code": code,
        "code_system": LOINC,
        "value": value,
        "status": "final",
        "effective": None,
        "specimen": "Specimen/1",
        "_reference": f"Observation/{resource}/_history/{version}",
        "_resource": f"Observation/{resource}",
        "_subject": "Patient/1",
        "_recorded_at": DAWN + timedelta(hours=hour),
        "_seq": seq if seq is not None else hash((resource, version)) % 1000 + version * 1000,
        **more,
    }


def table(*rows):
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


def made(rows, asked, features):
    """The table of some features and the sources of each moment."""
    found = Features(VIEW, features).of(rows, asked)
    return found.table, tuple(found.sources)


def one(*rows, feature, **candidate):
    """One feature named ``f`` at one moment: its value and its sources."""
    found, sources = made(table(*rows), [Candidate(**candidate)], [feature])
    return found["f"][0].as_py(), sources[0]


# --- the slow and obvious model -------------------------------------------------------------------------------


def naive(rows, asked, feature):
    """The value of a feature and the versions it came from, by the words of the documentation."""
    counted = (values_of(version, asked, feature)[-1:] for version in in_force(rows, asked))
    known = sorted((each for last in counted for each in last), key=place)
    value, used = TAKES[feature.take](known, asked, feature)
    return value, tuple(each["_reference"] for each in used)


def in_force(rows, asked):
    """The rows of the version in force of each resource about the patient."""
    newest = {}
    for each in rows:
        if each["_recorded_at"] <= asked.as_of:
            rank = each["_recorded_at"], each["_seq"]
            newest[each["_resource"]] = max(newest.get(each["_resource"], rank), rank)
    for resource, rank in newest.items():
        version = [
            each
            for each in rows
            if each["_resource"] == resource and (each["_recorded_at"], each["_seq"]) == rank
        ]
        yield [
            each for each in version if each["_subject"] == asked.subject and each["status"] not in WITHDRAWN
        ]


def values_of(version, asked, feature):
    """The rows of a version that a feature can read, the one that counts last."""
    coded = [
        each
        for each in version
        if each["value"] is not None
        and fits(each, asked, feature)
        and (not feature.codes or f"{each['code_system']}|{each['code']}" in feature.codes)
    ]
    return sorted(coded, key=lambda each: (*place(each), each["code"], repr(each["value"])))


def place(each):
    """Where a value lies among others."""
    return each["_recorded_at"], each["effective"] or "", each["_resource"]


def linked(each, asked):
    """Whether a row points to what is asked about; a bare id may be anything with that id."""
    return each["specimen"] in (asked.focus, asked.focus.rpartition("/")[2])


def fits(each, asked, feature):
    age = asked.as_of - each["_recorded_at"]
    recent = feature.within is None or age <= feature.within
    return recent and age >= feature.ending and (feature.link is None or linked(each, asked))


def total(numbers):
    found = 0.0
    for number in numbers:
        found += number
    return found


def slope(known, asked, feature):
    ages = [(each["_recorded_at"] - asked.as_of) / timedelta(microseconds=1) for each in known]
    ages = [age / (feature.per / timedelta(microseconds=1)) for age in ages]
    values = [each["value"] for each in known]
    if len(set(ages)) < 2:
        return None
    middle, mean = total(ages) / len(ages), total(values) / len(values)
    together = total((age - middle) * (value - mean) for age, value in zip(ages, values, strict=True))
    return together / total((age - middle) * (age - middle) for age in ages)


def picked(known, which):
    best = which(known) if known else None
    return (best["value"] if best else None), ([best] if best else [])


def delta(known):
    if len(known) < 2:
        return None, []
    return known[-1]["value"] - known[0]["value"], [known[0], known[-1]]


def whole(value, known):
    return (value, known) if value is not None else (None, [])


TAKES = {
    "last": lambda known, *_: picked(known, lambda each: each[-1]),
    "first": lambda known, *_: picked(known, lambda each: each[0]),
    "min": lambda known, *_: picked(known, lambda each: min(each, key=lambda row: row["value"])),
    "max": lambda known, *_: picked(known, lambda each: max(each, key=lambda row: row["value"])),
    "count": lambda known, *_: (len(known), known),
    "ever": lambda known, *_: (bool(known), known[-1:]),
    "since": lambda known, asked, feature: whole(
        (asked.as_of - known[-1]["_recorded_at"]) / feature.per if known else None, known[-1:]
    ),
    "sum": lambda known, *_: whole(total(each["value"] for each in known) if known else None, known),
    "mean": lambda known, *_: whole(
        total(each["value"] for each in known) / len(known) if known else None, known
    ),
    "delta": lambda known, *_: delta(known),
    "slope": lambda known, asked, feature: whole(slope(known, asked, feature), known),
}
