"""The statistics of monitoring: counts in, small results out. Nothing here knows a database or a patient."""

from vesalius.evaluation.monitoring._scored import Scored
from vesalius.evaluation.monitoring.calibration import Calibration, calibration
from vesalius.evaluation.monitoring.cusum import Chart, State, cusum, run_length, sprt
from vesalius.evaluation.monitoring.drift import Drift, Together, drift, multivariate
from vesalius.evaluation.monitoring.estimation import Estimated, cbpe, estimated
from vesalius.evaluation.monitoring.looks import Plan, Seen, Sign, look
from vesalius.evaluation.monitoring.realised import Gap, Realised, realised, subgroups
from vesalius.evaluation.monitoring.reference import Components, Field, Reference
from vesalius.evaluation.monitoring.tally import Tally, total
from vesalius.evaluation.monitoring.units import UnitChange, unit_change
from vesalius.evaluation.monitoring.volume import Volume, volume

__all__ = [
    "Calibration",
    "Chart",
    "Components",
    "Drift",
    "Estimated",
    "Field",
    "Gap",
    "Plan",
    "Realised",
    "Reference",
    "Scored",
    "Seen",
    "Sign",
    "State",
    "Tally",
    "Together",
    "UnitChange",
    "Volume",
    "calibration",
    "cbpe",
    "cusum",
    "drift",
    "estimated",
    "look",
    "multivariate",
    "realised",
    "run_length",
    "sprt",
    "subgroups",
    "total",
    "unit_change",
    "volume",
]
