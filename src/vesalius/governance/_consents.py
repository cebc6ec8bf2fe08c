"""What the Consents in the log refuse, as an index of intervals: whose, of what, from when until when.

Each Consent is read once, when it arrives, by whoever asks first. The version in force counts: the one that
was known last to the hospital, whatever order they arrive in. Like the columns of the lake the index can be
made again from the log at any time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vesalius.errors import Unavailable
from vesalius.governance._indexed import chunks, latest, newer
from vesalius.governance._provisions import DAWN, Kind, refusals
from vesalius.lake import Lake, Version
from vesalius.store import Instant, insert, metadata, put, reading, writing

SECONDS = 20.0
"""For how long one question may bring the index up to date."""

READ, CHANGES, LOOKED, MERGES, NEXT = range(1, 6)
"""The rows of the table of progress."""

_BATCH = 2_000

# Row 0 of a Consent refuses nothing: it says from which version it was read, and whose it is.
refusal = sa.Table(
    "consent_refusal",
    metadata,
    sa.Column("consent", sa.String(64), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    # empty where the Consent names no patient of this server
    sa.Column("patient", sa.String(64), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("begins", Instant, nullable=False),
    sa.Column("ends", Instant, nullable=False),
    sa.Column("reason", sa.String(16), nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Index("ix_consent_refusal_kind", "kind", "begins", "ends", "patient"),
    sa.Index("ix_consent_refusal_patient", "patient", "kind", "begins", "ends"),
)

# Row 1: up to which position of the log the Consents were read. The others are of _withholding.
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
    return connection.execute(sa.select(progress.c.seq).where(progress.c.id == READ)).scalar() or 0


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
    _keep(connection, latest(versions))
    put(connection, progress, {"id": READ}, {"seq": versions[-1].seq})
    return versions[-1].seq


def _keep(connection: sa.Connection, versions: Sequence[Version]) -> None:
    """Puts what these Consents refuse in the place of what older versions of them refused."""
    found = newer(connection, refusal.c.consent, refusal, versions)
    _drop(connection, [each.id for each in found])
    rows = [row for each in found for row in _rows(each)]
    if rows:
        connection.execute(sa.insert(refusal), rows)
        changed(connection)


def changed(connection: sa.Connection) -> None:
    """Notes that somebody may refuse what they did not refuse before."""
    row = insert(connection, progress).values(id=CHANGES, seq=1)
    more = {"seq": progress.c.seq + 1}
    connection.execute(row.on_conflict_do_update(index_elements=["id"], set_=more))


def _drop(connection: sa.Connection, consents: Sequence[str]) -> None:
    for some in chunks(consents):
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
    for some in chunks(sorted(patients)):
        connection.execute(sa.delete(refusal).where(refusal.c.patient.in_(some)))
    ids = sorted(consents)
    _drop(connection, ids)
    left = lake.histories(connection, [("Consent", each) for each in ids])
    done = _done(connection)
    _keep(
        connection,
        latest(version for versions in left.values() for version in versions if version.seq <= done),
    )
