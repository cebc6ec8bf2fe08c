"""What every kind of additive model shares: from learned tables to the model that is written."""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from vesalius.modelling._arithmetic import Floats, snap
from vesalius.modelling.model import Model, Replicate, Term
from vesalius.modelling.scores import Conformal, Facts

Tables = list[Floats]
"""Per term, its points, missing last."""


class Additive(abc.ABC):
    """One kind of additive model, before calibration.

    Attributes:
        terms: one per input, its points still zero.
        share: per input, how much of the rows lies at each point, missing last.
    """

    terms: Sequence[Term]
    share: Sequence[Floats]

    @abc.abstractmethod
    def held_out(self, folds: npt.NDArray[np.intp]) -> tuple[Floats, float]:
        """N log odds, each by a model that did not see the row's fold; and the strength that was chosen."""

    @abc.abstractmethod
    def fitted(self, samples: Sequence[Floats]) -> list[tuple[float, Tables]]:
        """The intercept and tables learned on all rows; then those of each bootstrap sample of B.

        Args:
            samples: B times, how often each of the N rows counts.
        """

    def written(
        self, slope: float, intercept: float, samples: Sequence[Floats], conformal: Conformal, facts: Facts
    ) -> Model:
        """Fits, and folds the recalibration in."""
        own, *copies = (self._scaled(*fit, slope, intercept) for fit in self.fitted(samples))
        terms = [_with_points(term, row) for term, row in zip(self.terms, own.points, strict=True)]
        return Model(
            base=own.base, terms=tuple(terms), replicates=tuple(copies), conformal=conformal, facts=facts
        )

    def _scaled(self, base: float, tables: Tables, slope: float, intercept: float) -> Replicate:
        """Folds the recalibration in, and centres each table on the training rows."""
        means = [float(share @ points) for share, points in zip(self.share, tables, strict=True)]
        base = intercept + slope * (base + math.fsum(means))
        points = [snap(slope * (row - mean)) for row, mean in zip(tables, means, strict=True)]
        return Replicate(float(snap(base)), tuple(tuple(row.tolist()) for row in points))


def _with_points(term: Term, points: Sequence[float]) -> Term:
    return msgspec.structs.replace(term, points=tuple(points[:-1]), missing=points[-1])
