"""The log: every version of every resource, in order of arrival; rows are added and never changed.

Versions are numbered by the log itself, ``seq`` = 1, 2, 3 …, under one write lock. So a position of the log
is a single number that means the same for ever: whoever reads up to position N now and in ten years reads the
same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import sqlalchemy as sa

from vesalius.lake._version import Version
from vesalius.store import Instant, metadata

resource_version = sa.Table(
    "resource_version",
    metadata,
    sa.Column(
        "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=False
    ),
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("id", sa.String(64), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("received_at", Instant, nullable=False),
    sa.Column("source", sa.String(255), nullable=False),
    sa.Column("subject", sa.String(80)),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    # the number of the erasure that emptied it; readers pass over such rows
    sa.Column("erased", sa.Integer),
    # a resource and its history; who became due; a patient; what the columns have not taken yet
    sa.Index("ix_resource_version_type_id_recorded_at_seq", "type", "id", "recorded_at", "seq"),
    sa.Index("ix_resource_version_type_recorded_at_seq", "type", "recorded_at", "seq"),
    sa.Index("ix_resource_version_subject_type", "subject", "type"),
    sa.Index("ix_resource_version_type_seq", "type", "seq"),
)

FOREVER = datetime.max.replace(tzinfo=UTC)
END = 2**62
CHUNK = 2_000
ERASED = "~"
"""How the id begins that a resource has once all of it was erased: no id of FHIR does."""


class Stored(NamedTuple):
    """What the columns take of a version; moments in microseconds since 1970."""

    seq: int
    id: str
    version: int
    recorded_at: int
    received_at: int
    subject: str | None
    body: bytes


_c = resource_version.c
_FIELDS = (_c.type, _c.id, _c.version, _c.seq, _c.recorded_at, _c.received_at, _c.source, _c.subject, _c.body)
_PIN = sa.bindparam("pin", type_=sa.BigInteger)
_AS_OF = sa.bindparam("as_of", type_=Instant)
# "+ 0" keeps the planner from walking an index by seq, all of which lies before most pins: without statistics
# SQLite takes that walk for the cheaper one, and a reading of 0.1 s lasts minutes.
_WITHIN = (_c.seq + 0) <= _PIN
_IN_ORDER = _c.seq + 0  # likewise: ordering by seq itself invites a walk of everything in that order

_ALIVE = _c.erased.is_(None)

Item = TypeVar("Item")


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of at most ``size`` items, in order."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


# Reading ---------------------------------------------------------------------------------------------------


def _in_force(columns: Sequence[sa.ColumnElement[Any]] = _FIELDS) -> sa.Select[Any]:
    """The versions in force: known at ``as_of``, and no other known one of that resource comes after."""
    later = resource_version.alias("later")
    after = sa.or_(
        later.c.recorded_at > _c.recorded_at,
        sa.and_(later.c.recorded_at == _c.recorded_at, later.c.seq > _c.seq),
    )
    superseded = sa.exists().where(
        later.c.type == _c.type,
        later.c.id == _c.id,
        (later.c.seq + 0) <= _PIN,
        later.c.recorded_at <= _AS_OF,
        later.c.erased.is_(None),
        after,
    )
    return sa.select(*columns).where(_WITHIN, _c.recorded_at <= _AS_OF, _ALIVE, ~superseded)


# Made once: building a statement costs more than running it.
_HEAD = sa.select(sa.func.coalesce(sa.func.max(_c.seq), 0))
_KNOWN = sa.select(*_FIELDS).where(_WITHIN, _c.recorded_at <= _AS_OF, _ALIVE)
_ONE = _KNOWN.where(_c.type == sa.bindparam("type"), _c.id == sa.bindparam("id"))
_LATEST = _ONE.order_by(_c.recorded_at.desc(), _c.seq.desc()).limit(1)
_NUMBERED = _ONE.where(_c.version == sa.bindparam("version"))
_HISTORY = _ONE.order_by(_c.version)
_PATIENT = _in_force().where(_c.subject == sa.bindparam("subject")).order_by(_c.recorded_at, _c.seq)
_SUBJECTS: sa.BindParameter[Any] = sa.bindparam("subjects", expanding=True)
# What was ever about them: a version that moved a resource to another patient replaces those before it.
_EVER = sa.select(_c.type, _c.id).distinct().where(_WITHIN, _c.subject.in_(_SUBJECTS))
# Of an index by type and one by patient, SQLite would take the first; a patient is the far better start.
_TYPES = (_c.type + "").in_(sa.bindparam("types", expanding=True))
_PATIENT_TYPES = _PATIENT.where(_TYPES)


def _versions_of(ever: sa.Select[Any]) -> sa.Select[Any]:
    """Every version of some resources, in order of arrival."""
    found = ever.subquery("ever")
    of_them = sa.and_(_c.type == found.c.type, _c.id == found.c.id)
    chosen = sa.select(*_FIELDS).join_from(found, resource_version, of_them)
    return chosen.where(_WITHIN, _ALIVE).order_by(_IN_ORDER)


_PATIENTS, _PATIENTS_TYPES = _versions_of(_EVER), _versions_of(_EVER.where(_TYPES))
_ABOUT_AFTER = (
    sa.select(_c.type, _c.id)
    .distinct()
    .where(
        _c.subject.in_(_SUBJECTS),
        sa.or_(
            _c.type > sa.bindparam("type"),
            sa.and_(_c.type == sa.bindparam("type"), _c.id > sa.bindparam("id")),
        ),
    )
    .order_by(_c.type, _c.id)
    .limit(sa.bindparam("size", type_=sa.Integer))
)
_ALL_OF = (
    sa.select(*_FIELDS)
    .where(_c.type == sa.bindparam("type"), _c.id.in_(sa.bindparam("ids", expanding=True)), _ALIVE)
    .order_by(_IN_ORDER)
)
_PAGE = (
    _in_force()
    .where(
        _c.type == sa.bindparam("type"),
        sa.or_(
            _c.recorded_at > sa.bindparam("after", type_=Instant),
            sa.and_(
                _c.recorded_at == sa.bindparam("after", type_=Instant),
                _c.seq > sa.bindparam("after_seq", type_=sa.BigInteger),
            ),
        ),
        _c.recorded_at >= sa.bindparam("after", type_=Instant),  # implied; it lets the index start there
    )
    .order_by(_c.recorded_at, _c.seq)
    .limit(sa.bindparam("size", type_=sa.Integer))
)
_COUNT = (
    sa.select(_c.type, sa.func.count(sa.distinct(_c.id)), sa.func.count())
    # by the id alone: the index holds it, and the table is not read
    .where(_WITHIN, ~_c.id.startswith(ERASED))
    .group_by(_c.type)
    .order_by(_c.type)
)
_ENDS = sa.select(
    *(
        sa.select(_c.received_at)
        .where(_c.type == sa.bindparam("type"), _c.seq <= _PIN, _ALIVE)
        .order_by(order)
        .limit(1)
        .scalar_subquery()
        for order in (_c.seq, _c.seq.desc())
    )
)
_SLICE = (
    sa.select(*_FIELDS)
    .where(_c.type == sa.bindparam("type"), _c.seq > sa.bindparam("after"), _c.seq <= _PIN, _ALIVE)
    .order_by(_c.seq)
    .limit(sa.bindparam("size", type_=sa.Integer))
)
_NEWER = (
    sa.select(*_FIELDS)
    .where(_c.seq > sa.bindparam("after"), _c.seq <= _PIN, _ALIVE)
    .order_by(_c.seq)
    .limit(sa.bindparam("size", type_=sa.Integer))
)
_STORED = (
    sa.select(
        _c.seq,
        _c.id,
        _c.version,
        sa.type_coerce(_c.recorded_at, sa.BigInteger),
        sa.type_coerce(_c.received_at, sa.BigInteger),
        _c.subject,
        _c.body,
    )
    .where(_c.type == sa.bindparam("type"), _c.seq > sa.bindparam("after"), _c.seq <= _PIN, _ALIVE)
    .order_by(_c.seq)
    .limit(sa.bindparam("size", type_=sa.Integer))
)
_COUNT_AFTER = sa.select(sa.func.count()).where(
    _c.type == sa.bindparam("type"), _c.seq > sa.bindparam("after"), _c.seq <= _PIN, _ALIVE
)
# the end of the index, and not a maximum: with a condition on the table that would read every row
_LAST = (
    sa.select(_c.seq)
    .where(_c.type == sa.bindparam("type"), _c.seq <= _PIN, _ALIVE)
    .order_by(_c.seq.desc())
    .limit(1)
)


def head(connection: sa.Connection) -> int:
    """The seq of the last row, 0 when there is none."""
    return int(connection.execute(_HEAD).scalar_one())


def last(connection: sa.Connection, type_: str, pin: int) -> int:
    """The seq of the last row of one type, 0 when there is none."""
    return int(connection.execute(_LAST, {"type": type_, "pin": pin}).scalar() or 0)


def one(
    connection: sa.Connection, type_: str, id_: str, version: int | None, pin: int, as_of: datetime
) -> Version | None:
    """The version in force of one resource, or the one numbered ``version`` if it was known."""
    bound: dict[str, Any] = {"type": type_, "id": id_, "pin": pin, "as_of": as_of}
    if version is None:
        row = connection.execute(_LATEST, bound).first()
    else:
        row = connection.execute(_NUMBERED, bound | {"version": version}).first()
    return None if row is None else Version(*row)


def history(connection: sa.Connection, type_: str, id_: str, pin: int) -> list[Version]:
    """Every version of one resource, in order of arrival."""
    bound = {"type": type_, "id": id_, "pin": pin, "as_of": FOREVER}
    return _versions(connection.execute(_HISTORY, bound))


def patient(
    connection: sa.Connection, subject: str, types: Sequence[str] | None, pin: int, as_of: datetime
) -> list[Version]:
    """The versions in force about one patient, in the order in which they were recorded."""
    bound: dict[str, Any] = {"subject": subject, "pin": pin, "as_of": as_of}
    if types is None:
        return _versions(connection.execute(_PATIENT, bound))
    return _versions(connection.execute(_PATIENT_TYPES, bound | {"types": list(types)}))


def patients(
    connection: sa.Connection, subjects: Iterable[str], types: Sequence[str] | None, pin: int
) -> list[Version]:
    """Every version of what was ever about some patients, in order of arrival."""
    statement = _PATIENTS if types is None else _PATIENTS_TYPES
    bound: dict[str, Any] = {"pin": pin} | ({} if types is None else {"types": list(types)})
    found: dict[int, Version] = {}  # a resource that moved between two batches comes with both
    for batch in batched(sorted(set(subjects)), CHUNK):
        versions = _versions(connection.execute(statement, bound | {"subjects": batch}))
        found |= {version.seq: version for version in versions}
    return [found[seq] for seq in sorted(found)]


def ever_about(
    connection: sa.Connection, subjects: Iterable[str], after: tuple[str, str], size: int
) -> list[tuple[str, str]]:
    """The next resources, as (type, id), of which some version is about one of these patients."""
    bound = {"subjects": sorted(subjects), "type": after[0], "id": after[1], "size": size}
    return [(row.type, row.id) for row in connection.execute(_ABOUT_AFTER, bound)]


def histories(
    connection: sa.Connection, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[Version]]:
    """Every version of some resources, given as (type, id), each in order of arrival."""
    ids: dict[str, set[str]] = {}
    for type_, id_ in keys:
        ids.setdefault(type_, set()).add(id_)
    found: dict[tuple[str, str], list[Version]] = {}
    for type_, names in ids.items():
        for batch in batched(sorted(names), CHUNK):
            for version in _versions(connection.execute(_ALL_OF, {"type": type_, "ids": batch})):
                found.setdefault((type_, version.id), []).append(version)
    return found


def page(
    connection: sa.Connection,
    type_: str,
    after: tuple[datetime, int],
    pin: int,
    as_of: datetime,
    size: int = CHUNK,
) -> list[Version]:
    """The next versions in force of one type, after a (recorded_at, seq), in that order."""
    bound = {
        "type": type_,
        "after": after[0],
        "after_seq": after[1],
        "pin": pin,
        "as_of": as_of,
        "size": size,
    }
    return _versions(connection.execute(_PAGE, bound))


def slice_of(connection: sa.Connection, type_: str, after: int, pin: int, size: int) -> list[Version]:
    """The next versions of one type after position ``after``, in order of arrival."""
    return _versions(connection.execute(_SLICE, {"type": type_, "after": after, "pin": pin, "size": size}))


def stored(connection: sa.Connection, type_: str, after: int, pin: int, size: int) -> list[Stored]:
    """As :func:`slice_of`, as the rows are stored: a :class:`Version` of each would take thrice as long."""
    bound = {"type": type_, "after": after, "pin": pin, "size": size}
    return [Stored._make(row) for row in connection.execute(_STORED, bound)]


def newer(connection: sa.Connection, after: int, pin: int, size: int) -> list[Version]:
    """The next versions of any type after position ``after``, in order of arrival."""
    return _versions(connection.execute(_NEWER, {"after": after, "pin": pin, "size": size}))


def count(connection: sa.Connection, pin: int) -> dict[str, dict[str, int]]:
    """How many resources and versions there are of each type."""
    rows = connection.execute(_COUNT, {"pin": pin})
    return {type_: {"resources": resources, "versions": versions} for type_, resources, versions in rows}


def ends(connection: sa.Connection, type_: str, pin: int) -> tuple[datetime, datetime]:
    """When the first and the last version of a type that the log holds were received."""
    first, last_ = connection.execute(_ENDS, {"type": type_, "pin": pin}).one()
    return first, last_


def count_after(connection: sa.Connection, type_: str, after: int, pin: int) -> int:
    """How many versions of one type come after a position."""
    return int(connection.execute(_COUNT_AFTER, {"type": type_, "after": after, "pin": pin}).scalar_one())


def _versions(rows: Iterable[Any]) -> list[Version]:
    return [Version(*row) for row in rows]
