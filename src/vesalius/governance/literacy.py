"""AI literacy: who took which course, in which version and with what score, and who may decide without it.

A deployer takes measures that support the AI literacy of the people who use an AI system (Regulation (EU)
2024/1689, article 4, as recast by Regulation (EU) 2026/1744, which guarantees no level). No law says by which
course, nor for how long: the pass mark, the months and what an untrained person may do are the hospital's own
choices. Every attempt is kept, also one that failed; never what was answered.

A pass counts for the version of the card and the model that it was taken on, until it expires: whoever puts
another model in force makes everyone who decides with it take the course again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa

from vesalius.card import Card
from vesalius.errors import Untrained
from vesalius.governance import audit, care, people, uses
from vesalius.governance.audit import Action
from vesalius.settings import Settings
from vesalius.store import Instant, metadata, reading, writing
from vesalius.usecase import encode, find

PREFIX = "use-"
"""How the name of the course of a use begins."""

ADDRESS = "/academy/courses/"
"""Where the console has a course."""

Strictness = Literal["off", "warn", "require"]

# Who tried which course and how it went, never what they answered; nothing in it is about a patient.
record = sa.Table(
    "academy_record",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("person", sa.String(64), nullable=False),
    sa.Column("role", sa.String(32), nullable=False),
    sa.Column("course", sa.String(80), nullable=False, index=True),
    sa.Column("version", sa.String(32), nullable=False),
    sa.Column("model", sa.String(64), nullable=False),
    sa.Column("language", sa.String(2), nullable=False),
    sa.Column("course_hash", sa.String(64), nullable=False),
    sa.Column("asked", sa.Integer, nullable=False),
    sa.Column("right", sa.Integer, nullable=False),
    sa.Column("passed", sa.Boolean, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("valid_until", Instant, nullable=False),
    sa.Column("content", sa.String(64), nullable=False),
    sa.Index("ix_academy_record_person_course", "person", "course"),
)


@dataclass(frozen=True)
class Taken:
    """One attempt at a course.

    Attributes:
        person: the account.
        role: theirs, then.
        course: the course's name.
        version: of it.
        model: the SHA-256 of the model in force then; empty for the one that ships, or a common course.
        language: in which it was taken.
        course_hash: the SHA-256 of all that the course said.
        asked: how many questions.
        right: how many right answers.
        passed: whether that was enough.
        at: when.
        valid_until: until when a pass counts.
    """

    person: str
    role: str
    course: str
    version: str
    model: str
    language: str
    course_hash: str
    asked: int
    right: int
    passed: bool
    at: datetime
    valid_until: datetime

    @property
    def content(self) -> str:
        """The SHA-256 of the whole, as the event of the audit names it."""
        return hashlib.sha256(encode(self)).hexdigest()

    def holds(self, version: str, model: str, now: datetime) -> bool:
        """Whether it still says that the person knows this version, with this model."""
        same = self.version == version and self.model == model
        return self.passed and same and self.at <= now < self.valid_until


@dataclass(frozen=True)
class Readiness:
    """How many of those who may decide on a use's suggestions are trained for it.

    Attributes:
        use: the use case.
        trained: the accounts that hold a valid pass of its course, in order.
        untrained: the other accounts that may decide, in order.
    """

    use: str
    trained: tuple[str, ...]
    untrained: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many may decide."""
        return len(self.trained) + len(self.untrained)

    @property
    def share(self) -> float:
        """The share that is trained, 0 to 1; 0 where nobody may decide, for nobody is ready."""
        return len(self.trained) / self.total if self.total else 0.0


def course_of(use: str) -> str:
    """The name of the course of a use."""
    return f"{PREFIX}{use}"


def keep(engine: sa.Engine, taken: Taken) -> None:
    """Keeps an attempt, and its event in the audit, in one transaction."""
    row = {name: getattr(taken, name) for name in Taken.__dataclass_fields__}
    detail = {
        "version": taken.version, "model": taken.model, "language": taken.language, "role": taken.role,
        "asked": taken.asked, "right": taken.right, "content": taken.content,
    }  # fmt: skip
    action = Action.COURSE_PASSED if taken.passed else Action.COURSE_FAILED
    with writing(engine) as connection:
        connection.execute(sa.insert(record), [row | {"content": taken.content}])
        audit.record(connection, taken.person, action, taken.course, detail, taken.at)


def taken(
    where: sa.Engine | sa.Connection, *, person: str = "", course: str = "", passed: bool | None = None
) -> list[Taken]:
    """Attempts, latest first: of a person, at a course, or all."""
    if isinstance(where, sa.Engine):
        with reading(where) as connection:
            return taken(connection, person=person, course=course, passed=passed)
    columns = [record.c[name] for name in Taken.__dataclass_fields__]
    asked = sa.select(*columns).order_by(record.c.at.desc(), record.c.id.desc())
    if person:
        asked = asked.where(record.c.person == person)
    if course:
        asked = asked.where(record.c.course == course)
    if passed is not None:
        asked = asked.where(record.c.passed == passed)
    return [Taken(*row) for row in where.execute(asked)]


def trained(connection: sa.Connection, use: str, person: str, at: datetime, card: Card | None = None) -> bool:
    """Whether a person holds a valid pass of the course of a use, for its card and model in force."""
    return person in _holders(connection, use, at, card or find(use).card, person)


def readiness(
    where: sa.Engine | sa.Connection, use: str, at: datetime | None = None, units: Iterable[str] = ()
) -> Readiness:
    """Who of those who may decide on the suggestions of ``use`` is trained for it: what a gate can ask for.

    Args:
        where: the hospital's database.
        use: the use case.
        at: when; now unless a test says otherwise.
        units: only those who serve one of these, or all of the hospital; everybody where none is named.

    Raises:
        NotFound: no such use case is installed.
    """
    if isinstance(where, sa.Engine):
        with reading(where) as connection:
            return readiness(connection, use, at, units)
    card, wanted = find(use).card, {*units}
    deciders = sorted(each.id for each in people.everyone(where) if each.role_among(card.reviewers))
    if wanted:
        wanted.add(care.EVERYWHERE)
        deciders = [each for each in deciders if wanted & {*care.units(where, each)}]
    holders = _holders(where, use, at or datetime.now(UTC), card)
    return Readiness(
        use,
        tuple(each for each in deciders if each in holders),
        tuple(each for each in deciders if each not in holders),
    )


def strictness(settings: Settings, use: str) -> Strictness:
    """What an untrained person may do with the suggestions of ``use``."""
    return settings.require_course_uses.get(use, settings.require_course)


@dataclass(frozen=True)
class Requirement:
    """What is asked of a person before they decide; :class:`vesalius.review.Review` asks it each time."""

    settings: Settings

    def __call__(
        self, connection: sa.Connection, use: str, card: Card, person: str, at: datetime
    ) -> Mapping[str, Any]:
        """What the event of the decision says of the person's training.

        Raises:
            Untrained: they hold no valid pass, and the hospital requires one.
        """
        asked = strictness(self.settings, use)
        if asked == "off" or trained(connection, use, person, at, card):
            return {}
        if asked == "require":
            raise Untrained(
                f"{person} has not passed the course on {use}, or not for the tool as it is now",
                course=course_of(use),
                hint=f"take it at {ADDRESS}{course_of(use)}: about five minutes",
            )
        return {"untrained": True}


def _holders(connection: sa.Connection, use: str, at: datetime, card: Card, person: str = "") -> set[str]:
    model = uses.current(connection, use).model
    found: Iterable[Taken] = taken(connection, person=person, course=course_of(use), passed=True)
    return {each.person for each in found if each.holds(card.version, model, at)}
