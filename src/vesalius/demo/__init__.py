"""The demo: a synthetic Belgian hospital that is made, filled and run through the whole loop.

Its patients do not exist: see :mod:`vesalius.demo.population` for how that is made sure.
"""

from vesalius.demo.feed import Sending, cases, sendings
from vesalius.demo.plan import SAMPLES, SEED, Plan

__all__ = ["SAMPLES", "SEED", "Plan", "Sending", "cases", "sendings"]
