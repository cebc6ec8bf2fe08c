"""What people answered to the questions of a validation report: every version is kept, by whom and when.

Nothing is overwritten. Taking an answer back adds a version that says what the one before the last said;
taking that back brings the answer back.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from vesalius.errors import Conflict, InvalidSetting, NotAllowed, NotFound
from vesalius.governance import audit
from vesalius.governance.audit import Action
from vesalius.governance.people import Person
from vesalius.governance.roles import Right, Role, require
from vesalius.store import Instant, add, metadata, reading, writing
from vesalius.usecase import encode

if TYPE_CHECKING:
    from vesalius.evaluation.reporting import Answer

LONGEST = 4000
"""How many characters an answer may have."""

OWNERS: dict[str, tuple[Role, ...]] = {
    "engineer": (Role.ENGINEER,),
    "doctor": (Role.DOCTOR, Role.BIOLOGIST),
    "dpo": (Role.DPO,),
    "director": (Role.DIRECTOR,),
    "legal": (Role.LEGAL,),
}
"""Which roles may answer for each owner of a question; the clinical lead is a doctor or a biologist."""

_answer = sa.Table(
    "report_answer",
    metadata,
    sa.Column("usecase", sa.String(64), primary_key=True),
    sa.Column("question", sa.String(64), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("run", sa.String(128), nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("role", sa.String(32), nullable=False),
    sa.Column("at", Instant, nullable=False),
)


@dataclass(frozen=True)
class Given:
    """One version of the answer to a question.

    Attributes:
        usecase: the use.
        question: the key of the question.
        version: its number, from 1.
        text: the answer; empty where it was taken back.
        run: the id of the validation run that the person had before them; empty where there was none.
        by: the account.
        role: the role in which it answered.
        at: when.
    """

    usecase: str
    question: str
    version: int
    text: str
    run: str
    by: str
    role: str
    at: datetime


def answer(
    engine: sa.Engine,
    usecase: str,
    question: str,
    text: str,
    person: Person,
    *,
    run: str = "",
    after: int = 0,
    at: datetime | None = None,
) -> Given:
    """Keeps an answer as the next version.

    Args:
        engine: the hospital's database.
        usecase: the use.
        question: the key of the question.
        text: the answer, in the person's words.
        person: who answers.
        run: the id of the validation run that they had before them.
        after: the version that they saw; 0 where there was none.
        at: when.

    Raises:
        NotFound: there is no such question.
        NotAllowed: the person has none of the roles that answer for it.
        InvalidSetting: the answer is empty or too long.
        Conflict: somebody answered meanwhile, or it says that already.
    """
    text = text.strip()
    role = _role(question, person)
    if not text or len(text) > LONGEST:
        raise InvalidSetting(f"an answer has 1 to {LONGEST} characters")
    made = Given(usecase, question, after + 1, text, run, person.id, role, at or datetime.now(UTC))
    return _add(engine, made, Action.REPORT_ANSWERED, after)


def undo(
    engine: sa.Engine,
    usecase: str,
    question: str,
    person: Person,
    *,
    after: int,
    at: datetime | None = None,
) -> Given:
    """Takes the last change of an answer back.

    Raises:
        NotFound: nobody has answered it.
        NotAllowed: the person has none of the roles that answer for it.
        Conflict: somebody changed it meanwhile.
    """
    role = _role(question, person)
    versions = history(engine, usecase, question)
    if not versions:
        raise NotFound("nobody has answered that question")
    text, run = (versions[1].text, versions[1].run) if len(versions) > 1 else ("", "")
    made = Given(usecase, question, after + 1, text, run, person.id, role, at or datetime.now(UTC))
    return _add(engine, made, Action.REPORT_UNDONE, after)


def history(engine: sa.Engine, usecase: str, question: str) -> list[Given]:
    """Every version of the answer to a question, the last first."""
    asked = sa.select(_answer).where(_answer.c.usecase == usecase, _answer.c.question == question)
    with reading(engine) as connection:
        rows = connection.execute(asked.order_by(_answer.c.version.desc()))
        return [Given(**row._mapping) for row in rows]


def current(engine: sa.Engine, usecase: str) -> dict[str, Given]:
    """The version that counts of every question that was ever answered; empty where it was taken back."""
    asked = sa.select(_answer).where(_answer.c.usecase == usecase).order_by(_answer.c.version)
    with reading(engine) as connection:
        return {row.question: Given(**row._mapping) for row in connection.execute(asked)}


def spoken(engine: sa.Engine, usecase: str) -> dict[str, Answer]:
    """The answers that count, as a report takes them: with the names of those who gave them."""
    from vesalius.evaluation.reporting import Answer
    from vesalius.governance import people

    names = {person.id: person.name for person in people.everyone(engine)}
    return {
        key: Answer(
            text=given.text,
            by=names.get(given.by, given.by),
            role=given.role,
            at=given.at.date().isoformat(),
            run=given.run,
        )
        for key, given in current(engine, usecase).items()
        if given.text
    }


def may(question: str, person: Person) -> bool:
    """Whether a person has a role that answers for a question.

    Raises:
        NotFound: there is no such question.
    """
    return bool(person.role_among(_roles(question)))


def _roles(question: str) -> tuple[Role, ...]:
    from vesalius.evaluation.reporting import question as known

    return OWNERS[known(question).owner]


def _role(question: str, person: Person) -> str:
    """The role in which a person answers."""
    require(person.roles, Right.ANSWER_QUESTIONS)
    roles = _roles(question)
    role = person.role_among(roles)
    if not role:
        raise NotAllowed("that question is not yours to answer", hint=f"{', '.join(sorted(roles))} may")
    return role


def _add(engine: sa.Engine, made: Given, action: Action, after: int) -> Given:
    same = sa.and_(_answer.c.usecase == made.usecase, _answer.c.question == made.question)
    asked = sa.select(_answer.c.version, _answer.c.text, _answer.c.run).where(same)
    with writing(engine) as connection:
        last = connection.execute(asked.order_by(_answer.c.version.desc()).limit(1)).first()
        newest = (last.version if last else 0) == after
        if newest and last and (last.text, last.run) == (made.text, made.run):
            raise Conflict("it says that already", hint="nothing was changed")
        if not newest or not add(connection, _answer, vars(made)):
            raise Conflict("somebody answered that question meanwhile", hint="read it first")
        detail = {"question": made.question, "version": made.version, "role": made.role, "run": made.run}
        words = encode([made.text, made.run, made.by, made.role])
        detail["content"] = hashlib.sha256(words).hexdigest()
        audit.record(connection, made.by, action, made.usecase, detail, made.at)
    return made
