"""A course as data: pages with one idea each, and a pool of questions whose answers explain."""

from __future__ import annotations

import hashlib
from functools import cached_property

import msgspec

from vesalius.usecase import encode

PASS_MARK = 0.8
"""The share of right answers that passes: a choice of ours.

No law sets one: Regulation (EU) 2024/1689, article 4, as recast by Regulation (EU) 2026/1744, asks for
measures that support literacy and guarantees no level."""

ASKED = 6
"""How many questions an attempt has: with the pass mark, one mistake passes and two do not."""

MONTHS = 12
"""For how long a pass of a use's course is valid. A choice of ours, as most yearly training in hospitals."""

FEWEST = 5
"""The fewest questions of a pool."""

RIGHT = "right"
"""The key of the right answer of each question; the others are ``wrong1``, ``wrong2`` …"""


class Answer(msgspec.Struct, frozen=True):
    """One answer that can be chosen: ``right``, or ``wrong1``, ``wrong2`` …; and its words."""

    key: str
    words: str

    @property
    def right(self) -> bool:
        """Whether it is the right one."""
        return self.key == RIGHT


class Question(msgspec.Struct, frozen=True, omit_defaults=True):
    """One question with one right answer.

    Attributes:
        key: names it within its course, in every version.
        words: the question.
        answers: the right one first; an attempt shows them in another order.
        why: the explanation, shown after answering whatever was chosen.
    """

    key: str
    words: str
    answers: tuple[Answer, ...]
    why: str


class Table(msgspec.Struct, frozen=True):
    """A small table: the first cell of each row names it, the others are figures."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Page(msgspec.Struct, frozen=True, omit_defaults=True):
    """One page: one idea.

    Attributes:
        key: names it.
        title: the idea, in a few words.
        text: paragraphs.
        points: a list.
        notice: what must not be overlooked.
        table: figures, or nothing.
        caption: the words of the picture, for who does not see it too.
        picture: our own SVG, or empty; no part of the digest, for it shows what the page says.
        exercise: a case to try, which counts for nothing.
    """

    key: str
    title: str
    text: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    notice: str = ""
    table: Table | None = None
    caption: str = ""
    picture: str = ""
    exercise: Question | None = None


class Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a course without making its pages.

    Attributes:
        name: its name: ``use-`` and the name of the use case, or that of a written course.
        version: of it; the course of a use has the version of the use's card.
        roles: who it is for.
        system: the AI system that it is about; empty for a common one.
        months: for how long a pass is valid.
        minutes: about how long it takes.
        asked: how many questions an attempt has.
        pass_mark: the share of right answers that passes.
    """

    name: str
    version: str
    roles: tuple[str, ...]
    system: str = ""
    months: int = MONTHS
    minutes: int = 5
    asked: int = ASKED
    pass_mark: float = PASS_MARK


class Course(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """A course in one language.

    Attributes:
        head: its name, version, and for whom it is.
        language: fr, nl, de or en.
        title: its title.
        lead: one sentence on it.
        pages: in order.
        questions: the pool.
        run: the validation run whose figures it shows; empty where it shows none.
    """

    head: Head
    language: str
    title: str
    lead: str
    pages: tuple[Page, ...]
    questions: tuple[Question, ...]
    run: str = ""

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of all its words: what a record says was learnt."""
        pages = tuple(msgspec.structs.replace(page, picture="") for page in self.pages)
        return hashlib.sha256(encode(msgspec.structs.replace(self, pages=pages))).hexdigest()
