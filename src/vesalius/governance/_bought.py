"""Bought systems: seen only through their results, registered with what is known of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa

from vesalius.errors import Conflict, InvalidSetting
from vesalius.governance import audit, roles
from vesalius.governance._chain import told
from vesalius.governance.people import Person
from vesalius.governance.roles import Right
from vesalius.store import Instant, metadata, reading, writing
from vesalius.usecase import encode, names

CLASSES = ("none", "I", "IIa", "IIb", "III")
"""The classes of a CE mark as a medical device (MDR, Annex VIII)."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{1,62}")

_entries = sa.Table(
    "system_entry",
    metadata,
    sa.Column("system", sa.String(64), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("at", Instant, nullable=False),
)


heard: list[Callable[[sa.Engine], object]] = []
"""Told of a database whose register changed, once it has: the use cases of bought systems are made anew."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bought system, as it was registered.

    Attributes:
        name: its code here: small letters, digits, ``-`` and ``_``.
        title: what people call it.
        maker: who makes it.
        purpose: what it is for, in the maker's words or near them.
        ce_class: the class of its CE mark, one of :data:`CLASSES`.
        version: which version is in use.
        device: by what its results are recognised: a ``Device`` reference, or the system of its identifiers.
        instructions: where its instructions for use are, an ``https`` address.
        owner: the account of the one who answers for it.
    """

    name: str
    title: str
    maker: str
    purpose: str
    ce_class: str
    version: str
    device: str
    instructions: str = ""
    owner: str = ""

    @property
    def hash(self) -> str:
        """The SHA-256 of all of it."""
        return hashlib.sha256(encode(self)).hexdigest()


def entry(where: sa.Engine | sa.Connection, name: str) -> Entry | None:
    """The bought system ``name`` as it was last registered; None where there is none, or it was altered."""
    if isinstance(where, sa.Engine):
        with reading(where) as connection:
            return entry(connection, name)
    events = told(where, (audit.Action.SYSTEM_ADDED, audit.Action.SYSTEM_CHANGED), name)
    if not events:
        return None
    detail = events[-1].detail
    asked = sa.select(_entries.c.body).where(
        _entries.c.system == name, _entries.c.version == detail.get("version", 0)
    )
    body = where.execute(asked).scalar_one_or_none()
    if body is None:
        return None
    found = msgspec.json.decode(body, type=Entry)
    return found if found.hash == detail.get("content") else None


def entries(where: sa.Engine | sa.Connection) -> list[Entry]:
    """Every bought system, by name."""
    if isinstance(where, sa.Engine):
        with reading(where) as connection:
            return entries(connection)
    known = where.execute(sa.select(_entries.c.system).distinct().order_by(_entries.c.system)).scalars()
    return [found for name in list(known) if (found := entry(where, name))]


def keep(engine: sa.Engine, wanted: Entry, person: Person, *, at: datetime | None = None) -> Entry:
    """Registers a bought system, or another version of one that is registered.

    A changed version, device or any other line re-opens the gates that are about it.

    Raises:
        NotAllowed: the person does not keep the register.
        InvalidSetting: a field is missing or wrong; the message names it.
        Conflict: it says that already, or a use case of that name is installed.
    """
    from vesalius.governance import uses

    roles.require(person.roles, Right.KEEP_REGISTER)
    made = msgspec.structs.replace(
        wanted, **{name: value.strip() for name, value in msgspec.structs.asdict(wanted).items()}
    )
    _check(made)
    at = at or datetime.now(UTC)
    with writing(engine) as connection:
        before = entry(connection, made.name)
        if before is None and made.name in names():
            raise Conflict(f"{made.name} is a use case of this hospital", hint="give it another name")
        if before == made:
            raise Conflict(f"{made.name} is registered like that already")
        newest = sa.select(sa.func.max(_entries.c.version)).where(_entries.c.system == made.name)
        version = (connection.execute(newest).scalar_one() or 0) + 1
        row = {"system": made.name, "version": version, "body": encode(made).decode()}
        connection.execute(sa.insert(_entries).values(**row, by=person.id, at=at))
        action = audit.Action.SYSTEM_CHANGED if before else audit.Action.SYSTEM_ADDED
        detail = {"version": version, "content": made.hash}
        audit.record(connection, person.id, action, made.name, detail, at)
        uses.enforce(connection, made.name, at, by=person.id)
    for tell in heard:
        tell(engine)
    return made


def _check(made: Entry) -> None:
    if not _NAME.fullmatch(made.name):
        raise InvalidSetting("name: 2 to 63 small letters, digits, - or _, beginning with a letter")
    for field in ("title", "maker", "purpose", "version", "device"):
        if not 1 <= len(getattr(made, field)) <= 500:
            raise InvalidSetting(f"{field}: 1 to 500 characters")
    if made.ce_class not in CLASSES:
        raise InvalidSetting(f"ce_class: one of {', '.join(CLASSES)}")
    if made.instructions and not re.fullmatch(r"https?://\S{1,500}", made.instructions):
        raise InvalidSetting("instructions: the address of a page, https://…")
