"""The use case: who gets worse, by NEWS2 on a ward and by a model in intensive care."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from vesalius.usecase import Candidate, Course, Evidence, Outcome, Suggestion, UseCase
from vesalius.usecases.early_warning import courses, facts, history, suggestions
from vesalius.usecases.early_warning.card import FOLDER, card
from vesalius.usecases.early_warning.current import SCORES
from vesalius.usecases.early_warning.due import due
from vesalius.usecases.early_warning.stays import Stays
from vesalius.usecases.early_warning.suggestions import Case

if TYPE_CHECKING:
    import numpy as np

    from vesalius.card import Input
    from vesalius.lake import Lake
    from vesalius.modelling import AnyModel

MODEL = FOLDER / "model.json"
"""Made by ``vesalius train early-warning --data icu-mortality-2012 --files 'set_a_*' --out MODEL``."""
MODEL_HASH = "79be9f9f17e08ba99892f70aec0391b49fca5e1fba1cf55f84ac103afbc4a1af"

FEWEST_KNOWN = 20
"""Rows in which an input must be known before a model may learn from it."""


class EarlyWarning(UseCase):
    """Early warning: NEWS2 with its range, and a probability where a model has learnt of such a place."""

    card = card()
    ships = (MODEL, MODEL_HASH)

    def candidates(self, lake: Lake, since: datetime, until: datetime) -> list[Candidate]:
        """Stays in intensive care after 48 hours; patients of wards whose NEWS2 gets worse."""
        return due(lake, since, until, timedelta(hours=self.settings["quiet_hours"]))

    def evidence(self, lake: Lake, candidates: Sequence[Candidate]) -> Evidence:
        """The last measurements, what became of them in 48 hours, the laboratory, and who the patient is."""
        return facts.gather(lake, candidates)

    def suggest(self, evidence: Evidence) -> list[Suggestion]:
        """NEWS2 with its parts, the model where it speaks, and where the two disagree."""
        if not evidence.candidates:
            return []
        score = suggestions.rescored(evidence.table)
        scores = self.model.score(evidence.table) if self.model else None
        names = [item.name for item in self.card.inputs]
        made = []
        for row, known in enumerate(evidence.table.select(names).to_pylist()):
            speaks = self._speaks(in_intensive_care=known["intensive_care"] is True)
            case = Case(
                card=self.card,
                settings=self.settings,
                facts=known,
                sources=evidence.sources[row],
                score=score,
                scores=scores if speaks else None,
                row=row,
            )
            made.append(case.suggestion(self, evidence))
        return made

    def _speaks(self, *, in_intensive_care: bool) -> bool:
        """Whether the model has learnt of such a place: on a ward only one that has seen both."""
        return self.model is not None and (in_intensive_care or "intensive_care" in self.model.inputs)

    def outcome(self, lake: Lake, candidates: Sequence[Candidate], as_of: datetime) -> list[Outcome | None]:
        """Death in hospital; of a ward's patients, death or intensive care within 24 hours."""
        return history.outcomes(lake, candidates, as_of)

    def practice(self, lake: Lake, candidates: Sequence[Candidate], as_of: datetime) -> list[bool | None]:
        """Whether a ward's patient came to intensive care within 24 hours."""
        return history.practice(lake, candidates, as_of)

    def courses(self, lake: Lake, candidate: Candidate) -> tuple[Course, ...]:
        """The vital signs of 48 hours."""
        return courses.drawn(lake, candidate)

    def sites(self, lake: Lake, candidates: Sequence[Candidate]) -> list[str] | None:
        """The hospital, or the data set, that each stay names as its provider."""
        stays = Stays.read(lake, sorted({candidate.subject for candidate in candidates}))
        found = [stays.at(candidate.subject, candidate.as_of) for candidate in candidates]
        names = [stay.site if stay else "" for stay in found]
        return names if any(names) else None

    def learn(self, evidence: Evidence, outcomes: np.ndarray, seed: int = 0) -> AnyModel:
        """A calibrated logistic model of every input that is known often enough."""
        from vesalius.modelling import train

        return train(
            evidence.table, outcomes, self._learnable(evidence), seed, "logistic", groups=evidence.patients
        )

    def challenger(self, evidence: Evidence, outcomes: np.ndarray, seed: int = 0) -> AnyModel:
        """Boosted trees on the same inputs."""
        from vesalius.modelling import train

        inputs = self._learnable(evidence)
        return train(
            evidence.table, outcomes, inputs, seed, "lightgbm", groups=evidence.patients, replicates=0
        )

    def _learnable(self, evidence: Evidence) -> list[Input]:
        """The inputs that a model may learn from; where all are in intensive care, that says nothing."""
        wards = False in evidence.table["intensive_care"].to_pylist()
        left_out = {*suggestions.RULE_ONLY, *(() if wards else ("intensive_care",))}
        return [
            item
            for item in self.card.inputs
            if item.name not in left_out and evidence.known(item.name) >= FEWEST_KNOWN
        ]

    def baselines(self, evidence: Evidence) -> dict[str, np.ndarray]:
        """NEWS2, of the moment (its lowest) and of the worst of a day; SAPS-I and SOFA where they came.

        Where SAPS-I or SOFA is not known, it is the median of those that are.
        """
        import numpy as np

        found = {"news2": suggestions.rescored(evidence.table).low.astype(np.float64)}
        for name in ("news2_worst", *SCORES):
            scores = np.array(evidence.table[name].to_pylist(), dtype=np.float64)
            known = np.isfinite(scores)
            if known.any():
                found[name] = np.where(known, scores, np.median(scores[known]))
        return found
