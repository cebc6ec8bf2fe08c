"""One tree as data, and what makes it sound."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from vesalius.modelling._arithmetic import fine
from vesalius.modelling._columns import Kind

LARGEST_LEAF = 1024.0
"""Log odds beyond which a leaf is refused."""

DEEPEST = 8
"""How many inputs a path may ask about: what it takes to explain one doubles with each."""

MOST_LEAVES = 20_000
"""Of a forest: with :data:`DEEPEST` it bounds the memory that an explanation takes."""


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One input.

    Attributes:
        input: the name of the column.
        kind: of the input.
        levels: of a category or a grade, the values in order; of a boolean, ``false`` and ``true``.
    """

    input: str
    kind: Kind
    levels: tuple[str, ...] = ()


class Tree(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One tree of S splits and S + 1 leaves; split 0 is the root, and a child has a greater number.

    Attributes:
        field: per split, which input is asked about.
        at: per split, the number up to which (and with it) a value goes low; a grade counts by its place. 0
            for a category.
        levels: per split, the places of the levels of a category that go low; empty for a number.
        missing: per split, whether a missing value goes low.
        low, high: per split, where it leads: a split by its number, or leaf L as ``-1 - L``.
        rows: per leaf, how many training rows ended there.
        leaf: per leaf, the log odds that it adds, a multiple of 2^-20.
    """

    field: tuple[int, ...]
    at: tuple[float, ...]
    levels: tuple[tuple[int, ...], ...]
    missing: tuple[bool, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    rows: tuple[int, ...]
    leaf: tuple[float, ...]


def problem(tree: Tree, fields: Sequence[Field]) -> str:
    """What is wrong with a tree, or nothing."""
    splits = len(tree.field)
    if {len(tree.at), len(tree.levels), len(tree.missing), len(tree.low), len(tree.high)} != {splits}:
        return "its splits are not complete"
    if len(tree.rows) != splits + 1 or len(tree.leaf) != splits + 1:
        return f"it has {len(tree.leaf)} leaves for {splits} splits"
    leaf = np.array(tree.leaf, dtype=np.float64)
    if not np.isfinite(leaf).all() or np.abs(leaf).max() > LARGEST_LEAF or (fine(leaf) != leaf).any():
        return "a leaf is not on the grid of 2^-20 log odds"
    if not all(0 < count < 2**40 for count in tree.rows):
        return "a leaf without rows"
    return _misled(tree) or next(filter(None, (_asked(tree, split, fields) for split in range(splits))), "")


def _misled(tree: Tree) -> str:
    """Whether the splits lead anywhere but down, each child once, to every leaf."""
    splits = len(tree.field)
    pairs = list(zip(tree.low, tree.high, strict=True))
    if any(not -splits - 1 <= child < splits for pair in pairs for child in pair):
        return "a child out of range"
    if any(0 <= child <= split for split, pair in enumerate(pairs) for child in pair):
        return "a child before its parent"
    every = [*range(-splits - 1, 0), *range(1, splits)] if splits else []
    if sorted(child for pair in pairs for child in pair) != every:
        return "a child with no parent, or with two"
    asked: list[frozenset[int]] = [frozenset()] * splits
    for split, pair in enumerate(pairs):
        here = asked[split] | {tree.field[split]}
        if len(here) > DEEPEST:
            return f"a path asks about more than {DEEPEST} inputs"
        for child in pair:
            if child >= 0:
                asked[child] = here
    return ""


def _asked(tree: Tree, split: int, fields: Sequence[Field]) -> str:
    """What is wrong with the question of a split, or nothing."""
    if not 0 <= tree.field[split] < len(fields):
        return "a split on an input that is not there"
    each, places = fields[tree.field[split]], tree.levels[split]
    if not math.isfinite(tree.at[split]):
        return "a split at no number"
    if each.kind != "category":
        return "levels for a split on a number" if places else ""
    if tree.at[split] or list(places) != sorted(set(places)):
        return "levels that do not ascend"
    return "" if all(0 <= place < len(each.levels) for place in places) else "a level that is not there"
