"""Models that show what they know: training, calibration, explanation, uncertainty, safe files."""

from vesalius.modelling.explanation import Shift, changes, zone
from vesalius.modelling.files import ModelStore
from vesalius.modelling.folds import deal
from vesalius.modelling.model import Conformal, Facts, Model, Replicate, Scores, Term, points_of
from vesalius.modelling.training import one_thread, train

__all__ = [
    "Conformal",
    "Facts",
    "Model",
    "ModelStore",
    "Replicate",
    "Scores",
    "Shift",
    "Term",
    "changes",
    "deal",
    "one_thread",
    "points_of",
    "train",
    "zone",
]
