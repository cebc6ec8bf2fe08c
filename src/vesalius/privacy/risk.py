"""How likely it is that somebody of a table is recognised.

Three attackers (El Emam 2013, chapter 16): the *prosecutor* knows that the person is in the table, and
looks among the records of one class; the *journalist* does not know it, and looks among the persons of the
population who would be in that class; the *marketer* wants as many as possible right, not one in
particular. Where no table of the population is given, the table stands for it, and the journalist's risk is
the prosecutor's: too high, never too low.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vesalius.errors import InvalidPlan, NotEnoughData
from vesalius.privacy._coding import combined, numbered

Ints = NDArray[np.int64]

BINS = (1, 2, 3, 5, 10, 20, 50, 100, 1000)
"""Where the groups of class sizes begin; see :attr:`Risks.spread`."""


class Risks(msgspec.Struct, frozen=True, kw_only=True):
    """The risks of the records of a table. Shares of one.

    Attributes:
        records: of the table.
        classes: how many different records it has in the quasi-identifying columns.
        uniques: records that no other is like.
        smallest, largest: sizes of classes.
        prosecutor_max, prosecutor_mean: one by the size of the class, of the worst record and on average.
        journalist_max: the same, by the persons of the population in the class.
        marketer: the share of the records that an attacker names rightly who guesses for all of them.
        threshold: a prosecutor's risk.
        above: the share of the records whose risk is above it.
        spread: records in classes of a size from each of :data:`BINS` up to the next.
    """

    records: int
    classes: int
    uniques: int
    smallest: int
    largest: int
    prosecutor_max: float
    prosecutor_mean: float
    journalist_max: float
    marketer: float
    threshold: float
    above: float
    spread: list[int]


def risks(sizes: Ints, threshold: float = 0.2, population: Ints | None = None) -> Risks:
    """The risks of a table, from the sizes of its classes.

    Args:
        sizes: of the classes, none of them empty.
        threshold: the risk above which a record counts as at risk: 0.2 is a class of less than five.
        population: the persons of the population in each class.

    Raises:
        NotEnoughData: there is no record.
    """
    if not len(sizes):
        raise NotEnoughData("a table without records has no risk")
    records = int(sizes.sum())
    people = sizes if population is None else population
    edges = np.searchsorted(np.array(BINS), sizes, side="right") - 1
    return Risks(
        records=records,
        classes=len(sizes),
        uniques=int((sizes == 1).sum()),
        smallest=int(sizes.min()),
        largest=int(sizes.max()),
        prosecutor_max=1 / int(sizes.min()),
        prosecutor_mean=len(sizes) / records,
        journalist_max=1 / int(people.min()),
        marketer=float((sizes / people).sum() / records),
        threshold=threshold,
        above=float(sizes[1 / sizes > threshold].sum() / records),
        spread=np.bincount(edges, weights=sizes, minlength=len(BINS)).astype(int).tolist(),
    )


def class_sizes(
    table: pa.Table, quasi: Sequence[str], population: pa.Table | None = None
) -> tuple[Ints, Ints]:
    """The records of each class of a table, and the persons of the population in it.

    Raises:
        InvalidPlan: a column is missing, or somebody of the table is not in the population.
    """
    if not quasi:
        raise InvalidPlan("name the columns that an attacker may know")
    for where, name in ((table, "table"), (population, "population")):
        gone = [] if where is None else [each for each in quasi if each not in where.column_names]
        if gone:
            raise InvalidPlan(f"the {name} has no column {', '.join(map(repr, gone))}")
    columns, sizes = [], []
    for each in quasi:
        codes, values = numbered([table[each]] if population is None else [table[each], population[each]])
        columns.append(codes)
        sizes.append(max(len(values), 1))
    of, number = combined(columns, sizes)
    counted = np.bincount(of[: table.num_rows], minlength=number)
    there = counted > 0
    if population is None:
        return counted[there], counted[there]
    people = np.bincount(of[table.num_rows :], minlength=number)
    if (people < counted).any():
        raise InvalidPlan("the population lacks records of the table", hint="it holds everybody of the table")
    return counted[there], people[there]


def risks_of(
    table: pa.Table, quasi: Sequence[str], threshold: float = 0.2, population: pa.Table | None = None
) -> Risks:
    """The risks of a table as it is.

    Args:
        table: the records.
        quasi: the columns that an attacker may know.
        threshold: the risk above which a record counts as at risk.
        population: those among whom a journalist looks.

    Raises:
        InvalidPlan: a column is missing, or somebody of the table is not in the population.
        NotEnoughData: the table has no rows.
    """
    sizes, people = class_sizes(table, quasi, population)
    return risks(sizes, threshold, None if population is None else people)


class Pitman(msgspec.Struct, frozen=True):
    """Pitman's model of how classes arise, fitted to a sample; ``theta`` above 0, ``alpha`` from 0 to 1."""

    theta: float
    alpha: float

    def uniques(self, population: int) -> float:
        """The persons expected to be alone in their class, in a population of this size."""
        theta, alpha, size = self.theta, self.alpha, population
        log = (
            math.lgamma(theta + alpha + size - 1)
            - math.lgamma(theta + size)
            + math.lgamma(theta + 1)
            - math.lgamma(theta + alpha)
        )
        return size * math.exp(log)


def fit_pitman(sizes: Ints) -> Pitman:
    """Fits Pitman's sampling formula to the sizes of the classes of a sample, by maximum likelihood.

    Hoshino 2001, "Applying Pitman's sampling formula to microdata disclosure risk assessment", Journal of
    Official Statistics 17(4), 499-520.

    Raises:
        NotEnoughData: all records are alike, or all are different: nothing can be fitted.
    """
    from scipy.optimize import minimize
    from scipy.special import gammaln

    records, classes = int(sizes.sum()), len(sizes)
    if not 1 < classes < records:
        raise NotEnoughData("the records are all alike or all different: no model of the population fits")
    size, times = np.unique(sizes, return_counts=True)

    def unlikely(place: NDArray[np.float64]) -> float:
        alpha = 1 / (1 + math.exp(-place[0]))
        theta = math.exp(place[1])
        steps = classes * math.log(alpha) + gammaln(theta / alpha + classes) - gammaln(theta / alpha)
        whole = gammaln(theta + records) - gammaln(theta)
        inside = (times * (gammaln(size - alpha) - gammaln(1 - alpha))).sum()
        return float(whole - steps - inside)

    tries = [
        minimize(
            unlikely, start, method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-8, "maxiter": 2000}
        )
        for start in ([0.0, math.log(classes)], [-3.0, 0.0])
    ]
    best = min(tries, key=lambda each: each.fun)
    return Pitman(theta=math.exp(best.x[1]), alpha=1 / (1 + math.exp(-best.x[0])))


def population_uniqueness(sizes: Ints, population: int) -> float:
    """The share of the population expected to be alone in its class, from a sample of it.

    Args:
        sizes: of the classes of the sample.
        population: how many persons it was drawn from.

    Raises:
        InvalidPlan: the population is smaller than the sample.
        NotEnoughData: nothing can be fitted.
    """
    if population < int(sizes.sum()):
        raise InvalidPlan("the population is smaller than the table")
    return fit_pitman(sizes).uniques(population) / population
