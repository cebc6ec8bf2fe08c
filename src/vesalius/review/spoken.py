"""Which tools spoke about a patient, and what a person decided: without reasons, values or words."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from vesalius.review._tables import decision, suggestion


@dataclass(frozen=True)
class Spoken:
    """One suggestion, as a patient can be told of it.

    Attributes:
        id: the suggestion.
        usecase: the tool.
        version: its version.
        at: when it was made.
        mode: ``live``, or ``silent``: kept to compare, and shown to nobody who treats.
        status: what became of it.
        decided: what a person decided in the end (``accepted``, ``modified``, ``overridden``), or nothing.
        by: that person's account.
        role: in which role.
    """

    id: str
    usecase: str
    version: str
    at: datetime
    mode: str
    status: str
    decided: str = ""
    by: str = ""
    role: str = ""


def about(connection: sa.Connection, subjects: Collection[str], limit: int = 1_000) -> Iterator[Spoken]:
    """What tools said about some patients (``Patient/ID``), latest first; what was erased names nobody."""
    said, taken = suggestion.c, decision.c
    last = (
        sa.select(sa.func.max(taken.id))
        .where(taken.suggestion == said.id, taken.undone_at.is_(None))
        .correlate(suggestion)
        .scalar_subquery()
    )
    asked = (
        sa.select(
            said.id, said.usecase, said.version, said.created_at, said.mode, said.status,
            taken.action, taken.by, taken.role,
        )
        .select_from(suggestion.outerjoin(decision, taken.id == last))
        .where(said.subject.in_(list(subjects)))
        .order_by(said.created_at.desc(), said.id)
        .limit(limit)
    )  # fmt: skip
    for row in connection.execute(asked):
        yield Spoken(*row[:6], *(each or "" for each in row[6:]))
