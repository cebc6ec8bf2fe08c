"""Deciding on a suggestion, and taking a decision back.

A decision is one transaction: the suggestion moves only if nobody moved it since it was read, the decision is
written beside it, and the witness (the audit) hears of it. Of two people who decide at once, one wins and the
other is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from vesalius.card import Card
from vesalius.errors import Conflict, InvalidDecision, NotAllowed, NotFound
from vesalius.review._rows import load, to_decision
from vesalius.review._tables import decision, outcome, suggestion
from vesalius.review.records import ACTIONS, WAITING, About, Action, Decision, Filed

WORDS = 2000
"""The most characters of a person's own words on one decision."""


@dataclass(frozen=True)
class Choice:
    """What a person asks to decide; checked against the suggestion and its card before it is written."""

    action: Action
    by: str
    role: str
    reason: str
    words: str
    option: str
    until: datetime | None
    at: datetime


def check(choice: Choice, filed: Filed, card: Card) -> None:
    """Holds a choice against the suggestion and the card of its use case.

    Raises:
        NotAllowed: the role may not decide on it, or the suggestion was made in silence.
        InvalidDecision: something that this action needs is missing or wrong; the message names it.
    """
    if filed.mode == "silent":
        raise NotAllowed("a suggestion made in silence is not decided on")
    if choice.role not in card.reviewers:
        raise NotAllowed(
            f"{choice.role} does not decide on {card.name}", hint=f"{', '.join(card.reviewers)} may"
        )
    if choice.action not in ACTIONS:
        raise InvalidDecision(f"no action {choice.action!r}", hint=", ".join(ACTIONS))
    if len(choice.words) > WORDS:
        raise InvalidDecision(f"more than {WORDS} characters of words")
    if choice.reason and choice.reason not in card.override_reasons:
        raise InvalidDecision(f"no reason {choice.reason!r}", hint=", ".join(card.override_reasons))
    if choice.option and choice.option not in {option.code for option in card.options}:
        raise InvalidDecision(f"no option {choice.option!r}")
    _check_action(choice, filed)


def _check_action(choice: Choice, filed: Filed) -> None:
    match choice.action:
        case "accepted" if choice.option not in ("", filed.option):
            raise InvalidDecision("another option than the suggested one is a modification")
        case "modified" if choice.option in ("", filed.option):
            raise InvalidDecision("a modification names an option other than the suggested one")
        case "overridden" if not (choice.reason or choice.words.strip()):
            raise InvalidDecision("an override gives a reason, by code or in words")
        case "deferred" if choice.until is None or choice.until <= choice.at:
            raise InvalidDecision("a deferral says until when, later than now")
    if choice.action != "deferred" and choice.until is not None:
        raise InvalidDecision("only a deferral has an until")


def write(connection: sa.Connection, filed: Filed, choice: Choice, seen: int | None) -> Decision:
    """Writes a checked choice, if the suggestion still waits as it was seen.

    Raises:
        Conflict: somebody was faster, or it no longer waits.
    """
    if filed.status not in WAITING:
        raise Conflict(f"suggestion {filed.id} is already {filed.status}", hint="read it again")
    if seen is not None and seen != filed.revision:
        raise Conflict(f"suggestion {filed.id} has changed since it was read", hint="read it again")
    _move(connection, filed, choice.action, choice.until)
    option = filed.option if choice.action == "accepted" else choice.option
    values = {**vars(choice), "option": option, "suggestion": filed.id}
    return to_decision(connection.execute(sa.insert(decision).values(values).returning(decision)).one())


def load_decision(connection: sa.Connection, identifier: int) -> Decision:
    """One decision.

    Raises:
        NotFound: there is none with that number.
    """
    row = connection.execute(sa.select(decision).where(decision.c.id == identifier)).one_or_none()
    if row is None:
        raise NotFound(f"there is no decision {identifier}")
    return to_decision(row)


def take_back(connection: sa.Connection, taken: Decision, by: str, at: datetime, minutes: float) -> Filed:
    """Takes a decision back; the suggestion waits again, unless it closed in the meantime.

    Raises:
        NotAllowed: another person took it.
        Conflict: it is too late, it was taken back before, or another decision followed it.
    """
    if taken.by != by:
        raise NotAllowed("only the person who decided can undo it")
    if at - taken.at > timedelta(minutes=minutes):
        raise Conflict("it is too late to undo this decision", hint=f"the limit is {minutes:g} minutes")
    filed = load(connection, taken.suggestion)
    if filed.decision is None or filed.decision.id != taken.id:
        raise Conflict("this decision was undone before, or another one followed it", hint="read it again")
    before = next(
        (item for item in reversed(filed.decisions) if item.undone_at is None and item.id != taken.id), None
    )
    if filed.closed_at is not None:
        _move(connection, filed, "expired", None)
    elif before is not None and before.until is not None and before.until > at:
        _move(connection, filed, "deferred", before.until)
    else:
        _move(connection, filed, "open", None)
    undone = sa.update(decision).where(decision.c.id == taken.id).values(undone_at=at, undone_by=by)
    connection.execute(undone)
    return load(connection, filed.id)


def wake(connection: sa.Connection, now: datetime) -> int:
    """Puts back on the worklist the deferred suggestions whose time has come; how many."""
    rows = suggestion.c
    due = sa.update(suggestion).where(rows.status == "deferred", rows.deferred_until <= now)
    return connection.execute(due.values(status="open", deferred_until=None)).rowcount


def sleepers(connection: sa.Connection, now: datetime) -> bool:
    """Whether :func:`wake` would find any; reads only."""
    rows = suggestion.c
    asked = sa.select(rows.id).where(rows.status == "deferred", rows.deferred_until <= now).limit(1)
    return connection.execute(asked).first() is not None


def close(connection: sa.Connection, condition: sa.ColumnElement[bool], at: datetime) -> int:
    """Takes off the worklist what still waits; what was decided stays decided. How many expired."""
    rows = suggestion.c
    connection.execute(sa.update(suggestion).where(condition, rows.closed_at.is_(None)).values(closed_at=at))
    waiting = sa.update(suggestion).where(condition, rows.status.in_(WAITING))
    expired = waiting.values(status="expired", deferred_until=None, revision=rows.revision + 1)
    return connection.execute(expired).rowcount


def reopen(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> list[About]:
    """Lets what expired wait again, unless its outcome is known; which ones."""
    rows = suggestion.c
    known = sa.exists().where(outcome.c.suggestion == rows.id)
    again = sa.update(suggestion).where(
        condition, rows.mode == "live", rows.status == "expired", rows.erased.is_(None), ~known
    )
    again = again.values(status="open", closed_at=None, revision=rows.revision + 1)
    found = connection.execute(again.returning(rows.id, rows.usecase, rows.subject, rows.focus, rows.as_of))
    return [About(*row) for row in found]


def _move(connection: sa.Connection, filed: Filed, status: str, until: datetime | None) -> None:
    rows = suggestion.c
    unchanged = sa.update(suggestion).where(rows.id == filed.id, rows.revision == filed.revision)
    values = {"status": status, "deferred_until": until, "revision": filed.revision + 1}
    if connection.execute(unchanged.values(**values)).rowcount != 1:
        raise Conflict(f"suggestion {filed.id} has changed since it was read", hint="read it again")
