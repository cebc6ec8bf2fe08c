"""Urine: start an antibiotic now, wait for the culture, or give none?"""

from vesalius.usecases.urine.urine import Urine

__all__ = ["Urine"]
