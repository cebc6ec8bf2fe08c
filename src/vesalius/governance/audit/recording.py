"""Recording: appending events to the chain, one, many, or those of many callers at once."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.errors import Conflict, Unavailable
from vesalius.governance.audit.actions import FEED, Action
from vesalius.governance.audit.chain import (
    ALGORITHMS,
    START,
    Entry,
    Event,
    Head,
    algorithm,
    encode,
    hashed,
    subjects,
)
from vesalius.identity import Merge
from vesalius.store import driver, microseconds, writing

_SMALL = 4
"""Up to how many events PostgreSQL takes in one statement; more are copied in."""

Row = tuple[int, int, str, str, str, str, str, str]


def record(
    where: sa.Engine | sa.Connection,
    actor: str,
    action: Action | str,
    thing: str,
    detail: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> Event:
    """Appends an event.

    Given the engine, it returns once the event is durable. Callers in many threads share one transaction:
    while one batch is made durable, the next one gathers.

    Args:
        where: the transaction that does the thing, so that both are kept or neither; or the engine.
        actor: the account that did it, or ``system``.
        action: what was done; one of :class:`Action`.
        thing: on what.
        detail: what else is needed to understand it, as plain JSON; never a clinical value.
        at: when; now unless a test or a demo says otherwise.

    Raises:
        ValueError: ``action`` is not one of :class:`Action`.
        Unavailable: the database does not answer; nothing was written.
    """
    entry = _whole(Entry(actor, action, thing, detail, at))
    if isinstance(where, sa.Connection):
        return _append(where, [entry])[0]
    return _queue(where).put(entry)


def record_all(where: sa.Engine | sa.Connection, entries: Iterable[Entry]) -> list[Event]:
    """Appends many events in one transaction: all of them, or none.

    Args:
        where: the transaction, or the engine for one of its own.
        entries: the events, in their order.

    Raises:
        ValueError: an action is not one of :class:`Action`.
        Unavailable: the database does not answer; nothing was written.
    """
    whole = [_whole(entry) for entry in entries]
    if not whole:
        return []
    if isinstance(where, sa.Connection):
        return _append(where, whole)
    with writing(where) as connection:
        return _append(connection, whole)


def move_on(engine: sa.Engine, by: str, to: str, at: datetime | None = None) -> Event:
    """Hashes this event and all that follow with a later algorithm; those before stay as they are.

    Args:
        engine: the hospital's database.
        by: the account.
        to: one of :data:`~vesalius.governance.audit.chain.ALGORITHMS`.
        at: when.

    Raises:
        Conflict: there is no such algorithm, or the chain is hashed with it or a later one.
    """
    with writing(engine) as connection:
        entry = _whole(Entry(by, Action.AUDIT_ALGORITHM, "audit", {"algorithm": to}, at))
        return _append(connection, [entry], to)[0]


def merged(where: sa.Connection, actor: str, made: Merge) -> None:
    """Appends that two patients were merged, or that a merge was taken back; found with each of the two."""
    kind = Action.PATIENTS_MERGED if made.active else Action.PATIENTS_UNMERGED
    detail = {"subject": f"Patient/{made.source}", "merge": made.id}
    record(where, actor, kind, f"Patient/{made.target}", detail, made.changed)


def told(where: sa.Connection, what: object) -> None:
    """Appends what a system of the hospital said and that was carried out: a merge, or its end."""
    if isinstance(what, Merge):
        by = what.by if what.active else what.undone_by or ""
        merged(where, f"{FEED}{by}"[:64], what)


# One chain --------------------------------------------------------------------------------------------------


def _whole(entry: Entry) -> Entry:
    """The entry with its kind and moment checked: a moment in another zone would read back in other words."""
    at = entry.at or datetime.now(UTC)
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return Entry(entry.actor, str(Action(entry.action)), entry.thing, dict(entry.detail or {}), at)


def _append(connection: sa.Connection, entries: Sequence[Entry], to: str = "") -> list[Event]:
    if not connection.in_transaction():
        connection.begin()  # the driver would begin none by itself
    postgres = connection.dialect.name == "postgresql"
    with driver(connection) as raw:
        seq, previous = _lock_postgres(raw) if postgres else _lock_sqlite(raw)
        name = _algorithm(previous, to)
        made: list[Event] = []
        rows: list[Row] = []
        about: list[tuple[str, int]] = []
        for actor, action, thing, detail, at in entries:
            assert at is not None
            seq += 1
            text = encode(detail)
            whole = encode((seq, at, actor, action, thing, msgspec.Raw(text), previous))
            hash_ = hashed(whole, name)
            told = text.decode()
            rows.append((seq, microseconds(at), actor, action, thing, told, previous, hash_))
            about += [(each, seq) for each in subjects(thing, told)]
            made.append(Event(seq, at, actor, action, thing, detail or {}, previous, hash_))
            previous = hash_
        write = _write_postgres if postgres else _write_sqlite
        write(raw, rows, about, Head(seq, previous))
    return made


def _algorithm(previous: str, to: str) -> str:
    """What the next event is hashed with: as the one before, unless the chain moves on to another."""
    now, order = algorithm(previous), list(ALGORITHMS)
    if to and (to not in order or order.index(to) <= order.index(now)):
        later = ", ".join(order[order.index(now) + 1 :]) or "there is no later one"
        raise Conflict(f"the audit is hashed with {now}", hint=later)
    return to or now


# Two databases ----------------------------------------------------------------------------------------------
# By the driver itself: SQLAlchemy takes longer to prepare such a statement than either database to run it.

_FIRST = f"INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '{START}') ON CONFLICT DO NOTHING"  # noqa: S608 -- START is ours  # nosec B608
_LAST = "SELECT seq, hash FROM audit_head WHERE id = 1"
_EVENT = """
INSERT INTO audit_event (seq, at, actor, action, object, detail, previous, hash)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_SUBJECT = "INSERT INTO audit_subject (subject, seq) VALUES (?, ?)"


def _lock_sqlite(raw: Any) -> Head:
    row = raw.execute(_LAST).fetchone()
    if row is None:
        raw.execute(_FIRST)
        row = raw.execute(_LAST).fetchone()
    return Head(*row)


def _write_sqlite(raw: Any, rows: list[Row], about: list[tuple[str, int]], end: Head) -> None:
    raw.executemany(_EVENT, rows)
    if about:
        raw.executemany(_SUBJECT, about)
    raw.execute("UPDATE audit_head SET seq = ?, hash = ? WHERE id = 1", end)


_AT_ONCE = """
WITH one AS (
    INSERT INTO audit_event (seq, at, actor, action, object, detail, previous, hash)
    SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[],
        %s::text[], %s::text[])
), two AS (
    INSERT INTO audit_subject (subject, seq) SELECT * FROM unnest(%s::text[], %s::bigint[])
)
UPDATE audit_head SET seq = %s, hash = %s WHERE id = 1
"""


def _lock_postgres(raw: Any) -> Head:
    row = raw.execute(f"{_LAST} FOR UPDATE", prepare=True).fetchone()
    if row is None:
        raw.execute(_FIRST)
        row = raw.execute(f"{_LAST} FOR UPDATE").fetchone()
    return Head(*row)


def _write_postgres(raw: Any, rows: list[Row], about: list[tuple[str, int]], end: Head) -> None:
    if len(rows) <= _SMALL:
        columns = [list(column) for column in zip(*rows, strict=True)]
        named = [[each[0] for each in about], [each[1] for each in about]]
        raw.execute(_AT_ONCE, [*columns, *named, *end], prepare=True)
        return
    with raw.cursor() as cursor:
        _copy(cursor, "audit_event (seq, at, actor, action, object, detail, previous, hash)", rows)
        _copy(cursor, "audit_subject (subject, seq)", about)
        cursor.execute("UPDATE audit_head SET seq = %s, hash = %s WHERE id = 1", end)


def _copy(cursor: Any, into: str, rows: Sequence[tuple[Any, ...]]) -> None:
    with cursor.copy(f"COPY {into} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


# Many callers -----------------------------------------------------------------------------------------------


class _Waiting:
    """One caller's entry, until it is durable or refused."""

    __slots__ = ("entry", "error", "event", "leads", "woken")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.event: Event | None = None
        self.error: Exception | None = None
        self.leads = False
        self.woken = threading.Semaphore(0)

    @property
    def answered(self) -> bool:
        """Whether it is known what became of it."""
        return self.event is not None or self.error is not None


class Queue:
    """Lets callers in many threads share transactions: one of those who wait writes for all of them.

    While one writes, those who come wait together; one of them writes for all of these when the first is
    done. Nobody returns before the own event is durable. There is no thread of its own, nothing to be lost
    with it, and a lone caller waits for nobody.

    Args:
        engine: the database.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = weakref.ref(engine)
        self._lock = threading.Lock()
        self._busy = False
        self._waiting: list[_Waiting] = []

    def put(self, entry: Entry) -> Event:
        """Appends an entry, and returns once it is durable.

        Raises:
            Unavailable: the database does not answer; nothing was written.
        """
        mine = _Waiting(entry)
        with self._lock:
            self._waiting.append(mine)
            first, self._busy = not self._busy, True
        if not first:
            self._wait(mine)
        if not mine.answered:  # then it is our turn to write, for all who wait
            self._take_turn()
            self._say(mine.event)
        if mine.event is None:
            raise mine.error or Unavailable("the audit event was not written")
        return mine.event

    def _wait(self, mine: _Waiting) -> None:
        try:
            mine.woken.acquire()
        except BaseException:  # broken off while waiting: whoever comes next must not wait for this turn
            with self._lock:
                if mine in self._waiting:
                    self._waiting.remove(mine)
                if mine.leads and not mine.answered:
                    self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Wakes one of those who wait, to write for all of them; call it with the lock."""
        self._busy = bool(self._waiting)
        if self._waiting:
            self._waiting[0].leads = True
            self._waiting[0].woken.release()

    def _say(self, written: Event | None) -> None:
        engine = self._engine()
        if written is not None and engine is not None and (hears := _witnesses.get(engine)):
            hears(engine, written.seq)

    def _take_turn(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        try:
            self._write(batch)
        finally:
            with self._lock:
                self._pass_on()
            for each in batch:
                if not each.answered:  # whoever was broken off answers for the others too
                    each.error = Unavailable("the audit event was not written", hint="try again")
                each.woken.release()

    def _write(self, batch: list[_Waiting]) -> None:
        engine = self._engine()
        assert engine is not None  # the caller holds it
        try:
            with writing(engine) as connection:
                made = _append(connection, [each.entry for each in batch])
        except Exception as error:
            if len(batch) == 1 or isinstance(error, Unavailable):
                for each in batch:
                    each.error = error
                return
            for each in batch:  # one of them cannot be kept; the others are not refused with it
                self._write([each])
            return
        for each, event in zip(batch, made, strict=True):
            each.event = event


Witness = Callable[[sa.Engine, int], None]

_witnesses: weakref.WeakKeyDictionary[sa.Engine, Witness] = weakref.WeakKeyDictionary()


def witness(engine: sa.Engine, hears: Witness) -> None:
    """Has somebody hear of the last event after each durable batch; they must not raise."""
    _witnesses[engine] = hears


_queues: weakref.WeakKeyDictionary[sa.Engine, Queue] = weakref.WeakKeyDictionary()
_making = threading.Lock()


def _queue(engine: sa.Engine) -> Queue:
    with _making:
        found = _queues.get(engine)
        if found is None:
            found = _queues[engine] = Queue(engine)
        return found
