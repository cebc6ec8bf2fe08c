"""Writing what arrives: the merges that feeds say, and what still names a patient who was replaced.

:func:`write` stands where ``Lake.write`` would: the same arrivals, the same transaction. What was sent is
written as it was sent, and what it becomes right after it. It costs one short query where nobody was ever
merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from vesalius import fhir
from vesalius.errors import InvalidSetting
from vesalius.identity import doubts, merging
from vesalius.identity._effective import REPLACED_BY, Key, as_sent, settle, targets
from vesalius.identity._merges import FEED, PERSON, Merge, Merges, chunks
from vesalius.identity._tables import SOURCE, moved
from vesalius.identity._tables import merge as table
from vesalius.lake import Arrival, Lake, Version, Written

_ANY = sa.select(table.c.id).limit(1)
# Made once: building a statement costs more than running it.
_IDS: sa.BindParameter[str] = sa.bindparam("ids", expanding=True)
_TAKING_PART = sa.select(table.c.source, table.c.target).where(
    sa.or_(table.c.source.in_(_IDS), table.c.target.in_(_IDS))
)
_MOVED = sa.select(moved.c.id).where(moved.c.type == sa.bindparam("type"), moved.c.id.in_(_IDS)).distinct()
_NOTICE = REPLACED_BY.encode()


def write(
    lake: Lake, arrivals: Iterable[Arrival], source: str, received_at: datetime, connection: sa.Connection
) -> Written:
    """Adds what is new, and what follows from the merges that hold, all in one transaction.

    A Patient with a link ``replaced-by`` to another of this lake is that feed's decision that they are one:
    it is carried out with the feed as its author. It is taken back when the same feed sends the patient
    without that link and with ``active: true``. What a feed says against a person's decision, against another
    feed's, or in a circle, is not carried out: a pair for a person to look at is made of it.

    Args:
        lake: where it goes.
        arrivals: checked resources, in the order in which they arrived.
        source: the name of the feed.
        received_at: when.
        connection: a transaction of ``store.writing``.

    Raises:
        InvalidSetting: the feed bears the name under which this room itself writes.
        Conflict: as ``Lake.write``.
    """
    if source == SOURCE:
        raise InvalidSetting(f"no feed can be called {SOURCE!r}", hint="give it another name")
    batch = list(arrivals)
    patients = [each for each in batch if each.type == "Patient"]
    told = any(_NOTICE in each.body for each in patients)
    if not told and connection.execute(_ANY).first() is None:
        return lake.write(batch, source, received_at, connection)
    merging.take_turn(lake, connection)  # before looking: a merge may be under way
    if not told and not _touched(connection, batch):
        return lake.write(batch, source, received_at, connection)
    before = lake.head(connection)
    new = _changed(lake, connection, batch)
    written = lake.write(new, source, received_at, connection)
    _carry_out(lake, connection, patients, before, received_at)
    settle(lake, connection, _touched(connection, new), received_at)
    return Written(written.written, written.unchanged + len(batch) - len(new))


def _changed(lake: Lake, connection: sa.Connection, batch: Sequence[Arrival]) -> list[Arrival]:
    """Without those that say nothing new.

    An undated resource is unchanged if it equals what is in force; where that is what a merge made of it, it
    is unchanged if it equals what was last sent.
    """
    undated = [each for each in batch if each.recorded_at is None]
    touched = set(_touched(connection, undated))
    histories = lake.histories(connection, touched)
    last = {key: as_sent(versions) for key, versions in histories.items()}
    found = []
    for each in batch:
        sent = last.get((each.type, each.id)) if each.recorded_at is None else None
        if sent is None or not sent or fhir.digest(sent[-1].body) != each.digest:
            found.append(each)
            last.pop((each.type, each.id), None)  # a second one in this batch follows this one
    return found


def _touched(connection: sa.Connection, arrivals: Sequence[Arrival]) -> list[Key]:
    """Those that are about a patient who took part in a merge, or that were moved before."""
    subjects = {each.subject.removeprefix("Patient/") for each in arrivals if each.subject}
    patients: set[str] = set()
    for ids in chunks(sorted(subjects)):
        patients.update(name for row in connection.execute(_TAKING_PART, {"ids": ids}) for name in row)
    by_subject = {f"Patient/{name}" for name in patients}
    keys = [(each.type, each.id) for each in arrivals]
    before = _moved(connection, keys)
    found = [
        key for key, each in zip(keys, arrivals, strict=True) if each.subject in by_subject or key in before
    ]
    return list(dict.fromkeys(found))


def _moved(connection: sa.Connection, keys: Sequence[Key]) -> set[Key]:
    """Those of some resources that a merge has moved before."""
    ids: dict[str, set[str]] = {}
    for type_, id_ in keys:
        ids.setdefault(type_, set()).add(id_)
    return {
        (type_, row.id)
        for type_, names in ids.items()
        for some in chunks(sorted(names))
        for row in connection.execute(_MOVED, {"type": type_, "ids": some})
    }


# What feeds say about patients -----------------------------------------------------------------------------


def _carry_out(
    lake: Lake, connection: sa.Connection, patients: Sequence[Arrival], before: int, now: datetime
) -> None:
    """Makes and ends the merges that newly arrived Patients say."""
    keys = list(dict.fromkeys(("Patient", each.id) for each in patients))
    histories = lake.histories(connection, keys)
    said = [each for key in keys for each in _statements(as_sent(histories[key]), before)]
    for version in sorted(
        said, key=lambda each: each.seq
    ):  # of two that would make a circle, the first stands
        _follow(lake, connection, version, now)


def _statements(sent: Sequence[Version], before: int) -> list[Version]:
    """What each feed last said about a patient being another, where it is new.

    A version without such a link says something only where it calls the patient active: others leave it open.
    """
    last: dict[str, Version] = {}
    for version in sent:
        if targets(version.resource) or version.resource.get("active") is True:
            last[version.source] = version
    return [version for version in last.values() if version.seq > before]


def _follow(lake: Lake, connection: sa.Connection, version: Version, now: datetime) -> None:
    said = targets(version.resource)
    holds = Merges.of(connection, [version.id]).from_(version.id)
    own = holds is not None and holds.origin == FEED and holds.by == version.source
    if not said:
        if holds and own:
            _end(lake, connection, holds, version, now)
        return
    if holds and holds.target == said[0]:
        return
    if holds and own:
        _end(lake, connection, holds, version, now)
        holds = None
    if doubt := _doubt(connection, version.id, said[0], holds):
        doubts.doubted(connection, version.id, said[0], doubt, version.source, now)
        settle(lake, connection, [("Patient", version.id)], now)
        return
    by, at = version.source, version.recorded_at
    made = merging.begin(lake, connection, version.id, said[0], by=by, reason="", origin=FEED, at=at, now=now)
    lake.witness(connection, made)
    doubts.decided(connection, version.id, said[0], doubts.MERGED, by, "", now)


def _end(lake: Lake, connection: sa.Connection, holds: Merge, version: Version, now: datetime) -> None:
    at = max(version.recorded_at, holds.at)
    undone = merging.end(lake, connection, holds, by=version.source, reason="", origin=FEED, at=at, now=now)
    lake.witness(connection, undone)


def _doubt(connection: sa.Connection, source: str, target: str, holds: Merge | None) -> str:
    """Why what a feed says is not carried out, or nothing."""
    if merging.would_circle(connection, source, target):
        return "circle"
    if holds:
        return "other"
    undone = [each for each in Merges.of(connection, [source]).out.get(source, ()) if each.target == target]
    if doubts.held_apart(connection, source, target) or any(each.undone_origin == PERSON for each in undone):
        return "apart"
    return ""
