"""Validation on history: honest figures with intervals, beside simple rules and what clinicians decided."""

from vesalius.evaluation import charts, leakage, metrics, plans, sample_size, splits
from vesalius.evaluation.cohort import Cohort, gather, receive_folder
from vesalius.evaluation.leakage import Pass
from vesalius.evaluation.metrics import Estimate, resamples
from vesalius.evaluation.reporting import report
from vesalius.evaluation.run import Plan, Run, latest
from vesalius.evaluation.study import compare, study, validate

__all__ = [
    "Cohort",
    "Estimate",
    "Pass",
    "Plan",
    "Run",
    "charts",
    "compare",
    "gather",
    "latest",
    "leakage",
    "metrics",
    "plans",
    "receive_folder",
    "report",
    "resamples",
    "sample_size",
    "splits",
    "study",
    "validate",
]
