"""The worklist: what is waiting for a person, most urgent first, with what it can be narrowed to.

One grouped query over a covering index gives the total and every facet; one walk of an ordered index gives
the page. Neither reads a suggestion's body but those of the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from vesalius.review._rows import fold, load_many
from vesalius.review._tables import suggestion
from vesalius.review.records import DECIDED, Mode, Page

FACETS = ("usecase", "indicator", "ward", "option")
"""What a worklist can be narrowed to."""

_GROUPS: Mapping[str, tuple[str, ...]] = {
    "decided": DECIDED,
    "all": (*DECIDED, "open", "deferred", "expired"),
}


@dataclass(frozen=True)
class Filters:
    """What a worklist is narrowed to; an empty one narrows nothing.

    Attributes:
        usecase, indicator, ward, option: only those with this value.
        text: only patients whose name or stay has each of these words, whatever the case and accents.
        status: a status, ``decided`` (accepted, modified, overridden), or ``all`` but what is withheld.
        mode: live or silent.
        subject: only this patient, as ``Patient/ID``.
        only: only patients whose id this selects; None for all.
        never: and none whose id this selects; None for nobody.
    """

    usecase: str = ""
    indicator: str = ""
    ward: str = ""
    option: str = ""
    text: str = ""
    status: str = "open"
    mode: Mode = "live"
    subject: str = ""
    only: sa.Select[tuple[str]] | None = None
    never: sa.Select[tuple[str]] | None = None


def page(connection: sa.Connection, filters: Filters, limit: int, offset: int) -> Page:
    """One page: the most urgent first, then the greater priority, then the one that has waited longest."""
    facets, total = _facets(connection, filters)
    rows = suggestion.c
    asked = sa.select(rows.id).where(*_base(filters), *_narrowed(filters))
    asked = asked.order_by(rows.urgency, rows.priority.desc(), rows.as_of, rows.id)
    identifiers = connection.execute(asked.limit(limit).offset(offset)).scalars().all()
    others = _others(connection, filters, total)
    return Page(tuple(load_many(connection, identifiers)), total, facets, others)


def _others(connection: sa.Connection, filters: Filters, total: int) -> int:
    """How many there would be of all patients, less those that are shown."""
    if filters.only is None and filters.never is None:
        return 0
    everybody = replace(filters, only=None, never=None)
    asked = sa.select(sa.func.count()).select_from(suggestion).where(*_base(everybody), *_narrowed(filters))
    return int(connection.execute(asked).scalar_one()) - total


def within(filters: Filters) -> list[sa.ColumnElement[bool]]:
    """The conditions by which a list shows some patients only."""
    conditions: list[sa.ColumnElement[bool]] = []
    for chosen, inside in ((filters.only, True), (filters.never, False)):
        if chosen is not None:
            named = sa.select("Patient/" + chosen.subquery().c[0])
            subject = suggestion.c.subject
            conditions.append(subject.in_(named) if inside else subject.not_in(named))
    return conditions


def _base(filters: Filters) -> list[sa.ColumnElement[bool]]:
    rows = suggestion.c
    statuses = _GROUPS.get(filters.status, (filters.status,))
    status = rows.status == statuses[0] if len(statuses) == 1 else rows.status.in_(statuses)
    conditions = [rows.mode == filters.mode, status]
    conditions += [rows.search.contains(word, autoescape=True) for word in fold(filters.text).split()]
    if filters.subject:
        conditions.append(rows.subject == filters.subject)
    return conditions + within(filters)


def _narrowed(filters: Filters) -> list[sa.ColumnElement[bool]]:
    return [suggestion.c[name] == getattr(filters, name) for name in FACETS if getattr(filters, name)]


def _facets(connection: sa.Connection, filters: Filters) -> tuple[dict[str, dict[str, int]], int]:
    columns = [suggestion.c[name] for name in FACETS]
    asked = sa.select(*columns, sa.func.count().label("n")).where(*_base(filters)).group_by(*columns)
    facets: dict[str, Counter[str]] = {name: Counter() for name in FACETS}
    total = 0
    for row in connection.execute(asked):
        differs = [name for name in FACETS if getattr(filters, name) not in ("", getattr(row, name))]
        total += 0 if differs else row.n
        for name in FACETS:
            if not set(differs) - {name}:
                facets[name][getattr(row, name)] += row.n
    return {name: dict(_ordered(counts)) for name, counts in facets.items()}, total


def _ordered(counts: Counter[str]) -> list[tuple[str, Any]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
