"""What would change a prediction: one input at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vesalius.modelling._columns import Value
from vesalius.modelling.scores import Scores
from vesalius.modelling.training import AnyModel

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Shift:
    """Were ``input`` ``value``, the probability would be ``probability``, in zone ``zone``.

    Attributes:
        input: the name of the input.
        value: what it would be.
        probability: of the outcome then, 0 to 1.
        zone: how many of the thresholds that probability reaches.
    """

    input: str
    value: Value
    probability: float
    zone: int


def changes(
    model: AnyModel,
    table: pa.Table,
    thresholds: Sequence[float],
    inputs: Collection[str] | None = None,
) -> list[list[Shift]]:
    """For each row, the single changes that would carry its probability across a threshold.

    For each input and each other zone the nearest value is given: the fewest grades away, or the nearest knot
    of a number. A missing value is never proposed; one that is missing may become known.

    Args:
        model: the model.
        table: N rows of evidence.
        thresholds: probabilities, 0 to 1; zone ``k`` is where ``k`` of them are reached (``>=``).
        inputs: the inputs that may change (those that can be observed or acted on), or None for all.

    Returns:
        N lists, the changes that weigh most first.
    """
    now = model.score(table)
    found: list[list[tuple[float, Shift]]] = [[] for _ in range(len(now))]
    for name in model.inputs:
        if inputs is None or name in inputs:
            for row, pair in _shifts(model, table, name, now, thresholds):
                found[row].append(pair)
    return [[shift for _, shift in sorted(pairs, key=lambda pair: -pair[0])] for pairs in found]


def zone(probability: float, thresholds: Sequence[float]) -> int:
    """How many of the thresholds a probability reaches."""
    return sum(probability >= threshold for threshold in thresholds)


def _shifts(
    model: AnyModel, table: pa.Table, name: str, now: Scores, thresholds: Sequence[float]
) -> list[tuple[int, tuple[float, Shift]]]:
    import pyarrow as pa

    column = table.column(name).to_pylist()
    kind, options = model.kind_of(name), model.options(name)
    arrow = {"number": pa.float64(), "boolean": pa.bool_()}.get(kind, pa.string())
    nearest: dict[tuple[int, int], tuple[float, float, Shift]] = {}
    place = table.column_names.index(name)
    for option in options:
        other = table.set_column(place, name, pa.array([option] * len(now), arrow))
        scores = model.score(other)
        for row, value in enumerate(column):
            reached = zone(scores.probability[row], thresholds)
            if value == option or reached == zone(now.probability[row], thresholds):
                continue
            weight = abs(scores.logit[row] - now.logit[row])
            far = _distance(kind, options, value, option)
            known = nearest.get((row, reached))
            if known is None or far < known[0]:
                shift = Shift(name, option, scores.probability[row], reached)
                nearest[row, reached] = (far, weight, shift)
    return [(row, (weight, shift)) for (row, _), (_, weight, shift) in nearest.items()]


def _distance(kind: str, options: Sequence[Value], value: Value, option: Value) -> float:
    """How far a value is from what it would become; from a missing value all are equally far."""
    if value is None or kind in ("category", "boolean"):
        return 0.0
    if isinstance(value, str):
        return abs(options.index(value) - options.index(option)) if value in options else 0.0
    return abs(float(value) - float(option or 0.0))
