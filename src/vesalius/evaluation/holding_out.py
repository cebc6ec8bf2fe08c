"""Learning on some rows and asking about the others, fold after fold; in several processes where it helps."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from vesalius.errors import InvalidCard, NotFound
from vesalius.evaluation import plans
from vesalius.evaluation.metrics import Floats
from vesalius.modelling import AnyModel, load, one_thread, without_replicates
from vesalius.usecase import Evidence, find, names

if TYPE_CHECKING:
    from vesalius.usecase import UseCase

MOST_PROPOSED = 10_000
"""Rows of which it is asked what would have been proposed: more say nothing new, and take long."""


@dataclass(frozen=True)
class HeldOut:
    """What models said about N rows; a row that was never held out has NaN.

    Attributes:
        probability: repeats × N.
        sets: repeats × N × 2, whether False and True are in the prediction set.
        options: of the first repeat, the option that the use case would have proposed; empty where not asked.
        rival: the challenger's probabilities, repeats × N; None where there is none.
        rival_kind: of the challenger.
        learned: rows that some model learned from.
    """

    probability: Floats
    sets: npt.NDArray[np.bool_]
    options: tuple[str, ...]
    rival: Floats | None
    rival_kind: str
    learned: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Turn:
    """One model to be learned: the rows it learns from, and those it is then asked about."""

    repeat: int
    rows: list[int]
    held: list[int]


What = Literal["both", "quick", "whole"]
"""What to learn of some rows: a model with its challenger; it alone; or it with all that live use needs."""

Taught = tuple[AnyModel, AnyModel | None]
"""A model, and its challenger where it was asked for and there is one."""

Waiting = list[tuple[Turn, Callable[[], Taught]]]
"""Models that were handed out to be learned."""


def turns(folds: npt.NDArray[np.intp], groups: Sequence[Any]) -> Iterator[Turn]:
    """Every model that a plan asks for."""
    for repeat, row in enumerate(folds):
        for fold in plans.folds_of(row):
            held = np.flatnonzero(row == fold).tolist()
            yield Turn(repeat, plans.learners(row, fold, groups).tolist(), held)


class Learning(AbstractContextManager["Learning"]):
    """All that a study learns, handed out to the same processes; each model is waited for when asked for.

    With one process, or for a class that a new process would not find, a model is learned when asked for.

    Args:
        usecase: the class; it is its own ``learn`` and ``challenger`` that are called.
        evidence: N rows.
        outcomes: N.
        seed: of every model.
        workers: processes that learn; what comes out does not depend on it.
    """

    def __init__(
        self,
        usecase: type[UseCase],
        evidence: Evidence,
        outcomes: npt.NDArray[np.bool_],
        seed: int,
        workers: int = 1,
    ) -> None:
        self._usecase, self._evidence, self._outcomes, self._seed = usecase, evidence, outcomes, seed
        self._pool: ProcessPoolExecutor | None = None
        name = _installed_as(usecase)
        if workers > 1 and name:
            # Processes are started afresh: a copy of this one would hold the locks of its threads for ever.
            context = multiprocessing.get_context("spawn")
            # Not by going through the sources: they may be looked up only when asked for, one row at a time.
            bare = Evidence(evidence.candidates, evidence.table, ({},) * len(evidence), evidence.position)
            given = (name, bare, outcomes, seed)
            self._pool = ProcessPoolExecutor(workers, context, _start, given)

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def begin(self, rows: list[int], what: What) -> Callable[[], Taught]:
        """Hands out what is to be learned of some rows; what is given back waits for it."""
        if self._pool is not None:
            future = self._pool.submit(_learn, rows, what)
            return lambda: _read(future.result())
        return lambda: _taught(
            self._usecase(), self._evidence.take(rows), self._outcomes[rows], self._seed, what
        )


def begun(learning: Learning, folds: npt.NDArray[np.intp], groups: Sequence[Any]) -> Waiting:
    """Hands out every model of a plan, with its challenger."""
    return [(turn, learning.begin(turn.rows, "both")) for turn in turns(folds, groups)]


def hold_out(
    usecase: type[UseCase],
    evidence: Evidence,
    waiting: Waiting,
    folds: npt.NDArray[np.intp],
    seed: int,
    tick: Callable[[], None],
    settings: Mapping[str, Any] | None = None,
) -> HeldOut:
    """What models say about each row while its fold is held out, for each repeat of ``folds``.

    Args:
        usecase: the class.
        evidence: N rows.
        waiting: the models of the plan, as :func:`begun` gave them.
        folds: repeats × N, from :func:`vesalius.evaluation.plans.deal_out`.
        seed: of the choice of the rows about which it is asked what would have been proposed.
        tick: called after each model.
        settings: the hospital's own, for what would have been proposed.
    """
    probability, rival = np.full(folds.shape, np.nan), np.full(folds.shape, np.nan)
    sets, learned = np.zeros((*folds.shape, 2), dtype=bool), np.zeros(len(evidence), dtype=bool)
    options, kinds = [""] * len(evidence), set()
    asked = _asked(np.flatnonzero(folds[0] >= 0), seed)
    for turn, taught in waiting:
        model, challenger = taught()
        facts = evidence.take(turn.held)
        scores = model.score(facts.table)
        learned[turn.rows] = True
        probability[turn.repeat, turn.held] = scores.probability
        sets[turn.repeat, turn.held] = scores.allowed
        kinds.add(challenger.facts.kind if challenger is not None else "")
        if challenger is not None:
            rival[turn.repeat, turn.held] = challenger.score(facts.table).probability
        if not turn.repeat:
            _propose(usecase(model, settings), evidence, [row for row in turn.held if asked[row]], options)
        tick()
    if len(kinds) > 1:
        raise InvalidCard(f"{usecase.card.name}: its challenger is not the same in every fold")
    kind = kinds.pop()
    return HeldOut(probability, sets, tuple(options), rival if kind else None, kind, learned)


def split(row: npt.NDArray[np.intp], groups: Sequence[Any]) -> Turn:
    """The one model of a split that holds out the rows with 0."""
    (turn,) = turns(row[None], groups)
    return turn


def foretold(evidence: Evidence, turn: Turn, taught: Callable[[], Taught]) -> Floats:
    """The probabilities of the rows that one split holds out, in their order; nothing else is asked."""
    model, _ = taught()
    return np.asarray(model.score(evidence.take(turn.held).table).probability, dtype=np.float64)


def _asked(held: npt.NDArray[np.intp], seed: int) -> npt.NDArray[np.bool_]:
    """The rows of which it is asked what would have been proposed: all, or as many as are enough."""
    asked = np.zeros(int(held.max()) + 1 if len(held) else 0, dtype=bool)
    rng = np.random.Generator(np.random.PCG64(seed))
    asked[held if len(held) <= MOST_PROPOSED else rng.choice(held, MOST_PROPOSED, replace=False)] = True
    return asked


def _propose(use: UseCase, evidence: Evidence, rows: list[int], options: list[str]) -> None:
    for row, suggestion in zip(rows, use.suggest(evidence.take(rows)), strict=True):
        options[row] = suggestion.option


def _taught(learner: UseCase, facts: Evidence, truth: npt.NDArray[np.bool_], seed: int, what: What) -> Taught:
    """A model of some rows, with its challenger if asked for; none where what it needs is not installed."""
    if what == "whole":
        return learner.learn(facts, truth, seed), None
    with _quick(facts):
        model = learner.learn(facts, truth, seed)
        if what == "quick":
            return model, None
        try:
            return model, learner.challenger(facts, truth, seed)
        except NotFound:
            return model, None


def _quick(facts: Evidence) -> AbstractContextManager[None]:
    """Many rows are learned from without the copies behind the intervals, which nobody looks at here."""
    return without_replicates() if len(facts) >= plans.SMALL else nullcontext()


def _installed_as(usecase: type[UseCase]) -> str:
    """The name under which a new process finds the same class; empty where it would not."""
    name = usecase.card.name
    return name if name in names() and find(name) is usecase else ""


def _read(raw: tuple[bytes, bytes | None]) -> Taught:
    model, challenger = raw
    return load(model), load(challenger) if challenger else None


_WORK: dict[str, Any] = {}
"""What a process that learns was given when it started."""


def _start(name: str, evidence: Evidence, outcomes: npt.NDArray[np.bool_], seed: int) -> None:
    _WORK.update(usecase=find(name)(), evidence=evidence, outcomes=outcomes, seed=seed)


def _learn(rows: list[int], what: What) -> tuple[bytes, bytes | None]:
    facts, truth, seed = _WORK["evidence"].take(rows), _WORK["outcomes"][rows], _WORK["seed"]
    with one_thread():
        model, challenger = _taught(_WORK["usecase"], facts, truth, seed, what)
    return model.to_bytes(), challenger.to_bytes() if challenger is not None else None
