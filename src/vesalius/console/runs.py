"""The latest validation run of a use, as the pages show it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from markupsafe import Markup

from vesalius.card import Card
from vesalius.hospital import Hospital

if TYPE_CHECKING:
    from vesalius.evaluation import Run

# Evaluation is imported where it is needed: numpy comes with it, and the worklist does without.


def latest_run(hospital: Hospital, name: str) -> Run | None:
    """The newest validation run of a use in this hospital, or None."""
    if not hospital.runs.is_dir():
        return None
    from vesalius.evaluation import latest

    return latest(hospital.runs, name)


def made_at(hospital: Hospital, run: Run) -> datetime | None:
    """When a run was saved."""
    path = hospital.runs / f"{run.id}.json"
    return datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.exists() else None


def report(run: Run, card: Card, language: str) -> Markup:
    """The figures and pictures of a run, as HTML that evaluation itself has escaped."""
    from vesalius.evaluation import fragment

    return Markup(fragment(run, card, language))  # noqa: S704 -- made by our own escaping templates


def picture(run: Run, language: str, marks: Sequence[float]) -> Markup:
    """Courses avoided beside positive cultures missed, at every threshold, as SVG."""
    from vesalius.evaluation import charts
    from vesalius.evaluation.words import Words

    drawn = charts.thresholds(run.thresholds, run.rows, Words(language), marks)
    return Markup(drawn)  # noqa: S704 -- made by our own escaping code
