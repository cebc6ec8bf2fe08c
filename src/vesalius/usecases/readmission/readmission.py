"""The use case: how likely a patient who leaves is to come back within 30 days, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from vesalius.usecase import Candidate, Evidence, Outcome, Suggestion, UseCase
from vesalius.usecases.readmission import facts, history, scores
from vesalius.usecases.readmission.suggestions import Case

if TYPE_CHECKING:
    import numpy as np

    from vesalius.card import Input
    from vesalius.lake import Lake
    from vesalius.modelling import AnyModel

MODEL = facts.FOLDER / "model.json"
"""Made by ``vesalius train readmission --data ../shared/data/readmission-diabetes130 --out MODEL``."""
MODEL_HASH = "cef22e2f8441d5ca09e2631cafb4a3a0c7f09ec603201a146fc07ca19b3f1b05"

MAPS = facts.FOLDER / "maps"

FEWEST_KNOWN = 200
"""Rows in which an input must be known before a model may learn from it; a fifth of them, if they are few."""

COPIES = 11
"""Bootstrap copies of the trees behind an interval: as many as keep the shipped file below 3 MB."""


class Readmission(UseCase):
    """Readmission within 30 days: probability, two thresholds, and what can be done about each reason."""

    card = facts.card()
    ships = (MODEL, MODEL_HASH)

    def candidates(self, lake: Lake, since: datetime, until: datetime) -> list[Candidate]:
        """The stays whose discharge settled in (``since``, ``until``]."""
        return facts.due(lake, since, until)

    def evidence(self, lake: Lake, candidates: Sequence[Candidate]) -> Evidence:
        """The stay, the year before it, diagnoses, medicines and results, as known at discharge."""
        return facts.gather(lake, candidates)

    def suggest(self, evidence: Evidence) -> list[Suggestion]:
        """Probability, thresholds, rules, reasons, advice.

        Raises:
            InvalidModel: there is no model.
        """
        model = self.needed_model()
        if not evidence.candidates:
            return []
        scores, made = model.score(evidence.table), []
        for row, known in enumerate(evidence.table.to_pylist()):
            case = Case(
                card=self.card,
                settings=self.settings,
                facts=known,
                sources=evidence.sources[row],
                scores=scores,
                row=row,
                candidate=evidence.candidates[row],
            )
            made.append(case.suggestion(self, evidence, resources=case.resources))
        return made

    def outcome(self, lake: Lake, candidates: Sequence[Candidate], as_of: datetime) -> list[Outcome | None]:
        """Whether the patient came back within 30 days."""
        return history.outcomes(lake, candidates, as_of)

    def learn(self, evidence: Evidence, outcomes: np.ndarray, seed: int = 0) -> AnyModel:
        """Calibrated boosted trees of every input that is known often enough, with exact contributions.

        Decision 0033 says why not the glass box.

        Raises:
            NotFound: LightGBM is not installed; the shipped model needs it only to learn, not to score.
        """
        from vesalius.modelling import train

        inputs = self._inputs(evidence)
        return train(
            evidence.table, outcomes, inputs, seed, "lightgbm", groups=evidence.patients, replicates=COPIES
        )

    def challenger(self, evidence: Evidence, outcomes: np.ndarray, seed: int = 0) -> AnyModel:
        """The glass box that the trees must beat: a calibrated logistic regression of the same inputs."""
        from vesalius.modelling import train

        inputs = self._inputs(evidence)
        return train(
            evidence.table, outcomes, inputs, seed, "logistic", groups=evidence.patients, replicates=0
        )

    def _inputs(self, evidence: Evidence) -> list[Input]:
        return [
            item
            for item in self.card.inputs
            if evidence.known(item.name) >= min(FEWEST_KNOWN, len(evidence) // 5)
        ]

    def baselines(self, evidence: Evidence) -> dict[str, np.ndarray]:
        """LACE, HOSPITAL, and the number of stays in the year before; what is not known adds nothing."""
        import numpy as np

        rows = evidence.table.select(list(_SCORED)).to_pylist()
        return {
            "lace": np.array([scores.lace(row).points for row in rows], dtype=np.float64),
            "hospital": np.array([scores.hospital(row).points for row in rows], dtype=np.float64),
            "previous_stays": np.array([row["previous_inpatient"] or 0.0 for row in rows], dtype=np.float64),
        }


_SCORED = (
    "length_of_stay",
    "admission",
    "charlson",
    "previous_emergency",
    "previous_inpatient",
    "haemoglobin",
    "sodium",
    "specialty",
    "procedures",
)
