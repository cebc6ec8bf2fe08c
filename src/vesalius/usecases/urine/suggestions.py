"""From facts and scores to suggestions: the two thresholds, the rules above them, and the words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vesalius.card import Card, Input, Text
from vesalius.usecase import Candidate, Change, Indicator, Reason
from vesalius.usecases import cases
from vesalius.usecases.cases import arrow_type
from vesalius.usecases.urine import rules

if TYPE_CHECKING:
    from vesalius.modelling import Model, Scores

LOINC = "http://loinc.org"
CULTURE = "630-4"

ASKABLE = (
    "nitrite",
    "leukocytes_strip",
    "blood",
    "dysuria",
    "lower_abdominal_pain",
    "flank_pain",
    "fever",
    "pregnant",
    "catheter",
)
"""The inputs that someone can still measure, ask or correct: only these are offered as a change."""

MOST_CHANGES = 4

OLDEST_PREGNANCY = 50
"""Years after which it is no use to offer a pregnancy as what would change the suggestion."""

ORDER: Mapping[str, tuple[float, float]] = {
    rules.START: (0.6, 0.3),
    rules.REFER: (0.55, 0.0),
    rules.WAIT: (0.3, 0.2),
    rules.NONE: (0.0, 0.2),
}
"""Where an option stands in the worklist, and how far the probability moves it; critical comes first."""

Grade = dict[str, dict[Any, float]]


@dataclass(frozen=True)
class Scale:
    """What each value of each askable input adds to the log odds (``None`` is a missing value).

    The model is additive, so what one input would add does not depend on the others, and no patient needs to
    be scored again to know what would change the suggestion.
    """

    values: Mapping[str, tuple[Any, ...]]
    added: Grade

    @classmethod
    def of(cls, card: Card, model: Model) -> Scale:
        """The scale of ``model``."""
        import pyarrow as pa

        inputs = {item.name: item for item in card.inputs}
        values = {name: _values(inputs[name]) for name in ASKABLE}
        asked = [(name, value) for name in ASKABLE for value in (None, *values[name])]
        columns = {
            name: pa.array([value if name == wanted else None for wanted, value in asked], arrow_type(item))
            for name, item in inputs.items()
        }
        scores = model.score(pa.table(columns))
        place = {name: number for number, name in enumerate(scores.inputs)}
        added: Grade = {name: {} for name in ASKABLE}
        for row, (name, value) in enumerate(asked):
            added[name][value] = scores.contributions[row][place[name]] if name in place else 0.0
        return cls(values, added)


@dataclass(frozen=True, kw_only=True)
class Case(cases.Case):
    """One candidate with what is known and what the model and the rules say.

    Attributes:
        candidate: who.
        learnt: the inputs that the model learnt from.
    """

    scores: Scores
    candidate: Candidate
    learnt: tuple[str, ...]

    def band(self, probability: float) -> str:
        """The option that a probability alone gives."""
        if probability >= self.settings["start_from"]:
            return rules.START
        return rules.NONE if probability < self.settings["withhold_below"] else rules.WAIT

    @cached_property
    def verdicts(self) -> list[rules.Verdict]:
        """What the rules say."""
        return rules.judge(self.facts, self.band(self.scores.probability[self.row]), self.learnt)

    @cached_property
    def option(self) -> str:
        """The option once the rules have spoken."""
        return rules.settle(self.band(self.scores.probability[self.row]), self.verdicts)

    @property
    def silent(self) -> bool:
        """Whether no probability may be shown."""
        return any(verdict.silent for verdict in self.verdicts)

    @property
    def critical(self) -> bool:
        """Whether someone must look at once."""
        return any(verdict.critical for verdict in self.verdicts)

    @property
    def indicator(self) -> Indicator:
        """How urgent."""
        return "critical" if self.critical else self.card.option(self.option).indicator

    @property
    def priority(self) -> float:
        """Its place in the worklist, 0 to 1."""
        start, span = ORDER[self.option]
        return 1.0 if self.critical else round(start + span * (self.probability or 0.0), 4)

    @property
    def summary(self) -> Text:
        """One line."""
        if self.critical:
            return Text("summary.severe")
        if self.option == rules.REFER:
            return Text(f"summary.{next(verdict.rule for verdict in self.verdicts if verdict.refer)}")
        if self.probability is None:
            return Text(f"summary.{self.option}_unknown")
        return Text(f"summary.{self.option}", {"percent": round(100 * self.probability)})

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """The rules that spoke, then the facts, strongest first."""
        read = [item.name for item in self.card.inputs if item.name != "culture_ordered"]
        return (*map(self._spoken, self.verdicts), *self.weighed(read))

    def _spoken(self, verdict: rules.Verdict) -> Reason:
        values: dict[str, str | float | int] = {"source": f"source.{verdict.source}"}
        if verdict.count is not None:
            values["count"] = verdict.count
        said = Text(f"rule.{verdict.rule}", values)
        return Reason(verdict.rule, sources=self.sources_of(verdict.inputs), rule=said)

    def applies(self, *, shipped: bool) -> Mapping[str, bool]:
        """What the tool was not tested for, that applies here."""
        facts = self.facts
        age = facts.get("age")
        counted = any(facts.get(name) is not None for name in rules.COUNTS)
        return {
            "own_model": not shipped,
            "primary_care": shipped,
            "belgium": shipped,
            "other_symptoms": True,
            "flow_cytometry": counted and not set(rules.COUNTS) & set(self.learnt),
            "over_65": age is not None and age >= 65,  # NICE QS90, statement 1
            "men": shipped and facts.get("sex") == "male",
            "pregnant": shipped and facts.get("pregnant") is True,
            "catheter": facts.get("catheter") is True,
            "immunocompromised": shipped and facts.get("immunocompromised") is True,
        }

    def changes(self, scale: Scale | None) -> tuple[Change, ...]:
        """Up to four single facts that would change the option: the unknown first, then what weighs most.

        Args:
            scale: of the model, or None for one that is not additive: nothing is offered then.
        """
        if scale is None or any(verdict.rule in ("child", "age_unknown") for verdict in self.verdicts):
            return ()
        found = []
        for place, name in enumerate(ASKABLE):
            if nearest := self._nearest(name, scale):
                weight = abs(scale.added[name][nearest.value] - scale.added[name][self._level(name, scale)])
                found.append((self.facts.get(name) is not None, -weight, place, nearest))
        return tuple(change for *_, change in sorted(found, key=lambda item: item[:3])[:MOST_CHANGES])

    def _nearest(self, name: str, scale: Scale) -> Change | None:
        if name == "pregnant" and (
            self.facts.get("sex") == "male" or (self.facts.get("age") or 0) > OLDEST_PREGNANCY
        ):
            return None
        now = self._level(name, scale)
        values = scale.values[name]
        place = values.index(now) if now in values else 0
        for value in sorted(values, key=lambda value: abs(values.index(value) - place)):
            option = self._were(name, value, scale)
            if value != now and option != self.option:
                return Change(name, value, option)
        return None

    def _were(self, name: str, value: Any, scale: Scale) -> str:
        added = scale.added[name]
        logit = self.scores.logit[self.row] - added[self._level(name, scale)] + added[value]
        band = self.band(1 / (1 + math.exp(-logit)))
        return rules.settle(band, rules.judge({**self.facts, name: value}, band, self.learnt))

    def _level(self, name: str, scale: Scale) -> Any:
        """The value as the model sees it: one that it does not know counts as missing."""
        value = self.facts.get(name)
        return value if value in scale.values[name] else None

    @property
    def resources(self) -> tuple[dict[str, Any], ...]:
        """A draft order of a culture, where the option asks for one and none is known."""
        if self.option not in (rules.START, rules.WAIT) or self.facts.get("culture_ordered"):
            return ()
        code = {"system": LOINC, "code": CULTURE, "display": "Bacteria identified in Urine by Culture"}
        order = {
            "resourceType": "ServiceRequest",
            "status": "draft",
            "intent": "proposal",
            "code": {"coding": [code]},
            "subject": {"reference": self.candidate.subject},
            "authoredOn": self.candidate.as_of.isoformat(),
            "specimen": [{"reference": self.candidate.focus}],
        }
        return (order,)


def _values(item: Input) -> tuple[Any, ...]:
    return (False, True) if item.kind == "boolean" else item.levels
