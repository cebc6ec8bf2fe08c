"""From a table to cells: values become whole numbers, alike rows become one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vesalius.errors import InvalidPlan
from vesalius.privacy import hierarchies
from vesalius.privacy._cells import Axis, Cells, Codes, Ints, Sensitive, dense
from vesalius.privacy.plan import Column, Plan

Chunks: TypeAlias = "pa.ChunkedArray[Any]"

_MOST_NODES = 20_000_000
"""Nodes of a lattice that the search keeps in memory: some 250 MB."""


@dataclass(frozen=True)
class Coded:
    """A table as cells.

    Attributes:
        cells: the different rows.
        row: the cell of each row.
    """

    cells: Cells
    row: Ints


def coded(table: pa.Table, plan: Plan, population: pa.Table | None = None) -> Coded:
    """A table as cells, with the hierarchies of its plan.

    Args:
        table: the rows.
        plan: which columns are what.
        population: those among whom an attacker looks, with the quasi-identifying columns at least.

    Raises:
        InvalidPlan: the plan and the table do not fit, or the lattice is too large.
    """
    _fit(table, plan, population)
    quasi = plan.named("quasi-identifying")
    axes: list[Axis] = []
    columns: list[Codes] = []
    for name in quasi:
        both = [table[name]] if population is None else [table[name], population[name]]
        codes, values = numbered(both)
        axes.append(axis(name, plan.columns[name], values))
        columns.append(codes)
    nodes = math.prod(each.depth for each in axes)
    if nodes > _MOST_NODES:
        raise InvalidPlan(
            f"the lattice has {nodes:,} nodes", hint="fewer levels, or columns with a higher lowest level"
        )
    of, number = combined(columns, [len(each.codes[0]) for each in axes])
    own = np.arange(len(of)) < table.num_rows
    first = np.empty(number, np.int64)
    first[of[::-1]] = np.arange(len(of))[::-1]
    count = np.bincount(of[own], minlength=number)
    people = None if population is None else np.bincount(of[~own], minlength=number)
    if people is not None and (count > people).any():
        raise InvalidPlan(
            f"the population lacks {int(np.maximum(count - people, 0).sum())} of the table's records",
            hint="the population holds everybody of the table, with the same values",
        )
    row = of[own]
    sensitive = {name: secret(table[name], plan.columns[name], name, row) for name in _asked(plan)}
    return Coded(Cells(axes, [codes[first] for codes in columns], count, people, sensitive), row)


def _asked(plan: Plan) -> list[str]:
    """The sensitive columns that a model speaks of."""
    return sorted({model.column for model in plan.models if hasattr(model, "column")})


def _fit(table: pa.Table, plan: Plan, population: pa.Table | None) -> None:
    plan.check()
    names = table.column_names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidPlan(f"the table has more than one column {', '.join(map(repr, twice))}")
    unnamed = [name for name in names if name not in plan.columns]
    if unnamed:
        raise InvalidPlan(
            f"the plan says nothing of {', '.join(map(repr, unnamed))}",
            hint="every column gets a role, or it would slip out",
        )
    lacking = [name for name in plan.columns if name not in names]
    if lacking:
        raise InvalidPlan(f"the table has no column {', '.join(map(repr, lacking))}")
    if not table.num_rows:
        raise InvalidPlan("the table has no rows")
    quasi = plan.named("quasi-identifying")
    if population is not None and (gone := [name for name in quasi if name not in population.column_names]):
        raise InvalidPlan(f"the population has no column {', '.join(map(repr, gone))}")


def numbered(columns: Sequence[Chunks]) -> tuple[Codes, list[str | None]]:
    """The values of a column, or of one in two tables, by number; in the order of the values as text.

    Returns:
        The number of each row's value, and the values as text, None for an empty cell.
    """
    texts = [text(column) for column in columns]
    whole = pa.chunked_array([chunk for each in texts for chunk in each.chunks], pa.string())
    encoded: Any = pc.dictionary_encode(whole, null_encoding="encode").unify_dictionaries()
    values: list[str | None] = encoded.chunk(0).dictionary.to_pylist() if encoded.num_chunks else []
    numbers = pa.chunked_array([chunk.indices for chunk in encoded.chunks], pa.int32()).to_numpy()
    order = sorted(range(len(values)), key=lambda at: (values[at] is None, values[at] or ""))
    rank = np.empty(len(values), np.int32)
    rank[order] = np.arange(len(values))
    return rank[numbers], [values[at] for at in order]


def text(column: Chunks) -> Chunks:
    """A column as text.

    Raises:
        InvalidPlan: it holds lists or other things that are no single value.
    """
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    try:
        return pc.cast(column, pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        raise InvalidPlan(f"a column of type {column.type} cannot be made coarser") from None


def axis(name: str, column: Column, values: list[str | None]) -> Axis:
    """A quasi-identifying column, on the levels that its plan allows.

    Raises:
        InvalidPlan: its hierarchy does not fit.
    """
    assert column.hierarchy is not None
    made = hierarchies.build(column.hierarchy, values, name)
    last = made.depth - 1 if column.highest is None else column.highest
    if last >= made.depth or column.lowest > last:
        raise InvalidPlan(f"column {name!r}: its hierarchy has the levels 0 to {made.depth - 1}")
    levels = slice(column.lowest, last + 1)
    codes = made.codes(values)[levels]
    shares = made.shares(values)
    return Axis(
        name=name,
        codes=[code for code, _ in codes],
        names=[names for _, names in codes],
        shares=shares[levels],
        alone=shares[0],
        first=column.lowest,
    )


def combined(columns: Sequence[Ints | Codes], sizes: Sequence[int]) -> tuple[Ints, int]:
    """One number for each combination of several columns' numbers; without gaps."""
    key = np.zeros(len(columns[0]), np.int64)
    number = 1
    for column, size in zip(columns, sizes, strict=True):
        key, number = dense(key * size + column, number * size)
    seen = np.bincount(key, minlength=number) > 0
    return (np.cumsum(seen) - 1)[key], int(seen.sum())


def secret(column: Chunks, spec: Column | None, name: str, row: Ints) -> Sensitive:
    """How often each value of a sensitive column occurs in each cell.

    Args:
        column: of the table.
        spec: of the plan, if it has one.
        name: for messages.
        row: the cell of each row.
    """
    codes, values = numbered([column])
    key, first, count = np.unique(
        row.astype(np.int64) * len(values) + codes, return_index=True, return_counts=True
    )
    del key
    tree = None
    ranks = _ranks(values)
    if spec is not None and spec.hierarchy is not None:
        made = hierarchies.build(spec.hierarchy, values, name)
        levels = made.codes(values)
        if len(levels[-1][1]) > 1:
            raise InvalidPlan(f"hierarchy of {name!r}: its last level has more than one name")
        tree = [level for level, _ in levels]
        if ranks is None:
            place = {value: at for at, value in enumerate(made.rows)}
            ranks = np.array([place[value] for value in values], np.int64)
    return Sensitive(len(values), row[first], codes[first].astype(np.int64), count, ranks, tree)


def _ranks(values: Sequence[str | None]) -> Ints | None:
    """The order of values that are all numbers."""
    try:
        numbers = [float(value) for value in values if value is not None]
    except ValueError:
        return None
    if None in values:
        numbers.append(math.inf)
    return np.argsort(np.argsort(numbers, kind="stable"), kind="stable")


def levels_of(node: Sequence[int], axes: Sequence[Axis]) -> Mapping[str, int]:
    """The levels of a node, counted in the columns' hierarchies."""
    return {axis.name: level + axis.first for axis, level in zip(axes, node, strict=True)}
