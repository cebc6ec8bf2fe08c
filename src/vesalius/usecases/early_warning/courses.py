"""How the vital signs went until the moment: what the page draws, from what was known then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from vesalius.usecase import Candidate, Course
from vesalius.usecases.early_warning.card import card, codes, view
from vesalius.usecases.early_warning.current import WINDOW
from vesalius.usecases.early_warning.measures import valued
from vesalius.views.features import WITHDRAWN

if TYPE_CHECKING:
    from vesalius.lake import Lake

NORMAL: Mapping[str, tuple[float | None, float | None]] = {
    "respiratory_rate": (12.0, 20.0),
    "oxygen_saturation": (96.0, None),
    "systolic_pressure": (111.0, 219.0),
    "heart_rate": (51.0, 90.0),
    "temperature": (36.1, 38.0),
    "gcs": (15.0, None),
}
"""What is drawn, and where NEWS2 gives no points (RCP 2017, chart 1, scale 1; a full coma scale)."""


def drawn(lake: Lake, candidate: Candidate) -> tuple[Course, ...]:
    """The measurements of 48 hours that were known at the candidate's moment, and in force then."""
    points = _points(lake, candidate)
    units = {item.name: item.unit for item in card().measured}
    return tuple(
        Course(f"measured.{name}", units[name], normal, tuple(sorted(points[name])))
        for name, normal in NORMAL.items()
        if points[name]
    )


def _points(lake: Lake, candidate: Candidate) -> dict[str, list[tuple[datetime, float]]]:
    named = {code: name for name in NORMAL for code in codes(name)}
    newest: dict[str, int] = {}
    rows = [
        row
        for row in valued(view("observations").table(lake, [candidate.subject])).to_pylist()
        if row["_recorded_at"] <= candidate.as_of
    ]
    for row in sorted(rows, key=lambda row: (row["_recorded_at"], row["_seq"])):
        newest[row["_resource"]] = row["_seq"]
    found: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for row in rows:
        in_force = newest[row["_resource"]] == row["_seq"] and row["status"] not in WITHDRAWN
        recent = row["_recorded_at"] >= candidate.as_of - WINDOW and row["_subject"] == candidate.subject
        name = named.get(f"{row['code_system']}|{row['code']}")
        if name and in_force and recent and row["value"] is not None:
            found[name].append((row["_recorded_at"], row["value"]))
    return found
