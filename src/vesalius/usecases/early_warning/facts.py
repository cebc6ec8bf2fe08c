"""The facts: what was known about each candidate at their moment, read through the views."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from vesalius.usecase import Candidate, Evidence
from vesalius.usecases.cases import arrow_type
from vesalius.usecases.early_warning import current, news2
from vesalius.usecases.early_warning.card import card, view
from vesalius.usecases.early_warning.measures import valued
from vesalius.usecases.early_warning.stays import Stays, Version

if TYPE_CHECKING:
    import pyarrow as pa

    from vesalius.card import Input
    from vesalius.lake import Lake

NOW = tuple(f"now_{name}" for name in news2.PARAMETERS)
"""The inputs that only the rule reads."""

MOST = 5
"""How many resources are named of one input."""

LEVELS = {0.0: "alert", 1.0: "not_alert"}

_OF: Mapping[str, tuple[str, ...]] = {
    "now_oxygen": ("now_inspired_oxygen", "now_oxygen_flow"),
    "now_consciousness": ("now_responsiveness", "now_gcs"),
    "age": ("birth_date",),
}
"""Inputs that are made of other features."""


def gather(lake: Lake, candidates: Sequence[Candidate]) -> Evidence:
    """What was known about each candidate at its moment, from one reading of the lake.

    Besides the card's inputs the table holds what the baselines need: ``news2_worst``, ``saps1``, ``sofa``.
    """
    import pyarrow as pa

    lake = lake.pinned()
    subjects = sorted({candidate.subject for candidate in candidates})
    rows = valued(view("observations").table(lake, subjects))
    now, windows = current.now().of(rows, candidates), current.windows().of(rows, candidates)
    person = current.person(lake, candidates)
    stays = Stays.read(lake, subjects)
    where = [stays.at(candidate.subject, candidate.as_of) for candidate in candidates]
    scored, scale_2 = current.of_now(now.table)
    columns: dict[str, Any] = {
        "sex": person.sexes,
        "age": person.ages,
        "intensive_care": [stay.intensive_care if stay else None for stay in where],
        "unit_kind": [_kind(stay) for stay in where],
        "ventilated": _truths(windows.table["ventilated"]),
        "scale_2": _truths(now.table["scale_2"]),
        **{f"now_{name}": _of_rule(name, values) for name, values in scored.items()},
        **{name: windows.table[name] for name in windows.table.column_names if name != "ventilated"},
    }
    table = {item.name: _column(item, columns[item.name]) for item in card().inputs}
    baselines = current.worst().of(rows, candidates).table
    table["news2_worst"] = pa.array(_worst(baselines, scored, scale_2))
    table |= {name: baselines[name] for name in current.SCORES}
    places = (now.sources, windows.sources, person.found.sources)
    return Evidence(
        tuple(candidates),
        pa.table(table),
        tuple(Places(places, row, stay) for row, stay in enumerate(where)),
        lake.position(),
    )


def _kind(stay: Version | None) -> str | None:
    kinds = next(item.levels for item in card().inputs if item.name == "unit_kind")
    return stay.unit_kind if stay and stay.intensive_care and stay.unit_kind in kinds else None


def _truths(column: Any) -> list[bool | None]:
    return [None if value is None else bool(value) for value in column.to_pylist()]


def _of_rule(name: str, values: np.ndarray) -> list[Any]:
    known = [None if np.isnan(value) else float(value) for value in values]
    if name == "oxygen":
        return [None if value is None else bool(value) for value in known]
    if name == "consciousness":
        return [None if value is None else LEVELS[value] for value in known]
    return known


def _column(item: Input, values: Any) -> Any:
    import pyarrow as pa

    if not isinstance(values, list):
        return values
    return pa.array(values, arrow_type(item))


def _worst(table: pa.Table, scored: Mapping[str, np.ndarray], scale_2: np.ndarray) -> np.ndarray:
    """The NEWS2 of the worst value of a day of each measurement; what was not measured adds nothing.

    Oxygen is that of the moment. It is a baseline to be beaten, never what a page shows as NEWS2.
    """
    total = np.zeros(len(scale_2))
    ends = {}
    for take in ("min", "max"):
        values = {
            name: table[f"{take}_{name}"].to_numpy(zero_copy_only=False).astype(np.float64)
            for name in current.WORST
        }
        gcs = values.pop("gcs")
        values["consciousness"] = np.where(np.isnan(gcs), np.nan, (gcs < current.FULL).astype(np.float64))
        ends[take] = news2.score({**values, "oxygen": scored["oxygen"]}, scale_2).points
    for name in news2.PARAMETERS:
        total += np.maximum(ends["min"][name][0], ends["max"][name][0])
    return total


class Places(Mapping[str, tuple[str, ...]]):
    """From which resources the inputs of one candidate came; looked up when it is asked for.

    Of a mean or a sum the newest :data:`MOST` are named.

    Args:
        places: the sources of some features.
        row: of which candidate.
        stay: their stay.
    """

    def __init__(
        self, places: Sequence[Sequence[Mapping[str, tuple[str, ...]]]], row: int, stay: Version | None
    ) -> None:
        self._places = places
        self._row = row
        self._stay = stay

    @cached_property
    def _found(self) -> Mapping[str, tuple[str, ...]]:
        places = {name: found for each in self._places for name, found in each[self._row].items()}
        sources = {name: _joined(parts, places) for name, parts in _made_of().items()}
        stay = (self._stay.reference,) if self._stay else ()
        sources |= {"intensive_care": stay, "unit_kind": stay if self._stay and self._stay.unit_kind else ()}
        return {name: found for name, found in sources.items() if found}

    def __getitem__(self, name: str) -> tuple[str, ...]:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


@cache
def _made_of() -> dict[str, tuple[str, ...]]:
    return {item.name: _OF.get(item.name, (item.name,)) for item in card().inputs}


def _joined(parts: Sequence[str], places: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(source for part in parts for source in places.get(part, ())[-MOST:]))
