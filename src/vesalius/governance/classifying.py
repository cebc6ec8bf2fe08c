"""What a system is in law: the answers to a questionnaire, and the regime that follows from them.

The questions and the regimes are data (``rules/questions.toml``), with the articles they rest on. Each set
of answers is a version, with an event of the audit that holds its hash; the latest one that its
event vouches for counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import msgspec
import sqlalchemy as sa

from vesalius.card import LANGUAGES
from vesalius.errors import Conflict, InvalidSetting
from vesalius.governance import audit, roles, rulebook
from vesalius.governance._chain import told
from vesalius.governance.people import Person
from vesalius.governance.roles import Right
from vesalius.store import Instant, metadata
from vesalius.usecase import encode

_answers = sa.Table(
    "system_answers",
    metadata,
    sa.Column("system", sa.String(64), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("rules", sa.String(64), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("at", Instant, nullable=False),
)

Words = dict[str, str]
"""A text in each language."""


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question: its key, its choices (the first is the usual one), the article behind it, its words."""

    key: str
    article: str
    choices: tuple[str, ...]
    text: Words


class Regime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One regime.

    Attributes:
        key: its name.
        article: what it rests on.
        when: for each question named, the answers of which one must have been given.
        text: its words.
        high_risk: whether the AI Act treats it as high-risk, or it is treated so to be safe.
        blocked: whether nothing may be signed for it.
    """

    key: str
    article: str
    when: dict[str, tuple[str, ...]]
    text: Words
    high_risk: bool = False
    blocked: bool = False


class Questions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file ``questions.toml``."""

    questions: tuple[Question, ...]
    regimes: tuple[Regime, ...]
    choices: dict[str, Words] = {}

    def regime(self, answers: Mapping[str, str]) -> Regime | None:
        """The first regime whose conditions all hold, or None."""
        return next((each for each in self.regimes if holds(each.when, answers)), None)

    def choice(self, code: str, language: str) -> str:
        """The words of a choice; its code where it has none (a class of devices)."""
        return self.choices.get(code, {}).get(language, code)


@dataclass(frozen=True)
class Classification:
    """What is known of a system in law.

    Attributes:
        answers: by question.
        regime: what follows from them.
        version: the number of the answers.
        rules: the SHA-256 of the questionnaire that was answered.
        by, at, reason: who answered, when, why.
        event: its place in the audit.
    """

    answers: Mapping[str, str]
    regime: Regime
    version: int
    rules: str
    by: str
    at: datetime
    reason: str
    event: int


def holds(when: Mapping[str, tuple[str, ...]], answers: Mapping[str, str]) -> bool:
    """Whether every condition holds; a question that was not answered meets none."""
    return all(answers.get(question) in wanted for question, wanted in when.items())


@lru_cache(maxsize=8)
def read_questions(given: bytes) -> Questions:
    """Reads and checks ``questions.toml``.

    Raises:
        InvalidSetting: a text is missing, a key is there twice, or a regime asks for an unknown answer.
    """
    found = rulebook.read(given, Questions, "questions")
    keys = [each.key for each in found.questions] + [f"regime {each.key}" for each in found.regimes]
    if len(set(keys)) != len(keys) or not found.questions or not found.regimes:
        raise InvalidSetting("questions.toml: each question and each regime is there once, and there is one")
    known = {each.key: each.choices for each in found.questions}
    texts = {each.key: each.text for each in found.questions} | {
        each.key: each.text for each in found.regimes
    }
    for key, text in texts.items():
        if missing := [code for code in LANGUAGES if not text.get(code, "").strip()]:
            raise InvalidSetting(f"questions.toml: {key} has no text in {', '.join(missing)}")
    for regime in found.regimes:
        for question, wanted in regime.when.items():
            if wrong := set(wanted) - set(known.get(question, ())):
                raise InvalidSetting(f"questions.toml: regime {regime.key} asks {question} = {sorted(wrong)}")
    return found


def questions(where: sa.Connection) -> Questions:
    """The questionnaire in force."""
    return read_questions(rulebook.body(where, "questions")[1])


def of(where: sa.Connection, name: str) -> Classification | None:
    """What is known of the system ``name`` in law; None where nobody answered, or it was altered."""
    events = told(where, (audit.Action.SYSTEM_ANSWERED,), name)
    if not events:
        return None
    said = events[-1]
    row = where.execute(
        sa.select(_answers).where(
            _answers.c.system == name, _answers.c.version == said.detail.get("version", 0)
        )
    ).one_or_none()
    if row is None or _content(row.body, row.rules, row.reason) != said.detail.get("content"):
        return None
    answers = msgspec.json.decode(row.body, type=dict[str, str])
    regime = questions(where).regime(answers)
    if regime is None:
        return None
    return Classification(answers, regime, row.version, row.rules, row.by, row.at, row.reason, said.seq)


def keep(
    where: sa.Connection,
    name: str,
    answers: Mapping[str, str],
    person: Person,
    reason: str,
    at: datetime | None,
) -> Classification:
    """Keeps answers as the next version, in the transaction given.

    Raises:
        NotAllowed: the person does not keep the register.
        InvalidSetting: a question has no answer, or one that is not among its choices; or no regime follows.
        Conflict: it is answered like that already.
    """
    roles.require(person.roles, Right.KEEP_REGISTER)
    digest, given = rulebook.body(where, "questions")
    asked, at = read_questions(given), at or datetime.now(UTC)
    if not reason.strip():
        raise InvalidSetting("say why: the reason is kept with the answers")
    for each in asked.questions:
        if answers.get(each.key) not in each.choices:
            raise InvalidSetting(f"answer {each.key}: one of {', '.join(each.choices)}")
    kept = {each.key: answers[each.key] for each in asked.questions}
    regime, before = asked.regime(kept), of(where, name)
    if regime is None:
        raise InvalidSetting("no regime follows from these answers", hint="the questionnaire must cover them")
    if before and (dict(before.answers), before.rules) == (kept, digest):
        raise Conflict(f"{name} is answered like that already")
    newest = sa.select(sa.func.max(_answers.c.version)).where(_answers.c.system == name)
    version = (where.execute(newest).scalar_one() or 0) + 1
    body = encode(kept).decode()
    row = {"system": name, "version": version, "body": body, "rules": digest, "reason": reason}
    where.execute(sa.insert(_answers).values(**row, by=person.id, at=at))
    role = person.role_among(tuple(roles.MATRIX[Right.KEEP_REGISTER]))
    detail = {
        "version": version, "regime": regime.key, "rules": digest, "role": role,
        "content": _content(body, digest, reason),
    }  # fmt: skip
    event = audit.record(where, person.id, audit.Action.SYSTEM_ANSWERED, name, detail, at)
    return Classification(kept, regime, version, digest, person.id, at, reason, event.seq)


def _content(body: str, rules: str, reason: str) -> str:
    return hashlib.sha256(encode([body, rules, reason])).hexdigest()
