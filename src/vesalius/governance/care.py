"""The care relation: who treats whom, now, decided from data.

Three things make one, and nothing else:

- **a unit**: the person belongs to a ward, a service or a practitioner (their *units*, an attribute of the
  account) with whom the patient is, or was until no longer ago than the grace of the hospital's settings;
- **taking on**: the person said "I treat this patient", with a reason and an end;
- **everywhere**: the unit ``*``, for services that serve all patients (a laboratory, a pharmacy).

A patient who was merged into another is one person with them: a relation with one holds for both.

Source: Belgian law of 22 April 2019 on the quality of practice in health care, articles 36 to 38.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from vesalius.errors import Conflict, InvalidDecision, InvalidSetting, NotAllowed, NotFound
from vesalius.governance import _stays, audit, roles
from vesalius.governance.audit import Action
from vesalius.governance.people import Person
from vesalius.governance.purposes import Purpose
from vesalius.governance.roles import Right
from vesalius.lake import Lake
from vesalius.store import Instant, metadata, reading, writing
from vesalius.usecase import encode

EVERYWHERE = "*"
"""The unit of those who serve all patients."""

LONGEST_TAKEN = timedelta(days=365)
"""The longest that one can take a patient on at a time; after it, it is said again."""

LONGEST_REASON = 2000
"""How many characters a reason may have."""

GONE = "erased"
"""What stands in the place of a reason about an erased patient."""

_unit = sa.Table(
    "person_unit",
    metadata,
    sa.Column("person", sa.String(64), primary_key=True),
    sa.Column("unit", sa.String(160), primary_key=True),
)

taken = sa.Table(
    "care_relation",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("person", sa.String(64), nullable=False),
    sa.Column("role", sa.String(32), nullable=False),
    sa.Column("patient", sa.String(64), nullable=False, index=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("begins", Instant, nullable=False),
    sa.Column("ends", Instant, nullable=False),
    sa.Column("ended_at", Instant),
    sa.Column("ended_by", sa.String(64)),
    # the number of the erasure that emptied it
    sa.Column("erased", sa.Integer),
    sa.Index("ix_care_relation_person_ends", "person", "ends"),
)


@dataclass(frozen=True)
class Taken:
    """That somebody took a patient on.

    Attributes:
        id: its number.
        person, role: who, and in which role.
        patient: whom, as ``Patient/ID``.
        reason: why, in their words.
        begins, ends: from when until when.
        ended_at, ended_by: when and by whom it was ended before that, if it was.
        erased: the number of the erasure that emptied it, or None.
    """

    id: int
    person: str
    role: str
    patient: str
    reason: str
    begins: datetime
    ends: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None
    erased: int | None = None

    @property
    def content(self) -> str:
        """The SHA-256 of what was said, as the event of it keeps it."""
        said = (self.id, self.person, self.role, self.patient, self.reason, self.begins, self.ends)
        return content(said)

    def holds(self, at: datetime) -> bool:
        """Whether it holds at a moment."""
        return self.begins <= at < min(self.ends, self.ended_at or self.ends)


def content(said: Sequence[Any]) -> str:
    """The SHA-256 of the canonical JSON of what a row of a table says."""
    return hashlib.sha256(encode(tuple(said))).hexdigest()


# Units -----------------------------------------------------------------------------------------------------


def units(where: sa.Engine | sa.Connection, login: str) -> tuple[str, ...]:
    """The units of an account, in order."""
    if isinstance(where, sa.Engine):
        with reading(where) as connection:
            return units(connection, login)
    asked = sa.select(_unit.c.unit).where(_unit.c.person == login).order_by(_unit.c.unit)
    return tuple(where.execute(asked).scalars())


def everyones_units(engine: sa.Engine) -> dict[str, tuple[str, ...]]:
    """The units of every account that has some."""
    found: dict[str, tuple[str, ...]] = {}
    with reading(engine) as connection:
        for row in connection.execute(sa.select(_unit).order_by(_unit.c.person, _unit.c.unit)):
            found[row.person] = (*found.get(row.person, ()), row.unit)
    return found


def set_units(
    engine: sa.Engine,
    login: str,
    wanted: Iterable[str],
    *,
    by: str = audit.SYSTEM,
    at: datetime | None = None,
) -> tuple[str, ...]:
    """Says to which units an account belongs; those that it had before are gone.

    Args:
        engine: the hospital's database.
        login: the account.
        wanted: references (``Location/GER``, ``Organization/7``, ``Practitioner/9``), names or codes of
            places, or :data:`EVERYWHERE`; none at all is a person who treats nobody by their place.
        by: the account that says so.
        at: when.

    Raises:
        InvalidSetting: a unit is empty or too long.
        NotFound: there is no such account.
    """
    from vesalius.governance import people

    people.get(engine, login)
    kept = tuple(sorted({each.strip() for each in wanted}))
    if any(not each or len(each) > 160 or not each.isprintable() for each in kept):
        raise InvalidSetting("a unit has 1 to 160 visible characters", hint="as in Location/GER or Gériatrie")
    with writing(engine) as connection:
        connection.execute(sa.delete(_unit).where(_unit.c.person == login))
        if kept:
            connection.execute(sa.insert(_unit), [{"person": login, "unit": each} for each in kept])
        detail = {"what": "units", "units": list(kept)}
        audit.record(connection, by, Action.PERSON_CHANGED, login, detail, at)
    return kept


# Taking on -------------------------------------------------------------------------------------------------


def take_on(
    lake: Lake,
    person: Person,
    subject: str,
    *,
    reason: str,
    until: datetime,
    at: datetime | None = None,
) -> Taken:
    """Notes that a person treats a patient, from now until a moment.

    It is for :class:`vesalius.governance.access.Access` to say whether they may; this only keeps it.

    Args:
        lake: where the patient is.
        person: who says so.
        subject: the patient, as ``Patient/ID``.
        reason: why, in their words.
        until: when it ends by itself, at most a year from now.
        at: when.

    Raises:
        NotAllowed: the person's role does not permit it.
        InvalidDecision: no reason, or an end that is past or too far away.
        NotFound: there is no such patient.
        Conflict: they have taken the patient on already.
    """
    roles.require(person.roles, Right.TAKE_ON)
    at, reason = at or datetime.now(UTC), checked(reason)
    if not at < until <= at + LONGEST_TAKEN:
        raise InvalidDecision("say until when, at most a year from now")
    patient = known(lake, subject)
    role = person.role_among(tuple(roles.MATRIX[Right.TAKE_ON]))
    with writing(lake.engine) as connection:
        mine = (taken.c.person == person.id, taken.c.patient == patient, taken.c.ended_at.is_(None))
        if connection.execute(sa.select(taken.c.id).where(*mine, taken.c.ends > at)).first():
            raise Conflict("you have taken this patient on already")
        values = {"person": person.id, "role": role, "patient": patient, "reason": reason}
        row = sa.insert(taken).values(values | {"begins": at, "ends": until}).returning(taken)
        made = _to_taken(connection.execute(row).one())
        detail = {
            "subject": made.patient, "until": until.isoformat(), "role": role, "purpose": Purpose.TREAT,
            "content": made.content,
        }  # fmt: skip
        audit.record(connection, person.id, Action.RELATION_TAKEN, f"relation/{made.id}", detail, at)
    return made


def end(engine: sa.Engine, number: int, person: Person, at: datetime | None = None) -> Taken:
    """Ends a relation: one's own, or anybody's for who reviews access.

    Raises:
        NotFound: there is no such relation.
        NotAllowed: it is somebody else's.
        Conflict: it has ended already.
    """
    at = at or datetime.now(UTC)
    with writing(engine) as connection:
        row = connection.execute(sa.select(taken).where(taken.c.id == number)).one_or_none()
        if row is None:
            raise NotFound("there is no such relation")
        before = _to_taken(row)
        if before.person != person.id and not person.may(Right.REVIEW_ACCESS):
            raise NotAllowed(
                "a relation is ended by the person who took the patient on, or by who reviews access"
            )
        if before.ended_at is not None or before.ends <= at:
            raise Conflict("it has ended already")
        ended = {"ended_at": at, "ended_by": person.id}
        changed = sa.update(taken).where(taken.c.id == number).values(ended).returning(taken)
        after = _to_taken(connection.execute(changed).one())
        detail = {"subject": after.patient, "person": after.person, "content": after.content}
        audit.record(connection, person.id, Action.RELATION_ENDED, f"relation/{number}", detail, at)
    return after


def holding(person: str, at: datetime) -> sa.Select[tuple[str]]:
    """Selects the ids of the patients whom a person has taken on at a moment."""
    c = taken.c
    now = sa.and_(c.begins <= at, c.ends > at, sa.or_(c.ended_at.is_(None), c.ended_at > at))
    return sa.select(c.patient).where(c.person == person, now)


def checked(reason: str) -> str:
    """A reason, without spaces around it.

    Raises:
        InvalidDecision: there is none, or it is too long.
    """
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise InvalidDecision(f"say why, in 1 to {LONGEST_REASON} characters")
    return reason


def known(lake: Lake, subject: str) -> str:
    """The id of a patient who is here.

    Raises:
        NotFound: there is no such patient.
    """
    type_, _, id_ = subject.partition("/")
    if type_ != "Patient" or not id_ or lake.read(f"Patient/{id_}") is None:
        raise NotFound("there is no such patient")
    return id_


def _to_taken(row: Any) -> Taken:
    return Taken(**{**row._mapping, "patient": f"Patient/{row.patient}"})


# Erasing ---------------------------------------------------------------------------------------------------


def forget(
    connection: sa.Connection,
    patients: Sequence[str],
    encounters: Sequence[str],
    number: int,
    alias: Callable[[str], str],
) -> None:
    """Erases what is kept here of some patients, and of some stays, within a transaction.

    That somebody took a patient on, or broke the glass, and what the review found, stays: under a name that
    nobody can lead back, without words.

    Args:
        connection: a transaction of ``store.writing``.
        patients: their ids.
        encounters: the ids of stays that are erased by themselves.
        number: of the erasure.
        alias: the id that stands for a ``Type/ID`` from now on.
    """
    from vesalius.governance import glass

    _stays.forget(connection, patients, encounters)
    for each in patients:
        name = alias(f"Patient/{each}")
        left = {"patient": name, "reason": GONE, "erased": number}
        connection.execute(sa.update(taken).where(taken.c.patient == each).values(left))
        glass.forget(connection, each, name, number)


def tables() -> list[str]:
    """The tables that hold words about patients, or where they lay, whose files are to be cleaned."""
    return [_stays.stay.name, taken.name, "care_glass", "care_glass_review"]


# Within a unit ---------------------------------------------------------------------------------------------


def bring_up(lake: Lake) -> None:
    """Brings the index of who is where up to the end of the log.

    Raises:
        Unavailable: it is far behind; asking again brings it further.
    """
    _stays.bring_up(lake)


def staying(
    connection: sa.Connection, mine: Collection[str], at: datetime, grace: timedelta
) -> sa.Select[tuple[str]]:
    """Selects the ids of the patients of some units at a moment, with those who left within the grace."""
    return _stays.staying(_stays.expanded(connection, mine), at, grace)
