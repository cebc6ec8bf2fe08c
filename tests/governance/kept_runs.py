"""A validation run of a few invented figures, for the gates to find."""

from vesalius.evaluation import Estimate
from vesalius.evaluation import run as of
from vesalius.governance import validations

GUESS = Estimate(0.8, 0.7, 0.9)
CLEAN = (of.Checked(detector="same_row", passed=True),)


def made_up(**changes):
    line = of.Curve((0.0, 1.0), (0.0, 1.0))
    rest = {
        "usecase": "urine",
        "version": "1.0",
        "model": "",
        "settings": {},
        "checks": CLEAN,
        "events": 100,
    } | changes
    return of.Run(
        data="d" * 64, kind="ebm", position=1, first="2025-01-01", last="2026-01-01", rows=400, patients=400,
        seed=0, repeats=1, folds=5, draws=100,
        performances=(of.Performance(name="model", auroc=GUESS, auprc=GUESS, roc=line),),
        calibration=line, histogram=of.Histogram((1.0,), (1.0,)), thresholds=(), reference="all", benefits=(),
        subgroups=(), missing=(),
        coverage=of.Coverage(
            level=0.9, overall=0.9, with_outcome=0.9, without_outcome=0.9, single=0.6, both=0.4, empty=0.0
        ),
        decided=(), proposed=(), importance=(), **rest,
    )  # fmt: skip


def keep(engine, at=None, **changes):
    """Keeps such a run as evidence; its name."""
    return validations.keep(engine, made_up(**changes), by="engineer", at=at)
