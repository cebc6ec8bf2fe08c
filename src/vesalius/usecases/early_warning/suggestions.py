"""From facts and scores to suggestions: what NEWS2 asks for, what the model says, and where they disagree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from vesalius.card import Text
from vesalius.usecase import Reason
from vesalius.usecases import cases
from vesalius.usecases.early_warning import news2
from vesalius.usecases.early_warning.facts import LEVELS
from vesalius.usecases.early_warning.news2 import Response, Score

if TYPE_CHECKING:
    import pyarrow as pa


CRITICAL, URGENT, MEASURE = "critical_care_review", "urgent_review", "measure"
MONITOR, ROUTINE = "increase_monitoring", "routine"

ORDER = (ROUTINE, MONITOR, MEASURE, URGENT, CRITICAL)
"""From the least to the most urgent option."""

OF_RESPONSE = (ROUTINE, MONITOR, URGENT, URGENT, CRITICAL)
"""The option of each response of NEWS2 (RCP 2017, chart 4)."""

RULES = ("news2_routine", "news2_ward", "news2_red", "news2_urgent", "news2_emergency")
"""The text that says what each response is."""

BASE: Mapping[str, float] = {CRITICAL: 0.8, URGENT: 0.5, MEASURE: 0.4, MONITOR: 0.2, ROUTINE: 0.0}
"""Where an option stands in the worklist; NEWS2 or the probability moves it by less than a fifth."""

RULE_ONLY = (*(f"now_{name}" for name in news2.PARAMETERS), "scale_2")
"""Inputs that no model reads."""

RULE_READ = (*RULE_ONLY, "age", "intensive_care")
"""Inputs that NEWS2 reads, and those that decide whether it is asked."""

OLD = 80
"""Years from which the shipped model was less sure than it said (its validation on set c)."""

MOST_POINTS = 20.0
"""The highest NEWS2 there is."""


def rescored(table: pa.Table) -> Score:
    """NEWS2 of N rows of evidence."""
    measured = {name: _numbers(table[f"now_{name}"]) for name in news2.PARAMETERS}
    scale_2 = np.array([value is True for value in table["scale_2"].to_pylist()], dtype=bool)
    return news2.score(measured, scale_2)


def _numbers(column: Any) -> news2.Floats:
    places = {name: number for number, name in LEVELS.items()}
    return np.array(
        [
            np.nan if value is None else places[value] if isinstance(value, str) else float(value)
            for value in column.to_pylist()
        ],
        dtype=np.float64,
    )


@dataclass(frozen=True, kw_only=True)
class Case(cases.Case):
    """One candidate with what is known, what NEWS2 asks for, and what the model says.

    Attributes:
        score: NEWS2 of all candidates.
    """

    score: Score

    @property
    def intensive_care(self) -> bool:
        """Whether the patient is in intensive care."""
        return self.facts["intensive_care"] is True

    @cached_property
    def least(self) -> Response:
        """The least urgent response that fits what was measured."""
        return Response(int(self.score.response[0][self.row]))

    @cached_property
    def most(self) -> Response:
        """The most urgent response that fits what was measured."""
        return Response(int(self.score.response[1][self.row]))

    @property
    def low(self) -> int:
        """The lowest that NEWS2 can be."""
        return int(self.score.low[self.row])

    @property
    def high(self) -> int:
        """The highest that NEWS2 can be."""
        return int(self.score.high[self.row])

    @cached_property
    def of_rule(self) -> str:
        """The option that NEWS2 asks for; to measure, where what is missing could make it urgent."""
        if self.least < Response.RED and self.most >= Response.URGENT and self.missing_parts:
            return MEASURE
        return OF_RESPONSE[self.least]

    @cached_property
    def of_model(self) -> str | None:
        """The option that the probability gives; None where the model does not speak."""
        if self.probability is None:
            return None
        for name, option in (("critical_from", CRITICAL), ("urgent_from", URGENT), ("monitor_from", MONITOR)):
            if self.probability >= self.settings[name]:
                return option
        return ROUTINE

    @cached_property
    def option(self) -> str:
        """In intensive care the model's, with NEWS2 beside it; on a ward never less than NEWS2 asks for."""
        if self.of_model is None:
            return self.of_rule
        if self.intensive_care:
            return self.of_model
        return max(self.of_rule, self.of_model, key=ORDER.index)

    @property
    def priority(self) -> float:
        """Its place in the worklist, 0 to 1."""
        weight = self.low / MOST_POINTS if self.probability is None else self.probability
        return round(BASE[self.option] + 0.19 * weight, 4)

    @property
    def summary(self) -> Text:
        """One line."""
        if self.probability is not None:
            return Text("summary.model", {"percent": round(100 * self.probability), "news2": self.words})
        return Text("summary.range" if self.missing_parts else "summary.news2", {"news2": self.words})

    @property
    def words(self) -> str:
        """NEWS2 as it is written: one number, or from the lowest to the highest."""
        return str(self.low) if self.low == self.high else f"{self.low}–{self.high}"

    @cached_property
    def missing_parts(self) -> tuple[str, ...]:
        """What NEWS2 needs and was not measured."""
        return self.score.missing(self.row)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """NEWS2 with its parts, a disagreement, then what the model weighed, strongest first."""
        return (
            *self._response(),
            *self._parts(),
            *self._unmeasured(),
            *self._disagreement(),
            *self._weighed(),
        )

    def _response(self) -> Iterator[Reason]:
        known = [name for name in RULE_ONLY if self.facts.get(name) is not None]
        yield self._spoken(RULES[self.least], self.sources_of(known), news2=self.words)

    def _parts(self) -> Iterator[Reason]:
        for name in news2.PARAMETERS:
            low, high = (int(points[self.row]) for points in self.score.points[name])
            if self.score.known[name][self.row] and high:
                key = "part" if low == high else "part_range"
                values: dict[str, str | float | int] = {"what": f"input.now_{name}", "points": high}
                values |= {"value": self._value(name)} | ({"low": low} if low != high else {})
                yield self._spoken(key, self.sources.get(f"now_{name}", ()), **values)

    def _value(self, name: str) -> str | float:
        value = self.facts[f"now_{name}"]
        if isinstance(value, bool):
            return "value.given" if value else "value.air"
        return f"level.{value}" if isinstance(value, str) else round(value, 1)

    def _unmeasured(self) -> Iterator[Reason]:
        for name in self.missing_parts:
            high = int(self.score.points[name][1][self.row])
            yield self._spoken("unmeasured", (), what=f"input.now_{name}", points=high)

    def _disagreement(self) -> Iterator[Reason]:
        if self.of_model is None or self.of_model == self.of_rule:
            return
        more = ORDER.index(self.of_rule) > ORDER.index(self.of_model)
        yield self._spoken(
            "rule_more" if more else "model_more",
            (),
            percent=round(100 * (self.probability or 0.0)),
            news2=self.words,
            model_option=f"option.{self.of_model}",
            rule_option=f"option.{self.of_rule}",
        )

    def _spoken(self, rule: str, sources: tuple[str, ...], **values: str | float | int) -> Reason:
        return Reason(rule, sources=sources, rule=Text(f"rule.{rule}", {**values, "source": "source.news2"}))

    def _weighed(self) -> Iterator[Reason]:
        # Where no model speaks, what only a model reads is no reason.
        return self.weighed(
            item.name for item in self.card.inputs if self.scores is not None or item.name in RULE_READ
        )

    def applies(self, *, shipped: bool) -> Mapping[str, bool]:
        """What the tool was not tested for, that applies here."""
        speaks = self.scores is not None
        return {
            "ward_rule": not speaks,
            "own_model": speaks and not shipped,
            "united_states": speaks and shipped,
            "once": speaks and shipped,
            "over_80": speaks and shipped and (self.facts["age"] or 0) >= OLD,
            "death_not_deterioration": speaks,
            "treatment_limits": True,
            "news2_intensive_care": self.intensive_care,
            "scale_2": self.facts.get("scale_2") is None,
            "pregnancy": self.facts.get("sex") != "male",
            "not_sepsis": True,
            "incomplete": bool(self.missing_parts),
        }
