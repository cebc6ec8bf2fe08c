"""NEWS2, the National Early Warning Score 2, for many patients at once; what is not known makes it a range.

A measurement that is missing is not normal. It could add nothing, or as much as its worst band: the score
is then known only from a lowest to a highest sum, and says which measurements would settle it. Never is a
missing one scored as zero.

Source: Royal College of Physicians. National Early Warning Score (NEWS) 2. London: RCP, 2017; charts 1 and 4.
The points are data, in ``news2.toml``.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

PARAMETERS = (
    "respiratory_rate",
    "oxygen_saturation",
    "oxygen",
    "systolic_pressure",
    "pulse",
    "consciousness",
    "temperature",
)
"""The seven measurements of a complete set."""

RED = 3
"""Points of one measurement that alone ask for a review within the hour (chart 4)."""

URGENT, EMERGENCY = 5, 7
"""Sums from which the response is urgent, or an emergency (chart 4)."""


class Response(IntEnum):
    """What the chart of clinical responses asks for, least urgent first (chart 4)."""

    ROUTINE = 0
    """0 points: at least every 12 hours."""
    WARD = 1
    """1 to 4 points: at least every 4 to 6 hours; a nurse assesses."""
    RED = 2
    """3 points for one measurement: at least every hour; the medical team reviews."""
    URGENT = 3
    """5 or 6 points: at least every hour; urgent assessment."""
    EMERGENCY = 4
    """7 points or more: continuous monitoring; emergency assessment by a team with critical-care skills."""


@dataclass(frozen=True)
class Score:
    """The scores of N patients.

    Attributes:
        points: per parameter the N lowest and the N highest points; they are equal where it is known.
        known: per parameter whether it is known, N flags.
    """

    points: Mapping[str, tuple[Ints, Ints]]
    known: Mapping[str, Flags]

    @property
    def low(self) -> Ints:
        """The lowest that the sum can be."""
        total: Ints = np.sum([low for low, _ in self.points.values()], axis=0)
        return total

    @property
    def high(self) -> Ints:
        """The highest that the sum can be."""
        total: Ints = np.sum([high for _, high in self.points.values()], axis=0)
        return total

    @property
    def response(self) -> tuple[Ints, Ints]:
        """The least and the most urgent :class:`Response` that fits what is known."""
        lows = np.array([low for low, _ in self.points.values()])
        highs = np.array([high for _, high in self.points.values()])
        return _response(lows), _response(highs)

    def missing(self, row: int) -> tuple[str, ...]:
        """What was not measured."""
        return tuple(name for name in PARAMETERS if not self.known[name][row])


def _response(points: Ints) -> Ints:
    total = points.sum(axis=0)
    found = np.where(total > 0, int(Response.WARD), int(Response.ROUTINE))
    found = np.where((points >= RED).any(axis=0), int(Response.RED), found)
    found = np.where(total >= URGENT, int(Response.URGENT), found)
    return np.where(total >= EMERGENCY, int(Response.EMERGENCY), found)


def score(measured: Mapping[str, Floats], scale_2: Flags | None = None) -> Score:
    """Scores N patients.

    Args:
        measured: for each of :data:`PARAMETERS` N numbers in the unit of the table; NaN is not measured.
            ``oxygen`` is 1 if the patient is given any, ``consciousness`` 1 if not alert.
        scale_2: for whom scale 2 of the oxygen saturation is prescribed; nobody, if not given.
    """
    known = {name: np.isfinite(measured[name]) for name in PARAMETERS}
    found = {name: points(name, measured[name]) for name in PARAMETERS}
    if scale_2 is not None and scale_2.any():
        low, high = _scale_2(measured["oxygen_saturation"], measured["oxygen"])
        one_low, one_high = found["oxygen_saturation"]
        found["oxygen_saturation"] = np.where(scale_2, low, one_low), np.where(scale_2, high, one_high)
    return Score(found, known)


def _scale_2(saturation: Floats, oxygen: Floats) -> tuple[Ints, Ints]:
    """On scale 2 the points depend on the oxygen that is given: where that is not known, both may be."""
    air, given = (points(f"oxygen_saturation_2_{name}", saturation) for name in ("air", "oxygen"))
    low = np.where(oxygen == 1, given[0], np.where(oxygen == 0, air[0], np.minimum(air[0], given[0])))
    high = np.where(oxygen == 1, given[1], np.where(oxygen == 0, air[1], np.maximum(air[1], given[1])))
    return low, high


def points(name: str, values: Floats) -> tuple[Ints, Ints]:
    """The lowest and the highest points of N values of one row of the chart; NaN may be anything.

    >>> points("pulse", np.array([40.0, 90.4, np.nan]))
    (array([3, 0, 0]), array([3, 0, 3]))
    """
    step, ends, scored = _table()[name]
    known = np.isfinite(values)
    # Half a step up: 90.5 is read as 91. The rounding by hand, as numpy's rounds half to even.
    ruled = np.floor(np.where(known, values, 0.0) / step + 0.5 + 1e-9)
    found = scored[np.minimum(np.searchsorted(ends, ruled), len(scored) - 1)]
    return np.where(known, found, 0), np.where(known, found, scored.max())


@cache
def _table() -> dict[str, tuple[float, Floats, Ints]]:
    """Per row of the chart: how finely it is ruled, the highest step of each band, and its points."""
    raw = tomllib.loads((Path(__file__).parent / "news2.toml").read_text(encoding="utf-8"))
    table = {}
    for name, row in raw.items():
        step = float(row["step"])
        ends = np.array([high if math.isinf(high) else round(high / step) for _, high, _ in row["bands"]])
        table[name] = step, ends, np.array([points for *_, points in row["bands"]], dtype=np.int64)
    return table
