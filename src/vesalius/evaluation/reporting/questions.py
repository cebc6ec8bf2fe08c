"""What no machine can fill: each question with the role that answers for it, and by when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from vesalius.card import Card
from vesalius.errors import NotFound
from vesalius.evaluation.reporting.document import Question
from vesalius.evaluation.words import Words

Owner = Literal["engineer", "doctor", "dpo", "director", "legal"]
"""The role that answers for a question: one of ``vesalius.governance.Role``."""

Due = Literal["data_approved", "validated", "silent", "live"]
"""The state that a use must not reach while the question is open."""


class Asking(msgspec.Struct, frozen=True):
    """One question; its words are the text ``question.KEY``.

    Attributes:
        key: its name.
        owner: who answers for it.
        due: by when.
        when: ``always``, or only when the run does not hold what would fill it.
    """

    key: str
    owner: Owner
    due: Due
    when: Literal["always", "sometimes"] = "always"


QUESTIONS: tuple[Asking, ...] = (
    Asking("data_source", "engineer", "data_approved"),
    Asking("setting", "doctor", "data_approved"),
    Asking("ethics", "dpo", "data_approved"),
    Asking("consent", "dpo", "data_approved"),
    Asking("context", "doctor", "validated"),
    Asking("inequalities", "doctor", "validated"),
    Asking("treatments", "doctor", "validated"),
    Asking("preparation", "engineer", "validated"),
    Asking("outcome", "doctor", "validated"),
    Asking("assessors", "doctor", "validated"),
    Asking("blinding", "doctor", "validated"),
    Asking("predictor_choice", "engineer", "validated"),
    Asking("predictor_assessors", "doctor", "validated"),
    Asking("sample_size", "engineer", "validated", "sometimes"),
    Asking("characteristics", "engineer", "validated", "sometimes"),
    Asking("comparison", "engineer", "validated", "sometimes"),
    Asking("interpretation", "doctor", "validated"),
    Asking("protocol", "engineer", "validated"),
    Asking("registration", "director", "silent"),
    Asking("funding", "director", "silent"),
    Asking("conflicts", "director", "silent"),
    Asking("developer", "director", "silent"),
    Asking("contact", "director", "silent"),
    Asking("release_date", "engineer", "silent"),
    Asking("data_sharing", "dpo", "silent"),
    Asking("involvement", "director", "live"),
    Asking("next_steps", "doctor", "live"),
    Asking("availability", "legal", "live"),
    Asking("publications", "doctor", "live"),
)
"""Every question, those that are due first at the top."""

BY_KEY: Mapping[str, Asking] = {item.key: item for item in QUESTIONS}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a person answered.

    Attributes:
        text: their words.
        by: their name, as people know them; or the name of the card that says it.
        role: the role in which they answered, as ``doctor``; or ``card``.
        at: the day, as ``YYYY-MM-DD``; empty for a card.
        run: the id of the run that they had before them; empty for one that holds for every run.
    """

    text: str
    by: str
    role: str = ""
    at: str = ""
    run: str = ""


def question(key: str) -> Asking:
    """The question of that name.

    Raises:
        NotFound: there is none.
    """
    if key not in BY_KEY:
        raise NotFound(f"there is no question {key!r}", hint=f"one of {', '.join(BY_KEY)}")
    return BY_KEY[key]


def answered(card: Card, language: str, answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """The answers of people; where there is none, the one that the card gives in its text ``report.KEY``."""
    said = card.texts.get(language, {})
    maker = {
        item.key: Answer(text=said[f"report.{item.key}"], by=f"{card.name} {card.version}", role="card")
        for item in QUESTIONS
        if f"report.{item.key}" in said
    }
    return maker | {key: answer for key, answer in answers.items() if answer.text}


def asked(filled: frozenset[str]) -> tuple[Asking, ...]:
    """The questions that a run leaves open: all but those whose facts it holds itself."""
    return tuple(item for item in QUESTIONS if item.when == "always" or item.key not in filled)


def spoken(item: Asking, words: Words, answer: Answer | None, run: str, items: tuple[str, ...]) -> Question:
    """A question in words, with its answer where there is one.

    Args:
        item: the question.
        words: of the reader's language.
        answer: what a person or the card answered, or None.
        run: the id of the run of the report.
        items: the items of the checklists that wait for it.
    """
    question_words, owner = words(f"question.{item.key}"), words(f"owner.{item.owner}")
    due = words(f"due.{item.due}")
    if answer is None:
        return Question(item.key, question_words, owner, due, items)
    role = words(f"owner.{answer.role}") if f"owner.{answer.role}" in words.texts else answer.role
    stale = bool(answer.run) and answer.run != run
    return Question(
        item.key, question_words, owner, due, items, answer.text, answer.by, role, answer.at, stale
    )
