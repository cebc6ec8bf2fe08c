"""Resources that come one by one, from a sender who waits for the answer.

They pass the same judge as files do; but what cannot be taken in is refused, not held: the sender still has
it, and is told why.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vesalius.errors import InvalidResource
from vesalius.ingest import _finishing as finishing
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._items import Found, Item
from vesalius.ingest._judge import Judge
from vesalius.lake import Arrival, Lake, Written

_NAMED = re.compile(r"([A-Z][A-Za-z]*(?:\.[A-Za-z_]+|\[\w+\])*): (.*)", re.DOTALL)


def write(
    lake: Lake, arrivals: Sequence[Arrival], source: str, received_at: datetime, connection: sa.Connection
) -> Written:
    """Writes what a request brought, as any other format is written: merged patients are followed."""
    return finishing.written(lake, arrivals, source, received_at, connection)


class Reception:
    """Judges the resources of one request, in their order.

    Args:
        lake: what is already known.
        received_at: when the request came.
    """

    def __init__(self, lake: Lake, received_at: datetime) -> None:
        self._judge = Judge(lake, received_at)

    def arrivals(self, resource: dict[str, Any], body: bytes) -> list[Arrival]:
        """What a resource becomes on its way in: itself, and what the hospital adds to it.

        Args:
            resource: the decoded resource, with its id.
            body: the JSON to keep.

        Raises:
            InvalidResource: it cannot be taken in; the hint is the cause, as quarantine names it.
        """
        try:
            return self._judge.arrivals(Item("", b"", (Found(resource, body),)))
        except FaultError as fault:
            words, path = fault.words, ""
            if fault.cause == Cause.INVALID_RESOURCE and (named := _NAMED.fullmatch(words)):
                path, words = named[1], named[2]
            raise InvalidResource(words, path=path, hint=fault.cause.value) from None
