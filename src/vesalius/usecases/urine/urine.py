"""The use case: what a urinalysis says about the culture to come, and what to do until it is there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from vesalius.usecase import Candidate, Evidence, Outcome, Suggestion, UseCase
from vesalius.usecases.urine import facts, history
from vesalius.usecases.urine.suggestions import Case, Scale

if TYPE_CHECKING:
    import numpy as np

    from vesalius.card import Input
    from vesalius.lake import Lake
    from vesalius.modelling import AnyModel

MODEL = facts.FOLDER / "model.json"
"""Made by ``vesalius train urine --data ../shared/data/uti-primary-care --out MODEL``."""
MODEL_HASH = "c4d448148427d5cfa00ef25af55644b3800458175c075e0bb3f102a15c501337"
"""Its SHA-256: another file in its place is refused."""

MAPS = facts.FOLDER / "maps"
RULE_ONLY = ("culture_ordered",)
"""Inputs that no model reads: an order says what the clinician suspects, not what the patient has."""

FEWEST_KNOWN = 20
"""Rows in which an input must be known before a model may learn from it."""


class Urine(UseCase):
    """Urine to antibiotic: probability of a positive culture, two thresholds, clinical rules."""

    card = facts.card()
    ships = (MODEL, MODEL_HASH)

    def candidates(self, lake: Lake, since: datetime, until: datetime) -> list[Candidate]:
        """The samples whose first urinalysis result was recorded in (``since``, ``until``]."""
        return facts.due(lake, since, until)

    def evidence(self, lake: Lake, candidates: Sequence[Candidate]) -> Evidence:
        """The strip or count of this sample, and what is known of the patient."""
        return facts.gather(lake, candidates)

    def suggest(self, evidence: Evidence) -> list[Suggestion]:
        """Probability, thresholds, rules, reasons.

        Raises:
            InvalidModel: there is no model.
        """
        from vesalius.modelling import Model

        model = self.needed_model()
        if not evidence.candidates:
            return []
        scores = model.score(evidence.table)
        scale = Scale.of(self.card, model) if isinstance(model, Model) else None
        made = []
        for row, known in enumerate(evidence.table.to_pylist()):
            case = Case(
                card=self.card,
                settings=self.settings,
                facts=known,
                sources=evidence.sources[row],
                scores=scores,
                row=row,
                candidate=evidence.candidates[row],
                learnt=model.inputs,
            )
            own = {"indicator": case.indicator, "changes": case.changes(scale), "resources": case.resources}
            made.append(case.suggestion(self, evidence, **own))
        return made

    def outcome(self, lake: Lake, candidates: Sequence[Candidate], as_of: datetime) -> list[Outcome | None]:
        """The final culture of the sample."""
        return history.outcomes(lake, candidates, as_of)

    def practice(self, lake: Lake, candidates: Sequence[Candidate], as_of: datetime) -> list[bool | None]:
        """Whether the clinicians prescribed an antibiotic within 24 hours."""
        return history.practice(lake, candidates, as_of)

    def learn(self, evidence: Evidence, outcomes: np.ndarray, seed: int = 0) -> AnyModel:
        """A calibrated logistic model of every input that is known often enough."""
        from vesalius.modelling import train

        return train(
            evidence.table, outcomes, self._learnable(evidence), seed, "logistic", groups=evidence.patients
        )

    def challenger(self, evidence: Evidence, outcomes: np.ndarray, seed: int = 0) -> AnyModel:
        """Boosted trees of the same inputs."""
        from vesalius.modelling import train

        inputs = self._learnable(evidence)
        return train(
            evidence.table, outcomes, inputs, seed, "lightgbm", groups=evidence.patients, replicates=0
        )

    def _learnable(self, evidence: Evidence) -> list[Input]:
        return [
            item
            for item in self.card.inputs
            if item.name not in RULE_ONLY and evidence.known(item.name) >= FEWEST_KNOWN
        ]

    def baselines(self, evidence: Evidence) -> dict[str, np.ndarray]:
        """Three rules of thumb on the strip; what is not known counts as negative.

        ``nitrite_leukocytes``: 3 for nitrite, and the grade of leucocytes (trace 0.5, + 1, ++ 2, +++ 3).
        ``nitrite_or_leukocytes``: nitrite, or leucocytes + or more.
        ``little2006``: nitrite, or leucocytes (+ or more) together with blood (trace or more).
        """
        import numpy as np

        rows = evidence.table.select(["nitrite", "leukocytes_strip", "blood"]).to_pylist()
        scores = [_rules_of_thumb(row) for row in rows]
        names = ("nitrite_leukocytes", "nitrite_or_leukocytes", "little2006")
        return {name: np.array([row[place] for row in scores]) for place, name in enumerate(names)}


_GRADE = {"trace": 0.5, "small": 1.0, "moderate": 2.0, "large": 3.0}


def _rules_of_thumb(row: dict[str, Any]) -> tuple[float, float, float]:
    nitrite = row["nitrite"] == "positive"
    leukocytes, blood = _GRADE.get(row["leukocytes_strip"], 0.0), _GRADE.get(row["blood"], 0.0)
    either, little = nitrite or leukocytes >= 1, nitrite or (leukocytes >= 1 and blood > 0)
    return 3.0 * nitrite + leukocytes, float(either), float(little)
