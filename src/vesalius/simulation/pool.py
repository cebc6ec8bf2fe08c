"""The patients that a simulation draws from: of a cohort, or made up from what a model knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vesalius.card import Card, Input
from vesalius.errors import NotEnoughData
from vesalius.evaluation import groups
from vesalius.evaluation.monitoring import Reference

if TYPE_CHECKING:
    from vesalius.evaluation import Cohort
    from vesalius.usecase import UseCase

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ACTED = 0.2
"""The share of the patients, those of greatest probability, that the simulated use acts on."""

FEWEST = 200
"""Fewer patients than this are no population to draw from."""

MISSING = 0.03
"""Of every input of a made-up patient, the share that is missing."""


@dataclass(frozen=True)
class Pool:
    """A population: a row is drawn as often as chance will have it.

    Attributes:
        card: of the use.
        model: that scores.
        table: N rows, a column per input.
        probability: N, by the model.
        outcomes: N booleans, what happens to each.
        act: from which probability on the use acts.
        origin: where they come from, in words.
    """

    card: Card
    model: Any
    table: pa.Table
    probability: Floats
    outcomes: npt.NDArray[np.bool_]
    act: float
    origin: str

    def __len__(self) -> int:
        return len(self.outcomes)

    @property
    def logits(self) -> Floats:
        """The log odds of each."""
        bounded = np.clip(self.probability, 1e-6, 1 - 1e-6)
        found: Floats = np.log(bounded / (1 - bounded))
        return found

    def recorded(self, table: pa.Table) -> Pool:
        """The same patients, recorded otherwise: what happens to them stays, what the model says may not."""
        return replace(self, table=table, probability=_scored(self.model, table))

    def groups(self, rows: Ints) -> dict[str, list[str | None]]:
        """The groups by which fairness is looked at, of some rows."""
        return groups.labels(self.card, self.table.take(rows))

    def reference(self, rng: np.random.Generator, count: int) -> Reference:
        """A reference of as many rows, drawn: so that it errs as a real one does."""
        rows = rng.integers(0, len(self), count)
        return Reference.of(
            self.card.inputs,
            self.table.take(rows),
            self.probability[rows],
            self.outcomes[rows],
            self.groups(rows),
            acted=self.probability[rows] >= self.act,
        )

    def importance(self) -> list[str]:
        """The inputs, those that move the log odds most first."""
        some = self.table.slice(0, 2000)
        moved = np.abs(np.asarray(self.model.score(some).contributions)).mean(axis=0)
        order = np.argsort(-moved, kind="stable")
        return [self.model.inputs[place] for place in order]


def of_cohort(kind: type[UseCase], cohort: Cohort, seed: int) -> Pool:
    """The patients of a cohort, scored by the model that the use ships.

    A use that ships none learns one on half of the patients; the other half is the population.

    Raises:
        NotEnoughData: fewer than 200 patients.
    """
    use = kind()
    table, outcomes, model = cohort.evidence.table, np.asarray(cohort.outcomes, dtype=bool), use.model
    if model is None:
        rng = np.random.default_rng(seed)
        people = sorted({candidate.subject for candidate in cohort.evidence.candidates})
        learners = set(rng.permutation(people)[: len(people) // 2].tolist())
        mine = [each.subject in learners for each in cohort.evidence.candidates]
        learn, rest = np.flatnonzero(mine), np.flatnonzero(np.logical_not(mine))
        model = use.learn(cohort.evidence.take(learn.tolist()), outcomes[learn], seed)
        table, outcomes = table.take(rest), outcomes[rest]
    if len(outcomes) < FEWEST:
        raise NotEnoughData(f"{len(outcomes)} patients are no population", hint=f"at least {FEWEST}")
    return _pool(kind.card, model, table, outcomes, f"{len(outcomes)} patients of the cohort")


def made_up(kind: type[UseCase], count: int, seed: int) -> Pool:
    """Made-up patients: each input by itself, as the model's own points say it lies; outcomes as it says.

    They show what the monitors do, not what a hospital's patients are like: no two inputs hang together.

    Raises:
        NotEnoughData: the use ships no model.
    """
    model = kind().model
    if model is None:
        raise NotEnoughData(
            f"{kind.card.name} ships no model", hint="--data FOLDER gives it patients to learn from"
        )
    rng = np.random.default_rng(seed)
    table = pa.table({item.name: _column(item, model, count, rng) for item in kind.card.inputs})
    outcomes = rng.random(count) < _scored(model, table)
    return _pool(kind.card, model, table, outcomes, f"{count} made-up patients")


def _pool(card: Card, model: Any, table: pa.Table, outcomes: npt.NDArray[np.bool_], origin: str) -> Pool:
    probability = _scored(model, table)
    return Pool(card, model, table, probability, outcomes, float(np.quantile(probability, 1 - ACTED)), origin)


def _scored(model: Any, table: pa.Table) -> Floats:
    found: Floats = np.asarray(model.score(table).probability, dtype=np.float64)
    return found


def _column(item: Input, model: Any, count: int, rng: np.random.Generator) -> Any:
    gone = rng.random(count) < MISSING
    if item.kind == "number":
        points: Sequence[Any] = model.options(item.name) if item.name in model.inputs else ()
        edges = np.array([float(edge) for edge in points] or [0.0, 1.0])
        at = np.clip(rng.normal(0.5, 0.25, count), 0, 1) * (len(edges) - 1)
        return pa.array(np.interp(at, np.arange(len(edges)), edges), mask=gone)
    if item.kind == "boolean":
        return pa.array(rng.random(count) < 0.2, mask=gone)
    weights = 1 / np.arange(1, len(item.levels) + 1)
    drawn = rng.choice(len(item.levels), count, p=weights / weights.sum())
    words = np.array(item.levels, dtype=object)[drawn]
    words[gone] = None
    return pa.array(words.tolist(), pa.string())
