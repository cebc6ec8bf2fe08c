"""Models that show what they know: training, calibration, explanation, uncertainty, safe files."""

from vesalius.modelling.explanation import Shift, changes, zone
from vesalius.modelling.files import ModelStore, load, shipped
from vesalius.modelling.folds import deal
from vesalius.modelling.model import Model, Replicate, Term, points_of
from vesalius.modelling.scores import Conformal, Facts, Scores
from vesalius.modelling.signatures import Keys, Signature
from vesalius.modelling.training import AnyModel, one_thread, train, without_replicates
from vesalius.modelling.trees import Trees

__all__ = [
    "AnyModel",
    "Conformal",
    "Facts",
    "Keys",
    "Model",
    "ModelStore",
    "Replicate",
    "Scores",
    "Shift",
    "Signature",
    "Term",
    "Trees",
    "changes",
    "deal",
    "load",
    "one_thread",
    "points_of",
    "shipped",
    "train",
    "without_replicates",
    "zone",
]
