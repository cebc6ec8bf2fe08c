"""Reading and writing plans and looks; what was altered in the database is noticed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from vesalius.errors import Tampered
from vesalius.governance._chain import told
from vesalius.governance.audit import Action, Event
from vesalius.store import add
from vesalius.trial import _tables
from vesalius.trial.records import Look, Plan
from vesalius.usecase import encode

Kept = TypeVar("Kept", Plan, Look)
Vouched = Mapping[str, Event]


def vouched(connection: sa.Connection, name: str) -> Vouched:
    """The events of a use's trials, by the hash of the plan or the look that each is about."""
    events = told(connection, (Action.TRIAL_REGISTERED, Action.TRIAL_LOOKED), name)
    return {str(each.detail.get("hash", "")): each for each in events}


def plans(connection: sa.Connection, name: str, known: Vouched | None = None) -> list[Plan]:
    """Every plan of a use, latest first.

    Args:
        connection: reads.
        name: the use.
        known: the events that vouch for them; read where they are not given.

    Raises:
        Tampered: one is not what it was when it was registered, or no event says that it was.
    """
    known = vouched(connection, name) if known is None else known
    table = _tables.plan
    asked = sa.select(table).where(table.c.usecase == name).order_by(table.c.number.desc())
    return [_read(row, Plan, known) for row in connection.execute(asked)]


def looks(connection: sa.Connection, plan: Plan, known: Vouched | None = None) -> list[Look]:
    """The looks taken on a plan, in order.

    Args:
        connection: reads.
        plan: the plan.
        known: the events that vouch for them; read where they are not given.

    Raises:
        Tampered: one is not what it was when it was taken, or no event says that it was.
    """
    known = vouched(connection, plan.usecase) if known is None else known
    table = _tables.look
    asked = sa.select(table).where(table.c.usecase == plan.usecase, table.c.plan == plan.number)
    return [_read(row, Look, known) for row in connection.execute(asked.order_by(table.c.number))]


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


def _read(row: Any, kind: type[Kept], known: Vouched) -> Kept:
    found: Kept | None = None
    with suppress(msgspec.MsgspecError):
        found = msgspec.json.decode(row.body, type=kind)
    if found is None or found.hash != row.hash:
        what = "the plan" if kind is Plan else "a look"
        raise Tampered(f"{what} of the silent trial of {row.usecase} was altered in the database")
    event = known.get(found.hash)
    if event is None or event.action != (Action.TRIAL_REGISTERED if kind is Plan else Action.TRIAL_LOOKED):
        what = "a plan" if kind is Plan else "a look"
        raise Tampered(f"{what} of the silent trial of {row.usecase} was written by nobody")
    return found
