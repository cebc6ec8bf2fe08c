"""What the Consents in the log refuse, as an index of intervals: whose, of what, from when until when.

Each Consent is read once, when it arrives, by whoever asks first. The version in force counts: the one that
was known last to the hospital, whatever order they arrive in. Like the columns of the lake the index can be
made again from the log at any time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from vesalius.errors import Unavailable
from vesalius.governance._provisions import DAWN, Kind, refusals
from vesalius.lake import Lake, Version
from vesalius.store import Instant, metadata, put, reading, writing

SECONDS = 20.0
"""For how long one question may bring the index up to date."""

_BATCH = 2_000
_CHUNK = 500
_BEFORE = datetime.min.replace(tzinfo=UTC)

# Row 0 of a Consent refuses nothing: it says from which version it was read, and whose it is.
refusal = sa.Table(
    "consent_refusal",
    metadata,
    sa.Column("consent", sa.String(64), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    # empty where the Consent names no patient of this server
    sa.Column("patient", sa.String(64), nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("begins", Instant, nullable=False),
    sa.Column("ends", Instant, nullable=False),
    sa.Column("reason", sa.String(16), nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Index("ix_consent_refusal_kind", "kind", "begins", "ends", "patient"),
)

progress = sa.Table(
    "consent_progress",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
)


def holding(kind: Kind, at: datetime) -> list[sa.ColumnElement[bool]]:
    """The conditions under which a row of the index refuses something at a moment."""
    return [refusal.c.kind == str(kind), refusal.c.begins <= at, refusal.c.ends > at]


def bring_up(lake: Lake, progress: Callable[[int], None] | None = None) -> None:
    """Brings the index up to the end of the log, of a pinned lake too: what is refused, is refused now.

    Not within a transaction of ``store.writing``: it makes its own.

    Args:
        lake: the hospital's.
        progress: hears up to which position of the log; with it there is no limit of time.

    Raises:
        Unavailable: it is far behind; asking again brings it further.
    """
    lake = lake.unpinned()
    end = time.monotonic() + SECONDS
    while _waiting(lake):
        if progress is None and time.monotonic() > end:
            raise Unavailable("the index of consents is being brought up to date", hint="ask again")
        with writing(lake.engine) as connection:
            done = _take(lake, connection)
        if progress:
            progress(done)


def _done(connection: sa.Connection) -> int:
    return connection.execute(sa.select(progress.c.seq)).scalar() or 0


def _waiting(lake: Lake) -> bool:
    with reading(lake.engine) as connection:
        return bool(lake.arrived(connection, "Consent", _done(connection), 1))


def _take(lake: Lake, connection: sa.Connection) -> int:
    if connection.dialect.name == "postgresql":  # two who ask at once wait for each other
        connection.execute(sa.text("LOCK TABLE consent_progress IN EXCLUSIVE MODE"))
    done = _done(connection)
    versions = lake.arrived(connection, "Consent", done, _BATCH)
    if not versions:
        return done
    _keep(connection, _latest(versions))
    put(connection, progress, {"id": 1}, {"seq": versions[-1].seq})
    return versions[-1].seq


def _latest(versions: Iterable[Version]) -> list[Version]:
    """Of each Consent, the version in force among these."""
    found: dict[str, Version] = {}
    for each in versions:
        before = found.get(each.id)
        if before is None or (before.recorded_at, before.seq) <= (each.recorded_at, each.seq):
            found[each.id] = each
    return list(found.values())


def _keep(connection: sa.Connection, versions: Sequence[Version]) -> None:
    """Puts what these Consents refuse in the place of what older versions of them refused."""
    c = refusal.c
    there: dict[str, tuple[datetime, int]] = {}
    for some in _chunks([each.id for each in versions]):
        known = sa.select(c.consent, c.recorded_at, c.seq).where(c.consent.in_(some), c.place == 0)
        there |= {row[0]: (row[1], row[2]) for row in connection.execute(known)}
    newer = [each for each in versions if there.get(each.id, (_BEFORE, 0)) < (each.recorded_at, each.seq)]
    _drop(connection, [each.id for each in newer])
    rows = [row for each in newer for row in _rows(each)]
    if rows:
        connection.execute(sa.insert(refusal), rows)


def _drop(connection: sa.Connection, consents: Sequence[str]) -> None:
    for some in _chunks(consents):
        connection.execute(sa.delete(refusal).where(refusal.c.consent.in_(some)))


def _rows(version: Version) -> list[dict[str, Any]]:
    head = {
        "consent": version.id, "place": 0, "patient": (version.subject or "").removeprefix("Patient/"),
        "kind": "", "begins": DAWN, "ends": DAWN, "reason": "", "recorded_at": version.recorded_at,
        "seq": version.seq,
    }  # fmt: skip
    told = (
        {"place": n, "kind": str(r.kind), "begins": r.begins, "ends": r.ends, "reason": str(r.reason)}
        for n, r in enumerate(refusals(version.body), 1)
    )
    return [head, *(head | each for each in told)]


def _chunks(ids: Sequence[str]) -> Iterable[list[str]]:
    return (list(ids[start : start + _CHUNK]) for start in range(0, len(ids), _CHUNK))


def forget(
    lake: Lake, connection: sa.Connection, patients: Collection[str], consents: Collection[str]
) -> None:
    """Erases what the index holds of some patients, by their ids, and reads touched Consents once more.

    Args:
        lake: the hospital's, from whose log the versions are erased already.
        connection: the transaction that erases.
        patients: their ids.
        consents: the ids of the Consents of which some version was erased: an older one may be left.
    """
    for some in _chunks(sorted(patients)):
        connection.execute(sa.delete(refusal).where(refusal.c.patient.in_(some)))
    ids = sorted(consents)
    _drop(connection, ids)
    left = lake.histories(connection, [("Consent", each) for each in ids])
    done = _done(connection)
    _keep(
        connection,
        _latest(version for versions in left.values() for version in versions if version.seq <= done),
    )
