"""Urine: start an antibiotic now, wait for the culture, or give none?"""

from vesalius.usecases.urine.urine import Urine, train_from

__all__ = ["Urine", "train_from"]
