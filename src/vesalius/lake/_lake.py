"""The lake: one interface on its two halves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from vesalius.errors import Conflict, NotAllowed, NotFound
from vesalius.lake import _export as export
from vesalius.lake import _identifiers as identifiers
from vesalius.lake import _log as log
from vesalius.lake import _recoding as recoding
from vesalius.lake import _search as searching
from vesalius.lake import _upkeep as upkeep
from vesalius.lake import erasing
from vesalius.lake._append import append, append_alone, wait_for_turn
from vesalius.lake._columns import ColumnFiles, Columns
from vesalius.lake._recoding import Recoding
from vesalius.lake._search import Known, Wanted
from vesalius.lake._upkeep import Stats, TypeStats
from vesalius.lake._version import Arrival, Version, Written, parse_reference
from vesalius.store import backup, reading, restore, writing

Witness = Callable[[sa.Connection, object], None]
"""Hears of something that a feed said and that was carried out: the connection, and what it was."""

_DAWN = datetime.min.replace(tzinfo=UTC)


class Lake:
    """Everything the hospital received, as FHIR R4, and what of it was known when.

    The as-of rule, for every read: of the versions of a resource up to the position with
    ``recorded_at <= as_of``, the one with the greatest ``(recorded_at, seq)``. Without ``as_of``, all of them
    count.

    Args:
        engine: the database that holds the log.
        columns: the folder of the typed columns; it is made when it is needed.
        witness: hears, within the transaction that writes, what arrived that more than the log must know.
    """

    def __init__(self, engine: sa.Engine, columns: Path, witness: Witness | None = None) -> None:
        self.engine = engine
        self.witness = witness or _nobody
        self._columns = Columns(engine, columns)
        self._pin: int | None = None
        self._marks: tuple[erasing.Stamp, erasing.Marks] = ((None, None), erasing.NOTHING)

    def write(
        self,
        arrivals: Iterable[Arrival],
        source: str,
        received_at: datetime,
        connection: sa.Connection | None = None,
    ) -> Written:
        """Adds what is new, in one durable transaction; when it returns, it is on disk.

        An arrival is unchanged, and adds nothing, if a version of the same resource has the same digest and
        the same ``recorded_at``; or, for one that has no ``recorded_at`` of its own, if the version in force
        has the same digest. Versions are numbered in order of arrival.

        Args:
            arrivals: checked resources, in the order in which they arrived.
            source: where they came from.
            received_at: when, with a time zone.
            connection: a transaction of ``store.writing`` to join; it is then durable when that one ends.

        Raises:
            NotAllowed: this lake is pinned.
            Conflict: another writer came between, which only a joined transaction of another isolation level
                than the store's can meet. Nothing was written; try again.
        """
        if self._pin is not None:
            raise NotAllowed("a pinned lake is for reading only")
        try:
            if connection is not None:
                return append(connection, arrivals, source, received_at)
            return append_alone(self.engine, arrivals, source, received_at)
        except sa.exc.IntegrityError:
            raise Conflict("another writer added versions of the same resources", hint="try again") from None

    def known(
        self, names: Iterable[tuple[str, str]], connection: sa.Connection
    ) -> dict[tuple[str, str], Known]:
        """What is there of some resources, and stays there until the transaction ends.

        It waits for its turn among the writers, so that what it answers still holds when the same transaction
        writes: nobody can come between.

        Args:
            names: type and id of each.
            connection: a transaction of ``store.writing``.

        Returns:
            What there is, by type and id; what the lake does not hold is left out.
        """
        wait_for_turn(connection)
        return searching.known(connection, names)

    def search(self, wanted: Wanted, size: int) -> list[Version]:
        """The next resources in force that are wanted, in order of arrival, at most ``size`` of them."""
        with reading(self.engine) as connection:
            return searching.search(connection, wanted, self._limit, size)

    def how_many(self, wanted: Wanted) -> int:
        """How many resources in force are wanted."""
        with reading(self.engine) as connection:
            return searching.count(connection, wanted, self._limit)

    def concerned(self, patients: frozenset[str], types: Iterable[str]) -> frozenset[str]:
        """Of some patients (``Patient/ID``), those whom something of one of some types concerns."""
        if not patients:
            return frozenset()
        with reading(self.engine) as connection:
            found = (searching.concerned(connection, patients, type_, self._limit) for type_ in types)
            return frozenset().union(*found)

    def identified(
        self,
        type: str,  # noqa: A002
        value: str,
        system: str | None = None,
        connection: sa.Connection | None = None,
    ) -> list[Version]:
        """The resources in force of a type that have an identifier.

        Args:
            type: the resource type.
            value: of the identifier.
            system: of the identifier; empty for one without, None for any.
            connection: a transaction that has its turn among the writers (:meth:`known`): what it is told
                then holds until it ends.

        Raises:
            Unavailable: the index is far behind the log; asking again brings it further.
        """
        if connection is not None:
            identifiers.finish(connection, log.head(connection))
            return identifiers.holders(connection, type, system, value, self._limit)
        identifiers.bring_up(self.engine, self.position())
        with reading(self.engine) as own:
            return identifiers.holders(own, type, system, value, self._limit)

    def recode(
        self, recodings: Iterable[Recoding], source: str, received_at: datetime, connection: sa.Connection
    ) -> Written:
        """Adds translations of versions: the same content in other codes, known since the same moment.

        Readings of the past show the translation from the moment at which the content was known; readings
        pinned earlier do not. One whose version is no longer the last of its moment is left out: a correction
        that came between is not hidden.

        Args:
            recodings: each a version and its new JSON, valid and about the same resource.
            source: who translated.
            received_at: when, with a time zone.
            connection: a transaction of ``store.writing``; they are durable when it ends.

        Raises:
            NotAllowed: this lake is pinned.
        """
        if self._pin is not None:
            raise NotAllowed("a pinned lake is for reading only")
        return recoding.append(connection, recodings, source, received_at)

    def holding(
        self,
        type: str,  # noqa: A002
        needles: Sequence[bytes],
        after: int,
        until: int,
    ) -> Iterator[Version]:
        """The versions of one type, old ones too, whose JSON holds one of some bytes, in order of arrival.

        Args:
            type: a resource type.
            needles: bytes, at least one; few, because each is looked for.
            after: only those that arrived after this position.
            until: and up to this one.
        """
        until = min(until, self.position())
        while True:
            with reading(self.engine) as connection:
                found = recoding.holding(connection, type, after, until, needles, log.CHUNK)
            yield from found
            if len(found) < log.CHUNK:
                return
            after = found[-1].seq

    def position(self) -> int:
        """The position up to which this lake sees: the pin, or the end of the log."""
        if self._pin is not None:
            return self._pin
        with reading(self.engine) as connection:
            return log.head(connection)

    def pinned(self, position: int | None = None) -> Lake:
        """This lake as it was at ``position`` (now, if not given): it reads nothing later, for ever.

        Raises:
            NotFound: the position lies beyond the end.
        """
        end = self.position()
        if position is not None and not 0 <= position <= end:
            raise NotFound(f"the log has no position {position}: it ends at {end}")
        pinned = copy(self)
        pinned._pin = end if position is None else position
        return pinned

    def unpinned(self) -> Lake:
        """This lake up to the end of its log, for what must not be looked at as it was."""
        whole = copy(self)
        whole._pin = None
        return whole

    def read(self, reference: str, as_of: datetime | None = None) -> Version | None:
        """The version in force of ``Type/ID``, or ``Type/ID/_history/N``; None if it was not known.

        Raises:
            NotFound: the reference has neither form.
        """
        type_, id_, version = parse_reference(reference)
        with reading(self.engine) as connection:
            return log.one(connection, type_, id_, version, self._limit, as_of or log.FOREVER)

    def history(self, reference: str) -> list[Version]:
        """Every version of ``Type/ID``, in order of arrival."""
        type_, id_, _ = parse_reference(reference)
        with reading(self.engine) as connection:
            return log.history(connection, type_, id_, self._limit)

    def patient(
        self, subject: str, as_of: datetime | None = None, types: Sequence[str] | None = None
    ) -> list[Version]:
        """The versions in force about ``Patient/ID``, in the order in which they were recorded."""
        with reading(self.engine) as connection:
            return log.patient(connection, subject, types, self._limit, as_of or log.FOREVER)

    def patients(self, subjects: Iterable[str], types: Sequence[str] | None = None) -> list[Version]:
        """Every version of each resource that was ever about one of some patients, in order of arrival.

        A version that is about somebody else, or about nobody, is among them where it follows one that was
        about them: without it the older one would look as if it were still in force.
        """
        with reading(self.engine) as connection:
            return log.patients(connection, subjects, types, self._limit)

    def resources(
        self,
        type: str,  # noqa: A002
        as_of: datetime | None = None,
        since: datetime | None = None,
    ) -> Iterator[Version]:
        """The versions in force of one type, in the order in which they were recorded.

        Args:
            type: a resource type.
            as_of: what was known then.
            since: only those recorded after this moment.

        Yields:
            Each resource once. The position is fixed at the first; what is written meanwhile is not seen.
        """
        pin, moment = self.position(), as_of or log.FOREVER
        after = (since or _DAWN, log.END)
        while True:
            # Short readings, not one long one: an open reading would keep SQLite from trimming its journal.
            with reading(self.engine) as connection:
                found = log.page(connection, type, after, pin, moment)
            yield from found
            if len(found) < log.CHUNK:
                return
            after = (found[-1].recorded_at, found[-1].seq)

    def count(self) -> dict[str, dict[str, int]]:
        """How many ``resources`` and ``versions`` there are of each type."""
        with reading(self.engine) as connection:
            return log.count(connection, self._limit)

    def versions(self, type: str, after: int = 0) -> Iterator[Version]:  # noqa: A002
        """Every version of one type, old ones too, in order of arrival; the position is fixed at first.

        Args:
            type: a resource type.
            after: only those that arrived after this position.
        """
        pin = self.position()
        while True:
            with reading(self.engine) as connection:
                found = log.slice_of(connection, type, after, pin, log.CHUNK)
            yield from found
            if len(found) < log.CHUNK:
                return
            after = found[-1].seq

    def newer(self, after: int, limit: int) -> list[Version]:
        """The next versions of every type after a position, in order of arrival; at most ``limit``."""
        with reading(self.engine) as connection:
            return log.newer(connection, after, self._limit, limit)

    def behind(self, type: str, after: int) -> int:  # noqa: A002
        """How many versions of one type arrived after a position."""
        with reading(self.engine) as connection:
            return log.count_after(connection, type, after, self._limit)

    def head(self, connection: sa.Connection) -> int:
        """The position at the end of the log, within a transaction."""
        return log.head(connection)

    def ever_about(
        self,
        connection: sa.Connection,
        subjects: Iterable[str],
        after: tuple[str, str] = ("", ""),
        size: int = log.CHUNK,
    ) -> list[tuple[str, str]]:
        """The next resources, as (type, id), of which some version is about one of some ``Patient/ID``.

        It reads within a transaction, in the order of the keys.
        """
        return log.ever_about(connection, subjects, after, size)

    def histories(
        self, connection: sa.Connection, keys: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], list[Version]]:
        """Every version of the resources (type, id) that are known, within a transaction."""
        return log.histories(connection, keys)

    def arrived(
        self,
        connection: sa.Connection,
        type: str,  # noqa: A002
        after: int,
        size: int = log.CHUNK,
    ) -> list[Version]:
        """The next versions of one type after position ``after``, within a transaction."""
        return log.slice_of(connection, type, after, self._limit, size)

    def count_arrived(self, connection: sa.Connection, type: str, after: int) -> int:  # noqa: A002
        """How many versions of one type come after position ``after``, within a transaction."""
        return log.count_after(connection, type, after, self._limit)

    def columns(self, type: str) -> ColumnFiles:  # noqa: A002
        """The typed columns of one resource type, brought up to the position first.

        Read only rows with ``_seq`` up to the ``position`` of what is returned.

        Raises:
            NotFound: R4 has no such type.
            Conflict: another machine wrote the same columns at the same time.
        """
        return self._columns.files(type, self.position())

    def refresh_columns(self) -> None:
        """Brings the columns of every type up to the position."""
        self._columns.refresh(list(self.count()), self.position())

    def rebuild_columns(self, progress: export.Progress | None = None) -> None:
        """Makes all columns again from the whole log, whatever their state; readers are not disturbed.

        Args:
            progress: called with a type and how many of its versions are taken.
        """
        with reading(self.engine) as connection:
            types = list(log.count(connection, log.END))
        self._columns.rebuild(types, progress)

    def stats(self) -> Stats:
        """How large the lake is up to the position, and whether its columns follow."""
        pin = self.position()
        with reading(self.engine) as connection:
            counts, size = log.count(connection, pin), upkeep.database_bytes(connection)
        types = tuple(self._type_stats(type_, pin, **number) for type_, number in counts.items())
        return Stats(pin, size, types)

    def _type_stats(self, type_: str, pin: int, resources: int, versions: int) -> TypeStats:
        taken = self._columns.taken(type_)
        files, size = self._columns.sizes(type_)
        with reading(self.engine) as connection:
            behind = log.count_after(connection, type_, taken, pin)
            first, last = log.ends(connection, type_, pin)
        return TypeStats(type_, resources, versions, files, size, behind, first, last)

    def compact_columns(self) -> None:
        """Makes the many small files of each type into few; replaced ones stay for a day, for readers."""
        self._columns.compact(list(self.count()))

    def export(
        self,
        folder: Path,
        types: Sequence[str] | None = None,
        *,
        as_of: datetime | None = None,
        versions: bool = False,
        gzip: bool = False,
        without: frozenset[str] = frozenset(),
        progress: export.Progress | None = None,
    ) -> dict[str, int]:
        """Writes NDJSON, one file ``TYPE.ndjson`` per resource type, each line byte for byte as received.

        Line ends inside a resource become spaces, as NDJSON demands; the position is fixed per type.

        Args:
            folder: where; it is made if it is not there, for its owner alone.
            types: which types; all that the lake holds, if not given.
            as_of: the versions that were in force then, instead of now.
            versions: every version ever received, in order of arrival.
            gzip: whether to compress the files.
            without: nothing that concerns one of these patients (``Patient/ID``); of ``versions``, nothing of
                a resource of which any version does.
            progress: called with a type and how many of it are written.

        Returns:
            How many lines each file has.

        Raises:
            NotAllowed: versions in force at a moment, and all of them, were asked for at once.
            NotFound: the lake holds no resource of that type.
            Conflict: a file is there already.
            Unavailable: a file cannot be written.
        """
        if versions and as_of:
            raise NotAllowed("all versions are asked for, or those of one moment, not both")
        here, pinned = self.count(), self.pinned()
        for type_ in types or ():
            if type_ not in here:
                raise NotFound(f"the lake holds no {type_}")
        written = {}
        for type_ in types or here:
            found = pinned.versions(type_) if versions else pinned.resources(type_, as_of)
            every = pinned.versions(type_) if versions and without else ()
            ids = {each.id for each in every if each.concerns(without)}
            bodies = (each.body for each in found if each.id not in ids and not each.concerns(without))
            written[type_] = export.write(folder, type_, bodies, gzip=gzip, progress=progress)
        return written

    def marks(self, connection: sa.Connection | None = None) -> erasing.Marks:
        """What was erased and may not come back without a person's word; cheap where nothing was.

        Args:
            connection: a transaction to look within; one that has written to the log sees the last word.
        """
        if connection is None:
            with reading(self.engine) as own:
                return self.marks(own)
        changed = erasing.stamp(connection)
        if changed != self._marks[0]:
            self._marks = (changed, erasing.marks(connection))
        return self._marks[1]

    def erased(self, reference: str) -> erasing.Erasure | None:
        """The erasure that took ``Type/ID`` and still keeps it away; None where it was never erased."""
        with reading(self.engine) as connection:
            return erasing.took(connection, reference)

    def erasure(self, number: int) -> erasing.Erasure | None:
        """The erasure with a number; None where there is none."""
        with reading(self.engine) as connection:
            return erasing.number(connection, number)

    def erased_about(self, *references: str) -> erasing.Erasure | None:
        """The last erasure that took one of these (``Type/ID``) or something about one of them, or None."""
        with reading(self.engine) as connection:
            return erasing.about(connection, *references)

    def resume_erasures(self) -> None:
        """Drops the columns that still hold what was erased, should an erasure have been broken off."""
        with reading(self.engine) as connection:
            left = erasing.unfinished(connection)
        for each in left:
            self._columns.drop(each.columns)
            with writing(self.engine) as connection:
                erasing.dropped(connection, each.id)

    def backup(self, target: Path) -> None:
        """Copies the database to an SQLite file while it is in use: one state of it, whole or not at all.

        Log, quarantine, suggestions, decisions, audit: every table, of SQLite or PostgreSQL. The columns are
        not copied: they can be made again.

        Raises:
            Conflict: the database holds tables that Vesalius does not know.
            Unavailable: the database does not answer, or the file cannot be written.
        """
        backup(self.engine, target)

    def restore(self, source: Path, *, replace: bool = False) -> None:
        """Puts a backup in the place of the database, whole or not at all; the columns are made again.

        Raises:
            Conflict: the database holds rows, and ``replace`` was not given; or a newer Vesalius made the
                backup.
            UnreadableInput: the file is not a whole backup.
            Unavailable: the database does not answer.
        """
        restore(source, self.engine, replace=replace)
        self._columns.clear()
        self._marks = ((-1, None), erasing.NOTHING)

    @property
    def _limit(self) -> int:
        return log.END if self._pin is None else self._pin


def _nobody(*_: object) -> None:
    return None
