"""Who learns and who is held out: by patient, with checks that refuse a leak."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from vesalius.evaluation import leakage
from vesalius.modelling import deal

Folds = npt.NDArray[np.intp]


def repeated(
    outcomes: npt.NDArray[np.bool_], groups: Sequence[Hashable], count: int, repeats: int, seed: int
) -> Folds:
    """The folds of repeated stratified cross-validation by patient: repeats × N fold numbers.

    Source: Kim, Estimating classification error rate: repeated cross-validation, Comput Stat Data Anal
    2009;53:3735-3745.

    Raises:
        NotEnoughData: fewer patients with the outcome, or without, than folds.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    folds = np.stack([deal(outcomes, groups, count, rng) for _ in range(repeats)])
    for row in folds:
        check_apart(groups, row)
    return folds


def check_apart(groups: Sequence[Hashable], folds: Folds) -> None:
    """Refuses a split with one patient on two sides.

    Raises:
        Leak: says how many patients; it names none of them.
    """
    leakage.stop((leakage.apart(groups, folds),))
