"""What can go wrong, as data: how the patients, the records or what the facts mean change on a day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vesalius.errors import NotEnoughData, NotFound
from vesalius.simulation.pool import Floats, Pool

UNITS: dict[str, float] = {"mg/dL": 88.4, "d": 24.0, "a": 12.0}
"""By the unit of an input, what its values are multiplied by: creatinine in umol/L, hours, months."""

FACTORS: dict[str, float] = {"glucose": 1 / 18.016, "urea": 1 / 2.801, "bun": 1 / 2.801, "bilirubin": 17.104}
"""By a word in the name of an input in mg/dL, its own factor."""

WARDS = ("ward", "specialty", "unit", "icu_type", "setting", "origin", "admission")
"""The inputs that say where a patient is, best first."""


@dataclass(frozen=True)
class Change:
    """How it is from the day of the change on.

    Attributes:
        pool: the population.
        weights: N, how likely each is to come; None for all alike.
        volume: how many come, per one before.
        about: the input that it is about.
    """

    pool: Pool
    weights: Floats | None = None
    volume: float = 1.0
    about: str = ""


@dataclass(frozen=True)
class Scenario:
    """One thing that can go wrong.

    Attributes:
        name: on the command line.
        words: what happens.
        change: from the population before to how it is after.
        stops: whether a stop rule should silence the use.
        sees: the monitors that should see it.
    """

    name: str
    words: str
    change: Callable[[Pool, np.random.Generator], Change]
    stops: bool
    sees: tuple[str, ...] = ()


def _nothing(pool: Pool, rng: np.random.Generator) -> Change:  # noqa: ARG001
    return Change(pool)


def _covariate(pool: Pool, rng: np.random.Generator) -> Change:  # noqa: ARG001
    """Sicker patients come: those a standard deviation of log odds above are e times as likely as before."""
    spread = pool.logits.std() or 1.0
    return Change(pool, weights=np.exp((pool.logits - pool.logits.mean()) / spread))


def _concept(pool: Pool, rng: np.random.Generator) -> Change:
    """The odds of the outcome double for everyone, for a reason that no input knows."""
    return Change(_with_odds(pool, 2.0, np.ones(len(pool), dtype=bool), rng))


def _fading(pool: Pool, rng: np.random.Generator) -> Change:
    """What the facts say of the outcome fades: for half of the patients it is as for anybody."""
    drawn, half = rng.permutation(pool.outcomes), rng.random(len(pool)) < 0.5
    return Change(_happening(pool, np.where(half, drawn, pool.outcomes)))


def _dead_input(pool: Pool, rng: np.random.Generator) -> Change:  # noqa: ARG001
    """The input that matters most comes no more."""
    name = pool.importance()[0]
    place, column = pool.table.column_names.index(name), pool.table[name]
    return Change(
        pool.recorded(pool.table.set_column(place, name, pa.nulls(len(pool), column.type))), about=name
    )


def _silence(pool: Pool, rng: np.random.Generator) -> Change:  # noqa: ARG001
    return Change(pool, volume=0.05)


def _unit(pool: Pool, rng: np.random.Generator) -> Change:  # noqa: ARG001
    """A number comes in another unit."""
    units = {
        item.name: item.unit for item in pool.card.inputs if item.kind == "number" and item.unit in UNITS
    }
    order = [name for name in pool.importance() if name in units]
    order.sort(key=lambda name: units[name] != "mg/dL")
    if not order:
        raise NotEnoughData(f"no input of {pool.card.name} is a number in one of {', '.join(UNITS)}")
    name = order[0]
    words = [word for word in FACTORS if word in name.lower()]
    factor = FACTORS[words[0]] if words and units[name] == "mg/dL" else UNITS[units[name]]
    place = pool.table.column_names.index(name)
    values = pc.multiply(pc.cast(pool.table[name], pa.float64()), factor)
    return Change(pool.recorded(pool.table.set_column(place, name, values)), about=name)


def _ward(pool: Pool, rng: np.random.Generator) -> Change:
    """A third of the suggestions are for a new ward, where the outcome has twice the odds."""
    moved = rng.random(len(pool)) < 1 / 3
    name = _category(pool, WARDS)
    new = _relevelled(pool, name, moved, "a new ward")
    return Change(_with_odds(new, 2.0, moved, rng), about=name)


def _coding(pool: Pool, rng: np.random.Generator) -> Change:  # noqa: ARG001
    """The most usual level of a category is coded otherwise, and no longer understood."""
    name = _category(pool, ())
    values = pool.table[name].to_pylist()
    usual = Counter(value for value in values if value is not None).most_common(1)[0][0]
    here = np.array([value == usual for value in values])
    return Change(_relevelled(pool, name, here, "a new code"), about=name)


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("nothing", "nothing happens", _nothing, stops=False),
    Scenario("covariate", "sicker patients come", _covariate, stops=False, sees=("drift", "together")),
    Scenario(
        "concept",
        "the odds of the outcome double, and no input says why",
        _concept,
        stops=True,
        sees=("cusum", "sprt", "calibration"),
    ),
    Scenario(
        "fading", "the facts say half as much as before", _fading, stops=False, sees=("auroc", "calibration")
    ),
    Scenario(
        "dead-input", "the input that matters most comes no more", _dead_input, stops=True, sees=("missing",)
    ),
    Scenario("dead-feed", "one suggestion in twenty still comes", _silence, stops=False, sees=("volume",)),
    Scenario("unit", "a number comes in another unit", _unit, stops=False, sees=("unit",)),
    Scenario(
        "ward", "a third come from a new ward, with twice the odds", _ward, stops=False, sees=("drift",)
    ),
    Scenario(
        "coding", "the most usual code is replaced by one unknown", _coding, stops=False, sees=("drift",)
    ),
)
"""Every scenario. ``stops`` says where a stop rule should fire: where people would be harmed by going on as
before.
"""


def find(name: str) -> Scenario:
    """The scenario called ``name``.

    Raises:
        NotFound: there is none.
    """
    for each in SCENARIOS:
        if each.name == name:
            return each
    names = ", ".join(each.name for each in SCENARIOS)
    raise NotFound(f"there is no scenario {name!r}", hint=f"one of {names}, or all")


def _with_odds(pool: Pool, odds: float, where: npt.NDArray[np.bool_], rng: np.random.Generator) -> Pool:
    """Of some, outcomes turn from false to true until the odds of each are ``odds`` times as high.

    With the chance p of a row as it is and p' as it must be, (p' - p) / (1 - p) of those without the outcome
    turn; p is the probability, scaled to the mean of the outcomes.
    """
    mean, said = pool.outcomes.mean(), pool.probability
    said = np.clip(said * mean / max(said.mean(), 1e-9), 1e-6, 1 - 1e-6)
    after = odds * said / (1 - said + odds * said)
    turn = rng.random(len(pool)) < (after - said) / (1 - said)
    return _happening(pool, pool.outcomes | (where & turn))


def _happening(pool: Pool, outcomes: npt.NDArray[np.bool_]) -> Pool:
    return replace(pool, outcomes=outcomes)


def _category(pool: Pool, wanted: Sequence[str]) -> str:
    """The category that one of some words names; else the one, or the grade, that matters most."""
    kinds = {item.name: item.kind for item in pool.card.inputs}
    for word in wanted:
        for name, kind in kinds.items():
            if kind == "category" and word in name:
                return name
    order = pool.importance()
    order.sort(key=lambda name: {"category": 0, "grade": 1}.get(kinds.get(name, ""), 2))
    name = order[0]
    if kinds.get(name) not in ("category", "grade"):
        raise NotEnoughData(f"no input of {pool.card.name} is a category")
    return name


def _relevelled(pool: Pool, name: str, where: npt.NDArray[np.bool_], level: str) -> Pool:
    place = pool.table.column_names.index(name)
    values = pc.if_else(pa.array(where), level, pc.cast(pool.table[name], pa.string()))
    return pool.recorded(pool.table.set_column(place, name, values))
