"""The moments that are asked about, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute

from vesalius.errors import InvalidView

Ints = np.ndarray[Any, np.dtype[np.int64]]
Array = Any
"""A ``pa.Array``: its stubs ask for the type of the elements, which is not known here."""

Chunks = Any
"""A ``pa.ChunkedArray``, for the same reason: a column as it came."""

compute: Any = pyarrow.compute
MICROS = pa.timestamp("us", tz="UTC")


class Asked(Protocol):
    """What is asked about: a candidate of a use case."""

    @property
    def subject(self) -> str:
        """The patient, as ``Patient/ID``."""

    @property
    def focus(self) -> str:
        """What makes the question arise, as ``Type/ID``."""

    @property
    def as_of(self) -> datetime:
        """The moment, with a time zone."""


@dataclass(frozen=True)
class Moments:
    """N moments.

    Attributes:
        subject: the patients.
        focus: what makes each question arise; None if nothing was said.
        at: microseconds since 1970, UTC.
    """

    subject: Array
    focus: Array | None
    at: Ints

    @classmethod
    def of(cls, asked: Sequence[Asked] | pa.Table) -> Moments:
        """Moments of candidates, or of a table with the columns ``subject``, ``as_of`` and perhaps ``focus``.

        Raises:
            InvalidView: a column is missing, or a moment has no time zone or is finer than a microsecond.
        """
        if isinstance(asked, pa.Table):
            return cls._of_table(asked)
        moments = [each.as_of for each in asked]
        if any(moment.tzinfo is None for moment in moments):
            raise InvalidView("a moment has no time zone", place="as_of")
        return cls(
            pa.array([each.subject for each in asked], pa.string()),
            pa.array([each.focus for each in asked], pa.string()),
            micros(pa.array(moments, MICROS)),
        )

    @classmethod
    def _of_table(cls, asked: pa.Table) -> Moments:
        for name in ("subject", "as_of"):
            if name not in asked.column_names:
                raise InvalidView(f"the moments lack the column {name}", hint="subject, as_of, perhaps focus")
        when = asked["as_of"]
        if not pa.types.is_timestamp(when.type) or when.type.tz is None or when.null_count:
            raise InvalidView("is not a moment with a time zone in every row", place="as_of")
        try:
            at = micros(array(when.cast(MICROS)))
        except pa.ArrowInvalid:
            raise InvalidView("a moment is finer than a microsecond", place="as_of") from None
        focus = array(asked["focus"].cast(pa.string())) if "focus" in asked.column_names else None
        return cls(array(asked["subject"].cast(pa.string())), focus, at)


def micros(moments: Array) -> Ints:
    """Timestamps as microseconds since 1970, UTC."""
    found: Ints = moments.cast(MICROS).view(pa.int64()).to_numpy(zero_copy_only=False)
    return found


def array(column: Chunks) -> Array:
    """A column as one array."""
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [_empty(column)])


def _empty(column: Chunks) -> Array:
    return pa.array([], column.type)
