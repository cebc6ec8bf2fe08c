"""The chain: what an event holds, how it is hashed, and how events are read."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Generator, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from vesalius.errors import Tampered
from vesalius.governance.audit import _tables
from vesalius.governance.audit.actions import Action
from vesalius.store import reading

START = "0" * 64
"""What stands for the hash of the event before the first."""

ALGORITHMS = {"sha256": hashlib.sha256, "sha3-256": hashlib.sha3_256}
"""What a chain may be hashed with (FIPS 180-4, FIPS 202), 32 bytes each; it moves on, never back."""

encode = msgspec.json.Encoder(order="sorted").encode
"""The canonical form, as ``vesalius.usecase.encode``, with an encoder that is made once."""

_PATIENT = re.compile(r'"(Patient/[^"\\/]{1,64})"')
_REFERENCE = re.compile(r"Patient/[^/]{1,64}")


class Event(msgspec.Struct, frozen=True):
    """One thing that was done.

    Attributes:
        seq: its place in the chain, from 1.
        at: when.
        actor: the account, or ``system``.
        action: what.
        object: on what: a suggestion's id, a use case, an account.
        detail: what else is needed to understand it.
        previous: the hash of the event before it; 64 zeros for the first.
        hash: the SHA-256 of all the above, in hexadecimal, or another hash behind its name (:func:`hashed`).
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
        said = (self.seq, self.at, self.actor, self.action, self.object, self.detail, self.previous)
        return digest(*said, algorithm=algorithm(self.hash))

    @property
    def subjects(self) -> tuple[str, ...]:
        """The patients it concerns, as ``Patient/ID``."""
        return subjects(self.object, encode(self.detail).decode())


class Entry(NamedTuple):
    """What is to become an event.

    Attributes:
        actor: the account that did it, or ``system``.
        action: what was done; one of :class:`Action`.
        thing: on what.
        detail: what else is needed to understand it, as plain JSON; never a clinical value.
        at: when; now if it is not given.
    """

    actor: str
    action: Action | str
    thing: str
    detail: Mapping[str, Any] | None = None
    at: datetime | None = None


class Head(NamedTuple):
    """The end of the chain: note it elsewhere, and nobody can rewrite what came before it unnoticed."""

    seq: int
    hash: str


def digest(
    seq: int,
    at: datetime,
    actor: str,
    action: str,
    thing: str,
    detail: Mapping[str, Any],
    previous: str,
    *,
    algorithm: str = "sha256",
) -> str:
    """The hash of the canonical JSON of an event's contents; empty for an algorithm that there is not."""
    return hashed(encode((seq, at, actor, action, thing, dict(detail), previous)), algorithm)


def hashed(content: bytes, algorithm: str) -> str:
    """The hash as an event keeps it.

    Examples:
        >>> hashed(b"", "sha3-256")
        'sha3-256:p__G-L8e12ZRwUdWoGHWYvWA_03kO0n6gtgKS4D4Q0o'
    """
    if algorithm == "sha256":
        return hashlib.sha256(content).hexdigest()
    if algorithm not in ALGORITHMS:
        return ""
    text = base64.urlsafe_b64encode(ALGORITHMS[algorithm](content).digest()).rstrip(b"=")
    return f"{algorithm}:{text.decode()}"


def algorithm(hash_: str) -> str:
    """What a hash was made with, as it says itself."""
    name, named, _ = hash_.partition(":")
    return name if named else "sha256"


def octets(hash_: str) -> bytes:
    """The bytes of a hash.

    Raises:
        ValueError: it is none.
    """
    name, named, text = hash_.partition(":")
    made = base64.b64decode(f"{text}=", altchars=b"-_", validate=True) if named else bytes.fromhex(name)
    if len(made) != 32 or (named and name not in ALGORITHMS):
        raise ValueError("no hash")
    return made


def subjects(thing: str, detail: str) -> tuple[str, ...]:
    """The patients that an event concerns: its object, and each reference that its detail tells.

    Args:
        thing: the object.
        detail: the canonical JSON of the detail.

    Examples:
        >>> subjects("s1", '{"subject":"Patient/7","with":"Patient/8"}')
        ('Patient/7', 'Patient/8')
    """
    found = _PATIENT.findall(detail)
    if _REFERENCE.fullmatch(thing):
        found.append(thing)
    return tuple(dict.fromkeys(found))


def head(engine: sa.Engine) -> Head:
    """The end of the chain."""
    with reading(engine) as connection:
        return kept_head(connection)


def kept_head(connection: sa.Connection) -> Head:
    """The end of the chain as it is noted beside it."""
    row = connection.execute(sa.select(_tables.head.c.seq, _tables.head.c.hash)).one_or_none()
    return Head(row.seq, row.hash) if row else Head(0, START)


def events(
    engine: sa.Engine, *, actor: str = "", action: str = "", thing: str = "", limit: int = 50, offset: int = 0
) -> list[Event]:
    """Events, latest first: of one account, of one kind, on one object or about one patient, or all."""
    event = _tables.event.c
    asked = sa.select(_tables.event)
    for column, value in ((event.actor, actor), (event.action, action)):
        if value:
            asked = asked.where(column == value)
    if _REFERENCE.fullmatch(thing):
        asked = asked.join(_tables.subject, _tables.subject.c.seq == event.seq)
        asked = asked.where(_tables.subject.c.subject == thing)
    elif thing:
        asked = asked.where(event.object == thing)
    with reading(engine) as connection:
        return list(read(connection, asked.order_by(event.seq.desc()).limit(limit).offset(offset)))


def oldest_first(
    engine: sa.Engine,
    *,
    patient: str = "",
    actor: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    after: int = 0,
    last: int | None = None,
) -> Generator[Event, None, None]:
    """Events in their order: all, or those about a patient, of an actor, between two moments or numbers.

    Args:
        engine: the hospital's database.
        patient: as ``Patient/ID``.
        actor: whose.
        since: after this moment.
        until: before this moment.
        after: after the event of this number.
        last: up to the event of this number.
    """
    event = _tables.event.c
    asked = sa.select(_tables.event).where(event.seq > after)
    if patient:
        asked = asked.join(_tables.subject, _tables.subject.c.seq == event.seq)
        asked = asked.where(_tables.subject.c.subject == patient)
    if actor:
        asked = asked.where(event.actor == actor)
    if since is not None:
        asked = asked.where(event.at > since)
    if until is not None:
        asked = asked.where(event.at < until)
    if last is not None:
        asked = asked.where(event.seq <= last)
    with reading(engine) as connection:
        yield from read(connection, asked.order_by(event.seq))


def read(connection: sa.Connection, asked: sa.Select[Any]) -> Generator[Event, None, None]:
    """The events that a select of the whole table finds, in its order, some thousands at a time."""
    with connection.execute(asked, execution_options={"yield_per": 5000}) as rows:
        for row in rows:
            yield to_event(row)


def to_event(row: Iterable[Any]) -> Event:
    """An event from its row.

    Raises:
        Tampered: its detail is no JSON any more.
    """
    seq, at, actor, action, thing, detail, previous, hash_ = row
    try:
        return Event(seq, at, actor, action, thing, msgspec.json.decode(detail), previous, hash_)
    except msgspec.DecodeError as error:
        raise Tampered(f"event {seq} was altered") from error
