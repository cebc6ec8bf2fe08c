"""Finding what is in force by its id, its patient, or when it was received; and holding the log still."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vesalius import fhir
from vesalius.lake._log import resource_version
from vesalius.lake._version import Version

_c = resource_version.c
_FIELDS = (_c.type, _c.id, _c.version, _c.seq, _c.recorded_at, _c.received_at, _c.source, _c.subject, _c.body)
_CHUNK = 500
_PAGE = 2_000


@dataclass
class Known:
    """What the log holds of one resource.

    Attributes:
        versions: how many versions there are.
        version: the number of the one in force.
        recorded_at: when the content in force was known.
        received_at: when it was received.
        digest: of its content.
        seen: moment and digest of every version.
    """

    versions: int
    version: int
    recorded_at: datetime
    received_at: datetime
    digest: str
    seen: set[tuple[datetime, str]] = field(default_factory=set)


@dataclass(frozen=True)
class Wanted:
    """What is looked for; what is left empty does not count.

    Attributes:
        type: the resource type.
        ids: one of these ids.
        subjects: about one of these patients (``Patient/ID``).
        about_patients: about any patient at all.
        since, until: received after the one, before the other.
        after: later in the log than this position.
        without: not about any of these patients (:meth:`Version.concerns`).
    """

    type: str
    ids: tuple[str, ...] | None = None
    subjects: tuple[str, ...] | None = None
    about_patients: bool = False
    since: datetime | None = None
    until: datetime | None = None
    after: int = 0
    without: frozenset[str] = frozenset()


def known(connection: sa.Connection, names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Known]:
    """What the log holds of some resources, by type and id; those it does not hold are left out."""
    ids: dict[str, set[str]] = defaultdict(set)
    for type_, id_ in names:
        ids[type_].add(id_)
    found: dict[tuple[str, str], Known] = {}
    for type_, wanted in ids.items():
        ordered = sorted(wanted)
        for start in range(0, len(ordered), _CHUNK):
            rows = connection.execute(_KNOWN, {"type": type_, "ids": ordered[start : start + _CHUNK]})
            for row in rows:
                _add(found, (type_, row.id), row)
    return found


_KNOWN = (
    sa.select(_c.id, _c.version, _c.recorded_at, _c.received_at, _c.digest)
    .where(
        _c.type == sa.bindparam("type"),
        _c.id.in_(sa.bindparam("ids", expanding=True)),
        _c.erased.is_(None),
    )
    .order_by(_c.seq + 0)
)


def _add(found: dict[tuple[str, str], Known], name: tuple[str, str], row: Any) -> None:
    before = found.get(name)
    seen = before.seen if before else set()
    seen.add((row.recorded_at, row.digest))
    if before is None or row.recorded_at >= before.recorded_at:  # in order of arrival: the later of equals
        found[name] = Known(row.version, row.version, row.recorded_at, row.received_at, row.digest, seen)
    else:
        before.versions = row.version


def search(connection: sa.Connection, wanted: Wanted, pin: int, size: int) -> list[Version]:
    """The next resources in force that are wanted, in order of arrival, at most ``size`` of them."""
    found: list[Version] = []
    for page in _pages(connection, wanted, pin, size):
        found += (each for each in page if not each.concerns(wanted.without))
        if len(found) >= size:
            break
    return found[:size]


def _pages(
    connection: sa.Connection, wanted: Wanted, pin: int, size: int, *, more: bool = False
) -> Iterator[list[Version]]:
    """What is wanted, those who are to be left out too: page by page, but the first only, if nobody is."""
    while size > 0:
        asked = sa.select(*_FIELDS).where(*_conditions(wanted, pin)).order_by(_order(wanted)).limit(size)
        page = [Version(*row) for row in connection.execute(asked)]
        yield page
        if len(page) < size or not (more or wanted.without):
            return
        wanted = replace(wanted, after=page[-1].seq)


def count(connection: sa.Connection, wanted: Wanted, pin: int) -> int:
    """How many resources in force are wanted."""
    if wanted.without and fhir.shared(wanted.type):
        pages = _pages(connection, wanted, pin, _PAGE)
        return sum(not each.concerns(wanted.without) for page in pages for each in page)
    patients = sorted(wanted.without)
    chunks = (patients[start : start + _CHUNK] for start in range(0, len(patients), _CHUNK))
    return _count(connection, wanted, pin) - sum(
        _count(connection, _about(wanted, chunk), pin) for chunk in chunks
    )


def _about(wanted: Wanted, patients: Sequence[str]) -> Wanted:
    """What is wanted of some patients only."""
    both = patients if wanted.subjects is None else set(wanted.subjects).intersection(patients)
    return replace(wanted, subjects=tuple(both))


def _count(connection: sa.Connection, wanted: Wanted, pin: int) -> int:
    asked = sa.select(sa.func.count()).select_from(resource_version).where(*_conditions(wanted, pin))
    return int(connection.execute(asked).scalar_one())


def concerned(connection: sa.Connection, patients: frozenset[str], type_: str, pin: int) -> frozenset[str]:
    """Of some patients, those whom a version of a type concerns."""
    found, ordered = set[str](), sorted(patients)
    if fhir.shared(type_) and patients:
        for page in _pages(connection, Wanted(type_), pin, _PAGE, more=True):
            found.update(*(fhir.named(each.body) for each in page))
        return patients & found
    for start in range(0, len(ordered), _CHUNK):
        some = {"type": type_, "pin": pin, "patients": ordered[start : start + _CHUNK]}
        found.update(connection.execute(_CONCERNED, some).scalars())
    return frozenset(found)


# Of an index by type and one by patient, SQLite would take the first.
_CONCERNED = (
    sa.select(_c.subject)
    .distinct()
    .where(
        _c.subject.in_(sa.bindparam("patients", expanding=True)),
        (_c.type + "") == sa.bindparam("type"),
        (_c.seq + 0) <= sa.bindparam("pin", type_=sa.BigInteger),
        _c.erased.is_(None),
    )
)


def _order(wanted: Wanted) -> sa.ColumnElement[Any]:
    # Few are looked up, by their ids or their patient, and then sorted; many of one type are walked along the
    # index of type and seq. "+ 0" keeps the planner from walking where it should look up.
    few = wanted.ids is not None or wanted.subjects is not None
    return _c.seq + 0 if few else _c.seq


def _conditions(wanted: Wanted, pin: int) -> list[sa.ColumnElement[bool]]:
    seq = _order(wanted)
    alive = _c.erased.is_(None)
    found = [_c.type == wanted.type, seq > wanted.after, seq <= pin, alive, ~_superseded(pin)]
    if wanted.ids is not None:
        found.append(_c.id.in_(wanted.ids))
    if wanted.subjects is not None:
        found.append(_c.subject.in_(wanted.subjects))
    if wanted.about_patients:
        found.append(_c.subject.is_not(None))
    if wanted.since is not None:
        found.append(_c.received_at > wanted.since)
    if wanted.until is not None:
        found.append(_c.received_at < wanted.until)
    return found


def _superseded(pin: int) -> sa.ColumnElement[bool]:
    later = resource_version.alias("later")
    after = sa.or_(
        later.c.recorded_at > _c.recorded_at,
        sa.and_(later.c.recorded_at == _c.recorded_at, later.c.seq > _c.seq),
    )
    same = sa.and_(later.c.type == _c.type, later.c.id == _c.id, (later.c.seq + 0) <= pin)
    return sa.exists().where(same, later.c.erased.is_(None), after)
