"""Reading what governs from the chain of the audit itself, in the transaction that asks.

The other tables hold words and are quick to list; whether a system may speak is decided from the events.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.governance.audit import Action, Event
from vesalius.store import metadata

_NAMES = ("seq", "at", "actor", "action", "object", "detail", "previous", "hash")


def told(connection: sa.Connection, actions: Iterable[Action], thing: str) -> list[Event]:
    """The events of some kinds on one thing, in order; one whose hash does not fit is not heard."""
    event = metadata.tables["audit_event"].c
    # Those of a kind are few, those on a use many: the added "" keeps the database to the index of actions.
    asked = sa.select(*(event[name] for name in _NAMES)).where(
        event.action.in_([str(each) for each in actions]), event.object + "" == thing
    )
    found = []
    for row in connection.execute(asked.order_by(event.seq)):
        try:
            made = Event(**{**dict(row._mapping), "detail": msgspec.json.decode(row.detail)})
        except msgspec.DecodeError:
            continue
        if made.expected() == made.hash:
            found.append(made)
    return found


def latest(connection: sa.Connection, action: Action, thing: str) -> dict[str, Any] | None:
    """The detail of the latest event of a kind on one thing, or None."""
    found = told(connection, (action,), thing)
    return dict(found[-1].detail) if found else None
