"""From facts and scores to suggestions: thresholds, rules, reasons, and what can be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vesalius.card import Card, Text
from vesalius.usecase import Candidate, Reason
from vesalius.usecases.readmission import advice, proposals, rules

if TYPE_CHECKING:
    from vesalius.modelling import Scores

MOST_ADVICE = 5
"""How many pieces of advice are given at most: what is too long is not read."""

ORDER: Mapping[str, tuple[float, float]] = {
    rules.BUNDLE: (0.5, 0.5),
    rules.CALL: (0.25, 0.25),
    rules.USUAL: (0.05, 0.2),
    rules.OUT: (0.0, 0.0),
}
"""Where an option stands in the worklist, and how far the probability moves it."""


@dataclass(frozen=True)
class Case:
    """One stay with what is known and what the model and the rules say.

    Attributes:
        card, settings: of the use case.
        candidate: which stay.
        facts: the inputs by name; None where not known.
        sources: the versioned references of each input.
        scores, row: what the model says, and in which row.
    """

    card: Card
    settings: Mapping[str, float]
    candidate: Candidate
    facts: Mapping[str, Any]
    sources: Mapping[str, tuple[str, ...]]
    scores: Scores
    row: int

    @cached_property
    def verdicts(self) -> list[rules.Verdict]:
        """What the rules say."""
        return rules.judge(self.facts)

    @cached_property
    def option(self) -> str:
        """The option once the rules have spoken."""
        return rules.settle(rules.band(self.scores.probability[self.row], self.settings), self.verdicts)

    @property
    def silent(self) -> bool:
        """Whether no probability may be shown."""
        return self.option == rules.OUT

    @property
    def probability(self) -> float | None:
        """Of a readmission, to 6 decimals."""
        return None if self.silent else round(self.scores.probability[self.row], 6)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 90 % interval of the probability, to 6 decimals, where the model has one."""
        found = None if self.silent else self.scores.interval(self.row)
        return None if found is None else (round(found[0], 6), round(found[1], 6))

    @property
    def priority(self) -> float:
        """Its place in the worklist, 0 to 1: whoever has hands for N takes the first N."""
        start, span = ORDER[self.option]
        return round(start + span * (self.probability or 0.0), 4)

    @property
    def summary(self) -> Text:
        """One line."""
        if self.probability is None:
            return Text(f"summary.{self.verdicts[0].rule}")
        return Text(f"summary.{self.option}", {"percent": round(100 * self.probability)})

    @property
    def missing(self) -> tuple[str, ...]:
        """The inputs that were not known."""
        return tuple(item.name for item in self.card.inputs if self.facts.get(item.name) is None)

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        """The rules that spoke, then the facts, strongest first, with what can be done about them."""
        return (*map(self._spoken, self.verdicts), *self._weighed())

    def _spoken(self, verdict: rules.Verdict) -> Reason:
        sources = dict.fromkeys(each for name in verdict.inputs for each in self.sources.get(name, ()))
        said = Text(f"rule.{verdict.rule}", {"source": f"source.{verdict.source}"})
        # The rule about heart failure says itself what to do: the same advice is not given twice.
        return Reason(verdict.rule, sources=tuple(sources), rule=said)

    def _weighed(self) -> Iterator[Reason]:
        added = {} if self.silent else dict(self.scores.strongest(self.row))
        rest = (item.name for item in self.card.inputs if item.name not in added)
        given: set[str] = set()
        for name in (*added, *rest):
            value, weight = self.facts.get(name), added.get(name, 0.0)
            if value is None and not weight:
                continue
            said = None if self.option in (rules.USUAL, rules.OUT) else advice.about(name, value, weight)
            said = said if said not in given and len(given) < MOST_ADVICE else None
            given |= {said} if said else set()
            yield Reason(
                name, value, weight, self.sources.get(name, ()), advice=advice.text(said) if said else None
            )

    def limits(self, *, shipped: bool) -> tuple[str, ...]:
        """What the tool was not tested for, that applies here.

        Args:
            shipped: whether the model is the one that comes with the use case.
        """
        applies = {
            "own_model": not shipped,
            "diabetes_only": shipped,
            "belgium": shipped,
            "planned": shipped,
            "elsewhere": True,
            "no_support": True,
            "no_cause": not self.silent,
            "few_facts": self.facts.get("diagnoses") is None,
        }
        return tuple(key for key in self.card.limits if applies[key])

    @property
    def resources(self) -> tuple[dict[str, Any], ...]:
        """Drafts of a call, and for a bundle of a visit and a care plan."""
        if self.option not in (rules.CALL, rules.BUNDLE):
            return ()
        given = [each.advice.key.removeprefix("advice.") for each in self.reasons if each.advice]
        return proposals.drafts(self.candidate, given, bundle=self.option == rules.BUNDLE)


__all__ = ["MOST_ADVICE", "ORDER", "Case"]
