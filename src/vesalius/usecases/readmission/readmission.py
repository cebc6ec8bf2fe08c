"""The use case: how likely a patient who leaves is to come back within 30 days, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from vesalius.errors import InvalidModel
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
MODEL_HASH = "bf581c448665dc4012719b72c360ceda15b27fca5b85b789389a083b743a2786"

MAPS = facts.FOLDER / "maps"

FEWEST_KNOWN = 200
"""Rows in which an input must be known before a model may learn from it; a fifth of them, if they are few."""

COPIES = 13
"""Bootstrap copies of the trees behind an interval: as many as keep the shipped file below 3 MB."""


class Readmission(UseCase):
    """Readmission within 30 days: probability, two thresholds, and what can be done about each reason."""

    card = facts.card()

    def shipped_model(self) -> AnyModel | None:
        """The model learnt from the stays of Strack 2014."""
        return _shipped()

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
        if self.model is None:
            raise InvalidModel(
                "the use case readmission has no model", hint="train one: vesalius train readmission"
            )
        if not evidence.candidates:
            return []
        said, shipped = self.model.score(evidence.table), self._is_shipped
        rows = zip(evidence.candidates, evidence.table.to_pylist(), evidence.sources, strict=True)
        cases = (
            Case(self.card, self.settings, candidate, row, sources, said, number)
            for number, (candidate, row, sources) in enumerate(rows)
        )
        return [
            self.suggestion(
                evidence,
                case.row,
                case.option,
                case.summary,
                priority=case.priority,
                probability=case.probability,
                interval=case.interval,
                base=0.0 if case.silent else said.base,
                reasons=case.reasons,
                missing=case.missing,
                limits=case.limits(shipped=shipped),
                resources=case.resources,
            )
            for case in cases
        ]

    @property
    def _is_shipped(self) -> bool:
        shipped = _shipped()
        return shipped is not None and self.model is not None and self.model.hash == shipped.hash

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

        patients, inputs = [each.subject for each in evidence.candidates], self._inputs(evidence)
        return train(evidence.table, outcomes, inputs, seed, "lightgbm", groups=patients, replicates=COPIES)

    def challenger(self, evidence: Evidence, outcomes: np.ndarray, seed: int = 0) -> AnyModel:
        """The glass box that the trees must beat: a calibrated logistic regression of the same inputs."""
        from vesalius.modelling import train

        patients, inputs = [each.subject for each in evidence.candidates], self._inputs(evidence)
        return train(evidence.table, outcomes, inputs, seed, "logistic", groups=patients, replicates=0)

    def _inputs(self, evidence: Evidence) -> list[Input]:
        return [
            item
            for item in self.card.inputs
            if len(evidence) - evidence.table[item.name].null_count >= min(FEWEST_KNOWN, len(evidence) // 5)
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


@cache
def _shipped() -> AnyModel | None:
    from vesalius.modelling import shipped

    return shipped(MODEL, MODEL_HASH) if MODEL.exists() else None
