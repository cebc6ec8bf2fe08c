"""Whether a shift of a number looks like a change of unit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from vesalius.evaluation.monitoring.reference import Field

FACTORS: dict[str, float] = {
    "10": 10,
    "100": 100,
    "1000": 1000,
    "creatinine mg/dL to umol/L": 88.4,
    "glucose mg/dL to mmol/L": 1 / 18.016,
    "cholesterol mg/dL to mmol/L": 1 / 38.67,
    "triglycerides mg/dL to mmol/L": 1 / 88.57,
    "urea nitrogen mg/dL to urea mmol/L": 1 / 2.801,
    "urea mg/dL to mmol/L": 1 / 6.006,
    "bilirubin mg/dL to umol/L": 17.104,
    "calcium mg/dL to mmol/L": 1 / 4.008,
    "phosphate mg/dL to mmol/L": 1 / 3.097,
    "uric acid mg/dL to umol/L": 59.48,
    "haemoglobin g/dL to mmol/L": 0.6206,
    "days to hours": 24,
    "years to months": 12,
    "pounds to kilograms": 0.45359237,
    "inches to centimetres": 2.54,
    "mm[Hg] to kPa": 0.133322,
}
"""What one multiplies by to change a unit; its inverse is looked for as well. From molar masses (IUPAC
standard atomic weights: creatinine 113.12 g/mol, glucose 180.16, urea 60.06, urea nitrogen 28.01, cholesterol
386.65, bilirubin 584.66, calcium 40.078, phosphorus 30.974, uric acid 168.11; haemoglobin per monomer 16,114)
and from NIST Special Publication 811, appendix B. Triglycerides by convention as triolein, 885.7.
"""

TOLERANCE = 0.25
"""How far, in natural logarithms, a ratio may lie from a factor: the patients change a little, too. Factors
closer to 1 than twice this are not looked for: they cannot be told from a change of patients.
"""

CLOSE = 0.05
"""Factors that explain a move this well are both possible: 88.4 for creatinine, 88.57 for triglycerides."""

PARTIAL = math.log(5)
"""A change of a part of the values is looked for only with a factor of five or more: a smaller one looks
like other patients.
"""

SHARE = 0.1
"""The least share of the values that must have changed unit."""


class UnitChange(msgspec.Struct, frozen=True):
    """A shift that looks like a change of unit: an interpretation, for a person to check.

    Attributes:
        what: the factor's name in :data:`FACTORS`; ``from`` and ``to`` change places where ``factor`` is
            its inverse.
        factor: what the values seem to have been multiplied by.
        ratio: of the geometric means, now and in the reference.
        share: of the values, how many seem to have changed.
    """

    what: str
    factor: float
    ratio: float
    share: float


def unit_change(field: Field, logs: Sequence[float]) -> UnitChange | None:
    """The known change of unit that best explains how the values of a number moved, if one does.

    A change of unit adds a constant to every logarithm. Where a share ``s`` of the values changes by the
    factor ``f``, the mean of the logarithms moves by ``s log f`` and their variance grows by ``s (1-s) log²
    f``: two equations that a factor must satisfy both. So a partial change (one of two laboratories) is
    seen as well.

    Args:
        field: of the reference.
        logs: count, sum and sum of squares of the logarithms of what came in.
    """
    if field.logs[0] < 30 or logs[0] < 10:
        return None
    (mean, variance), (mean_now, variance_now) = _moments(field.logs), _moments(logs)
    moved, grown = mean_now - mean, variance_now - variance
    found = [
        (off, msgspec.structs.replace(change, share=share))
        for change in _both_ways()
        for off, share in _fits(math.log(change.factor), moved, grown, variance)
    ]
    if not found:
        return None
    name = field.name.lower()
    # Of two factors that explain it as well, that of the analyte whose name the input bears.
    change = min(found, key=lambda pair: (pair[0] > 2 * CLOSE, pair[1].what.split()[0] not in name, pair[0]))[
        1
    ]
    return msgspec.structs.replace(change, ratio=math.exp(moved))


def _fits(step: float, moved: float, grown: float, variance: float) -> list[tuple[float, float]]:
    """How far a factor is from explaining the move, and the share of values that must have changed."""
    if abs(step) < 2 * TOLERANCE:
        return []
    if abs(moved - step) < TOLERANCE and grown < max(variance, TOLERANCE):
        return [(abs(moved - step), 1.0)]
    share = moved / step
    if abs(step) < PARTIAL or not SHARE < share < 1:
        return []
    expected = share * (1 - share) * step**2
    off = abs(grown - expected) / expected
    return [(TOLERANCE + off, round(share, 3))] if off < 0.5 else []


def _both_ways() -> list[UnitChange]:
    pairs = [pair for what, factor in FACTORS.items() for pair in ((what, factor), (what, 1 / factor))]
    return [UnitChange(what, factor, factor, 1.0) for what, factor in pairs]


def _moments(logs: Sequence[float]) -> tuple[float, float]:
    count, total, squares = logs
    mean = total / count
    return mean, max(squares / count - mean**2, 0.0)
