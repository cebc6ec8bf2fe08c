"""What the readers of all formats hand to the pipeline: one item per line, row or entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from vesalius.ingest._causes import FaultError


class Found(msgspec.Struct, frozen=True):
    """One resource, decoded, and the JSON that is to be kept."""

    resource: dict[str, Any]
    body: bytes


class Item(msgspec.Struct, frozen=True):
    """One line, row or entry of what was received. It is taken in whole, or held whole.

    Attributes:
        place: where it stands, for people.
        raw: its original bytes.
        found: the resources it holds.
        fault: why it could not be read, if so.
        context: what else is needed to read ``raw`` again by itself, as JSON values.
    """

    place: str
    raw: bytes
    found: tuple[Found, ...] = ()
    fault: FaultError | None = None
    context: Mapping[str, Any] = {}
