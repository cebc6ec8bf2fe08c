"""What the readers of all formats hand to the pipeline: one item per line, row or entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from vesalius import fhir
from vesalius.ingest._causes import FaultError


class Found(msgspec.Struct, array_like=True):
    """One resource, and the JSON that is to be kept.

    Attributes:
        decoded: the resource, or None as long as nobody needed it.
        body: its JSON.
        usual: what it says of itself, where a look at its JSON told that it is right and what it is.
    """

    decoded: dict[str, Any] | None
    body: bytes
    usual: fhir.Usual | None = None

    @property
    def resource(self) -> dict[str, Any]:
        """The decoded resource."""
        if self.decoded is None:
            self.decoded = fhir.load(self.body)
        return self.decoded


class Item(msgspec.Struct, frozen=True, array_like=True):
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
