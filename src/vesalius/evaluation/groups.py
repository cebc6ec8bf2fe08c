"""Which group each row belongs to: the levels of a category, the bands of a number."""

from __future__ import annotations

import itertools
from typing import Any

import pyarrow as pa

from vesalius.card import Card
from vesalius.evaluation.tables import BANDS


def band(value: float | None) -> str | None:
    """The band of a number, such as ``65-79`` or ``80+``; None where it is not known or below all bands."""
    if value is None or not value >= BANDS[0]:  # not a number is in none
        return None
    for low, high in itertools.pairwise(BANDS):
        if value < high:
            return f"{low}-{high - 1}"
    return f"{BANDS[-1]}+"


def level(kind: str, value: Any) -> str | None:
    """The group of one value of an input: the band of a number, or a level, a boolean in lower case."""
    if kind == "number":
        return band(value)
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def labels(card: Card, table: pa.Table) -> dict[str, list[str | None]]:
    """For each input by which fairness is looked at, the group of each of N rows.

    Args:
        card: says which inputs; one that the table lacks is left out.
        table: N rows, a column per input.
    """
    kinds = {item.name: item.kind for item in card.inputs}
    found: dict[str, list[str | None]] = {}
    for name in card.subgroups:
        if name in kinds and name in table.column_names:
            values: list[Any] = table.column(name).to_pylist()
            found[name] = [level(kinds[name], value) for value in values]
    return found
