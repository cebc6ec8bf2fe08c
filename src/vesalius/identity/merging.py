"""Merging two patients, taking a merge back, and carrying both out on everything that is about them.

A merge is one row, and what follows from it (:mod:`vesalius.identity._effective`). A patient with few
resources is moved in the transaction that writes the row; for more, the row says how far the move has come,
and :func:`resume` goes on, after a crash too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa

from vesalius.errors import Conflict, InvalidDecision, NotFound
from vesalius.identity import doubts
from vesalius.identity._effective import Key, settle
from vesalius.identity._merges import PERSON, Merge, Merges, of_row, upstream
from vesalius.identity._tables import SOURCE, moved
from vesalius.identity._tables import merge as table
from vesalius.lake import Lake
from vesalius.store import reading, writing

AT_ONCE = 2_000
"""The most resources that are moved in the transaction of the merge itself."""

BATCH = 500
"""How many are moved in each transaction after that."""

Witness = Callable[[sa.Connection, Merge], None]


class Preview(msgspec.Struct, frozen=True):
    """What a merge would do.

    Attributes:
        moves: how many resources would move, by type.
    """

    moves: dict[str, int]

    @property
    def total(self) -> int:
        """How many in all."""
        return sum(self.moves.values())


def preview(lake: Lake, source: str, target: str) -> Preview:
    """What merging ``source`` into ``target`` (ids of patients) would move.

    Raises:
        NotFound: there is no such patient.
        Conflict: they cannot be merged.
    """
    with reading(lake.engine) as connection:
        _check(lake, connection, source, target)
    found = lake.patient(f"Patient/{source}")
    return Preview(dict(sorted(Counter(each.type for each in found if each.type != "Patient").items())))


def merge(
    lake: Lake,
    source: str,
    target: str,
    *,
    by: str,
    reason: str,
    origin: str = PERSON,
    at: datetime | None = None,
    witness: Witness | None = None,
) -> Merge:
    """Merges one patient into another: what is about ``source`` is about ``target`` from now on.

    What was known before stays as it was: a reading as of an earlier moment still sees two patients.

    Args:
        lake: where they are.
        source: the id of the patient who is replaced.
        target: the id of the one who stands for both.
        by: the account of the person who decided.
        reason: why.
        origin: ``person``, or ``rule`` for a rule that the hospital made automatic.
        at: from when on it counts; now.
        witness: called within the transaction, to note it in the audit.

    Raises:
        InvalidDecision: no reason is given.
        NotFound: there is no such patient.
        Conflict: they cannot be merged: it is one patient, one of them is merged already, or it would make
            a circle.
    """
    if not reason.strip():
        raise InvalidDecision("say why they are one person")
    at = at or datetime.now(UTC)
    with turn(lake) as connection:
        _check(lake, connection, source, target)
        made = begin(lake, connection, source, target, by=by, reason=reason, origin=origin, at=at, now=at)
        doubts.decided(connection, source, target, doubts.MERGED, by, reason, at)
        if witness:
            witness(connection, made)
    resume(lake)
    return get(lake.engine, made.id)


def unmerge(
    lake: Lake,
    number: int,
    *,
    by: str,
    reason: str,
    at: datetime | None = None,
    witness: Witness | None = None,
) -> Merge:
    """Takes a merge back: what was sent about the one patient is about that one again.

    That includes what arrived about the replaced patient since the merge. What was sent about the other stays
    theirs. The two are remembered as different persons, and never proposed again.

    Raises:
        InvalidDecision: no reason is given.
        NotFound: there is no such merge.
        Conflict: it was taken back already.
    """
    if not reason.strip():
        raise InvalidDecision("say why they are two persons")
    at = at or datetime.now(UTC)
    with turn(lake) as connection:
        found = _one(connection, number)
        if not found.active:
            raise Conflict("this merge was taken back already")
        undone = end(lake, connection, found, by=by, reason=reason, origin=PERSON, at=at, now=at)
        doubts.decided(connection, found.source, found.target, doubts.DIFFERENT, by, reason, at)
        if witness:
            witness(connection, undone)
    resume(lake)
    return get(lake.engine, number)


def resume(lake: Lake, progress: Callable[[int], None] | None = None) -> int:
    """Goes on with every move that is not finished, batch by batch; cheap when there is none.

    Returns:
        How many resources got a new version.
    """
    total = 0
    while True:
        with reading(lake.engine) as connection:
            if connection.execute(_UNFINISHED).first() is None:
                return total
        with turn(lake) as connection:
            row = connection.execute(_UNFINISHED).first()
            if row:
                total += _move(lake, connection, of_row(row), BATCH, datetime.now(UTC))
        if progress:
            progress(total)


def get(engine: sa.Engine, number: int) -> Merge:
    """One merge.

    Raises:
        NotFound: there is none with that number.
    """
    with reading(engine) as connection:
        return _one(connection, number)


def merges(engine: sa.Engine, patient: str = "", *, limit: int = 100, offset: int = 0) -> list[Merge]:
    """Merges, latest first: all, or those from or into one patient."""
    asked = sa.select(table).order_by(table.c.id.desc()).limit(limit).offset(offset)
    if patient:
        asked = asked.where(sa.or_(table.c.source == patient, table.c.target == patient))
    with reading(engine) as connection:
        return [of_row(row) for row in connection.execute(asked)]


def moves(engine: sa.Engine, numbers: list[int]) -> dict[int, int]:
    """How many resources each of some merges moved."""
    counted = (
        sa.select(moved.c.merge, sa.func.count(sa.distinct(moved.c.type + "/" + moved.c.id)))
        .where(moved.c.merge.in_(numbers), moved.c.type != "Patient", ~moved.c.back)
        .group_by(moved.c.merge)
    )
    with reading(engine) as connection:
        return {row[0]: row[1] for row in connection.execute(counted)} if numbers else {}


def survivor(engine: sa.Engine, patient: str) -> str:
    """The id of the patient who stands for one now; the same where nobody does."""
    with reading(engine) as connection:
        return Merges.of(connection, [patient]).survivor(patient)


def followed(engine: sa.Engine, subjects: Iterable[str], as_of: datetime | None = None) -> dict[str, str]:
    """For each of some ``Patient/ID``, the one who stood for them at a moment (now)."""
    ids = {each: each.removeprefix("Patient/") for each in subjects}
    with reading(engine) as connection:
        known = Merges.of(connection, ids.values(), as_of)
    return {each: f"Patient/{known.survivor(id_)}" for each, id_ in ids.items()}


# Within a transaction --------------------------------------------------------------------------------------


@contextmanager
def turn(lake: Lake) -> Iterator[sa.Connection]:
    """A transaction that has the log's turn: nobody else adds a version, or a merge, until it ends."""
    with writing(lake.engine) as connection:
        take_turn(lake, connection)
        yield connection


def take_turn(lake: Lake, connection: sa.Connection) -> None:
    """Waits for the log's turn, within a transaction of ``store.writing``."""
    lake.write((), SOURCE, datetime.now(UTC), connection)


def begin(
    lake: Lake,
    connection: sa.Connection,
    source: str,
    target: str,
    *,
    by: str,
    reason: str,
    origin: str,
    at: datetime,
    now: datetime,
) -> Merge:
    """Writes a merge and moves as much as fits into the transaction."""
    values = {"source": source, "target": target, "at": at, "origin": origin, "by": by, "reason": reason}
    key = connection.execute(sa.insert(table).values(values)).inserted_primary_key
    assert key is not None
    made = _one(connection, int(key[0]))
    _move(lake, connection, made, AT_ONCE, now)
    return made


def end(
    lake: Lake,
    connection: sa.Connection,
    found: Merge,
    *,
    by: str,
    reason: str,
    origin: str,
    at: datetime,
    now: datetime,
) -> Merge:
    """Writes that a merge holds no more and moves back as much as fits into the transaction."""
    values = {"undone_at": at, "undone_by": by, "undone_reason": reason, "undone_origin": origin}
    connection.execute(sa.update(table).where(table.c.id == found.id).values(**values, todo=None))
    undone = msgspec.structs.replace(found, **values, todo=None)
    _move(lake, connection, undone, AT_ONCE, now)
    return undone


def would_circle(connection: sa.Connection, source: str, target: str) -> bool:
    """Whether the one who is to stand for another is replaced by that other."""
    return source == target or Merges.of(connection, [target]).survivor(target) == source


def _move(lake: Lake, connection: sa.Connection, each: Merge, size: int, now: datetime) -> int:
    """Settles the next resources about the source; the two patients first of all."""
    done = 0
    if each.todo is None:
        done = settle(lake, connection, [("Patient", each.source), ("Patient", each.target)], now)
    after: Key = _key(each.todo) if each.todo else ("", "")
    subjects = [f"Patient/{name}" for name in upstream(connection, each.source)]
    keys = lake.ever_about(connection, subjects, after, size)
    done += settle(lake, connection, keys, now)
    todo = "/".join(keys[-1]) if len(keys) == size else None
    connection.execute(sa.update(table).where(table.c.id == each.id).values(todo=todo))
    return done


def _key(text: str) -> Key:
    type_, _, id_ = text.partition("/")
    return type_, id_


_UNFINISHED = sa.select(table).where(table.c.todo.is_not(None)).order_by(table.c.id).limit(1)


def _one(connection: sa.Connection, number: int) -> Merge:
    row = connection.execute(sa.select(table).where(table.c.id == number)).one_or_none()
    if row is None:
        raise NotFound(f"there is no merge {number}")
    return of_row(row)


def _check(lake: Lake, connection: sa.Connection, source: str, target: str) -> None:
    if source == target:
        raise Conflict("a patient cannot be merged into themselves")
    known = lake.histories(connection, [("Patient", source), ("Patient", target)])
    for name in (source, target):
        if ("Patient", name) not in known:
            raise NotFound(f"there is no Patient/{name}")
    found = Merges.of(connection, [source, target])
    if found.from_(source):
        raise Conflict(f"Patient/{source} is merged already", hint="take that merge back first")
    if would_circle(connection, source, target):
        raise Conflict("this would make a circle of merges", hint="take the other merge back first")
    if found.from_(target):
        now = found.survivor(target)
        raise Conflict(f"Patient/{target} is merged already", hint=f"merge into Patient/{now}")
