"""Validation on history: honest figures with intervals, beside simple rules and what clinicians decided."""

from vesalius.evaluation import charts, metrics, splits
from vesalius.evaluation.cohort import Cohort, gather, receive_folder
from vesalius.evaluation.metrics import Estimate, resamples
from vesalius.evaluation.reporting import report
from vesalius.evaluation.run import Run, latest
from vesalius.evaluation.study import compare, study

__all__ = [
    "Cohort",
    "Estimate",
    "Run",
    "charts",
    "compare",
    "gather",
    "latest",
    "metrics",
    "receive_folder",
    "report",
    "resamples",
    "splits",
    "study",
]
