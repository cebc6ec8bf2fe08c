"""What a table achieves: its k, its l, its t, whatever it was made with."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import pyarrow as pa

from vesalius.errors import InvalidPlan, NotEnoughData
from vesalius.privacy import models, plan
from vesalius.privacy._cells import Classes, Floats, Sensitive
from vesalius.privacy._coding import combined, numbered, secret


class Achieved(msgspec.Struct, frozen=True, kw_only=True):
    """What holds in every class of a table, for one sensitive column.

    Attributes:
        k: records of the smallest class.
        alpha: the largest share of one value in a class (Wong et al. 2006).
        distinct_l: values of the class that has fewest.
        entropy_l: the exponential of the least entropy of a class.
        recursive_c: with ``l = distinct_l``, the least whole c for which recursive (c, l)-diversity
            holds; None for l = 1.
        basic_beta, enhanced_beta: how much a value's share grows in a class, relative to the table (Cao and
            Karras 2012); the enhanced one is at most the logarithm of how rare the value is.
        t: the largest earth mover's distance of a class from the table.
        delta: the largest change of a value's share in a class, in doublings; values that it lacks left out.
    """

    k: int
    alpha: float
    distinct_l: int
    entropy_l: float
    recursive_c: int | None
    basic_beta: float
    enhanced_beta: float
    t: float
    delta: float


def achieved(
    table: pa.Table, quasi: Sequence[str], sensitive: str, distance: plan.Distance | None = None
) -> Achieved:
    """What a table achieves for one sensitive column.

    Args:
        table: the records.
        quasi: the columns that an attacker may know.
        sensitive: the column that they must not learn.
        distance: for t-closeness; ordered for numbers and equal for others when left out.

    Raises:
        InvalidPlan: a column is missing, or it has no order.
        NotEnoughData: the table has no rows.
    """
    gone = [name for name in [*quasi, sensitive] if name not in table.column_names]
    if gone or not quasi:
        raise InvalidPlan(
            f"the table has no column {', '.join(map(repr, gone))}" if gone else "no column is named"
        )
    if not table.num_rows:
        raise NotEnoughData("a table without records achieves nothing")
    coded = [numbered([table[name]]) for name in quasi]
    row, number = combined([codes for codes, _ in coded], [len(values) for _, values in coded])
    held = secret(table[sensitive], None, sensitive, row)
    size = np.bincount(row, minlength=number)
    if distance is None:
        distance = "equal" if held.ranks is None else "ordered"
    classes = Classes((), np.arange(number), size)
    spread = held.spread()
    blocks = [
        _block(counts, spread, distance, held) for _, counts in models.histograms(held, classes, size > 0)
    ]
    least_l = min(block.distinct_l for block in blocks)
    ratio = 0.0
    if least_l > 1:
        for _, counts in models.histograms(held, classes, size > 0):
            top, tail = models.recursive(counts, least_l)
            ratio = max(ratio, float((top / tail).max()))
    basic = max(block.basic_beta for block in blocks)
    return Achieved(
        k=int(size.min()),
        alpha=max(block.alpha for block in blocks),
        distinct_l=least_l,
        entropy_l=min(block.entropy_l for block in blocks),
        recursive_c=math.floor(ratio) + 1 if least_l > 1 else None,
        basic_beta=basic,
        enhanced_beta=min(basic, float(-np.log(spread[spread > 0].min()))),
        t=max(block.t for block in blocks),
        delta=max(block.delta for block in blocks),
    )


def _block(counts: Floats, spread: Floats, distance: plan.Distance, held: Sensitive) -> Achieved:
    share = counts / counts.sum(axis=1, keepdims=True)
    there = spread > 0
    return Achieved(
        k=0,
        alpha=float(share.max()),
        distinct_l=int(models.distinct(counts).min()),
        entropy_l=float(np.exp(models.entropy(counts).min())),
        recursive_c=None,
        basic_beta=float((share[:, there] / spread[there] - 1).max()),
        enhanced_beta=0.0,
        t=float(models.closeness(counts, spread, distance, held).max()),
        delta=float(models.disclosure(counts, spread).max()),
    )
