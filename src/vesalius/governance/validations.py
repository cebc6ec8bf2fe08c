"""Validation runs as evidence: kept in the database with an event, and looked up by the gates themselves.

Nobody hands a gate its evidence. A run counts when an event of the audit says that it was kept, its figures
are what they were then, and it speaks for the very tool that is in force: this version, this model, these
views and these settings. Of a run that was written into the table, or into a folder, no event speaks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from vesalius.errors import VesaliusError
from vesalius.governance import audit, gates
from vesalius.governance._chain import told
from vesalius.governance.audit import Action, Event
from vesalius.store import Instant, metadata, put, writing
from vesalius.usecase import encode, find

if TYPE_CHECKING:  # numpy comes with it
    from vesalius.evaluation import Run

ABOUT = ("version", "model", "views", "settings")
"""What a run must agree with, of all that is in force, to speak for it."""

_runs = sa.Table(
    "validation_run",
    metadata,
    sa.Column("usecase", sa.String(64), primary_key=True),
    sa.Column("run", sa.String(96), primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)


@dataclass(frozen=True)
class Validation:
    """A run that was kept, held against the tool that is in force.

    Attributes:
        run: its name.
        at: when it was kept.
        event: its place in the audit.
        content: the SHA-256 of all its figures, as the event says.
        stale: which of :data:`ABOUT` it does not share with what is in force.
        leaks: the detectors of leaks that found something, whoever let it pass.
        unlooked: whether no detector looked at all.
        altered: whether its figures are gone, or no longer what they were when it was kept.
    """

    run: str
    at: datetime
    event: int
    content: str
    stale: tuple[str, ...] = ()
    leaks: tuple[str, ...] = ()
    unlooked: bool = False
    altered: bool = False

    @property
    def lacks(self) -> tuple[str, ...]:
        """Why it is no evidence for the tool in force, each a short code; empty where it is."""
        found = {
            "validation_altered": self.altered,
            "validation_stale": bool(self.stale),
            "validation_leaks": bool(self.leaks),
            "validation_unlooked": self.unlooked,
        }
        return tuple(code for code, true in found.items() if true)


def keep(engine: sa.Engine, run: Run, *, by: str = audit.SYSTEM, at: datetime | None = None) -> str:
    """Keeps a validation run of a use as evidence; keeping it again changes nothing.

    The views are marked as they are now: keep a run in the process that made it.

    Args:
        engine: the hospital's database.
        run: what a validation on the hospital's own history found.
        by: the account that asked for it.
        at: when.

    Returns:
        The name of the run.

    Raises:
        NotFound: the use case is not installed.
        InvalidCard: it cannot be loaded, or the settings of the run do not fit its card.
    """
    kind, at = find(run.usecase), at or datetime.now(UTC)
    body = run.to_bytes()
    detail = {
        "run": run.id,
        "content": hashlib.sha256(body).hexdigest(),
        "version": run.version,
        "model": run.model,
        "views": gates.views_mark(kind),
        "settings": hashlib.sha256(encode(kind.card.fill(run.settings))).hexdigest(),
        "looked": len(run.checks),
        "leaks": [each.detector for each in run.checks if not each.passed],
    }
    with writing(engine) as connection:
        kept = told(connection, (Action.VALIDATION_KEPT,), run.usecase)
        put(connection, _runs, {"usecase": run.usecase, "run": run.id}, {"body": body.decode(), "at": at})
        if all(_about(each.detail) != _about(detail) for each in kept):
            audit.record(connection, by, Action.VALIDATION_KEPT, run.usecase, detail, at)
    return run.id


def found(connection: sa.Connection, name: str, marks: Mapping[str, str]) -> Validation | None:
    """The newest run of a use that speaks for what is in force; else the newest that was kept, or None.

    Args:
        connection: the transaction that asks.
        name: the use.
        marks: what is in force (:attr:`vesalius.governance.uses.Life.marks`).
    """
    kept = told(connection, (Action.VALIDATION_KEPT,), name)
    if not kept:
        return None
    wanted = in_force(name, marks)
    held = [_held(event, wanted) for event in reversed(kept)]
    for each in held:
        if not each.lacks and not _altered(connection, name, each):
            return each
    newest = held[0]
    return replace(newest, altered=_altered(connection, name, newest))


def in_force(name: str, marks: Mapping[str, str]) -> dict[str, str]:
    """What is in force, with the model that the use ships where the hospital has none of its own."""
    return {**marks, "model": marks.get("model", "") or _shipped(name)}


def _held(event: Event, wanted: Mapping[str, str]) -> Validation:
    said = event.detail
    return Validation(
        run=str(said.get("run", "")),
        at=event.at,
        event=event.seq,
        content=str(said.get("content", "")),
        stale=tuple(name for name in ABOUT if said.get(name) != wanted.get(name)),
        leaks=tuple(said.get("leaks", ())),
        unlooked=not said.get("looked"),
    )


def _altered(connection: sa.Connection, name: str, each: Validation) -> bool:
    asked = sa.select(_runs.c.body).where(_runs.c.usecase == name, _runs.c.run == each.run)
    body = connection.execute(asked).scalar_one_or_none()
    return body is None or hashlib.sha256(body.encode()).hexdigest() != each.content


def _about(detail: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(detail.get(name) for name in ("run", "content", *ABOUT))


def _shipped(name: str) -> str:
    """The SHA-256 of the model that a use case ships; empty where it ships none, or cannot be loaded."""
    try:
        return _model_of(find(name))
    except VesaliusError:
        return ""


@lru_cache(maxsize=64)
def _model_of(kind: Any) -> str:
    model = getattr(kind(), "model", None)
    return model.hash if model else ""
