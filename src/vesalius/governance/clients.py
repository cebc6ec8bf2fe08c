"""Clients: machines that may speak to the hospital, and what each may do.

A client signs in with a token that is shown once, when it is added; only its hash is kept. The token is 256
random bits: it cannot be guessed, so one hash without salt is enough, and comparing it takes no time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from vesalius.errors import Conflict, InvalidSetting, NotAllowed, NotFound, TooMany
from vesalius.governance import audit
from vesalius.governance.audit import Action
from vesalius.store import Instant, insert, metadata, reading, writing

ATTEMPTS = 20
"""How many wrong tokens from one address are answered before it must wait."""

WINDOW = timedelta(minutes=15)
"""For how long they are counted, and it must wait."""

_PREFIX = "vesalius"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,47}", re.ASCII)

_client = sa.Table(
    "client",
    metadata,
    sa.Column("id", sa.String(48), primary_key=True),
    sa.Column("source", sa.String(255), nullable=False),
    sa.Column("may", sa.JSON, nullable=False),
    sa.Column("key", sa.String(32), nullable=False, unique=True),
    sa.Column("secret", sa.String(64), nullable=False),
    sa.Column("added_at", Instant, nullable=False),
    sa.Column("revoked_at", Instant),
)

_refused = sa.Table(
    "client_refusal",
    metadata,
    sa.Column("address", sa.String(64), primary_key=True),
    sa.Column("since", Instant, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
)


class May(StrEnum):
    """What a client may be allowed to do."""

    READ = "read"
    """Read and search single patients and resources."""
    WRITE = "write"
    """Hand in data, under the name of its feed."""
    EXPORT = "export"
    """Take everything, or everything about all patients."""
    VIEW = "view"
    """Run views over all patients."""
    CARE = "care"
    """What it takes serves the care of the patients themselves: who refuses other uses is not left out."""
    AUDIT = "audit"
    """Read the audit: who read and wrote what, of all patients."""


@dataclass(frozen=True)
class Client:
    """One machine.

    Attributes:
        id: its name.
        source: the feed under whose name it writes.
        may: what it may do.
        added_at: since when.
        revoked_at: when its token was revoked, or None.
    """

    id: str
    source: str
    may: tuple[str, ...]
    added_at: datetime
    revoked_at: datetime | None = None

    @property
    def actor(self) -> str:
        """What the audit calls it."""
        return f"client:{self.id}"

    @property
    def cares(self) -> bool:
        """Whether what it takes serves the care of the patients themselves."""
        return May.CARE in self.may

    def require(self, right: str) -> None:
        """Passes if it may.

        Raises:
            NotAllowed: it may not.
        """
        if right not in self.may:
            raise NotAllowed(f"this client may not {right}")


def add(
    engine: sa.Engine,
    name: str,
    *,
    source: str,
    may: Iterable[str],
    by: str = audit.SYSTEM,
    at: datetime | None = None,
) -> str:
    """Adds a client and gives its token, which nobody can read again.

    Args:
        engine: the hospital's database.
        name: of the client: small letters, digits, ``.``, ``_`` and ``-``.
        source: the feed under whose name it writes.
        may: what it may do, as :class:`May` names it.
        by: the account that adds it.
        at: when.

    Raises:
        InvalidSetting: a name, a feed or a right that cannot be.
        Conflict: there is already a client of that name, revoked or not: names are not used twice.
    """
    rights = tuple(dict.fromkeys(may))
    _check(name, source, rights)
    at = at or datetime.now(UTC)
    key, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    values = {
        "id": name, "source": source, "may": list(rights), "added_at": at,
        "key": key, "secret": _hash(secret),
    }  # fmt: skip
    try:
        with writing(engine) as connection:
            connection.execute(sa.insert(_client).values(values))
            detail = {"source": source, "may": list(rights)}
            audit.record(connection, by, Action.CLIENT_ADDED, f"client:{name}", detail, at)
    except sa.exc.IntegrityError as error:
        raise Conflict(f"there is already a client {name!r}", hint="revoked names stay taken") from error
    return f"{_PREFIX}_{key}_{secret}"


def everyone(engine: sa.Engine) -> list[Client]:
    """Every client, the revoked ones too, by name."""
    with reading(engine) as connection:
        return [_to_client(row) for row in connection.execute(sa.select(_client).order_by(_client.c.id))]


def revoke(engine: sa.Engine, name: str, *, by: str = audit.SYSTEM, at: datetime | None = None) -> None:
    """Revokes a client's token; from the next request on it opens nothing.

    Raises:
        NotFound: there is no such client, or it was revoked before.
    """
    at = at or datetime.now(UTC)
    mine = sa.and_(_client.c.id == name, _client.c.revoked_at.is_(None))
    with writing(engine) as connection:
        if connection.execute(sa.update(_client).where(mine).values(revoked_at=at)).rowcount != 1:
            raise NotFound("there is no such client, or it was revoked")
        audit.record(connection, by, Action.CLIENT_REVOKED, f"client:{name}", {}, at)


def sign_in(engine: sa.Engine, token: str, address: str, at: datetime | None = None) -> Client:
    """The client whose token it is.

    A right token is always let in. Wrong ones are counted by address, in the database, so that all processes
    count together; past :data:`ATTEMPTS` they are no longer looked at for a while.

    Args:
        engine: the hospital's database.
        token: as the client sent it.
        address: of the network, where it came from.
        at: when.

    Raises:
        NotAllowed: unknown, wrong or revoked; the message does not say which.
        TooMany: too many wrong tokens came from that address.
    """
    _, _, rest = token.partition("_")
    key, _, secret = rest.partition("_")
    row = _row(engine, key) if token.startswith(f"{_PREFIX}_") and len(key) == 16 else None
    # Hashed and compared even when there is no such key: both take the same time.
    right = hmac.compare_digest(_hash(secret), row.secret if row is not None else _hash(""))
    if row is not None and right and row.revoked_at is None:
        return _to_client(row)
    _refuse(engine, row, address[:64], at or datetime.now(UTC))
    raise NotAllowed("the token is unknown, wrong or revoked")


def _refuse(engine: sa.Engine, row: Any, address: str, at: datetime) -> None:
    """Counts a wrong token; past the limit it writes nothing more, so that a flood does not fill the disk."""
    counted = sa.select(_refused.c.count).where(_refused.c.address == address, _refused.c.since > at - WINDOW)
    with reading(engine) as connection:
        if (connection.execute(counted).scalar() or 0) >= ATTEMPTS:
            raise TooMany("too many wrong tokens came from this address", seconds=WINDOW.total_seconds())
    actor = f"client:{row.id}" if row is not None else "unknown"
    with writing(engine) as connection:
        connection.execute(sa.delete(_refused).where(_refused.c.since <= at - WINDOW))
        _count_one(connection, address, at)
        audit.record(connection, actor, Action.CLIENT_REFUSED, actor, {"address": address}, at)


def _count_one(connection: sa.Connection, address: str, at: datetime) -> None:
    first = insert(connection, _refused).values(address=address, since=at, count=1)
    again = {"count": _refused.c.count + 1}
    connection.execute(first.on_conflict_do_update(index_elements=["address"], set_=again))


def _check(name: str, source: str, rights: tuple[str, ...]) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidSetting(
            "a client's name has 1 to 48 of a-z, 0-9, '.', '_' and '-', a letter or digit first"
        )
    if not source or len(source) > 255 or not source.isprintable() or source != source.strip():
        raise InvalidSetting("a feed's name has 1 to 255 visible characters")
    if not rights or set(rights) - set(May):
        raise InvalidSetting("a client may do at least one thing", hint=", ".join(May))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _row(engine: sa.Engine, key: str) -> Any:
    with reading(engine) as connection:
        return connection.execute(_BY_KEY, {"key": key}).one_or_none()


_BY_KEY = sa.select(_client).where(_client.c.key == sa.bindparam("key"))


def _to_client(row: Any) -> Client:
    return Client(row.id, row.source, tuple(row.may), row.added_at, row.revoked_at)
