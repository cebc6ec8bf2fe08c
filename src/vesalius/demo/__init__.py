"""The demo: a synthetic Belgian hospital that is made, filled and run through the whole loop.

Its patients do not exist: see :mod:`vesalius.demo.population` for how that is made sure.
"""

from vesalius.demo.feed import Sending, cases, sendings
from vesalius.demo.making import DemoResult, make_hospital
from vesalius.demo.plan import SAMPLES, SEED, Plan
from vesalius.demo.walk import Stage, check

__all__ = [
    "SAMPLES",
    "SEED",
    "DemoResult",
    "Plan",
    "Sending",
    "Stage",
    "cases",
    "check",
    "make_hospital",
    "sendings",
]
