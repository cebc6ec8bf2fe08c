"""C-CDA."""

from collections.abc import Iterator
from typing import Any, BinaryIO
from vesalius.ingest._items import Item


def read(stream: BinaryIO) -> Iterator[Item]:
    yield from ()


def again(raw: bytes, place: str, context: dict[str, Any]) -> list[Item]:
    return []


def recognises(beginning: bytes) -> bool:
    return False
