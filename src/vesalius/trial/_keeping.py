"""Reading and writing plans and looks; what was altered in the database is noticed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from vesalius.errors import Tampered
from vesalius.store import add
from vesalius.trial import _tables
from vesalius.trial.records import Look, Plan
from vesalius.usecase import encode

Kept = TypeVar("Kept", Plan, Look)


def plans(connection: sa.Connection, name: str) -> list[Plan]:
    """Every plan of a use, latest first.

    Raises:
        Tampered: one is not what it was when it was registered.
    """
    table = _tables.plan
    asked = sa.select(table).where(table.c.usecase == name).order_by(table.c.number.desc())
    return [_read(row, Plan) for row in connection.execute(asked)]


def looks(connection: sa.Connection, plan: Plan) -> list[Look]:
    """The looks taken on a plan, in order.

    Raises:
        Tampered: one is not what it was when it was taken.
    """
    table = _tables.look
    asked = sa.select(table).where(table.c.usecase == plan.usecase, table.c.plan == plan.number)
    return [_read(row, Look) for row in connection.execute(asked.order_by(table.c.number))]


def keep_plan(connection: sa.Connection, plan: Plan) -> bool:
    """Keeps a plan; False where another of that number is there."""
    values = {"usecase": plan.usecase, "number": plan.number, "by": plan.by, "at": plan.at}
    return _kept(connection, _tables.plan, values, plan)


def keep_look(connection: sa.Connection, plan: Plan, made: Look) -> bool:
    """Keeps a look; False where another of that number is there."""
    values = {"usecase": plan.usecase, "plan": plan.number, "number": made.number, "at": made.at}
    return _kept(connection, _tables.look, values, made)


def settled(item: Kept) -> Kept:
    """The same, as it will be read again: its hash must not depend on whether 36 was written 36.0."""
    return msgspec.json.decode(encode(item), type=type(item))


def _kept(connection: sa.Connection, table: sa.Table, values: dict[str, Any], item: Plan | Look) -> bool:
    return add(connection, table, values | {"hash": item.hash, "body": encode(item).decode()})


def _read(row: Any, kind: type[Kept]) -> Kept:
    found: Kept | None = None
    with suppress(msgspec.MsgspecError):
        found = msgspec.json.decode(row.body, type=kind)
    if found is None or found.hash != row.hash:
        what = "the plan" if kind is Plan else "a look"
        raise Tampered(f"{what} of the silent trial of {row.usecase} was altered in the database")
    return found
