"""What was erased from the log: tombstones in place of bodies, and the marks by which it is known again.

A row of the log is never removed: its place, type and moments stay, so that every position means what it
meant. What it said goes, and whom it was about; the resource gets a name that nobody can lead back to it
without the secret of this database. The marks are digests under the same secret: they tell whether something
was erased, and cannot be read the other way round.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.errors import Conflict
from vesalius.lake import _identifiers as identifiers
from vesalius.lake._log import ERASED, batched, resource_version
from vesalius.lake._version import Version
from vesalius.store import Instant, metadata

SOURCE = "erased"
"""What stands in a tombstone for the feed."""

erasure = sa.Table(
    "erasure",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("asked_by", sa.String(32), nullable=False),
    sa.Column("ground", sa.String(32), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("type", sa.String(64), nullable=False),
    sa.Column("counts", sa.JSON, nullable=False),
    # the resource types whose columns still hold what was erased
    sa.Column("columns", sa.JSON, nullable=False),
    # when the file of the database was cleaned of the old bytes; none before
    sa.Column("cleaned_at", Instant),
    # how often its marks changed: what is remembered of them is compared with
    sa.Column("revision", sa.Integer, nullable=False),
)

erased_key = sa.Table(
    "erased_key",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("erasure", sa.ForeignKey("erasure.id"), nullable=False, index=True),
    # the digest of the patient it was about, or empty
    sa.Column("about", sa.String(64), nullable=False, index=True),
    sa.Column("allowed_at", Instant),
    sa.Column("allowed_by", sa.String(64)),
    sa.Column("allowed_reason", sa.Text),
)

erasure_secret = sa.Table(
    "erasure_secret",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("value", sa.String(64), nullable=False),
)


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """One erasure: what the log says where something was.

    Attributes:
        id: its number.
        at: when.
        by: the account of the person who carried it out.
        asked_by: who asked, as a code: the patient, a representative, an authority, the hospital.
        ground: the legal ground, as a code.
        reason: why, in the words of that person.
        type: ``Patient`` for a patient, else the type of the one resource.
        counts: how many versions of each resource type, messages, held items and suggestions were emptied.
        columns: the resource types whose columns still hold what was erased.
        cleaned_at: when the old bytes left the file of the database; None before.
        revision: how often it, or what is allowed again of it, changed.
    """

    id: int
    at: datetime
    by: str
    asked_by: str
    ground: str
    reason: str
    type: str
    counts: dict[str, int]
    columns: list[str]
    cleaned_at: datetime | None
    revision: int

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return not self.columns and self.cleaned_at is not None


class Digests:
    """The digests of names and contents under the secret of one database."""

    def __init__(self, secret: str) -> None:
        self._secret = bytes.fromhex(secret)

    def of(self, text: str) -> str:
        """The digest of a text, such as ``Patient/ID``."""
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()

    def alias(self, number: int, name: str) -> str:
        """The id that a resource ``Type/ID`` has once erasure ``number`` took it; no sender can use one."""
        return f"{ERASED}{number}-{self.of(name)[:32]}"


class Marks:
    """What was erased and may not come back without a person's word; empty in most hospitals."""

    def __init__(self, digests: Digests | None, known: frozenset[str]) -> None:
        self._digests, self._known = digests, known

    def __bool__(self) -> bool:
        return bool(self._known)

    def hold(self, *names: str | None) -> bool:
        """Whether one of these, as ``Type/ID``, was erased."""
        digests = self._digests
        if not self._known or digests is None:
            return False
        return any(digests.of(name) in self._known for name in names if name)


NOTHING = Marks(None, frozenset())

Stamp = tuple[int | None, datetime | None]
"""What differs whenever the marks do."""

_STAMP = sa.select(sa.func.sum(erasure.c.revision), sa.func.max(erasure.c.at, type_=Instant))


def stamp(connection: sa.Connection) -> Stamp:
    """How far the marks have come; a table of a few rows is read for it, mostly of none."""
    revisions, last = connection.execute(_STAMP).one()
    return revisions, last


def marks(connection: sa.Connection) -> Marks:
    """What is marked now."""
    secret = connection.execute(sa.select(erasure_secret.c.value)).scalar()
    if secret is None:
        return NOTHING
    known = connection.execute(sa.select(erased_key.c.digest).where(erased_key.c.allowed_at.is_(None)))
    return Marks(Digests(secret), frozenset(known.scalars()))


def digests(connection: sa.Connection) -> Digests:
    """The digests of this database; its secret is made when it is first needed, within a writing one."""
    secret = connection.execute(sa.select(erasure_secret.c.value)).scalar()
    if secret is None:
        secret = secrets.token_hex(32)
        connection.execute(sa.insert(erasure_secret).values(id=1, value=secret))
    return Digests(str(secret))


def about(connection: sa.Connection, *names: str) -> Erasure | None:
    """The last erasure that took one of these (``Type/ID``), or something about one of them; else None."""
    secret = connection.execute(sa.select(erasure_secret.c.value)).scalar()
    if secret is None:
        return None
    wanted = [Digests(secret).of(name) for name in names]
    taken = sa.select(erased_key.c.erasure).where(
        sa.or_(erased_key.c.digest.in_(wanted), erased_key.c.about.in_(wanted))
    )
    asked = sa.select(erasure).where(erasure.c.id.in_(taken)).order_by(erasure.c.id.desc()).limit(1)
    row = connection.execute(asked).first()
    return None if row is None else of_row(row)


def took(connection: sa.Connection, name: str) -> Erasure | None:
    """The erasure that took this very resource, ``Type/ID``, and that still keeps it away; else None."""
    secret = connection.execute(sa.select(erasure_secret.c.value)).scalar()
    if secret is None:
        return None
    key = sa.and_(erased_key.c.digest == Digests(secret).of(name), erased_key.c.allowed_at.is_(None))
    row = connection.execute(sa.select(erasure).join(erased_key).where(key)).first()
    return None if row is None else of_row(row)


def number(connection: sa.Connection, id_: int) -> Erasure | None:
    """The erasure with a number."""
    row = connection.execute(sa.select(erasure).where(erasure.c.id == id_)).first()
    return None if row is None else of_row(row)


def of_row(row: sa.Row[Any]) -> Erasure:
    """The erasure that a row of its table holds."""
    return Erasure(**row._mapping)


def tombstone(type_: str) -> bytes:
    """What stands in the log where a resource was."""
    return msgspec.json.encode({"resourceType": type_, "meta": {"tag": [{"code": "erased"}]}})


_BURY = (
    sa.update(resource_version)
    .where(resource_version.c.seq == sa.bindparam("at_seq"))
    .values(
        {
            "id": sa.bindparam("to_id"),
            "subject": None,
            "source": SOURCE,
            "digest": sa.bindparam("to_digest"),
            "body": sa.bindparam("to_body"),
            "erased": sa.bindparam("number"),
        }
    )
)


def bury(
    connection: sa.Connection,
    number: int,
    taken: Iterable[Version],
    whole: set[tuple[str, str]],
    kept: Digests,
) -> None:
    """Empties versions of the log, within a writing transaction.

    Args:
        connection: the transaction.
        number: of the erasure.
        taken: the versions.
        whole: the resources, as (type, id), of which no version stays: they lose their name too.
        kept: the digests of this database.
    """
    for batch in batched(taken, 500):
        connection.execute(_BURY, [_row(each, number, whole, kept) for each in batch])
        identifiers.forget(connection, [each.seq for each in batch])


def _row(version: Version, number: int, whole: set[tuple[str, str]], kept: Digests) -> dict[str, Any]:
    name = f"{version.type}/{version.id}"
    gone = (version.type, version.id) in whole
    return {
        "at_seq": version.seq,
        "to_id": kept.alias(number, name) if gone else version.id,
        "to_digest": kept.of(hashlib.sha256(version.body).hexdigest()),
        "to_body": tombstone(version.type),
        "number": number,
    }


def mark(connection: sa.Connection, number: int, names: Sequence[tuple[str, str]], kept: Digests) -> None:
    """Marks resources as erased, given as (``Type/ID``, the patient they were about, or empty)."""
    rows = {
        kept.of(name): {
            "digest": kept.of(name),
            "erasure": number,
            "about": kept.of(about) if about else "",
            "allowed_at": None,
            "allowed_by": None,
            "allowed_reason": None,
        }
        for name, about in names
    }
    for batch in batched(rows, 500):
        connection.execute(sa.delete(erased_key).where(erased_key.c.digest.in_(batch)))
        connection.execute(sa.insert(erased_key), [rows[digest] for digest in batch])


def begin(
    connection: sa.Connection,
    *,
    at: datetime,
    by: str,
    asked_by: str,
    ground: str,
    reason: str,
    type_: str,
    counts: dict[str, int],
    columns: list[str],
) -> Erasure:
    """Writes an erasure, within the transaction that carries it out, and that has the log's turn."""
    values: dict[str, Any] = {"at": at, "by": by[:64], "asked_by": asked_by, "ground": ground}
    values |= {"reason": reason, "type": type_, "counts": counts, "columns": columns, "revision": 1}
    last = connection.execute(sa.select(sa.func.max(erasure.c.id))).scalar() or 0
    made = Erasure(id=last + 1, cleaned_at=None, **values)
    connection.execute(sa.insert(erasure).values(msgspec.structs.asdict(made)))
    return made


def every(connection: sa.Connection) -> list[Erasure]:
    """Every erasure, the latest first."""
    return [of_row(row) for row in connection.execute(sa.select(erasure).order_by(erasure.c.id.desc()))]


def unfinished(connection: sa.Connection) -> list[Erasure]:
    """Those whose columns were not dropped yet."""
    asked = sa.select(erasure).where(erasure.c.cleaned_at.is_(None))
    return [each for each in map(of_row, connection.execute(asked)) if each.columns]


def dropped(connection: sa.Connection, number_: int) -> None:
    """Notes that the columns of an erasure are gone."""
    connection.execute(sa.update(erasure).where(erasure.c.id == number_).values(columns=[]))


def cleaned(connection: sa.Connection, numbers: Iterable[int], at: datetime) -> None:
    """Notes that the files of the database hold the old bytes of some erasures no longer."""
    done = sa.and_(erasure.c.id.in_(list(numbers)), erasure.c.cleaned_at.is_(None))
    connection.execute(sa.update(erasure).where(done).values(cleaned_at=at))


def allow(connection: sa.Connection, name: str, by: str, reason: str, at: datetime) -> tuple[list[int], int]:
    """Takes the marks off ``Type/ID`` and what was about it: of which erasures, and how many."""
    own = digests(connection).of(name)
    meant = sa.and_(
        sa.or_(erased_key.c.digest == own, erased_key.c.about == own), erased_key.c.allowed_at.is_(None)
    )
    numbers = sorted(connection.execute(sa.select(erased_key.c.erasure).where(meant).distinct()).scalars())
    values = {"allowed_at": at, "allowed_by": by[:64], "allowed_reason": reason}
    count = connection.execute(sa.update(erased_key).where(meant).values(values)).rowcount
    connection.execute(
        sa.update(erasure).where(erasure.c.id.in_(numbers)).values(revision=erasure.c.revision + 1)
    )
    return numbers, int(count)


def tables() -> list[str]:
    """The tables of the log that hold contents and identifiers, whose files are to be cleaned."""
    return [resource_version.name, "resource_identifier"]


# A copy outside the database -------------------------------------------------------------------------------


class _Copy(msgspec.Struct, frozen=True):
    """What is kept elsewhere: the secret, the erasures and their marks that hold."""

    secret: str
    erasures: list[dict[str, Any]]
    keys: list[dict[str, Any]]


_MOMENTS = ("at", "cleaned_at")


def saved(connection: sa.Connection) -> bytes:
    """A copy of what was erased; empty where nothing was."""
    secret = connection.execute(sa.select(erasure_secret.c.value)).scalar()
    if secret is None:
        return b""
    held = [msgspec.to_builtins(each) for each in every(connection)[::-1]]
    asked = sa.select(erased_key.c.digest, erased_key.c.erasure, erased_key.c.about)
    keys = connection.execute(asked.where(erased_key.c.allowed_at.is_(None)).order_by(erased_key.c.digest))
    return msgspec.json.encode(_Copy(secret, held, [dict(row._mapping) for row in keys]))


def carry(connection: sa.Connection, copy: bytes) -> None:
    """Adds what a copy holds and this database does not.

    Raises:
        msgspec.MsgspecError: it is no copy.
        Conflict: this database has another secret.
    """
    held = msgspec.json.decode(copy, type=_Copy)
    own = connection.execute(sa.select(erasure_secret.c.value)).scalar()
    if own is None:
        connection.execute(sa.insert(erasure_secret).values(id=1, value=held.secret))
    elif own != held.secret:
        raise Conflict("this database has erasures of its own, under another secret")
    there = {each.id for each in every(connection)}
    for row in held.erasures:
        if row["id"] not in there:
            moments = {name: row[name] and datetime.fromisoformat(row[name]) for name in _MOMENTS}
            connection.execute(sa.insert(erasure).values(row | moments | {"columns": []}))
    known = set(connection.execute(sa.select(erased_key.c.digest)).scalars())
    new = [row for row in held.keys if row["digest"] not in known]
    for batch in batched(new, 500):
        connection.execute(sa.insert(erased_key), batch)


def back(connection: sa.Connection, *, patients: bool) -> Iterator[tuple[str, int]]:
    """What is marked and in the log all the same, with its erasure: patients, or other resources."""
    secret = connection.execute(sa.select(erasure_secret.c.value)).scalar()
    if secret is None:
        return
    kept = Digests(secret)
    marked = sa.select(erased_key.c.digest, erased_key.c.erasure).where(erased_key.c.allowed_at.is_(None))
    known = {row.digest: int(row.erasure) for row in connection.execute(marked)}
    for name in _names(connection, patients=patients):
        if (digest := kept.of(name)) in known:
            yield name, known[digest]


def _names(connection: sa.Connection, *, patients: bool) -> Iterator[str]:
    c = resource_version.c
    if patients:
        asked = sa.select(c.subject).distinct().where(c.subject.is_not(None))
        yield from connection.execute(asked).scalars()
        return
    of_others = sa.select(c.type, c.id).distinct().where(c.erased.is_(None), c.type != "Patient")
    for row in connection.execute(of_others):
        yield f"{row.type}/{row.id}"
