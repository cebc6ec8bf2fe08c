"""FHIR NDJSON: one resource per line, as in a FHIR bulk export. A line can also be a bundle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from vesalius import fhir
from vesalius.errors import InvalidResource
from vesalius.ingest import bundle
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._items import Found, Item
from vesalius.ingest._lines import LIMIT, lines

BOM = b"\xef\xbb\xbf"


def read(stream: BinaryIO) -> Iterator[Item]:
    """One item per line that is not blank, or one per entry of a bundle.

    Raises:
        FaultError: the compressed stream breaks off or is damaged.
    """
    for line in lines(stream):
        raw = line.raw.strip()
        if line.number == 1:
            raw = raw.removeprefix(BOM)
        place = f"line {line.number}"
        if line.length > LIMIT:
            yield Item(place, line.raw, fault=line.too_long)
        elif raw:
            item = _one(raw, place)
            if _is_bundle(item):
                yield from bundle.entries(raw, f"{place}, ")
            else:
                yield item


def again(raw: bytes, place: str, context: dict[str, Any]) -> list[Item]:
    """Reads one item that was held once more."""
    if context:
        return bundle.again(raw, place, context)
    item = _one(raw, place)
    return list(bundle.entries(raw, f"{place}, ")) if _is_bundle(item) else [item]


def _is_bundle(item: Item) -> bool:
    if not item.found or item.found[0].usual:
        return False
    return item.found[0].resource.get("resourceType") == "Bundle"


def _one(raw: bytes, place: str) -> Item:
    if usual := fhir.usual(raw):
        return Item(place, raw, (Found(None, raw, usual),))
    try:
        return Item(place, raw, (Found(fhir.load(raw), raw),))
    except InvalidResource as error:
        cause = Cause.UNDECODABLE if "UTF-8" in error.message else Cause.MALFORMED
        return Item(place, raw, fault=FaultError(cause, error.message))
