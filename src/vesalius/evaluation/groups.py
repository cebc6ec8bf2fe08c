"""Which group each row belongs to: the levels of a category, the bands of a number."""

from __future__ import annotations

import itertools
from bisect import bisect
from typing import Any

import pyarrow as pa

from vesalius.card import Card, Input

BANDS = (0, 18, 40, 65, 80)
"""Where the bands of an age in years begin."""

_NAMES = (*(f"{low}-{high - 1}" for low, high in itertools.pairwise(BANDS)), f"{BANDS[-1]}+")


def names(item: Input) -> tuple[str, ...]:
    """The groups that an input makes, in order."""
    if item.kind == "number":
        return _NAMES
    return ("false", "true") if item.kind == "boolean" else item.levels


def of(item: Input, value: Any) -> str | None:
    """The group of a value, such as ``65-79``, ``80+`` or a level; None where it is not known or in none."""
    if value is None:
        return None
    if item.kind == "number":
        return _NAMES[bisect(BANDS, value) - 1] if value >= BANDS[0] else None  # not a number is in none
    return ("true" if value else "false") if item.kind == "boolean" else str(value)


def inputs(card: Card) -> list[Input]:
    """The inputs by which fairness is looked at, in the order that the card names them."""
    known = {item.name: item for item in card.inputs}
    return [known[name] for name in card.subgroups if name in known]


def labels(card: Card, table: pa.Table) -> dict[str, list[str | None]]:
    """By input that makes groups, the group of each of N rows.

    Args:
        card: says which inputs; one that the table lacks is left out.
        table: N rows, a column per input.
    """
    return {
        item.name: [of(item, value) for value in table.column(item.name).to_pylist()]
        for item in inputs(card)
        if item.name in table.column_names
    }
