"""Committing: what clients hand in becomes versions of the lake, each request whole or not at all.

Two rules meet here. FHIR's: what was written last is what is read next. The lake's: of two versions, the one
whose content was known later is in force. So a version that a client writes over HTTP counts as known no
earlier than the one it replaces.

Waiting for the disk costs more than the rest of a small write. So requests that come at the same time share
one transaction of the database: whoever comes first takes along all who wait. Each is decided by itself; none
is answered before it is on disk.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius import ingest
from vesalius.api.calls import Call
from vesalius.api.conditions import AgainError, Condition
from vesalius.api.outcomes import Refusal
from vesalius.governance.audit import Action
from vesalius.hospital import Hospital
from vesalius.lake import Arrival, Known, Lake
from vesalius.store import writing

TOGETHER = 5_000
"""How many resources share one transaction at most, unless one request alone holds more."""


@dataclass
class Change:
    """One resource that is to be written.

    Attributes:
        arrival: it, judged.
        besides: what the hospital adds to it.
        resource: it, decoded.
        fresh: whether the server has just made its id, so that nothing can be known of it.
        if_match: the version that must be in force.
        if_absent: whether there must be none.
        unless: what must not be there for it to be created.
        place: of the entry in a bundle, for the words of a refusal.
    """

    arrival: Arrival
    besides: list[Arrival]
    resource: dict[str, Any]
    fresh: bool = False
    if_match: int | None = None
    if_absent: bool = False
    unless: Condition | None = None
    place: str = ""

    @property
    def name(self) -> tuple[str, str]:
        """Its type and id."""
        return self.arrival.type, self.arrival.id


@dataclass(frozen=True)
class Done:
    """What became of one change: its version, when that was received, and whether it is new."""

    change: Change
    version: int
    received_at: datetime
    created: bool
    written: bool

    @property
    def status(self) -> str:
        """The HTTP status, with its word."""
        return "201 Created" if self.created else "200 OK"

    def location(self, base: str) -> str:
        """Where the version is."""
        return f"{base}/{'/'.join(self.change.name)}/_history/{self.version}"


def commit(call: Call, changes: Sequence[Change]) -> list[Done]:
    """Writes all of it, with its audit event, or nothing; when it returns, it is on disk.

    Raises:
        Refusal: a condition does not hold, or the same resource is named twice.
        AgainError: what must not be there has come meanwhile: look again.
        Unavailable: the database cannot be written.
    """
    check_unique(changes)
    writer: Writer = call.request.app.state.writer
    return writer.write(call, changes)


def check_unique(changes: Sequence[Change]) -> None:
    """Whether every resource is named once.

    Raises:
        Refusal: one is named twice.
    """
    seen: set[tuple[str, str]] = set()
    for each in changes:
        if each.name in seen:
            raise Refusal(400, "duplicate", "the same resource is written twice", path=each.place)
        seen.add(each.name)


@dataclass
class _Ticket:
    """One request that waits, and what became of it."""

    call: Call
    changes: Sequence[Change]
    done: list[Done] = field(default_factory=list)
    error: Exception | None = None
    settled: bool = False


class Writer:
    """Writes for all requests of one process.

    Args:
        hospital: whose lake it writes to.
    """

    def __init__(self, hospital: Hospital) -> None:
        self._hospital = hospital
        self._waiting: list[_Ticket] = []
        self._queue = threading.Lock()
        self._turn = threading.Lock()

    def write(self, call: Call, changes: Sequence[Change]) -> list[Done]:
        """Writes for one request, and for those that wait with it."""
        ticket = _Ticket(call, changes)
        with self._queue:
            self._waiting.append(ticket)
        with self._turn:
            if not ticket.settled:  # else whoever had the turn before took this one along
                self._settle(self._taken(ticket))
        if ticket.error:
            raise ticket.error
        return ticket.done

    def _taken(self, own: _Ticket) -> list[_Ticket]:
        with self._queue:
            self._waiting.remove(own)
            group, size = [own], len(own.changes)
            while self._waiting and size + len(self._waiting[0].changes) <= TOGETHER:
                group.append(self._waiting.pop(0))
                size += len(group[-1].changes)
        return group

    def _settle(self, group: list[_Ticket]) -> None:
        try:
            with writing(self._hospital.engine) as connection:
                self._write(group, connection)
        except Exception as error:
            for ticket in group:
                ticket.error = ticket.error or error
        finally:
            for ticket in group:
                ticket.settled = True

    def _write(self, group: list[_Ticket], connection: sa.Connection) -> None:
        lake, now = self._hospital.lake, datetime.now(UTC)
        asked = [each.name for ticket in group for each in ticket.changes if not each.fresh]
        known = lake.known(asked, connection)
        met: set[Condition] = set()
        for ticket in group:
            try:
                self._check(ticket, met, connection)
                ticket.done = [_decided(each, known.get(each.name), now) for each in ticket.changes]
            except (Refusal, AgainError) as error:
                ticket.error = error
            else:
                known |= {each.change.name: _after(each, known.get(each.change.name)) for each in ticket.done}
        kept = [ticket for ticket in group if not ticket.error]
        end = lake.head(connection)
        for source, tickets in groupby(kept, lambda ticket: ticket.call.who.source):
            done = [each for ticket in tickets for each in ticket.done]
            new = [each.change.arrival for each in done if each.written]
            end += ingest.write(lake, new, source, now, connection).written
            if besides := [arrival for each in done for arrival in each.change.besides]:
                end += ingest.write(lake, besides, source, now, connection).written
        if lake.head(connection) != end:  # a merge of patients was followed: more came after what was sent
            for ticket in kept:
                ticket.done = _as_it_stands(lake, connection, ticket.done)
        for ticket in kept:
            _note(ticket.call, ticket.done, connection)

    def _check(self, ticket: _Ticket, met: set[Condition], connection: sa.Connection) -> None:
        """Whether what must not be there still is not; ``met`` is what those before in the group create."""
        wanted = [each.unless for each in ticket.changes if each.unless]
        for each in wanted:
            lake = self._hospital.lake
            if each in met or lake.identified(each.kind, each.value, each.system, connection):
                raise AgainError
        met.update(wanted)


def _as_it_stands(lake: Lake, connection: sa.Connection, done: Sequence[Done]) -> list[Done]:
    """What is in force of each resource once merges were followed: what the next reading gives."""
    histories = lake.histories(connection, [each.change.name for each in done])
    found = []
    for each in done:
        newest = max(histories[each.change.name], key=lambda version: (version.recorded_at, version.seq))
        if newest.version != each.version:
            each.change.resource = newest.resource
        found.append(replace(each, version=newest.version, received_at=newest.received_at))
    return found


def _after(done: Done, known: Known | None) -> Known:
    """What is known of a resource once a change of it is written."""
    if known and not done.written:
        return known
    arrival, seen = done.change.arrival, known.seen if known else set()
    moment = arrival.recorded_at or done.received_at
    seen.add((moment, arrival.digest))
    return Known(done.version, done.version, moment, done.received_at, arrival.digest, seen)


def _decided(change: Change, known: Known | None, now: datetime) -> Done:
    if change.if_absent and known:
        raise Refusal(412, "conflict", "the resource is already there", path=change.place)
    if change.if_match is not None and (known is None or known.version != change.if_match):
        raise Refusal(412, "conflict", "another version is in force than If-Match names", path=change.place)
    if known is None:
        return Done(change, 1, now, created=True, written=True)
    if known.digest == change.arrival.digest:
        return Done(change, known.version, known.received_at, created=False, written=False)
    moment = _moment(change.arrival, known, now)
    change.arrival = msgspec.structs.replace(change.arrival, recorded_at=moment)
    return Done(change, known.versions + 1, now, created=False, written=True)


def _moment(arrival: Arrival, known: Known, now: datetime) -> datetime:
    """When an update counts as known: as it says, but not before what it replaces."""
    moment = max(arrival.recorded_at or now, known.recorded_at)
    if (moment, arrival.digest) in known.seen:  # back to an earlier content, which is news
        moment = max(now, known.recorded_at + timedelta(microseconds=1))
    return moment


def _note(call: Call, done: Sequence[Done], connection: sa.Connection) -> None:
    if len(done) == 1:
        name = "/".join(done[0].change.name)
        detail: dict[str, Any] = {"subject": done[0].change.arrival.subject, "version": done[0].version}
        call.note(Action.RESOURCE_WRITTEN, name, detail, connection)
    elif done:
        subjects = sorted({each.change.arrival.subject for each in done if each.change.arrival.subject})
        detail = {"resources": len(done), "written": sum(each.written for each in done), "subjects": subjects}
        call.note(Action.RESOURCE_WRITTEN, "Bundle", detail, connection)
