"""The latest validation run of a use, as the pages show it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from markupsafe import Markup

from vesalius.card import Card
from vesalius.console.contexts import Similar
from vesalius.errors import UnreadableInput
from vesalius.hospital import Hospital

if TYPE_CHECKING:
    from vesalius.evaluation import Run

MAIN = ("summary", "discrimination", "calibration", "thresholds", "decided", "subgroups")
"""The sections of the report that the evidence page of a use shows."""

log = logging.getLogger(__name__)

# Evaluation is imported where it is needed: numpy comes with it, and the worklist does without.


def latest_run(hospital: Hospital, name: str) -> Run | None:
    """The newest validation run of a use in this hospital; None where there is none, or it is damaged."""
    if not hospital.runs.is_dir():
        return None
    from vesalius.evaluation import latest

    try:
        return latest(hospital.runs, name)
    except UnreadableInput as error:  # a damaged report must not keep anyone from a patient's page
        log.warning("validation run not shown: %s", error)
        return None


def made_at(hospital: Hospital, run: Run) -> datetime | None:
    """When a run was saved."""
    path = hospital.runs / f"{run.id}.json"
    return datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.exists() else None


def report(run: Run, card: Card, language: str) -> Markup:
    """The main figures and pictures of a run, as HTML that evaluation itself has escaped."""
    from vesalius.evaluation.reporting import document, fragment

    made = document(run, card, language)
    return Markup(fragment(made, *MAIN))  # noqa: S704 -- made by our own escaping templates  # nosec B704


def stylesheet() -> str:
    """The CSS of a report and of its pictures."""
    from vesalius.evaluation.reporting import stylesheet as made

    return made()


def similar(run: Run, probability: float) -> Similar | None:
    """What happened to patients with about this probability in the run; None where they were few."""
    from vesalius.explanation import similar as found

    like = found(run, probability)
    return Similar(*like) if like else None


def picture(run: Run, language: str, marks: Sequence[float]) -> Markup:
    """Acts avoided beside outcomes missed, at every threshold, as SVG."""
    from vesalius.evaluation import charts
    from vesalius.evaluation.words import Words

    drawn = charts.thresholds(run.thresholds, run.rows, Words(language), marks)
    return Markup(drawn)  # noqa: S704 -- made by our own escaping code  # nosec B704
