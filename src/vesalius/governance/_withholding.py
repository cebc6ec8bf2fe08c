"""Suggestions that are not made, or are taken off, because the patient objects, and when to look again.

Who waits on a worklist is looked through only when somebody may object who did not before: a refusal came in,
one begins, or two patients were merged (:func:`unlooked`). So a page costs no more where thousands object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from vesalius import identity
from vesalius.governance._consents import CHANGES, LOOKED, MERGES, NEXT, progress, refusal
from vesalius.governance._provisions import Kind
from vesalius.store import Instant, add, metadata, put, reading

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)

withheld_ = sa.Table(
    "consent_withheld",
    metadata,
    sa.Column("usecase", sa.String(64), primary_key=True),
    sa.Column("focus", sa.String(128), primary_key=True),
    sa.Column("patient", sa.String(64), nullable=False, index=True),
    sa.Column("as_of", Instant, nullable=False),
    sa.Column("at", Instant, nullable=False),
)


@dataclass(frozen=True)
class Seen:
    """What was known when the worklist was looked through.

    Attributes:
        changes: how many times refusals had changed.
        merges: the number of the latest merge.
        next: when the next refusal begins, in microseconds since 1970; 0 where none is to begin.
    """

    changes: int
    merges: int
    next: int


def unlooked(connection: sa.Connection, beginning: sa.Select[tuple[datetime]], at: datetime) -> Seen | None:
    """Whether somebody may object at a moment who did not when the worklist was last looked through.

    Args:
        connection: reads.
        beginning: selects when refusals of suggestions begin that were entered here.
        at: the moment.

    Returns:
        What to hand to :func:`looked` after looking; None where there is nothing to look for.
    """
    rows = {row.id: row.seq for row in connection.execute(sa.select(progress))}
    changes, merges = rows.get(CHANGES, 0), identity.latest(connection)
    due = 0 < rows.get(NEXT, 0) <= (at - _EPOCH) // _TICK
    if not changes or ((changes, merges) == (rows.get(LOOKED), rows.get(MERGES)) and not due):
        return None
    c = refusal.c
    read = sa.select(c.begins).where(c.kind == str(Kind.SUGGESTIONS))
    both = sa.union_all(*(
        sa.select(sa.func.min(each.c.begins)).where(each.c.begins > at)
        for each in (read.subquery(), beginning.subquery())
    ))  # fmt: skip
    found = [each for each in connection.execute(both).scalars() if each is not None]
    return Seen(changes, merges, (min(found) - _EPOCH) // _TICK if found else 0)


def looked(connection: sa.Connection, seen: Seen) -> None:
    """Keeps that the worklist was looked through, within a transaction of ``store.writing``."""
    for id_, value in ((LOOKED, seen.changes), (MERGES, seen.merges), (NEXT, seen.next)):
        put(connection, progress, {"id": id_}, {"seq": value})


def withhold(
    connection: sa.Connection, usecase: str, candidates: Sequence[tuple[str, str, datetime]], at: datetime
) -> int:
    """Marks candidates of a use who get no suggestion because they object; how many were not marked before.

    Args:
        connection: a transaction of ``store.writing``.
        usecase: the use.
        candidates: of each the subject (``Patient/ID``), the focus, and its moment.
        at: when.
    """
    rows = (
        {
            "usecase": usecase, "focus": focus, "patient": subject.removeprefix("Patient/"), "as_of": as_of,
            "at": at,
        }
        for subject, focus, as_of in candidates
    )  # fmt: skip
    return sum(add(connection, withheld_, row) for row in rows)


def withheld(engine: sa.Engine, usecase: str = "") -> Mapping[str, int]:
    """How many candidates of each use got no suggestion because they objected when they became due."""
    asked = sa.select(withheld_.c.usecase, sa.func.count()).group_by(withheld_.c.usecase)
    if usecase:
        asked = asked.where(withheld_.c.usecase == usecase)
    with reading(engine) as connection:
        return {row[0]: row[1] for row in connection.execute(asked)}


def marked(engine: sa.Engine, usecase: str, foci: Sequence[str]) -> dict[str, datetime]:
    """Of some candidates of a use, by their foci: those who were withheld, and since when."""
    c = withheld_.c
    found: dict[str, datetime] = {}
    with reading(engine) as connection:
        if connection.execute(sa.select(c.focus).where(c.usecase == usecase).limit(1)).first() is None:
            return {}
        for start in range(0, len(foci), 500):
            some = list(foci[start : start + 500])
            asked = sa.select(c.focus, c.at).where(c.usecase == usecase, c.focus.in_(some))
            found |= {row[0]: row[1] for row in connection.execute(asked)}
    return found


def release(connection: sa.Connection, usecase: str, foci: Sequence[str]) -> None:
    """Takes the mark off candidates who got their suggestion after all, because they refuse no more."""
    c = withheld_.c
    if connection.execute(sa.select(c.focus).where(c.usecase == usecase).limit(1)).first() is None:
        return
    for start in range(0, len(foci), 500):
        some = list(foci[start : start + 500])
        connection.execute(sa.delete(withheld_).where(c.usecase == usecase, c.focus.in_(some)))
