"""LACE and HOSPITAL: two published scores, as far as the facts allow, to hold beside the model.

Points are data; what is not known adds none and is named, so that nobody takes a short score for a whole one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

Facts = Mapping[str, Any]
Bands = Sequence[tuple[float, int]]

LENGTH: Bands = ((0, 0), (1, 1), (2, 2), (3, 3), (6, 4), (13, 5), (inf, 7))
"""LACE, L: up to so many days, so many points (van Walraven et al., CMAJ 2010;182:551-557, figure 1)."""

ACUTE_POINTS = 3
"""LACE, A: an acute (emergent) admission."""

CHARLSON_POINTS: Bands = ((0, 0), (1, 1), (2, 2), (3, 3), (inf, 5))
"""LACE, C: the Charlson index. The paper weighs some conditions otherwise than Charlson did (heart failure
and chronic pulmonary disease 2, dementia 3, …); here the index is that of Charlson 1987."""

MOST_VISITS = 4
"""LACE, E: visits to the emergency department in the six months before, four at most."""

LACE_HIGH = 10
"""LACE of 10 or more: high risk (as used by the authors)."""

HAEMOGLOBIN, SODIUM, LONG_STAY = 12.0, 135.0, 5.0
"""HOSPITAL: haemoglobin below 12 g/dL and sodium below 135 mmol/L at discharge, a stay of 5 days or more
(Donzé et al., JAMA Intern Med 2013;173:632-638, table 3)."""

PREVIOUS: Bands = ((0, 0), (5, 2), (inf, 5))
"""HOSPITAL: admissions in the 12 months before: none 0, 1 to 5: 2, more than 5: 5 (Donzé 2013). The
validation of 2016 (JAMA Intern Med 2016;176:496-502) writes 0 to 1, 2 to 5 and more than 5."""

ONCOLOGY_POINTS = 2
LONG_STAY_POINTS = 2

HOSPITAL_BANDS: Bands = ((4, 0), (6, 1), (inf, 2))
"""HOSPITAL: low to 4, intermediate 5 and 6, high from 7."""

ACUTE = frozenset({"emergency", "urgent", "trauma"})


@dataclass(frozen=True)
class Score:
    """A score of one stay.

    Attributes:
        points: of what is known.
        unknown: the letters of the parts that are not known and added no points.
    """

    points: int
    unknown: tuple[str, ...]


def lace(facts: Facts) -> Score:
    """LACE: 0 to 19 points.

    E counts the visits of the whole year before, since the record gives no finer count: it can only be too
    high.

    Examples:
        >>> lace({"length_of_stay": 5, "admission": "emergency", "charlson": 2, "previous_emergency": 1})
        Score(points=10, unknown=())
    """
    visits = facts.get("previous_emergency")
    return _score(
        {
            "L": _banded(LENGTH, facts.get("length_of_stay")),
            "A": _acute(facts.get("admission"), ACUTE_POINTS),
            "C": _banded(CHARLSON_POINTS, facts.get("charlson")),
            "E": None if visits is None else min(int(visits), MOST_VISITS),
        }
    )


def hospital(facts: Facts) -> Score:
    """HOSPITAL: 0 to 13 points.

    Examples:
        >>> hospital({"length_of_stay": 6, "admission": "urgent", "previous_inpatient": 2, "procedures": 0})
        Score(points=5, unknown=('H', 'O', 'S'))
    """
    haemoglobin, sodium, days = (facts.get(name) for name in ("haemoglobin", "sodium", "length_of_stay"))
    specialty, procedures = facts.get("specialty"), facts.get("procedures")
    return _score(
        {
            "H": None if haemoglobin is None else int(haemoglobin < HAEMOGLOBIN),
            "O": None if specialty is None else ONCOLOGY_POINTS * (specialty == "oncology"),
            "S": None if sodium is None else int(sodium < SODIUM),
            "P": None if procedures is None else int(procedures >= 1),
            "I": _acute(facts.get("admission"), 1),
            "A": _banded(PREVIOUS, facts.get("previous_inpatient")),
            "L": None if days is None else LONG_STAY_POINTS * (days >= LONG_STAY),
        }
    )


def _score(parts: Mapping[str, int | None]) -> Score:
    known = [points for points in parts.values() if points is not None]
    return Score(sum(known), tuple(name for name, points in parts.items() if points is None))


def _banded(bands: Bands, value: float | None) -> int | None:
    return None if value is None else next(points for top, points in bands if value <= top)


def _acute(admission: str | None, points: int) -> int | None:
    return None if admission is None else points * (admission in ACUTE)
