"""What a feature is, as data: in Python, or in a JSON file beside the view."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
import pyarrow as pa

from vesalius.errors import InvalidView

Take = Literal["last", "first", "count", "ever", "since", "min", "max", "sum", "mean", "delta", "slope"]
"""What to make of the values in a window."""

NUMBERS = frozenset({"min", "max", "sum", "mean", "delta", "slope"})
"""What can be made of numbers only."""

KNOWN = "_recorded_at"
"""The one time that counts: when a value was known."""


class Feature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One column to make.

    Attributes:
        name: of the column.
        codes: what to look for, each as ``SYSTEM|CODE``; any code, if none is given.
        column: the column of the rows that holds the value; a row without a value is passed over.
        within: how long before the moment the value may have been recorded; None for any time. A value of
            exactly that age counts.
        link: a column of references; only rows that point to the moment's focus count.
        take: what to make of the values in the window, oldest first. ``last`` and ``first``: the value.
            ``count``: how many resources have one. ``ever``: whether there is any. ``since``: how long before
            the moment the last one was recorded. ``min``, ``max``. ``sum`` and ``mean``: added up in order.
            ``delta``: the last less the first, of two or more. ``slope``: by least squares, of two or more
            that were not all recorded at once.
        ending: how long before the moment the window ends; zero, at the moment. A value of exactly that age
            counts.
        per: the unit of time of ``since`` and ``slope``.
        time: by which column values are placed in time: ``_recorded_at``, and no other.
    """

    name: str
    codes: tuple[str, ...] = ()
    column: str = "value"
    within: timedelta | None = None
    link: str | None = None
    take: Take = "last"
    ending: timedelta = timedelta(0)
    per: timedelta = timedelta(days=1)
    time: str = KNOWN


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON form: the view (a file beside this one, or the ViewDefinition itself) and its features."""

    view: str | dict[str, Any]
    features: tuple[Feature, ...]
    outcome: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


def read(source: Path | str | Mapping[str, Any]) -> tuple[Declaration, Path]:
    """A declaration and the folder that its view is looked for in.

    Raises:
        InvalidView: it is not one; the error names the place.
    """
    try:
        if isinstance(source, Mapping):
            return msgspec.convert(source, Declaration), Path()
        path = Path(source)
        return msgspec.json.decode(path.read_bytes(), type=Declaration), path.parent
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        raise InvalidView(message, place=place.strip("`").removeprefix("$").removeprefix(".")) from None
    except (OSError, msgspec.DecodeError) as error:
        raise InvalidView(f"cannot read {Path(str(source)).name}: {error}") from None


def is_number(kind: pa.DataType) -> bool:
    """Whether a column of this type can be reckoned with."""
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))
