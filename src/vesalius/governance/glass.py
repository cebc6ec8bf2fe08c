"""Break-the-glass: opening a patient without a care relation, with a reason, for a while; and its review.

Who breaks the glass says why, in a code and in words. The patient is then open to that person alone until the
time of the hospital's settings is over; every event meanwhile says ``ETREAT`` and ``emergency``. Each one
waits for a person who reviews access: justified, not justified, or talked to, with a reason. Nobody reviews
their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from vesalius.errors import Conflict, InvalidDecision, NotAllowed, NotFound
from vesalius.governance import audit, care, roles
from vesalius.governance.audit import Action
from vesalius.governance.people import Person
from vesalius.governance.purposes import Purpose
from vesalius.governance.roles import Right
from vesalius.store import Instant, metadata, reading, writing

REASONS: Mapping[str, str] = {
    "vital": "the patient's life or health is in danger now",
    "covering": "on call, or standing in for a colleague",
    "advice": "the team that treats the patient asked for advice",
    "arriving": "the patient is on the way, and not yet registered with us",
    "other": "something else, said in words",
}
"""Why the glass may be broken, by its code."""

VERDICTS: Mapping[str, str] = {
    "justified": "it was justified",
    "not_justified": "it was not justified",
    "talked_to": "the person was talked to",
}
"""What the review can find, by its code."""

SHORTEST_WORDS = 10
"""The fewest characters of the words: a reason that somebody can review later is a sentence."""

broken = sa.Table(
    "care_glass",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("person", sa.String(64), nullable=False),
    sa.Column("role", sa.String(32), nullable=False),
    sa.Column("patient", sa.String(64), nullable=False, index=True),
    sa.Column("ward", sa.String(160), nullable=False),
    sa.Column("code", sa.String(32), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False, index=True),
    sa.Column("until", Instant, nullable=False),
    sa.Column("closed_at", Instant),
    # the number of the erasure that emptied it
    sa.Column("erased", sa.Integer),
    sa.Index("ix_care_glass_person_until", "person", "until"),
)

verdict = sa.Table(
    "care_glass_review",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("glass", sa.ForeignKey("care_glass.id"), nullable=False, index=True),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("role", sa.String(32), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("undone_at", Instant),
    sa.Column("undone_by", sa.String(64)),
)

_STANDS = sa.and_(verdict.c.glass == broken.c.id, verdict.c.undone_at.is_(None))


@dataclass(frozen=True)
class Verdict:
    """What a review found.

    Attributes:
        id: its number.
        glass: which broken glass.
        verdict: one of :data:`VERDICTS`.
        words: why, in the reviewer's words.
        by, role: who, and in which role.
        at: when.
    """

    id: int
    glass: int
    verdict: str
    words: str
    by: str
    role: str
    at: datetime

    @property
    def content(self) -> str:
        """The SHA-256 of what was found, as the event of it keeps it."""
        return care.content((self.id, self.glass, self.verdict, self.words, self.by, self.role, self.at))


@dataclass(frozen=True)
class Broken:
    """One broken glass.

    Attributes:
        id: its number.
        person, role: who broke it, and in which role.
        patient: whose data was opened, as ``Patient/ID``.
        ward: where the patient was, in the hospital's words; empty where that is not known.
        code: one of :data:`REASONS`.
        words: why, in the person's words.
        at, until: from when until when the patient is open to them.
        closed_at: when they closed it before that, if they did.
        erased: the number of the erasure that emptied it, or None.
        verdict: what the review found; None while it waits.
    """

    id: int
    person: str
    role: str
    patient: str
    ward: str
    code: str
    words: str
    at: datetime
    until: datetime
    closed_at: datetime | None = None
    erased: int | None = None
    verdict: Verdict | None = None

    @property
    def content(self) -> str:
        """The SHA-256 of what was said, as the event of it keeps it."""
        said = (
            self.id,
            self.person,
            self.role,
            self.patient,
            self.ward,
            self.code,
            self.words,
            self.at,
            self.until,
        )
        return care.content(said)

    def holds(self, at: datetime) -> bool:
        """Whether the patient is open to the person at a moment."""
        return self.at <= at < min(self.until, self.closed_at or self.until)


def break_(
    engine: sa.Engine,
    person: Person,
    patient: str,
    *,
    ward: str,
    code: str,
    words: str,
    hours: float,
    at: datetime | None = None,
) -> Broken:
    """Keeps that a person breaks the glass; :class:`vesalius.governance.access.Access` says whether they may.

    Args:
        engine: the hospital's database.
        person: who breaks it.
        patient: the id of a patient who is here.
        ward: where the patient is, in the hospital's words.
        code: one of :data:`REASONS`.
        words: why, in their words, at least :data:`SHORTEST_WORDS` characters.
        hours: for how long the patient is open to them.
        at: when.

    Raises:
        NotAllowed: the person's role does not permit it.
        InvalidDecision: the code is unknown, or the words are too few.
        Conflict: the patient is open to them already.
    """
    roles.require(person.roles, Right.BREAK_GLASS)
    at = at or datetime.now(UTC)
    words = _checked(code, words)
    role = person.role_among(tuple(roles.MATRIX[Right.BREAK_GLASS]))
    with writing(engine) as connection:
        mine = sa.and_(broken.c.patient == patient, broken.c.id.in_(_holding(person.id, at)))
        if connection.execute(sa.select(broken.c.id).where(mine)).first():
            raise Conflict("this patient is open to you already")
        values = {
            "person": person.id, "role": role, "patient": patient, "ward": ward[:160], "code": code,
            "words": words, "at": at, "until": at + timedelta(hours=hours),
        }  # fmt: skip
        row = connection.execute(sa.insert(broken).values(values).returning(broken)).one()
        made = _to_broken(row)
        detail = {
            "subject": made.patient, "code": code, "role": role, "until": made.until.isoformat(),
            "purpose": Purpose.ETREAT, "emergency": True, "content": made.content,
        }  # fmt: skip
        audit.record(connection, person.id, Action.GLASS_BROKEN, f"glass/{made.id}", detail, at)
    return made


def close(engine: sa.Engine, number: int, person: Person, at: datetime | None = None) -> Broken:
    """Closes a patient again before the time is over; the review still waits.

    Raises:
        NotFound: there is no such broken glass.
        NotAllowed: somebody else broke it.
        Conflict: it is closed already.
    """
    at = at or datetime.now(UTC)
    with writing(engine) as connection:
        before = _one(connection, number)
        if before.person != person.id:
            raise NotAllowed("only who opened a patient closes them again")
        if not before.holds(at):
            raise Conflict("it is closed already")
        changed = sa.update(broken).where(broken.c.id == number).values(closed_at=at)
        after = _to_broken(connection.execute(changed.returning(broken)).one())
        detail = {"subject": after.patient, "content": after.content}
        audit.record(connection, person.id, Action.GLASS_CLOSED, f"glass/{number}", detail, at)
    return after


def holding(person: str, at: datetime) -> sa.Select[tuple[str]]:
    """Selects the ids of the patients who are open to a person at a moment."""
    return sa.select(broken.c.patient).where(broken.c.id.in_(_holding(person, at)))


def _holding(person: str, at: datetime) -> sa.Select[tuple[int]]:
    c = broken.c
    still = sa.or_(c.closed_at.is_(None), c.closed_at > at)
    return sa.select(c.id).where(c.person == person, c.until > at, c.at <= at, still)


# The review ------------------------------------------------------------------------------------------------


def review(
    engine: sa.Engine, number: int, person: Person, found: str, words: str, at: datetime | None = None
) -> Verdict:
    """Keeps what the review of a broken glass found.

    Raises:
        NotFound: there is no such broken glass.
        NotAllowed: the person does not review access, or broke this glass themselves.
        InvalidDecision: the verdict is unknown, or there is no reason.
        Conflict: it has been reviewed.
    """
    roles.require(person.roles, Right.REVIEW_ACCESS)
    at, words = at or datetime.now(UTC), care.checked(words)
    if found not in VERDICTS:
        raise InvalidDecision("say what the review found", hint=", ".join(VERDICTS))
    with writing(engine) as connection:
        before = _one(connection, number, lock=True)
        if before.person == person.id:
            raise NotAllowed("nobody reviews their own")
        if before.verdict is not None:
            raise Conflict("it has been reviewed", hint="take that back first")
        role = person.role_among(tuple(roles.MATRIX[Right.REVIEW_ACCESS]))
        values = {"glass": number, "verdict": found, "words": words, "by": person.id, "role": role, "at": at}
        made = _to_verdict(connection.execute(sa.insert(verdict).values(values).returning(verdict)).one())
        detail = {"subject": before.patient, "verdict": found, "role": role, "content": made.content}
        detail["purpose"] = Purpose.HCOMPL
        audit.record(connection, person.id, Action.GLASS_REVIEWED, f"glass/{number}", detail, at)
    return made


def undo_review(engine: sa.Engine, number: int, person: Person, at: datetime | None = None) -> Broken:
    """Takes the verdict on a broken glass back: it waits again; only who gave it can.

    Raises:
        NotFound: there is no such broken glass.
        NotAllowed: somebody else gave it.
        Conflict: there is none.
    """
    at = at or datetime.now(UTC)
    with writing(engine) as connection:
        before = _one(connection, number, lock=True)
        if before.verdict is None:
            raise Conflict("it has not been reviewed")
        if before.verdict.by != person.id:
            raise NotAllowed("only who gave a verdict takes it back")
        mine = verdict.c.id == before.verdict.id
        connection.execute(sa.update(verdict).where(mine).values(undone_at=at, undone_by=person.id))
        detail = {
            "subject": before.patient,
            "verdict": before.verdict.verdict,
            "content": before.verdict.content,
        }
        detail["purpose"] = Purpose.HCOMPL
        audit.record(connection, person.id, Action.GLASS_REVIEW_UNDONE, f"glass/{number}", detail, at)
        return _one(connection, number)


def listed(
    engine: sa.Engine,
    *,
    person: str = "",
    reviewed: bool | None = None,
    open_at: datetime | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Broken]:
    """Broken glass: what waits for its review first, then the last first.

    Args:
        engine: the hospital's database.
        person: of one account only.
        reviewed: only what was reviewed, or only what waits; None for both.
        open_at: only what is open at this moment.
        limit: how many.
        offset: after how many.
    """
    asked = _joined().order_by(verdict.c.id.is_not(None), broken.c.at.desc(), broken.c.id.desc())
    if person:
        asked = asked.where(broken.c.person == person)
    if reviewed is not None:
        asked = asked.where(verdict.c.id.is_not(None) if reviewed else verdict.c.id.is_(None))
    if open_at is not None:
        still = sa.or_(broken.c.closed_at.is_(None), broken.c.closed_at > open_at)
        asked = asked.where(broken.c.at <= open_at, broken.c.until > open_at, still)
    with reading(engine) as connection:
        return [_with_verdict(row) for row in connection.execute(asked.limit(limit).offset(offset))]


def get(engine: sa.Engine, number: int) -> Broken:
    """One broken glass.

    Raises:
        NotFound: there is none of that number.
    """
    with reading(engine) as connection:
        return _one(connection, number)


def waiting(engine: sa.Engine) -> int:
    """How many wait for their review."""
    asked = sa.select(sa.func.count()).select_from(broken.outerjoin(verdict, _STANDS))
    with reading(engine) as connection:
        return int(connection.execute(asked.where(verdict.c.id.is_(None))).scalar_one())


@dataclass(frozen=True)
class Count:
    """How often the glass was broken, and what the reviews found.

    Attributes:
        value: the ward, or the role.
        broken: how often.
        waiting: how many wait for their review.
        verdicts: how many of each verdict.
    """

    value: str
    broken: int
    waiting: int
    verdicts: Mapping[str, int]


def counts(engine: sa.Engine, by: str, since: datetime | None = None) -> list[Count]:
    """The counts per ``ward`` (of the patient) or per ``role`` (of who broke it), the most first.

    Raises:
        InvalidDecision: it is neither.
    """
    if by not in ("ward", "role"):
        raise InvalidDecision("count by ward or by role")
    column = broken.c[by]
    asked = sa.select(column, verdict.c.verdict, sa.func.count()).select_from(
        broken.outerjoin(verdict, _STANDS)
    )
    if since is not None:
        asked = asked.where(broken.c.at >= since)
    found: dict[str, Counter[str]] = {}
    with reading(engine) as connection:
        for value, said, count in connection.execute(asked.group_by(column, verdict.c.verdict)):
            found.setdefault(value, Counter())[said or ""] += count
    made = [
        Count(value, said.total(), said[""], {each: said[each] for each in VERDICTS})
        for value, said in found.items()
    ]
    return sorted(made, key=lambda each: (-each.broken, each.value))


def forget(connection: sa.Connection, patient: str, name: str, number: int) -> None:
    """Empties the words about a patient who is erased; see :func:`vesalius.governance.care.forget`."""
    mine = broken.c.patient == patient
    of_them = verdict.c.glass.in_(sa.select(broken.c.id).where(mine))
    connection.execute(sa.update(verdict).where(of_them).values(words=care.GONE))
    left = {"patient": name, "words": care.GONE, "erased": number}
    connection.execute(sa.update(broken).where(mine).values(left))


def _checked(code: str, words: str) -> str:
    if code not in REASONS:
        raise InvalidDecision("say why, by one of the reasons", hint=", ".join(REASONS))
    words = care.checked(words)
    if len(words) < SHORTEST_WORDS:
        raise InvalidDecision(f"say why in words, at least {SHORTEST_WORDS} characters")
    return words


def _joined() -> sa.Select[Any]:
    of_verdict = [column.label(f"verdict_{column.name}") for column in verdict.c]
    return sa.select(*broken.c, *of_verdict).select_from(broken.outerjoin(verdict, _STANDS))


def _one(connection: sa.Connection, number: int, *, lock: bool = False) -> Broken:
    if lock:  # two who review at once wait for each other; SQLite has one writer anyway
        connection.execute(sa.select(broken.c.id).where(broken.c.id == number).with_for_update())
    row = connection.execute(_joined().where(broken.c.id == number)).one_or_none()
    if row is None:
        raise NotFound("there is no such broken glass")
    return _with_verdict(row)


def _to_broken(row: Any) -> Broken:
    values = {name: row._mapping[name] for name in broken.c.keys()}  # noqa: SIM118 - a collection of columns
    return Broken(**{**values, "patient": f"Patient/{row.patient}"})


def _to_verdict(row: Any) -> Verdict:
    return Verdict(row.id, row.glass, row.verdict, row.words, row.by, row.role, row.at)


def _with_verdict(row: Any) -> Broken:
    made = _to_broken(row)
    if row.verdict_id is None:
        return made
    names = ("id", "glass", "verdict", "words", "by", "role", "at")
    found = Verdict(*(row._mapping[f"verdict_{name}"] for name in names))
    return Broken(**{**vars(made), "verdict": found})
