"""Learning a model from a table: choose, calibrate, measure the uncertainty, write it all down."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Hashable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from vesalius.errors import NotEnoughData
from vesalius.modelling import _logistic
from vesalius.modelling._arithmetic import Floats, snap
from vesalius.modelling._coding import code
from vesalius.modelling._ridge import Ridge
from vesalius.modelling.folds import deal
from vesalius.modelling.model import Conformal, Described, Facts, Model, Replicate, Term, Value, values

if TYPE_CHECKING:
    import pyarrow as pa

FOLDS = 5
"""Of the inner cross-validation."""

REPLICATES = 50
"""Bootstrap replicates of the tables."""

LEVEL = 0.9
"""Of the prediction set and of the interval."""

Tables = list[Floats]
"""Per term, its points, missing last."""


class Learner(Protocol):
    """One kind of additive model, before calibration."""

    @property
    def terms(self) -> Sequence[Term]:
        """One per input, its points still zero."""

    @property
    def share(self) -> Sequence[Floats]:
        """Per input, how much of the rows lies at each point, missing last."""

    def held_out(self, folds: npt.NDArray[np.intp]) -> tuple[Floats, float]:
        """N log odds, each by a model that did not see the row's fold; and the strength that was chosen."""

    def fitted(self, weights: Floats | None) -> tuple[float, Tables]:
        """The intercept and tables learned on all rows, each counted ``weights`` times."""


def train(
    table: pa.Table,
    outcomes: Any,
    inputs: Sequence[Described],
    seed: int = 0,
    kind: Literal["logistic", "ebm"] = "logistic",
    *,
    groups: Sequence[Hashable] | None = None,
    replicates: int = REPLICATES,
) -> Model:
    """Learns a model: the same rows (in any order), outcomes and seed give the same hash.

    Inner cross-validation by patient chooses the penalty, recalibrates (Platt scaling, folded into
    the points) and sets the class-conditional thresholds of the prediction set. Those are cross-conformal
    (Vovk, Ann Math Artif Intell 2015;74:9-28) and Mondrian by class (Vovk, Gammerman & Shafer, Algorithmic
    Learning in a Random World, 2005, ch. 4).

    Args:
        table: N rows, a column per input.
        outcomes: N booleans.
        inputs: the inputs as the card declares them.
        seed: of every random choice.
        kind: ``logistic`` (L2-regularised logistic regression) or ``ebm`` (Explainable Boosting Machine
            without interactions: Lou, Caruana & Gehrke, KDD 2012).
        groups: N patients; rows of one patient are kept together. Without them each row is a patient.
        replicates: how many bootstrap replicates the interval rests on.

    Raises:
        NotEnoughData: fewer than five patients with the outcome, or without.
        InvalidModel: a column is absent or does not fit its input.
    """
    truth = np.asarray(outcomes, dtype=bool)
    _enough(truth, table.num_rows)
    columns = [values(table, item.name, item.kind) for item in inputs]
    names = list(groups) if groups is not None else list(range(len(truth)))
    order, digest = _canonical(columns, truth, [str(name) for name in names] if groups is not None else None)
    columns = [[column[row] for row in order] for column in columns]
    truth, names = truth[order], [names[row] for row in order]
    rng = np.random.Generator(np.random.PCG64(seed))
    with one_thread():
        learner = _learner(kind, inputs, columns, truth.astype(np.float64), seed)
        held_out, strength = learner.held_out(deal(truth, names, FOLDS, rng))
        intercept, slope = _logistic.recalibration(held_out, truth.astype(np.float64))
        own = _scaled(learner, None, slope, intercept)
        copies = [
            _scaled(learner, _resampled(names, truth, rng), slope, intercept) for _ in range(replicates)
        ]
    facts = Facts(
        kind=kind,
        rows=len(truth),
        events=int(truth.sum()),
        seed=seed,
        data=digest,
        strength=strength,
        slope=float(snap(slope)),
        intercept=float(snap(intercept)),
    )
    return Model(
        base=own.base,
        terms=tuple(
            _with_points(term, points) for term, points in zip(learner.terms, own.points, strict=True)
        ),
        replicates=tuple(copies),
        conformal=conformal(intercept + slope * held_out, truth, LEVEL),
        facts=facts,
    )


def conformal(logits: Floats, outcomes: npt.NDArray[np.bool_], level: float) -> Conformal:
    """The thresholds so that, in each class, a share ``level`` of new patients has the truth in its set.

    The threshold of a class is the ⌈(n + 1)·level⌉-th most conforming of its n held-out scores.
    """
    positive = _rank(-logits[outcomes], level)
    negative = _rank(logits[~outcomes], level)
    return Conformal(level, None if positive is None else -positive, negative)


def _rank(scores: Floats, level: float) -> float | None:
    place = math.ceil((len(scores) + 1) * level)
    # Rounded outwards, so that a case at the threshold stays in the set.
    return float(snap(np.sort(scores)[place - 1] + 1 / 8192)) if place <= len(scores) else None


def _learner(
    kind: str, inputs: Sequence[Described], columns: list[list[Value]], outcomes: Floats, seed: int
) -> Learner:
    if kind == "ebm":
        from vesalius.modelling._ebm import Boosted  # interpret is slow to import and needed only here

        return Boosted(inputs, columns, outcomes, seed)
    return Ridge([code(item, column) for item, column in zip(inputs, columns, strict=True)], outcomes)


def one_thread() -> AbstractContextManager[Any]:
    """Linear algebra on one thread: sums do not depend on the number of cores, small ones are faster."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(1)  # type: ignore[no-any-return]


def _scaled(learner: Learner, weights: Floats | None, slope: float, intercept: float) -> Replicate:
    """Fits, folds the recalibration in, and centres each table on the training rows."""
    base, tables = learner.fitted(weights)
    means = [float(share @ points) for share, points in zip(learner.share, tables, strict=True)]
    base = intercept + slope * (base + math.fsum(means))
    points = [snap(slope * (row - mean)) for row, mean in zip(tables, means, strict=True)]
    return Replicate(float(snap(base)), tuple(tuple(row.tolist()) for row in points))


def _with_points(term: Term, points: Sequence[float]) -> Term:
    return msgspec.structs.replace(term, points=tuple(points[:-1]), missing=points[-1])


def _resampled(
    names: Sequence[Hashable], outcomes: npt.NDArray[np.bool_], rng: np.random.Generator
) -> Floats:
    """How often each row occurs in a bootstrap sample of patients that holds both classes."""
    place = {name: number for number, name in enumerate(dict.fromkeys(names))}
    rows = np.array([place[name] for name in names])
    while True:
        counts = np.bincount(rng.integers(0, len(place), len(place)), minlength=len(place))
        weights: Floats = counts[rows].astype(np.float64)
        if 0 < weights @ outcomes < weights.sum():
            return weights


def _canonical(
    columns: list[list[Value]], outcomes: npt.NDArray[np.bool_], names: list[str] | None
) -> tuple[list[int], str]:
    """An order of the rows that does not depend on the order they came in, and the digest of all of them."""
    keys = []
    for row, outcome in enumerate(outcomes.tolist()):
        facts = [_plain(column[row]) for column in columns]
        keys.append(msgspec.json.encode([facts, outcome, names[row] if names else None]))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    digest = hashlib.sha256(b"\n".join(keys[row] for row in order)).hexdigest()
    return order, digest


def _plain(value: Value) -> Value:
    """Whole and broken numbers alike as floats: 38 and 38.0 are one value, whatever the column's type."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _enough(outcomes: npt.NDArray[np.bool_], rows: int) -> None:
    if len(outcomes) != rows:
        raise NotEnoughData(f"{rows} rows of evidence and {len(outcomes)} outcomes do not match")
    events = int(outcomes.sum())
    if min(events, rows - events) < FOLDS:
        raise NotEnoughData(
            f"{events} of {rows} rows have the outcome",
            hint=f"at least {FOLDS} with it and {FOLDS} without are needed",
        )
