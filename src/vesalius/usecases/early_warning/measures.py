"""What is measured: how each code is read, and from the rows of the view to one number per row."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vesalius.fhir.codes import LOINC, SNOMED
from vesalius.usecases.early_warning.card import FOLDER

if TYPE_CHECKING:
    import pyarrow as pa

LOCAL = "https://vesalius.example/fhir/CodeSystem/early-warning"
"""Our own codes, where the standards have none."""

SCALE_2 = f"{LOCAL}|spo2-scale-2"
VENTILATED = f"{SNOMED}|40617009"
RESPONSIVENESS = f"{LOINC}|67775-7"

TRUTHS = (SCALE_2, VENTILATED)
"""Codes whose value is yes or no: 1 or 0."""

ALERT = {
    "248234008": 0.0,  # mentally alert
    "130987000": 1.0,  # acute confusion
    "300202002": 1.0,  # responds to voice
    "450847001": 1.0,  # responds to pain
    "422768004": 1.0,  # unresponsive
}
"""SNOMED CT: 0 for alert, 1 for the rest of ACVPU."""

DIGITS = 6
"""To which numbers are rounded once they were converted."""


class Reading(NamedTuple):
    """How a number of one code in one unit becomes one in the unit of the card, and what is believed."""

    factor: float
    zero: float
    low: float
    high: float


@cache
def readings() -> Mapping[tuple[str, str], Reading]:
    """By code (``SYSTEM|CODE``) and UCUM unit."""
    found = {}
    for measure in tomllib.loads((FOLDER / "measures.toml").read_text(encoding="utf-8")).values():
        low, high = measure["range"]
        for read in measure["read"]:
            for code in read["codes"]:
                for unit, factor in read["units"].items():
                    reading = Reading(float(factor), float(read.get("zero", 0)), float(low), float(high))
                    found[code if "|" in code else f"{LOINC}|{code}", unit] = reading
    return found


def valued(rows: pa.Table) -> pa.Table:
    """The rows of the view of observations with a column ``value``: a number in the unit of the card.

    It is null where the unit is not understood and where the number is not believed. Of yes and no it is 1
    and 0, of the level of responsiveness 0 for alert and 1 for anything else.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    compute: Any = pc
    code = compute.binary_join_element_wise(rows["code_system"], rows["code"], "|")
    unit = compute.coalesce(rows["unit"], rows["unit_text"], "")
    number = compute.coalesce(
        compute.cast(rows["number"], pa.float64()), compute.cast(rows["whole"], pa.float64())
    )
    codes, code_at = _numbered(code)
    units, unit_at = _numbered(unit)
    table = _table(codes, units)[code_at, unit_at]
    values = _floats(number)
    factor, zero, low, high = (table[:, column] for column in range(4))
    read = np.round((values - zero) * factor, DIGITS)
    # A comparison with NaN is False: what has no reading, or no number, is not believed.
    read = np.where((read >= low) & (read <= high), read, np.nan)
    truth = np.isin(code_at, [place for place, each in enumerate(codes) if each in TRUTHS])
    read = np.where(truth, _floats(compute.cast(rows["boolean"], pa.float64())), read)
    said = np.array([each == RESPONSIVENESS for each in codes] or [False])[code_at] if len(code_at) else truth
    read = np.where(said, _responsiveness(rows["concept"]), read)
    return rows.append_column("value", pa.array(read, mask=np.isnan(read)))


def _responsiveness(concepts: Any) -> np.ndarray:
    names, at = _numbered(concepts)
    found: np.ndarray[Any, np.dtype[np.float64]] = np.array([ALERT.get(name, np.nan) for name in names])[at]
    return found


def _numbered(column: Any) -> tuple[list[str], np.ndarray]:
    """The different texts of a column, and which of them each row has; null is the text that is empty."""
    import pyarrow.compute as pc

    coded: Any = pc.fill_null(column, "").combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if hasattr(coded, "num_chunks") else coded
    return coded.dictionary.to_pylist() or [""], coded.indices.to_numpy(zero_copy_only=False)


def _floats(column: Any) -> np.ndarray:
    found: np.ndarray[Any, np.dtype[np.float64]] = column.to_numpy(zero_copy_only=False).astype(np.float64)
    return found


def _table(codes: list[str], units: list[str]) -> np.ndarray:
    """Codes × units × 4: factor, zero, lowest and highest; NaN where there is no reading."""
    known = readings()
    nothing = (np.nan,) * 4
    return np.array(
        [[known.get((code, unit), nothing) for unit in units] for code in codes], dtype=np.float64
    )
