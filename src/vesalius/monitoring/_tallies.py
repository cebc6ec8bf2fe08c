"""Keeping tallies: one per use, model, settings, day and kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

import sqlalchemy as sa

from vesalius.evaluation.monitoring import Tally
from vesalius.monitoring._tables import tally as table
from vesalius.store import put

Kind = Literal["filed", "known"]
"""``filed`` counts every suggestion; ``known`` those whose outcome is known, again, with it."""


class Key(NamedTuple):
    """Which tally of a use and model."""

    settings: str
    day: int


def add(connection: sa.Connection, name: str, model: str, kind: Kind, tallies: Mapping[Key, Tally]) -> None:
    """Adds to what was counted, within a transaction that writes."""
    for key, new in tallies.items():
        place = {"usecase": name, "model": model, "settings": key.settings, "day": key.day, "kind": kind}
        body = connection.execute(sa.select(table.c.body).filter_by(**place)).scalar()
        total = new if body is None else Tally.from_bytes(body.encode()) + new
        put(connection, table, place, {"rows": total.rows, "body": total.to_bytes().decode()})


def between(
    connection: sa.Connection, name: str, model: str, kind: Kind, first: int, last: int
) -> dict[int, Tally]:
    """The tally of each day from ``first`` to ``last`` that has one, whatever the settings."""
    asked = (
        sa.select(table.c.day, table.c.body)
        .where(table.c.usecase == name, table.c.model == model, table.c.kind == kind)
        .where(table.c.day >= first, table.c.day <= last)
        .order_by(table.c.day, table.c.settings)
    )
    found: dict[int, Tally] = {}
    for day, body in connection.execute(asked):
        one = Tally.from_bytes(body.encode())
        found[day] = found[day] + one if day in found else one
    return found


def rows(connection: sa.Connection, name: str, model: str, kind: Kind) -> dict[int, int]:
    """How many were counted each day."""
    asked = (
        sa.select(table.c.day, sa.func.sum(table.c.rows))
        .where(table.c.usecase == name, table.c.model == model, table.c.kind == kind)
        .group_by(table.c.day)
    )
    return {day: int(count) for day, count in connection.execute(asked)}


def clear(connection: sa.Connection, name: str, model: str) -> None:
    """Forgets all tallies of a use and model."""
    connection.execute(sa.delete(table).where(table.c.usecase == name, table.c.model == model))
