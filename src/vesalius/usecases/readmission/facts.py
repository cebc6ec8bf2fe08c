"""The facts about a stay as of its discharge, read through the views."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vesalius.card import Card
from vesalius.usecase import Candidate, Evidence
from vesalius.usecases.cases import arrow_type
from vesalius.usecases.readmission import derived, marked, stays, words
from vesalius.usecases.readmission.diagnoses import CHARLSON
from vesalius.usecases.readmission.places import Places
from vesalius.views import View
from vesalius.views.features import Feature, Features

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

    from vesalius.lake import Lake
    from vesalius.views.features import Found

FOLDER = Path(__file__).parent

FEW = 500
"""Up to so many patients are read one by one; more, with all others, which is faster."""

LONG = timedelta(days=31)
"""A stretch of time from which on all stays are read at once, not those of the patients of that time."""


@cache
def card() -> Card:
    """The card, read once."""
    return Card.load(FOLDER)


@cache
def view(name: str) -> View:
    """One of the views beside this module, compiled once."""
    return View.load(FOLDER / "views" / f"{name}.json")


def rows_of(lake: Lake, name: str, subjects: Sequence[str] | None) -> pa.Table:
    """The rows of a view about some patients; with those of all others where that is faster."""
    return view(name).table(lake, subjects if subjects is None or len(subjects) <= FEW else None)


def due(lake: Lake, since: datetime, until: datetime) -> list[Candidate]:
    """The stays whose discharge settled in (``since``, ``until``], in that order."""
    lake = lake.pinned()
    if until - since > LONG:
        return stays.due(stays.versions(rows_of(lake, "stays", None)), since, until)
    found = lake.resources("Encounter", as_of=until, since=since - stays.SETTLING)
    subjects = {version.subject for version in found if version.subject}
    if not subjects:
        return []
    rows = stays.versions(rows_of(lake, "stays", sorted(subjects)))
    return stays.due((each for each in rows if each.subject in subjects), since, until)


def gather(lake: Lake, candidates: Sequence[Candidate]) -> Evidence:
    """What was known about each stay at its moment, from one reading of the lake."""
    import pyarrow as pa

    lake = lake.pinned()
    columns, sources = Reading(lake, candidates).facts()
    return Evidence(
        tuple(candidates),
        pa.table({item.name: pa.array(columns[item.name], arrow_type(item)) for item in card().inputs}),
        sources,
        lake.position(),
    )


class Reading:
    """One reading of the lake about N candidates: features by view, and what they are on the card.

    Args:
        lake: pinned.
        candidates: N stays.
    """

    def __init__(self, lake: Lake, candidates: Sequence[Candidate]) -> None:
        self.lake = lake
        self.asked = candidates
        self.subjects = sorted({candidate.subject for candidate in candidates})
        encounters = rows_of(lake, "stays", self.subjects)
        self.before = stays.earlier(stays.versions(encounters), candidates)
        stay = _stay().of(encounters, candidates)
        conditions = marked.diagnoses(rows_of(lake, "diagnoses", self.subjects))
        self.found = (
            stay,
            _person().table(lake, candidates) if len(self.subjects) <= FEW else self._everyone(),
            _observed().of(marked.observations(rows_of(lake, "observations", self.subjects)), candidates),
            _diagnosed().of(conditions, candidates),
            _principal().of(conditions, self._about(stay.table["principal"])),
            _medicated().of(self._medicines(), candidates),
            _operated().of(rows_of(lake, "procedures", self.subjects), candidates),
        )

    def facts(self) -> tuple[dict[str, list[Any]], Places]:
        """The columns of the card's inputs, N values each, and where they came from."""
        made = derived.columns(
            {name: part.table[name].to_pylist() for part in self.found for name in part.table.column_names},
            self.before,
            self.asked,
        )
        columns = {item.name: made[item.name] for item in card().inputs}
        return columns, Places([part.sources for part in self.found], self.before, columns, derived.parts())

    def _everyone(self) -> Found:
        return _person().of(rows_of(self.lake, "patients", None), self.asked)

    def _medicines(self) -> pa.Table:
        import pyarrow as pa

        tables = [rows_of(self.lake, name, self.subjects) for name in ("medicines", "prescriptions")]
        return marked.medicines(pa.concat_tables(tables))

    def _about(self, principal: Any) -> pa.Table:
        """The moments, with the principal diagnosis in place of the stay."""
        import pyarrow as pa

        return pa.table(
            {
                "subject": [each.subject for each in self.asked],
                "focus": principal,
                "as_of": pa.array([each.as_of for each in self.asked], pa.timestamp("us", "UTC")),
            }
        )


class Scope:
    """The few facts that decide whether a stay is in scope, for outcomes: quicker than all of them.

    Args:
        lake: pinned.
        candidates: N stays.
        encounters: the rows of the stays of their patients.
        observations: likewise.
    """

    def __init__(
        self, lake: Lake, candidates: Sequence[Candidate], encounters: pa.Table, observations: pa.Table
    ) -> None:
        self.asked = candidates
        few = len({candidate.subject for candidate in candidates}) <= FEW
        self.found = (
            _stay().of(encounters, candidates),
            _person().table(lake, candidates)
            if few
            else _person().of(rows_of(lake, "patients", None), candidates),
            _aged().of(observations, candidates),
        )

    def columns(self) -> dict[str, list[Any]]:
        """Age, destination and length of the stay."""
        read = {name: part.table[name].to_pylist() for part in self.found for name in part.table.column_names}
        return derived.scope(read, self.asked)


@cache
def _aged() -> Features:
    return Features(view("observations"), [Feature("age_from", (words.AGE,), "low", link="encounter")])


@cache
def _stay() -> Features:
    """The stay itself, in the version that was known."""
    return Features(view("stays"), [Feature(name, column=name, link="self") for name in derived.STAY])


@cache
def _person() -> Features:
    return Features(view("patients"), [Feature(name, column=name) for name in ("sex", "birth_date")])


@cache
def _observed() -> Features:
    """Counts, answers and results of this stay."""
    link = "encounter"
    found = [
        *(
            Feature(name, (f"{words.SOURCE}|{code}",), "whole", link=link)
            for name, code in words.COUNTS.items()
        ),
        *(
            Feature(name, (f"{words.SOURCE}|{code}",), "boolean", link=link)
            for name, code in words.ANSWERS.items()
        ),
        Feature("age_from", (words.AGE,), "low", link=link),
        *(Feature(f"{name}_band", words.TESTS[name], "text", link=link) for name in words.BANDS),
        *(
            Feature(name, words.TESTS[name], "quantity", link=link)
            for name in ("hba1c", "haemoglobin", "sodium")
        ),
        Feature("glucose", words.TESTS["glucose"], "mg_dl", link=link, take="max"),
        Feature("counted_tests", (), "laboratory", link=link, take="count"),
    ]
    return Features(view("observations"), found, added=marked.ADDED["observations"])


@cache
def _diagnosed() -> Features:
    """The diagnoses of this stay: how many, of which groups, and which Charlson conditions."""
    names = [
        item.name.removeprefix(derived.HAS) for item in card().inputs if item.name.startswith(derived.HAS)
    ]
    found = [
        Feature("counted_diagnoses", (), "diagnosis", link="encounter", take="count"),
        *(_ever(f"{derived.HAS}{name}", f"{marked.GROUP}|{name}") for name in names),
        *(_ever(f"{derived.CHARLSON_}{name}", f"{marked.CHARLSON}|{name}") for name in CHARLSON),
    ]
    return Features(view("diagnoses"), found, added=marked.ADDED["diagnoses"])


@cache
def _principal() -> Features:
    return Features(
        view("diagnoses"),
        [Feature("principal_group", column="group", link="self")],
        added=marked.ADDED["diagnoses"],
    )


@cache
def _medicated() -> Features:
    found = [
        Feature("counted_medicines", (), "medicine", link="encounter", take="count"),
        Feature("dose", (f"{marked.CLASS}|insulin",), "dose", link="encounter"),
        *(_ever(f"{derived.TAKES}{name}", f"{marked.CLASS}|{name}") for name in words.MEDICINES),
    ]
    return Features(view("medicines"), found, added=marked.ADDED["medicines"])


@cache
def _operated() -> Features:
    return Features(
        view("procedures"), [Feature("counted_procedures", (), "status", link="encounter", take="count")]
    )


def _ever(name: str, code: str) -> Feature:
    return Feature(name, (code,), "code", link="encounter", take="ever")
