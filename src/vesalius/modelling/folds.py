"""Dealing patients into folds: each patient whole, and each fold with its share of the events."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from vesalius.errors import NotEnoughData


def deal(
    outcomes: npt.NDArray[np.bool_], groups: Sequence[Hashable], count: int, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """The fold of each row; all rows of one group (patient) share a fold.

    Groups with an event and groups without are shuffled apart and dealt in turn, so that each fold has its
    share of both (stratified grouped k-fold).

    Args:
        outcomes: N outcomes.
        groups: N names; rows with the same name are never separated.
        count: how many folds.
        rng: the source of randomness.

    Returns:
        N numbers from 0 to ``count`` - 1.

    Raises:
        NotEnoughData: there are fewer groups with an event, or without, than folds.
    """
    event: dict[Hashable, bool] = {}
    for group, outcome in zip(groups, outcomes, strict=True):
        event[group] = event.get(group, False) or bool(outcome)
    fold: dict[Hashable, int] = {}
    for kind in (True, False):
        members = [group for group, has in event.items() if has is kind]
        if len(members) < count:
            what = "with" if kind else "without"
            raise NotEnoughData(f"{len(members)} patients {what} the outcome are too few for {count} folds")
        for place, member in enumerate(rng.permutation(len(members))):
            # The second kind is dealt from the other end: folds then differ by one row at most.
            fold[members[member]] = place % count if kind else count - 1 - place % count
    return np.array([fold[group] for group in groups], dtype=np.intp)
