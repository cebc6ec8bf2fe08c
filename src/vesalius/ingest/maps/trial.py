"""A map tried out on a file: what would be taken in, what would be held and why. Nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from vesalius import fhir
from vesalius.errors import InvalidResource
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._files import opened, unpacked
from vesalius.ingest._formats import detect, format_of
from vesalius.ingest._items import Item
from vesalius.ingest.csv_map import CsvMap

PLACES = 5
"""How many places of each cause are shown."""


@dataclass
class Trial:
    """What a map makes of the first rows of a file.

    Attributes:
        rows: how many were tried.
        taken: how many would be taken in.
        resources: how many resources they become, by type.
        held: how many would be held, by cause and its words.
        places: where the first of each stand.
        first: the resources of the first rows.
        used, unused: the columns of the file that the map reads, and those that it does not.
    """

    rows: int = 0
    taken: int = 0
    resources: Counter[str] = field(default_factory=Counter)
    held: Counter[tuple[str, str]] = field(default_factory=Counter)
    places: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    first: list[dict[str, Any]] = field(default_factory=list)
    used: list[str] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)
    _digests: dict[tuple[str, str], str] = field(default_factory=dict, repr=False)


def try_out(csv_map: CsvMap, path: Path, rows: int = 1_000, show: int = 3) -> Trial:
    """Tries a map on a file.

    Args:
        csv_map: the map.
        path: a CSV file, a workbook or a Parquet file.
        rows: how many rows to try; 0 for all.
        show: of how many rows to keep the resources.

    Raises:
        UnreadableInput: the file as a whole would be refused.
    """
    trial = Trial()
    with opened(path) as file:
        kind = detect(path.name, lambda: unpacked(file).read(8), mapped=True)
        items = format_of(kind, csv_map).read(unpacked(file))
        try:
            _try_items(trial, islice(items, rows or None), show, csv_map)
        except FaultError as fault:
            _hold(trial, fault, f"after {trial.rows} rows")
    return trial


def _try_items(trial: Trial, items: Iterable[Item], show: int, csv_map: CsvMap) -> None:
    for item in items:
        if not trial.rows:
            header = item.context["header"]
            trial.used = [name for name in header if name in csv_map.columns]
            trial.unused = [name for name in header if name not in csv_map.columns]
        trial.rows += 1
        try:
            made = _judged(trial, item)
        except FaultError as fault:
            _hold(trial, fault, item.place)
            continue
        trial.taken += 1
        trial.resources.update(resource["resourceType"] for resource in made)
        if trial.taken <= show:
            trial.first += made


def _hold(trial: Trial, fault: FaultError, place: str) -> None:
    why = (fault.cause.value, fault.words)
    trial.held[why] += 1
    places = trial.places.setdefault(why, [])
    if len(places) < PLACES:
        places.append(place)


def _judged(trial: Trial, item: Item) -> list[dict[str, Any]]:
    """The resources of a row, checked as they are on the way in, but for what only the lake can tell."""
    if item.fault:
        raise item.fault
    digests: dict[tuple[str, str], str] = {}
    for found in item.found:
        try:
            fhir.check(found.body)
        except InvalidResource as error:
            raise FaultError(Cause.INVALID_RESOURCE, str(error)) from None
        key = (found.resource["resourceType"], found.resource["id"])
        digests[key] = fhir.digest(found.resource)
        if trial._digests.get(key, digests[key]) != digests[key]:
            words = f"an earlier row gives this {key[0]} another content"
            raise FaultError(Cause.CONFLICTING_ROW, words)
    trial._digests |= digests
    return [found.resource for found in item.found]
