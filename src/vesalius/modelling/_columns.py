"""From an Arrow column to numbers, checked against what the model expects, with no Python object per row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from vesalius.errors import InvalidModel
from vesalius.modelling._arithmetic import Floats

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["number", "category", "grade", "boolean"]
Value = str | float | bool | None


class Described(Protocol):
    """An input as a card declares it: ``vesalius.card.Input`` is one."""

    @property
    def name(self) -> str:
        """The column's name."""

    @property
    def kind(self) -> Kind:
        """How a model sees it."""

    @property
    def levels(self) -> tuple[str, ...]:
        """The possible values of a category or a grade, in order."""


@dataclass(frozen=True)
class Column:
    """The N values of one input.

    Attributes:
        kind: of the input.
        numbers: of a number its value, of a boolean 0 or 1, of a level its place in ``names``; not a number
            where it is missing.
        names: of a category or a grade, the values that occur, in any order.
    """

    kind: Kind
    numbers: Floats
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: npt.NDArray[np.intp]) -> Column:
        """The values of some rows."""
        return Column(self.kind, self.numbers[rows], self.names)

    def coded(self, levels: Sequence[str]) -> Floats:
        """N numbers: of a level its place in ``levels``; not a number where it is missing or not a level.

        Infinite numbers are missing ones.
        """
        if self.kind in ("number", "boolean"):
            return np.where(np.isfinite(self.numbers), self.numbers, np.nan)
        place = {level: float(number) for number, level in enumerate(levels)}
        places = np.array([*(place.get(name, np.nan) for name in self.names), np.nan])
        found: Floats = places[self._indices()]
        return found

    def plain(self) -> list[Value]:
        """The values as Python has them; whole and broken numbers alike as floats."""
        if self.kind == "number":
            numbers: list[Value] = self.numbers.tolist()
            return numbers
        names = (False, True) if self.kind == "boolean" else self.names
        known = np.array([*names, None], dtype=object)
        values: list[Value] = known[self._indices()].tolist()
        return values

    def _indices(self) -> npt.NDArray[np.intp]:
        """Places among the names, the missing ones at the end."""
        return np.where(np.isnan(self.numbers), -1, self.numbers).astype(np.intp)


def read(table: pa.Table, name: str, kind: Kind) -> Column:
    """The column ``name``, checked against the kind of the input.

    Raises:
        InvalidModel: the column is absent, or its type does not fit the kind.
    """
    if name not in table.column_names:
        raise InvalidModel(
            f"the evidence has no column {name!r}", hint="the use case and the model do not match"
        )
    column = table.column(name)
    if column.null_count == len(column):
        return Column(kind, np.full(len(column), np.nan))
    return _levels(column, kind) if _fits(column.type, name, kind) else _numbers(column, kind)


def _fits(kind_of: Any, name: str, kind: Kind) -> bool:
    """Whether the values are text; raises where the type does not fit the kind."""
    from pyarrow import types

    inner = kind_of.value_type if types.is_dictionary(kind_of) else kind_of
    text = types.is_string(inner) or types.is_large_string(inner) or types.is_string_view(inner)
    number = types.is_integer(inner) or types.is_floating(inner)
    fits = {"number": number, "boolean": types.is_boolean(inner), "category": text, "grade": text}
    if not fits[kind]:
        raise InvalidModel(f"the column {name!r} holds {inner}, not a {kind}")
    return text


def _numbers(column: Any, kind: Kind) -> Column:
    import pyarrow as pa

    plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    whole = plain.cast(pa.uint8()) if kind == "boolean" else plain
    numbers = whole.cast(pa.float64(), safe=False).to_numpy()
    return Column(kind, np.asarray(numbers, dtype=np.float64))


def _levels(column: Any, kind: Kind) -> Column:
    import pyarrow as pa

    plain = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    coded = plain.dictionary_encode().unify_dictionaries()
    places = [np.asarray(part.indices.fill_null(-1).to_numpy(), np.float64) for part in coded.chunks]
    numbers = np.concatenate(places)
    numbers[numbers < 0] = np.nan
    return Column(kind, numbers, tuple(coded.chunk(0).dictionary.to_pylist()))
