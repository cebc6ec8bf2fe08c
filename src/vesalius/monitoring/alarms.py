"""Alarms: raised when a monitor sees something, resolved when it no longer does, acknowledged by a person."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from vesalius.errors import Conflict, InvalidDecision, NotAllowed, NotFound
from vesalius.governance import audit, roles
from vesalius.governance.audit import Action
from vesalius.governance.people import Person
from vesalius.governance.roles import Right
from vesalius.monitoring._tables import alarm as table
from vesalius.store import reading, writing
from vesalius.usecase import encode

log = logging.getLogger(__name__)

Level = Literal["notice", "alarm", "stop"]
"""``notice``: worth a look. ``alarm``: somebody must look. ``stop``: the use was silenced."""

LEVELS: Mapping[str, int] = {"stop": 0, "alarm": 1, "notice": 2}
"""The order of the levels, worst first."""

QUIET = timedelta(days=1)
"""An alarm is resolved when nothing has been seen for so long: one that flickers is one alarm."""

WORDS = 2000
"""The most characters of what a person says."""


@dataclass(frozen=True)
class Finding:
    """What a monitor sees now.

    Attributes:
        monitor: which one.
        about: the input, the subgroup … that it is about; empty for the whole use.
        level: how bad.
        figures: in numbers.
    """

    monitor: str
    about: str
    level: Level
    figures: Mapping[str, Any]


@dataclass(frozen=True)
class Alarm:
    """One alarm as it is kept.

    Attributes:
        id: its number.
        usecase, model: of which use and model.
        monitor, about, level, figures: as last seen.
        first_seen, last_seen: when.
        resolved_at: when it was seen no more for a day; for a stop, when the use was signed live again.
        acknowledged_at, acknowledged_by, words: who looked at it, when, and what they say; None and empty
            where nobody did.
    """

    id: int
    usecase: str
    model: str
    monitor: str
    about: str
    level: Level
    figures: Mapping[str, Any]
    first_seen: datetime
    last_seen: datetime
    resolved_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    words: str

    @property
    def content(self) -> str:
        """The SHA-256 of what does not change, as its event keeps it; of a stop, of its figures too."""
        fixed: list[Any] = [self.id, self.usecase, self.model, self.monitor, self.about, str(self.first_seen)]
        if self.level == "stop":
            fixed += [self.level, self.figures]
        return hashlib.sha256(encode(fixed)).hexdigest()

    @property
    def said(self) -> str:
        """The SHA-256 of who looked at it, when, and what they say, as its event keeps it; or empty."""
        if self.acknowledged_at is None:
            return ""
        words = [self.id, str(self.acknowledged_at), self.acknowledged_by, self.words]
        return hashlib.sha256(encode(words)).hexdigest()

    @property
    def open(self) -> bool:
        """Whether it stands, and nobody has looked at it."""
        return self.resolved_at is None and self.acknowledged_at is None


def standing(where: sa.Engine | sa.Connection, name: str = "") -> list[Alarm]:
    """The alarms that stand, of one use or of all, worst first, acknowledged or not."""
    if isinstance(where, sa.Engine):
        with reading(where) as connection:
            return standing(connection, name)
    asked = sa.select(table).where(table.c.resolved_at.is_(None))
    if name:
        asked = asked.where(table.c.usecase == name)
    found = [_alarm(row) for row in where.execute(asked.order_by(table.c.first_seen, table.c.id))]
    return sorted(found, key=lambda each: (not each.open, LEVELS[each.level]))


def past(engine: sa.Engine, name: str, limit: int = 50) -> list[Alarm]:
    """The alarms of a use that were resolved, latest first."""
    asked = sa.select(table).where(table.c.usecase == name, table.c.resolved_at.is_not(None))
    with reading(engine) as connection:
        asked = asked.order_by(table.c.resolved_at.desc(), table.c.id.desc()).limit(limit)
        return [_alarm(row) for row in connection.execute(asked)]


def every(connection: sa.Connection, name: str) -> list[Alarm]:
    """Every alarm of a use that was ever raised, in order."""
    asked = sa.select(table).where(table.c.usecase == name).order_by(table.c.id)
    return [_alarm(row) for row in connection.execute(asked)]


def settle(
    connection: sa.Connection, name: str, model: str, findings: Iterable[Finding], now: datetime
) -> list[Finding]:
    """Raises what is new, goes on with what stands, resolves what is seen no more; which ones were raised."""
    stand = {(each.monitor, each.about): each for each in standing(connection, name) if each.level != "stop"}
    raised = []
    for finding in findings:
        before = stand.pop((finding.monitor, finding.about), None)
        if before is None or before.model != model:
            _insert(connection, name, model, finding, now)
            raised.append(finding)
        if before is not None:
            _seen_again(connection, before, finding, model, now)
    for each in stand.values():
        if each.last_seen <= now - QUIET or each.model != model:
            connection.execute(sa.update(table).where(table.c.id == each.id).values(resolved_at=now))
    return raised


def stopped(connection: sa.Connection, name: str, model: str, finding: Finding, now: datetime) -> None:
    """Keeps that a stop rule silenced a use."""
    _insert(connection, name, model, finding, now)


def restarted(connection: sa.Connection, name: str, now: datetime) -> None:
    """Resolves the stops of a use that people have signed live again."""
    asked = sa.update(table).where(
        table.c.usecase == name, table.c.level == "stop", table.c.resolved_at.is_(None)
    )
    connection.execute(asked.values(resolved_at=now))


def acknowledge(
    engine: sa.Engine, number: int, person: Person, words: str, at: datetime | None = None
) -> Alarm:
    """Keeps that a person has looked at an alarm, and what they say about it.

    Raises:
        NotFound: no such alarm.
        NotAllowed: the person may not acknowledge alarms.
        InvalidDecision: they say nothing, or too much.
        Conflict: it was acknowledged, or is resolved.
    """
    roles.require(person.roles, Right.ACKNOWLEDGE)
    words, at = words.strip(), at or datetime.now(UTC)
    if not words or len(words) > WORDS:
        raise InvalidDecision(f"say what you found, in at most {WORDS} characters")
    with writing(engine) as connection:
        found = _one(connection, number)
        changed = connection.execute(
            sa.update(table)
            .where(table.c.id == number, table.c.acknowledged_at.is_(None), table.c.resolved_at.is_(None))
            .values(acknowledged_at=at, acknowledged_by=person.id, words=words)
        ).rowcount
        if not changed:
            raise Conflict("this alarm was acknowledged, or is resolved", hint="read it again")
        kept = _one(connection, number)
        detail = {"alarm": number, "monitor": found.monitor, "level": found.level, "content": kept.said}
        audit.record(connection, person.id, Action.ALARM_ACKNOWLEDGED, found.usecase, detail, at)
        return kept


def undo(
    engine: sa.Engine, number: int, person: Person, at: datetime | None = None, *, minutes: float
) -> Alarm:
    """Takes an acknowledgement back; only who gave it can, within ``minutes``.

    Raises:
        NotFound: no such alarm.
        NotAllowed: another person acknowledged it.
        Conflict: nobody did, or it is too late.
    """
    at = at or datetime.now(UTC)
    with writing(engine) as connection:
        found = _one(connection, number)
        if found.acknowledged_at is None:
            raise Conflict("nobody has acknowledged this alarm", hint="read it again")
        if found.acknowledged_by != person.id:
            raise NotAllowed("only the person who acknowledged it can undo it")
        if at - found.acknowledged_at > timedelta(minutes=minutes):
            raise Conflict("it is too late to undo this", hint=f"the limit is {minutes:g} minutes")
        values = {"acknowledged_at": None, "acknowledged_by": None, "words": ""}
        connection.execute(sa.update(table).where(table.c.id == number).values(values))
        detail = {"alarm": number, "monitor": found.monitor}
        audit.record(connection, person.id, Action.ALARM_UNDONE, found.usecase, detail, at)
        return _one(connection, number)


def _insert(connection: sa.Connection, name: str, model: str, finding: Finding, now: datetime) -> None:
    values = {
        "usecase": name,
        "model": model,
        "monitor": finding.monitor,
        "about": finding.about[:128],
        "level": finding.level,
        "figures": dict(finding.figures),
        "first_seen": now,
        "last_seen": now,
        "words": "",
    }
    number = connection.execute(sa.insert(table).values(values).returning(table.c.id)).scalar_one()
    _record(connection, _one(connection, number), now)
    log.warning("%s: %s %s %s", name, finding.level, finding.monitor, finding.about)


def _record(connection: sa.Connection, made: Alarm, now: datetime) -> None:
    detail = {"alarm": made.id, "monitor": made.monitor, "about": made.about, "level": made.level}
    detail["content"] = made.content
    audit.record(connection, audit.SYSTEM, Action.ALARM_RAISED, made.usecase, detail, now)


def _seen_again(
    connection: sa.Connection, before: Alarm, finding: Finding, model: str, now: datetime
) -> None:
    here = sa.update(table).where(table.c.id == before.id)
    if before.model != model:
        connection.execute(here.values(resolved_at=now))
        return
    values: dict[str, Any] = {
        "level": finding.level,
        "figures": dict(finding.figures),
        "last_seen": max(now, before.last_seen),
    }
    worse = LEVELS[finding.level] < LEVELS[before.level]
    if worse:  # what has become worse must be looked at again
        values |= {"acknowledged_at": None, "acknowledged_by": None, "words": ""}
    connection.execute(here.values(values))
    if worse:
        _record(connection, _one(connection, before.id), now)


def _one(connection: sa.Connection, number: int) -> Alarm:
    row = connection.execute(sa.select(table).where(table.c.id == number)).one_or_none()
    if row is None:
        raise NotFound(f"there is no alarm {number}", hint="the page of the use lists those that stand")
    return _alarm(row)


def _alarm(row: Any) -> Alarm:
    return Alarm(**dict(row._mapping))
