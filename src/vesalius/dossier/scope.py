"""Which events of the audit belong to the dossier of a use."""

from __future__ import annotations

import sqlalchemy as sa

from vesalius.governance.audit import Action, Event
from vesalius.governance.audit.chain import read
from vesalius.store import metadata

ON_SUGGESTIONS = (Action.SUGGESTION_DECIDED, Action.SUGGESTION_UNDONE, Action.SUGGESTION_EXPLAINED)
"""What people did with what the use said; that they read it is only counted."""


def events(connection: sa.Connection, name: str, last: int) -> list[Event]:
    """Every event up to ``last`` on the use, on its suggestions, and on the rules that bind it; in order."""
    table = metadata.tables["audit_event"]
    return list(read(connection, sa.select(table).where(table.c.seq <= last, belongs(name)).order_by("seq")))


def belongs(name: str) -> sa.ColumnElement[bool]:
    """The condition on ``audit_event`` for belonging to the use."""
    event, suggestion = metadata.tables["audit_event"].c, metadata.tables["suggestion"].c
    own = sa.select(suggestion.id).where(suggestion.usecase == name)
    return sa.or_(
        event.object == name,
        event.action == Action.RULES_ADOPTED,
        sa.and_(event.action.in_([str(each) for each in ON_SUGGESTIONS]), event.object.in_(own)),
    )


def tally(connection: sa.Connection, last: int) -> dict[str, tuple[int, int]]:
    """How often each thing happened in the whole audit up to ``last``, and when last: by action."""
    event = metadata.tables["audit_event"].c
    asked = sa.select(event.action, sa.func.count(), sa.func.max(event.seq)).where(event.seq <= last)
    return {row[0]: (row[1], row[2]) for row in connection.execute(asked.group_by(event.action))}
