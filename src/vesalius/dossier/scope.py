"""Which events of the audit belong to the dossier of a use."""

from __future__ import annotations

import sqlalchemy as sa

from vesalius.governance.audit import Action, Event
from vesalius.governance.audit.chain import read
from vesalius.governance.literacy import course_of as course
from vesalius.store import metadata

COURSES = (Action.COURSE_PASSED, Action.COURSE_FAILED)
"""What people learned of the use."""

OWN_DOSSIER = ("dossier.built", "dossier.verified", "dossier.read")
"""What says nothing new of the use: that somebody looked at its dossier."""

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
        sa.and_(event.action.in_([str(each) for each in COURSES]), event.object == course(name)),
        event.action == Action.RULES_ADOPTED,
        sa.and_(event.action.in_([str(each) for each in ON_SUGGESTIONS]), event.object.in_(own)),
    )


def tally(connection: sa.Connection, name: str, last: int) -> tuple[Counted, Counted]:
    """How often each thing happened up to ``last``, by action: on the use, and in the whole hospital.

    What was read of the use's suggestions is counted, though its events are no sources each.
    """
    event, suggestion = metadata.tables["audit_event"].c, metadata.tables["suggestion"].c
    asked = sa.select(event.action, sa.func.count(), sa.func.max(event.seq)).where(event.seq <= last)
    shown = sa.select(suggestion.id).where(suggestion.usecase == name)
    about = [str(each) for each in Action if str(each).startswith("suggestion.")]
    own = sa.or_(belongs(name), sa.and_(event.action.in_(about), event.object.in_(shown)))
    found = (connection.execute(each.group_by(event.action)) for each in (asked.where(own), asked))
    mine, all_ = ({row[0]: (row[1], row[2]) for row in rows} for rows in found)
    return mine, all_


Counted = dict[str, tuple[int, int]]
"""By action: how often, and the place in the audit of the last."""
