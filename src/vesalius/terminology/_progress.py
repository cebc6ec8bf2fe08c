"""How far a task has read the versions of each resource type; two that do the same task never both count."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from vesalius.errors import Conflict
from vesalius.terminology._tables import code_progress as table

COUNT, APPLY = "count", "apply"
"""The tasks."""


class Place(msgspec.Struct, frozen=True):
    """How far one task has come with one type.

    Attributes:
        seq: the last version read.
        settled: up to which version the decisions up to ``base`` are applied.
        base: the last decision that is applied.
        target: the last decision that is being applied; ``base`` when none is.
    """

    seq: int = 0
    settled: int = 0
    base: int = 0
    target: int = 0


def read(connection: sa.Connection, task: str, type_: str) -> Place:
    """How far the task has come; nowhere, if it never began."""
    asked = sa.select(table.c.seq, table.c.settled, table.c.base, table.c.target)
    row = connection.execute(asked.where(table.c.task == task, table.c.type == type_)).first()
    return Place(*row) if row else Place()


def move(connection: sa.Connection, task: str, type_: str, before: Place, after: Place) -> None:
    """Writes how far the task has come, within the transaction that did it.

    Raises:
        Conflict: somebody else does the same task and has come further.
    """
    mine = [table.c.task == task, table.c.type == type_]
    if connection.execute(sa.select(table.c.seq).where(*mine)).first() is None:
        try:
            connection.execute(
                sa.insert(table).values(task=task, type=type_, **msgspec.structs.asdict(Place()))
            )
        except sa.exc.IntegrityError:
            raise _overtaken() from None
    mine += [getattr(table.c, name) == value for name, value in msgspec.structs.asdict(before).items()]
    changed = connection.execute(sa.update(table).where(*mine).values(msgspec.structs.asdict(after)))
    if changed.rowcount != 1:
        raise _overtaken()


def _overtaken() -> Conflict:
    return Conflict("the same is being done elsewhere at this moment", hint="wait for it, or try again")
