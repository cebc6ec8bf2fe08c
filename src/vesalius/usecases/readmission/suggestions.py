"""From facts and scores to suggestions: thresholds, rules, reasons, and what can be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from vesalius.card import Text
from vesalius.usecase import Candidate, Reason
from vesalius.usecases import cases
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


@dataclass(frozen=True, kw_only=True)
class Case(cases.Case):
    """One stay with what is known and what the model and the rules say.

    Attributes:
        candidate: which stay.
    """

    scores: Scores
    candidate: Candidate

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

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        """The rules that spoke, then the facts, strongest first, with what can be done about them."""
        return (*map(self._spoken, self.verdicts), *self._advised())

    def _spoken(self, verdict: rules.Verdict) -> Reason:
        said = Text(f"rule.{verdict.rule}", {"source": f"source.{verdict.source}"})
        # The rule about heart failure says itself what to do: the same advice is not given twice.
        return Reason(verdict.rule, sources=self.sources_of(verdict.inputs), rule=said)

    def _advised(self) -> Iterator[Reason]:
        given: set[str] = set()
        for reason in self.weighed(item.name for item in self.card.inputs):
            quiet = self.option in (rules.USUAL, rules.OUT) or len(given) >= MOST_ADVICE
            said = None if quiet else advice.about(reason.input, reason.value, reason.contribution)
            if said is None or said in given:
                yield reason
            else:
                given.add(said)
                yield msgspec.structs.replace(reason, advice=advice.text(said))

    def applies(self, *, shipped: bool) -> Mapping[str, bool]:
        """What the tool was not tested for, that applies here."""
        return {
            "own_model": not shipped,
            "diabetes_only": shipped,
            "belgium": shipped,
            "planned": shipped,
            "elsewhere": True,
            "no_support": True,
            "no_cause": not self.silent,
            "few_facts": self.facts.get("diagnoses") is None,
        }

    @property
    def resources(self) -> tuple[dict[str, Any], ...]:
        """Drafts of a call, and for a bundle of a visit and a care plan."""
        if self.option not in (rules.CALL, rules.BUNDLE):
            return ()
        given = [each.advice.key.removeprefix("advice.") for each in self.reasons if each.advice]
        return proposals.drafts(self.candidate, given, bundle=self.option == rules.BUNDLE)


__all__ = ["MOST_ADVICE", "ORDER", "Case"]
