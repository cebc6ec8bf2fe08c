"""The audit: what was done, by whom, in a chain that cannot be altered unnoticed.

Each event holds the SHA-256 of the one before it, and its own over its canonical JSON; the database refuses
to update or delete one. :func:`verify` walks the chain and names the first event that does not fit. Someone
who owns the database can rewrite the whole chain: note :func:`head` elsewhere (on paper, in a mail) and give
it to :func:`verify` later, and that shows too.

An event holds no clinical value and none of a person's own words: who, what, on which object, when.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.errors import Tampered
from vesalius.identity import Merge
from vesalius.store import Instant, add, metadata, reading, writing
from vesalius.usecase import encode


class Action(StrEnum):
    """What can happen; each is explained in ``docs/governance/audit.md``."""

    PERSON_ADDED = "person.added"
    PERSON_CHANGED = "person.changed"
    PERSON_SIGNED_IN = "person.signed_in"
    PERSON_REFUSED = "person.refused"
    PERSON_LOCKED = "person.locked"
    PERSON_SIGNED_OUT = "person.signed_out"
    PERSON_CONFIRMED = "person.confirmed"
    SECOND_FACTOR_ADDED = "person.second_factor_added"
    SECOND_FACTOR_RESET = "person.second_factor_reset"
    RECOVERY_USED = "person.recovery_used"
    SESSION_ENDED = "session.ended"
    CLIENT_ADDED = "client.added"
    CLIENT_REVOKED = "client.revoked"
    CLIENT_REFUSED = "client.refused"
    WORKLIST_READ = "worklist.read"
    SUGGESTION_READ = "suggestion.read"
    SUGGESTION_DECIDED = "suggestion.decided"
    SUGGESTION_UNDONE = "suggestion.undone"
    SUGGESTION_REPLAYED = "suggestion.replayed"
    RESOURCE_READ = "resource.read"
    RESOURCE_SEARCHED = "resource.searched"
    RESOURCE_WRITTEN = "resource.written"
    EXPORT_ASKED = "export.asked"
    EXPORT_READ = "export.read"
    EXPORT_ENDED = "export.ended"
    USE_SIGNED = "use.signed"
    USE_REFUSED = "use.refused"
    USE_MOVED = "use.moved"
    USE_MODEL_CHANGED = "use.model_changed"
    USE_SETTINGS_CHANGED = "use.settings_changed"
    USE_RULES_CHANGED = "use.rules_changed"
    USE_TURNED = "use.turned"
    USE_HISTORY_READ = "use.history_read"
    TRIAL_REGISTERED = "trial.registered"
    TRIAL_LOOKED = "trial.looked"
    DATA_RECEIVED = "data.received"
    LAKE_BACKED_UP = "lake.backed_up"
    LAKE_RESTORED = "lake.restored"
    LAKE_FORGOTTEN = "lake.forgotten"
    LAKE_ALLOWED = "lake.allowed"
    FEED_SWITCHED = "feed.switched"
    QUARANTINE_READ = "quarantine.read"
    QUARANTINE_RETRIED = "quarantine.retried"
    QUARANTINE_MENDED = "quarantine.mended"
    QUARANTINE_MOVED = "quarantine.moved"
    CODE_MAPPED = "code.mapped"
    CODE_WITHDRAWN = "code.withdrawn"
    CODES_APPLIED = "codes.applied"
    VIEW_READ = "view.read"
    VIEW_SAVED = "view.saved"
    VIEW_UNDONE = "view.undone"
    REPORT_ANSWERED = "report.answered"
    REPORT_UNDONE = "report.undone"
    IDENTITY_READ = "identity.read"
    PATIENTS_MERGED = "patients.merged"
    PATIENTS_UNMERGED = "patients.unmerged"
    PATIENTS_SET_APART = "patients.set_apart"
    PATIENTS_PUT_OFF = "patients.put_off"
    ALARM_RAISED = "alarm.raised"
    ALARM_ACKNOWLEDGED = "alarm.acknowledged"
    ALARM_UNDONE = "alarm.undone"
    RELATION_TAKEN = "relation.taken"
    RELATION_ENDED = "relation.ended"
    GLASS_BROKEN = "glass.broken"
    GLASS_CLOSED = "glass.closed"
    GLASS_REVIEWED = "glass.reviewed"
    GLASS_REVIEW_UNDONE = "glass.review_undone"
    ACCESS_READ = "access.read"
    COURSE_PASSED = "course.passed"
    COURSE_FAILED = "course.failed"
    AUDIT_READ = "audit.read"
    ACCESS_REFUSED = "access.refused"


@dataclass(frozen=True)
class Event:
    """One thing that was done.

    Attributes:
        seq: its place in the chain, from 1.
        at: when.
        actor: the account, or ``system``.
        action: what.
        object: on what: a suggestion's id, a use case, an account.
        detail: what else is needed to understand it.
        previous: the hash of the event before it; 64 zeros for the first.
        hash: the SHA-256 of all the above.
    """

    seq: int
    at: datetime
    actor: str
    action: str
    object: str
    detail: Mapping[str, Any]
    previous: str
    hash: str

    def expected(self) -> str:
        """The hash that follows from the event's own contents."""
        return digest(self.seq, self.at, self.actor, self.action, self.object, self.detail, self.previous)


SYSTEM = "system"
"""The actor of what no person did."""

FEED = "feed:"
"""How the actor begins of what a system of the hospital said; its name follows."""

START = "0" * 64

event = sa.Table(
    "audit_event",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("action", sa.String(64), nullable=False, index=True),
    sa.Column("object", sa.String(128), nullable=False, index=True),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Index("ix_audit_event_actor_seq", "actor", "seq"),
)

# One row: the last event. Appending locks it, so events queue up; a chain cut short no longer ends with it.
_head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

# Made once: building a statement costs more than running it.
_APPEND = sa.insert(event)
_ADVANCE = sa.update(_head).values(seq=sa.bindparam("to_seq"), hash=sa.bindparam("to_hash"))
_LAST = sa.select(_head.c.seq, _head.c.hash).with_for_update()

_TRIGGERS = {
    "sqlite": tuple(
        f"CREATE TRIGGER audit_event_no_{verb.lower()} BEFORE {verb} ON audit_event "
        "BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        """CREATE OR REPLACE FUNCTION audit_event_append_only() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN RAISE EXCEPTION ''audit events are append-only''; END'""",
        """CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event
        FOR EACH STATEMENT EXECUTE FUNCTION audit_event_append_only()""",
    ),
}


@sa.event.listens_for(event, "after_create")
def _append_only(target: sa.Table, connection: sa.Connection, **_: Any) -> None:  # noqa: ARG001
    for statement in _TRIGGERS.get(connection.dialect.name, ()):
        connection.exec_driver_sql(statement)


def digest(
    seq: int, at: datetime, actor: str, action: str, thing: str, detail: Mapping[str, Any], previous: str
) -> str:
    """The SHA-256, in hexadecimal, of the canonical JSON of an event's contents."""
    return hashlib.sha256(encode((seq, at, actor, action, thing, dict(detail), previous))).hexdigest()


def record(
    where: sa.Engine | sa.Connection,
    actor: str,
    action: Action | str,
    thing: str,
    detail: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> Event:
    """Appends an event.

    Args:
        where: the transaction that does the thing, so that both are kept or neither; or the engine.
        actor: the account that did it, or :data:`SYSTEM`.
        action: what was done; one of :class:`Action`.
        thing: on what.
        detail: what else is needed to understand it, as plain JSON; never a clinical value.
        at: when; now unless a test or a demo says otherwise.

    Raises:
        ValueError: ``action`` is not one of :class:`Action`.
    """
    kind, at = Action(action), at or datetime.now(UTC)
    with _transaction(where) as connection:
        last = _lock_head(connection)
        contents = (last.seq + 1, at, actor, str(kind), thing, dict(detail or {}), last.hash)
        made = Event(*contents, hash=digest(*contents))
        values = {**vars(made), "detail": encode(made.detail).decode()}
        connection.execute(_APPEND, values)
        connection.execute(_ADVANCE, {"to_seq": made.seq, "to_hash": made.hash})
    return made


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


@dataclass(frozen=True)
class Head:
    """The end of the chain: note it elsewhere, and nobody can rewrite what came before it unnoticed."""

    seq: int
    hash: str


def head(engine: sa.Engine) -> Head:
    """The end of the chain."""
    with reading(engine) as connection:
        row = connection.execute(sa.select(_head.c.seq, _head.c.hash)).one_or_none()
    return Head(row.seq, row.hash) if row else Head(0, START)


def verify(engine: sa.Engine, noted: Head | None = None) -> int:
    """Walks the whole chain.

    Args:
        engine: the hospital's database.
        noted: an earlier :func:`head` that was kept elsewhere; the chain must still hold it.

    Returns:
        How many events there are.

    Raises:
        Tampered: an event was altered, removed or reordered; the message names the first that does not fit.
    """
    last = Head(0, START)
    with reading(engine) as connection:
        with closing(_read(connection, sa.select(event).order_by(event.c.seq))) as items:
            for item in items:
                _fits(item, last, noted)
                last = Head(item.seq, item.hash)
        row = connection.execute(sa.select(_head.c.seq, _head.c.hash)).one_or_none()
    kept = Head(row.seq, row.hash) if row else Head(0, START)
    if kept != last or (noted and noted.seq > last.seq):
        raise Tampered(f"events after {last.seq} were removed")
    return last.seq


def events(
    engine: sa.Engine, *, actor: str = "", action: str = "", thing: str = "", limit: int = 50, offset: int = 0
) -> list[Event]:
    """Events, latest first: of one account, of one kind, on one object or about one patient, or all."""
    asked = sa.select(event)
    for column, value in ((event.c.actor, actor), (event.c.action, action)):
        if value:
            asked = asked.where(column == value)
    if thing:
        asked = asked.where(_concerns(thing))
    with reading(engine) as connection:
        return list(_read(connection, asked.order_by(event.c.seq.desc()).limit(limit).offset(offset)))


def _concerns(thing: str) -> sa.ColumnElement[bool]:
    """On the object ``thing``, or on anything about the patient of that reference."""
    if not thing.startswith("Patient/"):
        return event.c.object == thing
    told = msgspec.json.encode(thing).decode()  # as the canonical detail tells one subject, or a list of them
    return sa.or_(event.c.object == thing, event.c.detail.contains(told, autoescape=True))


def _fits(item: Event, last: Head, noted: Head | None) -> None:
    if item.seq != last.seq + 1:
        raise Tampered(f"event {last.seq + 1} was removed")
    if item.previous != last.hash or item.hash != item.expected():
        raise Tampered(f"event {item.seq} was altered")
    if noted and noted.seq == item.seq and noted.hash != item.hash:
        raise Tampered(f"event {item.seq} is not the one that was noted")


def _read(connection: sa.Connection, asked: sa.Select[Any]) -> Generator[Event, None, None]:
    with connection.execution_options(yield_per=5000).execute(asked) as rows:
        for row in rows:
            yield _to_event(dict(row._mapping))


def _to_event(values: dict[str, Any]) -> Event:
    try:
        return Event(**{**values, "detail": msgspec.json.decode(values["detail"])})
    except msgspec.DecodeError as error:
        raise Tampered(f"event {values['seq']} was altered") from error


def _lock_head(connection: sa.Connection) -> Head:
    row = connection.execute(_LAST).one_or_none()
    if row is None:
        add(connection, _head, {"id": 1, "seq": 0, "hash": START})
        row = connection.execute(_LAST).one()
    return Head(row.seq, row.hash)


@contextmanager
def _transaction(where: sa.Engine | sa.Connection) -> Iterator[sa.Connection]:
    if isinstance(where, sa.Connection):
        yield where
        return
    with writing(where) as connection:
        yield connection
