"""The features: what is measured now (for NEWS2), and what became of 48 hours (for the model)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from vesalius.fhir.codes import LOINC
from vesalius.usecase import Candidate
from vesalius.usecases.early_warning.card import card, codes, view
from vesalius.usecases.early_warning.measures import LOCAL, RESPONSIVENESS, SCALE_2, VENTILATED
from vesalius.usecases.early_warning.news2 import Flags, Floats
from vesalius.views.features import Feature, Features, Found

if TYPE_CHECKING:
    import pyarrow as pa

    from vesalius.lake import Lake

CURRENT = timedelta(hours=12)
"""How long a vital sign counts as that of now: the longest between two rounds (NEWS2, chart 4)."""

WINDOW = timedelta(hours=48)
"""How far back the model looks."""

DAY = timedelta(hours=24)
"""How far back the urine is added up, and the worst NEWS2 looked for."""

AIR = 21.0
"""Percent of oxygen in air: more is given."""

FULL = 15.0
"""Points of the Glasgow coma scale of one who is alert and not confused."""

NOW: Mapping[str, tuple[str, ...]] = {
    "respiratory_rate": codes("respiratory_rate"),
    "oxygen_saturation": codes("oxygen_saturation"),
    "inspired_oxygen": codes("inspired_oxygen"),
    "oxygen_flow": tuple(code for code in codes("now_oxygen") if code not in codes("inspired_oxygen")),
    "systolic_pressure": codes("systolic_pressure"),
    "pulse": codes("heart_rate"),
    "responsiveness": (RESPONSIVENESS,),
    "gcs": codes("gcs"),
    "temperature": codes("temperature"),
}
"""What is measured for NEWS2, by its codes."""

CODES = frozenset(code for group in NOW.values() for code in group)

WORST = ("respiratory_rate", "oxygen_saturation", "systolic_pressure", "pulse", "gcs", "temperature")
"""Of which the lowest and the highest of a day are looked at, for the worst NEWS2."""


SCORES: Mapping[str, str] = {"saps1": f"{LOCAL}|saps-1", "sofa": f"{LOINC}|96790-1"}
"""Scores that the source gives as they are, by their code."""


@cache
def now() -> Features:
    """The last of each measurement that NEWS2 reads, if it is not too old; and the scale prescribed."""
    found = [Feature(f"now_{name}", group, "value", CURRENT) for name, group in NOW.items()]
    return Features(view("observations"), [*found, Feature("scale_2", (SCALE_2,), "value")], added=["value"])


@cache
def worst() -> Features:
    """What the baselines read: the lowest and the highest of a day, and the scores that came as they are."""
    found = [
        Feature(f"{take}_{name}", NOW[name], "value", DAY, take=take)
        for name in WORST
        for take in ("min", "max")
    ]
    scores = [Feature(name, (code,), "value") for name, code in SCORES.items()]
    return Features(view("observations"), [*found, *scores], added=["value"])


@cache
def windows() -> Features:
    """What the model reads: each measurement, taken together as the card says."""
    found = [
        Feature(
            f"{item.name}_{take}",
            item.codes,
            "value",
            DAY if take == "sum" else WINDOW,
            take=take,  # type: ignore[arg-type]  # of the card; a wrong one is an error of Features
        )
        for item in card().measured
        for take in item.takes
    ]
    return Features(
        view("observations"),
        [*found, Feature("ventilated", (VENTILATED,), "value", CURRENT)],
        added=["value"],
    )


def measured(rows: pa.Table, candidates: Sequence[Candidate]) -> tuple[dict[str, Floats], Flags]:
    """What NEWS2 needs of N candidates, and for whom scale 2 is prescribed."""
    return of_now(now().of(rows, candidates).table)


def of_now(table: pa.Table) -> tuple[dict[str, Floats], Flags]:
    """What NEWS2 needs, from the columns of :func:`now`.

    Oxygen is given where more than that of air is breathed in, or any flows; a patient is not alert where the
    level of responsiveness or the coma scale says so.
    """
    last = {name: _floats(table[f"now_{name}"]) for name in NOW}
    oxygen = np.fmax(
        _flag(last["inspired_oxygen"], last["inspired_oxygen"] > AIR),
        _flag(last["oxygen_flow"], last["oxygen_flow"] > 0),
    )
    consciousness = np.fmax(last["responsiveness"], _flag(last["gcs"], last["gcs"] < FULL))
    names = ("respiratory_rate", "oxygen_saturation", "systolic_pressure", "pulse", "temperature")
    found = {name: last[name] for name in names} | {"oxygen": oxygen, "consciousness": consciousness}
    return found, _floats(table["scale_2"]) == 1


def _flag(known: Floats, holds: Flags) -> Floats:
    return np.where(np.isnan(known), np.nan, holds.astype(np.float64))


def _floats(column: Any) -> Floats:
    found: Floats = column.to_numpy(zero_copy_only=False).astype(np.float64)
    return found


@dataclass(frozen=True)
class Person:
    """Who N candidates are: sex and age as they were known, and from which resources."""

    sexes: list[str | None]
    ages: list[float | None]
    found: Found


@cache
def _person() -> Features:
    return Features(view("patients"), [Feature(name, column=name) for name in ("sex", "birth_date")])


def person(lake: Lake, candidates: Sequence[Candidate]) -> Person:
    """Who the candidates are."""
    found = _person().table(lake, candidates)
    sexes = [sex if sex in ("female", "male") else None for sex in found.table["sex"].to_pylist()]
    born = found.table["birth_date"].to_pylist()
    ages = [age(date, candidate.as_of) for date, candidate in zip(born, candidates, strict=True)]
    return Person(sexes, ages, found)


def age(birth_date: str | None, moment: datetime) -> float | None:
    """Completed years at ``moment``; of a year alone, the difference of the years."""
    if not birth_date:
        return None
    born = [int(part) for part in birth_date.split("-")]
    before_birthday = [moment.month, moment.day][: len(born) - 1] < born[1:]
    years = moment.year - born[0] - before_birthday
    return float(years) if years >= 0 else None
