"""Long requests: asked for once, followed by polling, in a table that every process of the hospital sees."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.errors import NotFound
from vesalius.store import Instant, metadata, reading, writing

KEPT = timedelta(hours=24)
"""For how long the result of a job can be fetched."""

SILENT = timedelta(seconds=60)
"""After how long without a sign of life the process that worked on a job counts as gone."""

WAITING, DONE, FAILED, ENDED = "waiting", "done", "failed", "ended"

_job = sa.Table(
    "bulk_job",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("client", sa.String(48), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("status", sa.String(16), nullable=False, index=True),
    sa.Column("asked", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("alive_at", Instant),
)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One long request.

    Attributes:
        id: its number, which cannot be guessed.
        client: whose it is.
        kind: ``export`` or ``import``.
        status: ``waiting``, ``done``, ``failed`` or ``ended``.
        asked: what was asked for.
        state: how far it has come, and what came of it.
        position: of the log, when it was asked.
        at: when it was asked.
    """

    id: str
    client: str
    kind: str
    status: str
    asked: dict[str, Any]
    state: dict[str, Any]
    position: int
    at: datetime

    @property
    def expires_at(self) -> datetime:
        """Until when its result can be fetched."""
        return self.at + KEPT


def begin(
    engine: sa.Engine,
    client: str,
    kind: str,
    asked: dict[str, Any],
    position: int,
    at: datetime,
    id_: str = "",
) -> Job:
    """Writes down a new job."""
    made = Job(
        id=id_ or secrets.token_hex(16), client=client, kind=kind, status=WAITING, asked=asked, state={},
        position=position, at=at,
    )  # fmt: skip
    values = msgspec.structs.asdict(made) | {"asked": _text(asked), "state": _text({})}
    with writing(engine) as connection:
        connection.execute(sa.insert(_job).values(values))
    return made


def find(engine: sa.Engine, id_: str, client: str, now: datetime) -> Job:
    """The job of that number, if it is this client's.

    Raises:
        NotFound: it is not there, not theirs, ended or expired.
    """
    with reading(engine) as connection:
        row = connection.execute(sa.select(_job).where(_job.c.id == id_[:32])).one_or_none()
    if row is None or row.client != client or row.status == ENDED or row.at + KEPT < now:
        raise NotFound("there is no such job, or it has ended")
    return _to_job(row)


def export_at(engine: sa.Engine, moment: datetime) -> int | None:
    """The position of the log at which an export was asked for at this very moment."""
    asked = sa.select(_job.c.position).where(_job.c.kind == "export", _job.c.at == moment)
    with reading(engine) as connection:
        return connection.execute(asked.limit(1)).scalar()


def advance(engine: sa.Engine, job: Job, state: dict[str, Any], status: str, now: datetime) -> Job:
    """Writes how far a job has come; one that its client ended stays so."""
    values = {"state": _text(state), "status": status, "alive_at": now}
    with writing(engine) as connection:
        connection.execute(sa.update(_job).where(_job.c.id == job.id, _job.c.status != ENDED).values(values))
    return msgspec.structs.replace(job, state=state, status=status)


def end(engine: sa.Engine, job: Job) -> None:
    """Ends a job for its client."""
    with writing(engine) as connection:
        connection.execute(sa.update(_job).where(_job.c.id == job.id).values(status=ENDED))


def known(engine: sa.Engine, ids: Collection[str]) -> set[str]:
    """Which of some numbers are those of jobs."""
    with reading(engine) as connection:
        return set(connection.execute(sa.select(_job.c.id).where(_job.c.id.in_(ids))).scalars())


def claim(engine: sa.Engine, kind: str, now: datetime) -> Job | None:
    """The oldest waiting job that nobody works on; from now on, the caller does."""
    free = sa.or_(_job.c.alive_at.is_(None), _job.c.alive_at < now - SILENT)
    mine = sa.and_(_job.c.kind == kind, _job.c.status == WAITING, free)
    with writing(engine) as connection:
        row = connection.execute(sa.select(_job).where(mine).order_by(_job.c.at).limit(1)).one_or_none()
        if row is None:
            return None
        taken = sa.update(_job).where(_job.c.id == row.id, free).values(alive_at=now)
        return _to_job(row) if connection.execute(taken).rowcount == 1 else None


def _text(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()


def _to_job(row: sa.Row[Any]) -> Job:
    values = {name: value for name, value in row._mapping.items() if name != "alive_at"}
    return Job(**values | {name: msgspec.json.decode(values[name]) for name in ("asked", "state")})
