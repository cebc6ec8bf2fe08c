"""Learning a model from a table: choose, calibrate, measure the uncertainty, write it all down."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from vesalius.errors import InvalidModel, NotEnoughData
from vesalius.modelling import _logistic
from vesalius.modelling._arithmetic import Floats, snap
from vesalius.modelling._coding import code
from vesalius.modelling._columns import Column, Described, read
from vesalius.modelling._ridge import Ridge
from vesalius.modelling.folds import deal
from vesalius.modelling.model import Model
from vesalius.modelling.scores import Bounds, Conformal, Facts
from vesalius.modelling.trees import Trees

if TYPE_CHECKING:
    import pyarrow as pa

FOLDS = 5
"""Of the inner cross-validation."""

REPLICATES = {"logistic": 50, "ebm": 50, "lightgbm": 20}
"""Bootstrap replicates by kind; a forest is larger than tables are."""

MANY = 20_000
"""Rows above which the logistic regression is fitted in another way, to the same answer."""

STRATUM = 100
"""Cases of either class that a stratum needs for thresholds of its own: with 100, what its sets hold varies
by 3 points about the level (a beta distribution: Vovk, Conditional validity of inductive conformal
predictors, Machine Learning 2013;92:349-376).
"""

LEVEL = 0.9
"""Of the prediction set and of the interval."""

_POINT_ONLY: ContextVar[bool] = ContextVar("point_only", default=False)

AnyModel = Model | Trees
"""What training returns: both score, explain and are written alike."""


class _Rows(NamedTuple):
    """What is learned from: N rows in one order, and the SHA-256 of all of them."""

    columns: list[Column]
    outcomes: npt.NDArray[np.bool_]
    patients: list[Hashable]
    digest: str


class Learner(Protocol):
    """One kind of model, before calibration."""

    def held_out(self, folds: npt.NDArray[np.intp]) -> tuple[Floats, float]:
        """N log odds, each by a model that did not see the row's fold; and the strength that was chosen."""

    def written(
        self, slope: float, intercept: float, samples: Sequence[Floats], conformal: Conformal, facts: Facts
    ) -> AnyModel:
        """The model learned on all rows with its recalibration, and on each bootstrap sample."""


def train(
    table: pa.Table,
    outcomes: Any,
    inputs: Sequence[Described],
    seed: int = 0,
    kind: Literal["logistic", "ebm", "lightgbm"] = "logistic",
    *,
    groups: Sequence[Hashable] | None = None,
    replicates: int | None = None,
    strata: str = "",
) -> AnyModel:
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
        kind: ``logistic`` (L2-regularised logistic regression), ``ebm`` (Explainable Boosting Machine
            without interactions: Lou, Caruana & Gehrke, KDD 2012) or ``lightgbm`` (boosted trees: Ke et al.,
            NeurIPS 2017), which is the challenger and needs the extra of that name.
        groups: N patients; rows of one patient are kept together. Without them each row is a patient.
        replicates: how many bootstrap replicates the interval rests on, or None for as many as the kind has
            (50; of trees 20). With 0 the model is quick to train, and does not say how sure it is.
        strata: the input whose levels have prediction sets of their own, each where it has 100 cases of
            either class, so that the sets hold the truth as often in each; not a number.

    Raises:
        NotEnoughData: fewer than five patients with the outcome, or without.
        InvalidModel: a column is absent or does not fit its input, or ``strata`` is no input with levels.
        NotFound: ``lightgbm`` is not installed.
    """
    rows = _canonical(table, np.asarray(outcomes, dtype=bool), inputs, groups)
    rng = np.random.Generator(np.random.PCG64(seed))
    _ready(kind)
    with one_thread():
        learner = _learner(kind, inputs, rows, seed)
        held_out, strength = learner.held_out(deal(rows.outcomes, rows.patients, FOLDS, rng))
        intercept, slope = _logistic.recalibration(held_out, rows.outcomes.astype(np.float64))
        facts = Facts(
            kind=kind,
            rows=len(rows.outcomes),
            events=int(rows.outcomes.sum()),
            seed=seed,
            data=rows.digest,
            strength=strength,
            slope=float(snap(slope)),
            intercept=float(snap(intercept)),
        )
        count = REPLICATES[kind] if replicates is None else replicates
        samples = _resampled(rows.patients, rows.outcomes, 0 if _POINT_ONLY.get() else count, rng)
        by = _strata(strata, inputs, rows.columns)
        bounds = conformal(intercept + slope * held_out, rows.outcomes, LEVEL, *by)
        return learner.written(slope, intercept, samples, bounds, facts)


@contextmanager
def without_replicates() -> Iterator[None]:
    """Within it models are trained without replicates, whoever asks for them.

    For cross-validation: only the probabilities of a fold's model are looked at, never its interval.
    """
    token = _POINT_ONLY.set(True)
    try:
        yield
    finally:
        _POINT_ONLY.reset(token)


def conformal(
    logits: Floats,
    outcomes: npt.NDArray[np.bool_],
    level: float,
    by: str = "",
    levels: Sequence[str] = (),
    places: Floats | None = None,
) -> Conformal:
    """The thresholds so that, in each class, a share ``level`` of new patients has the truth in its set.

    The threshold of a class is the ⌈(n + 1)·level⌉-th most conforming of its n held-out scores. A stratum
    (Mondrian by class and level) has its own where each of its classes has :data:`STRATUM` cases.

    Args:
        logits: N held-out log odds.
        outcomes: N booleans.
        level: the share, as 0.9.
        by: the input that makes the strata, or empty.
        levels: its levels.
        places: N places among them; not a number where it is missing.
    """
    strata = {}
    for number, name in enumerate(levels if places is not None else ()):
        rows = np.asarray(places == number)
        events = int(outcomes[rows].sum())
        if min(events, int(rows.sum()) - events) >= STRATUM:
            strata[name] = _bounds(logits[rows], outcomes[rows], level)
    whole = _bounds(logits, outcomes, level)
    return Conformal(level, whole.positive_from, whole.negative_to, by if strata else "", strata)


def _bounds(logits: Floats, outcomes: npt.NDArray[np.bool_], level: float) -> Bounds:
    positive = _rank(-logits[outcomes], level)
    return Bounds(None if positive is None else -positive, _rank(logits[~outcomes], level))


def _rank(scores: Floats, level: float) -> float | None:
    place = math.ceil((len(scores) + 1) * level)
    # Rounded outwards, so that a case at the threshold stays in the set.
    return float(snap(np.sort(scores)[place - 1] + 1 / 8192)) if place <= len(scores) else None


def _learner(kind: str, inputs: Sequence[Described], rows: _Rows, seed: int) -> Learner:
    columns, outcomes = rows.columns, rows.outcomes.astype(np.float64)
    if kind == "ebm":
        from vesalius.modelling._ebm import Boosted  # interpret is slow to import and needed only here

        return Boosted(inputs, columns, outcomes, rows.patients, seed)
    if kind == "lightgbm":
        from vesalius.modelling._lightgbm import Grown

        return Grown(inputs, columns, outcomes, seed)
    coded = [code(item, column) for item, column in zip(inputs, columns, strict=True)]
    if len(outcomes) > MANY:
        from vesalius.modelling._large import LargeRidge

        return LargeRidge(coded, outcomes)
    return Ridge(coded, outcomes)


def _strata(
    name: str, inputs: Sequence[Described], columns: Sequence[Column]
) -> tuple[str, Sequence[str], Floats | None]:
    """The input that makes the strata, its levels, and each row's place among them."""
    if not name:
        return "", (), None
    for item, column in zip(inputs, columns, strict=True):
        if item.name == name and item.kind != "number":
            levels = ("false", "true") if item.kind == "boolean" else item.levels
            return name, levels, column.coded(levels)
    raise InvalidModel(f"{name!r} is no input with levels", hint="strata are the levels of an input")


def _ready(kind: str) -> None:
    """Loads the libraries of a kind: one that is loaded later does not hear that it has one thread."""
    if kind == "ebm":
        import interpret.glassbox  # noqa: F401
    elif kind == "lightgbm":
        from vesalius.modelling import _lightgbm

        _lightgbm.library()
    else:
        import scipy.sparse  # noqa: F401


def one_thread() -> AbstractContextManager[Any]:
    """Linear algebra on one thread: sums do not depend on the number of cores, small ones are faster."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    return threadpool_limits(1)  # type: ignore[no-any-return]


def _resampled(
    names: Sequence[Hashable], outcomes: npt.NDArray[np.bool_], count: int, rng: np.random.Generator
) -> list[Floats]:
    """How often each row occurs in each of ``count`` bootstrap samples of patients that hold both classes."""
    place = {name: number for number, name in enumerate(dict.fromkeys(names))}
    rows = np.array([place[name] for name in names])
    found: list[Floats] = []
    while len(found) < count:
        counts = np.bincount(rng.integers(0, len(place), len(place)), minlength=len(place))
        weights: Floats = counts[rows].astype(np.float64)
        if 0 < weights @ outcomes < weights.sum():
            found.append(weights)
    return found


def _canonical(
    table: pa.Table,
    outcomes: npt.NDArray[np.bool_],
    inputs: Sequence[Described],
    groups: Sequence[Hashable] | None,
) -> _Rows:
    """The rows in an order that does not depend on the order they came in."""
    _enough(outcomes, table.num_rows)
    columns = [read(table, item.name, item.kind) for item in inputs]
    patients = list(groups) if groups is not None else list(range(len(outcomes)))
    known: Sequence[str | None] = [None] * len(outcomes) if groups is None else list(map(str, patients))
    facts = zip(*(column.plain() for column in columns), strict=True)
    keys = [msgspec.json.encode(row) for row in zip(facts, outcomes.tolist(), known, strict=True)]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    digest = hashlib.sha256(b"\n".join(keys[row] for row in order)).hexdigest()
    places = np.array(order, dtype=np.intp)
    return _Rows(
        [column.take(places) for column in columns],
        outcomes[places],
        [patients[row] for row in order],
        digest,
    )


def _enough(outcomes: npt.NDArray[np.bool_], rows: int) -> None:
    if len(outcomes) != rows:
        raise NotEnoughData(f"{rows} rows of evidence and {len(outcomes)} outcomes do not match")
    events = int(outcomes.sum())
    if min(events, rows - events) < FOLDS:
        raise NotEnoughData(
            f"{events} of {rows} rows have the outcome",
            hint=f"at least {FOLDS} with it and {FOLDS} without are needed",
        )
