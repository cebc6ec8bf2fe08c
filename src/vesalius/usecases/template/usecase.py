"""A temperature that asks for a second look: a start (docs/engineer/write-a-use-case.md says what else)."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from vesalius.card import Card, Text
from vesalius.lake import Lake
from vesalius.usecase import Candidate, Evidence, Outcome, Reason, Suggestion, UseCase
from vesalius.views import View
from vesalius.views.features import Feature, Features

HERE = Path(__file__).parent
VIEW = View.load(HERE / "view.json")
TEMPERATURE = Features(VIEW, [Feature("temperature", ("http://loinc.org|8310-5",))])


class Template(UseCase):
    """Looks at each temperature as it is recorded."""

    card = Card.load(HERE)

    def candidates(self, lake: Lake, since: datetime, until: datetime) -> list[Candidate]:
        """Whoever had a temperature recorded in that time."""
        rows = [row for row in VIEW.table(lake).to_pylist() if row["code"] == "8310-5"]
        due = [Candidate(row["_subject"], row["_resource"], row["_recorded_at"]) for row in rows]
        return sorted(each for each in due if since < each.as_of <= until)

    def evidence(self, lake: Lake, candidates: Sequence[Candidate]) -> Evidence:
        """The last temperature known at each one's moment."""
        lake = lake.pinned()
        known = TEMPERATURE.table(lake, candidates)
        return Evidence(tuple(candidates), known.table, tuple(known.sources), lake.position())

    def suggest(self, evidence: Evidence) -> list[Suggestion]:
        """Look again, from the hospital's own temperature on."""
        values = evidence.table["temperature"].to_pylist()
        return [self._suggestion(evidence, row, value) for row, value in enumerate(values)]

    def _suggestion(self, evidence: Evidence, row: int, value: float | None) -> Suggestion:
        option = "look" if value is not None and value >= self.settings["from"] else "nothing"
        rule = Text(f"rule.{option}", {"from": self.settings["from"], "source": "source.news2"})
        reason = Reason("temperature", value, sources=evidence.sources[row].get("temperature", ()), rule=rule)
        return self.suggestion(evidence, row, option, Text(f"option.{option}"), reasons=(reason,))

    def outcome(self, lake: Lake, candidates: Sequence[Candidate], as_of: datetime) -> list[Outcome | None]:
        """Whether the first temperature recorded after the moment is as high, once there is one."""
        rows = sorted(VIEW.table(lake).to_pylist(), key=lambda row: row["_recorded_at"])
        later = [row for row in rows if row["code"] == "8310-5" and row["_recorded_at"] <= as_of]
        return [self._outcome(each, later) for each in candidates]

    def _outcome(self, candidate: Candidate, rows: list[dict[str, Any]]) -> Outcome | None:
        for row in rows:
            if (
                row["_subject"] == candidate.subject
                and row["_recorded_at"] > candidate.as_of
                and row["value"]
            ):
                high = row["value"] >= self.settings["from"]
                return Outcome(high, row["_recorded_at"], (row["_reference"],))
        return None
