"""What the monitors would see: days made up from known patients, with a change on a known day."""

from vesalius.simulation.drifting import Drifted, Plan, simulate
from vesalius.simulation.pictures import picture
from vesalius.simulation.pool import Pool, made_up, of_cohort
from vesalius.simulation.scenarios import SCENARIOS, Scenario, find

__all__ = [
    "SCENARIOS",
    "Drifted",
    "Plan",
    "Pool",
    "Scenario",
    "find",
    "made_up",
    "of_cohort",
    "picture",
    "simulate",
]
