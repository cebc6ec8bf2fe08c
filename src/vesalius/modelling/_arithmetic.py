"""Arithmetic that gives the same bits for one row and for many, and on every machine.

Points live on a grid of 1/4096 log odds. Sums of such numbers are exact in binary floating point, in any
order, so that contributions add up to the prediction exactly and no summation algorithm matters. The
exponential uses only additions, multiplications and divisions, which IEEE 754 defines to the last bit; a
libm's ``exp`` is not so defined and differs between systems.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

GRID = 4096.0
"""Points per log odd: 1/4096 of a log odd changes a probability by less than 0.0001."""

LARGEST = 40.0
"""Log odds beyond which a probability is 0 or 1 for every purpose (4e-18)."""

_FINE = 2.0**20
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_TERMS = 18


def snap(values: Any) -> Floats:
    """The nearest values on the grid."""
    scaled = np.rint(np.asarray(values, dtype=np.float64) * GRID)
    return scaled / GRID + 0.0  # adding 0.0 turns minus zero into zero


def fine(values: Any) -> Floats:
    """The nearest multiples of 2^-20: fine enough for what hundreds of trees add up to."""
    return np.rint(np.asarray(values, dtype=np.float64) * _FINE) / _FINE + 0.0


def exponential(values: Any) -> Floats:
    """The exponential of each value, the same bits everywhere; within 2e-16 relative of the true one.

    Source: reduction by multiples of ln 2 in two parts, after W. J. Cody and W. Waite, Software Manual for
        the Elementary Functions, 1980, ch. 6; then the Taylor series by Horner's rule.
    """
    values = np.clip(np.asarray(values, dtype=np.float64), -700.0, 700.0)
    halvings = np.rint(values / 0.6931471805599453)
    rest = (values - halvings * _LN2_HIGH) - halvings * _LN2_LOW
    series = np.ones_like(rest)
    for term in range(_TERMS, 0, -1):
        series = 1.0 + (rest / term) * series
    result: Floats = np.ldexp(series, halvings.astype(np.int32))
    return result


def probability(logits: Any) -> Floats:
    """The probability of each log odds, the same bits everywhere."""
    bounded = np.clip(np.asarray(logits, dtype=np.float64), -LARGEST, LARGEST)
    result: Floats = 1.0 / (1.0 + exponential(-bounded))
    return result
