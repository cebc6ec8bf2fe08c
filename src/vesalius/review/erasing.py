"""The suggestions that an erasure reaches: finding them, and emptying all that says whom they were about.

What was proposed, what a person decided, in which role and when, and what came true stay: the evaluation of a
use must not change because somebody was erased. Names, facts, sources and people's own words go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime

import msgspec
import sqlalchemy as sa

from vesalius.card import Text
from vesalius.review._rows import chunks
from vesalius.review._tables import body, decision, outcome, suggestion
from vesalius.review.decisions import close
from vesalius.usecase import Suggestion, decode_suggestion, encode

_CITED = re.compile(rb'"([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})/_history/')

_PAGE = 500


def cited(content: bytes) -> set[str]:
    """The resources, as ``Type/ID``, of which the canonical JSON of a suggestion names a version."""
    return {each.decode() for each in _CITED.findall(content)}


def resting_on(
    connection: sa.Connection, subjects: Collection[str], resources: Collection[str]
) -> Iterator[str]:
    """The ids of the suggestions about some patients, on some resources, or that cite one of them.

    Args:
        connection: where to look.
        subjects: patients, as ``Patient/ID``.
        resources: as ``Type/ID``.
    """
    after = ""
    joined = sa.select(suggestion.c.id, suggestion.c.subject, suggestion.c.focus, body.c.body).join(body)
    alive = joined.where(suggestion.c.erased.is_(None)).order_by(suggestion.c.id).limit(_PAGE)
    names = set(resources)
    while True:
        found = connection.execute(alive.where(suggestion.c.id > after)).all()
        for row in found:
            theirs = row.subject in subjects or row.focus in names or row.subject in names
            if theirs or not names.isdisjoint(cited(row.body)):
                yield row.id
        if len(found) < _PAGE:
            return
        after = found[-1].id


def empty(
    connection: sa.Connection,
    identifiers: Iterable[str],
    number: int,
    at: datetime,
    alias: Callable[[str], str],
    gone: Collection[str],
) -> None:
    """Empties suggestions, within a transaction; those that waited are closed.

    Args:
        connection: a transaction of ``store.writing``.
        identifiers: of the suggestions.
        number: of the erasure.
        at: when.
        alias: the id that stands for a ``Type/ID`` from now on.
        gone: the resources, as ``Type/ID``, that lose their name.
    """
    c = suggestion.c
    for some in chunks(list(identifiers)):
        asked = sa.select(c.id, c.subject, c.focus, body.c.body).join(body).where(c.id.in_(some))
        for row in connection.execute(asked).all():
            subject, focus = (_renamed(each, alias, gone) for each in (row.subject, row.focus))
            left = _left(row.body, subject, focus)
            connection.execute(sa.update(body).where(body.c.suggestion == row.id).values(body=left))
            values = {"patient": "", "birth_date": "", "ward": "", "stay": "", "search": "", "erased": number}
            values |= {"subject": subject, "focus": focus, "revision": c.revision + 1}
            connection.execute(sa.update(suggestion).where(c.id == row.id).values(values))
        close(connection, c.id.in_(some), at)
        connection.execute(sa.update(decision).where(decision.c.suggestion.in_(some)).values(words=""))
        emptied = {"label": "", "sources": []}
        connection.execute(sa.update(outcome).where(outcome.c.suggestion.in_(some)).values(emptied))


def tables() -> list[str]:
    """The tables that hold names and facts of patients, whose files are to be cleaned."""
    return [each.name for each in (suggestion, body, decision, outcome)]


def _renamed(reference: str, alias: Callable[[str], str], gone: Collection[str]) -> str:
    return f"{reference.partition('/')[0]}/{alias(reference)}" if reference in gone else reference


def _left(content: bytes, subject: str, focus: str) -> bytes:
    """What stays of a suggestion: what was proposed, how urgent, how sure; no fact and no source."""
    before = decode_suggestion(content)
    after: Suggestion = msgspec.structs.replace(
        before,
        subject=subject,
        focus=focus,
        summary=Text(key=f"option.{before.option}"),
        base=0.0,
        reasons=(),
        missing=(),
        changes=(),
        limits=(),
        resources=(),
    )
    return encode(after)
