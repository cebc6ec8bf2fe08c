"""What every kind of table has in common: a header that the map must fit, and rows that become items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vesalius.errors import UnreadableInput
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._items import Item
from vesalius.ingest.csv_map import CsvMap


def check_header(header: Sequence[str], csv_map: CsvMap) -> None:
    """Refuses a table that has not each column that the map reads, once.

    Raises:
        UnreadableInput: it says which.
    """
    twice = sorted({name for name in csv_map.columns if header.count(name) > 1})
    if twice:
        raise UnreadableInput(f"the file has two columns {twice[0]!r}")
    missing = sorted(csv_map.columns - set(header))
    if missing:
        names = ", ".join(map(repr, missing))
        raise UnreadableInput(
            f"the file has no column {names}, which {csv_map.name} reads",
            hint=f"its header has {len(header)} columns; check the delimiter, or mend the map",
        )


def lacks_column(header: Sequence[str], csv_map: CsvMap) -> FaultError | None:
    """Why a held row cannot be read through another map than its own: its file lacks a column."""
    missing = sorted(csv_map.columns - set(header))
    if not missing:
        return None
    return FaultError(Cause.COLUMN_COUNT, f"its file has no column {missing[0]!r}, which the map reads")


def row_item(place: str, raw: bytes, cells: Sequence[str], context: dict[str, Any], csv_map: CsvMap) -> Item:
    """One row as an item: the resources that the map makes of it, or why it cannot.

    Args:
        place: where it stands, for people.
        raw: its original bytes.
        cells: its cells as text, in the order of the header.
        context: ``header``, the names of the columns, and ``row``, the number of the row from 1.
        csv_map: the map.
    """
    header = context["header"]
    try:
        if len(cells) != len(header):
            words = f"{len(cells)} cells where the header has {len(header)}"
            raise FaultError(Cause.COLUMN_COUNT, words)  # noqa: TRY301
        found = csv_map.found(dict(zip(header, cells, strict=True)), context["row"])
        return Item(place, raw, found, context=context)
    except FaultError as fault:
        return Item(place, raw, fault=fault, context=context)
