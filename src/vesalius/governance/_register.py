"""The tables of the register of uses."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from vesalius.store import Instant, add, metadata, put
from vesalius.usecase import encode

_use = sa.Table(
    "use_state",
    metadata,
    sa.Column("usecase", sa.String(64), primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("since", Instant, nullable=False),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("settings", sa.String(64), nullable=False),
)

_settings = sa.Table(
    "use_settings",
    metadata,
    sa.Column("usecase", sa.String(64), primary_key=True),
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

_change = sa.Table(
    "use_change",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("usecase", sa.String(64), nullable=False, index=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("role", sa.String(32), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("before", sa.String(64), nullable=False),
    sa.Column("after", sa.String(64), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("on", sa.String(128), nullable=False),
)


@dataclass(frozen=True)
class Change:
    """One thing that happened to a use.

    Attributes:
        usecase: which use.
        at, by, role: when, who, and in which role.
        kind: signed, refused, moved, model, settings or rules.
        before: the state, model, settings or rules before; the slot's name of a signature or refusal.
        after: the state, model, settings or rules after; the target of a signature or refusal.
        reason: why, in the person's words.
        on: the hash of what was signed on, if anything.
    """

    usecase: str
    at: datetime
    by: str
    role: str
    kind: Literal["signed", "refused", "moved", "model", "settings", "rules"]
    before: str
    after: str
    reason: str
    on: str = ""

    @property
    def content(self) -> str:
        """The SHA-256 of all of it, which its event of the audit keeps."""
        return hashlib.sha256(encode([str(getattr(self, name)) for name in _FIELDS])).hexdigest()


_FIELDS = tuple(field.name for field in fields(Change))


def read_use(connection: sa.Connection, name: str) -> Any:
    """The row of a use, or None. On PostgreSQL a writer locks it, so that two signatures queue up."""
    asked = sa.select(_use).where(_use.c.usecase == name)
    if connection.get_execution_options().get("vesalius_write"):
        asked = asked.with_for_update()
    return connection.execute(asked).one_or_none()


def write_use(
    connection: sa.Connection, name: str, state: str, since: datetime, model: str, settings: str
) -> None:
    """Writes where a use stands."""
    values = {"state": str(state), "since": since, "model": model, "settings": settings}
    put(connection, _use, {"usecase": name}, values)


def keep_settings(
    connection: sa.Connection, name: str, settings: Mapping[str, float], by: str, reason: str, at: datetime
) -> str:
    """Keeps settings by their hash, the first time they are seen; returns the hash."""
    body = encode(dict(settings))
    digest = hashlib.sha256(body).hexdigest()
    row = {"usecase": name, "hash": digest, "body": body.decode(), "by": by, "reason": reason, "at": at}
    add(connection, _settings, row)
    return digest


def read_settings(connection: sa.Connection, name: str, digest: str) -> dict[str, float] | None:
    """The settings with this hash, or None."""
    asked = sa.select(_settings.c.body).where(_settings.c.usecase == name, _settings.c.hash == digest)
    body = connection.execute(asked).scalar_one_or_none()
    return None if body is None else msgspec.json.decode(body, type=dict[str, float])


def add_change(connection: sa.Connection, change: Change) -> None:
    """Keeps what happened."""
    values = {name: getattr(change, name) for name in _FIELDS}
    values |= {"before": str(change.before), "after": str(change.after)}
    connection.execute(sa.insert(_change).values(values))


def changes(connection: sa.Connection, name: str) -> list[Change]:
    """All that happened to a use, latest first."""
    asked = sa.select(_change).where(_change.c.usecase == name).order_by(_change.c.seq.desc())
    return [Change(*(getattr(row, field) for field in _FIELDS)) for row in connection.execute(asked)]
