"""From a column of facts to the number of the bin that each row falls in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vesalius.errors import InvalidModel

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int64]

BOOLEAN = ("false", "true")
"""The two levels of a boolean, in order."""


class Described(Protocol):
    """What monitoring needs to know of an input; :class:`vesalius.card.Input` says it."""

    @property
    def name(self) -> str:
        """The column."""

    @property
    def kind(self) -> str:
        """``number``, ``category``, ``grade`` or ``boolean``."""

    @property
    def levels(self) -> tuple[str, ...]:
        """The possible values, in order."""

    @property
    def unit(self) -> str:
        """The UCUM unit of a number."""


def column(table: pa.Table, name: str) -> Any:
    """One column, in one piece.

    Raises:
        InvalidModel: the table has no such column.
    """
    if name not in table.column_names:
        raise InvalidModel(f"the table has no column {name!r}", hint="it does not fit the reference")
    found = table[name]
    return found.chunk(0) if found.num_chunks == 1 else found.combine_chunks()


def numbers(table: pa.Table, name: str) -> Floats:
    """A column of numbers as N floats; what is missing or infinite is not a number.

    Raises:
        InvalidModel: the column is absent, or no column of numbers.
    """
    raw = column(table, name)
    try:
        if not pa.types.is_float64(raw.type):
            raw = pc.cast(raw, pa.float64())
        values: Floats = raw.to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidModel(f"the column {name!r} holds no numbers") from error
    if np.isinf(values).any():
        values = np.where(np.isinf(values), np.nan, values)
    return values


def codes(table: pa.Table, name: str, levels: Sequence[str]) -> Codes:
    """A column of words as N level numbers: ``len(levels)`` for an unseen one, one more for a missing one."""
    raw = column(table, name)
    unseen, missing = len(levels), len(levels) + 1
    words, indices = encoded(raw)
    places = {level: number for number, level in enumerate(levels)}
    kinds = np.array([*(places.get(word, unseen) for word in words), missing], dtype=np.int64)
    found: Codes = kinds[indices]
    return found


def encoded(raw: Any) -> tuple[list[str], Codes]:
    """The different words, and N numbers of them; the number of a missing one is how many there are."""
    if not pa.types.is_dictionary(raw.type):
        raw = pc.dictionary_encode(raw if pa.types.is_string(raw.type) else pc.cast(raw, pa.string()))
    words = ["" if word is None else str(word) for word in raw.dictionary.to_pylist()]
    indices: Codes = pc.fill_null(raw.indices, len(words)).to_numpy(zero_copy_only=False)
    return words, indices


def labels(values: Any, count: int) -> tuple[list[str], Codes]:
    """The labels of a grouping, as :func:`encoded`.

    Raises:
        InvalidModel: there are not as many labels as rows.
    """
    raw: Any = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
    if isinstance(raw, pa.ChunkedArray):
        raw = raw.combine_chunks()
    if len(raw) != count:
        raise InvalidModel("a grouping does not have one label per row")
    if pa.types.is_null(raw.type):
        return [], np.zeros(count, dtype=np.int64)
    return encoded(raw)
