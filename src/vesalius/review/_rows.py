"""From rows of the database to records, and back."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vesalius.errors import NotFound
from vesalius.review._tables import body, decision, outcome, suggestion
from vesalius.review.records import URGENCY, Decision, Display, Filed, KnownOutcome, Mode
from vesalius.usecase import Suggestion, encode

_OWN = tuple(
    field.name for field in fields(Filed) if field.name not in {"display", "body", "decisions", "outcome"}
)
_DISPLAY = tuple(field.name for field in fields(Display))
_LONGEST = 200  # characters shown of a name: they are part of an index, whose entries have a greatest length
_DECISION = tuple(field.name for field in fields(Decision))


def fold(words: str) -> str:
    """Words without case and accents, so that a search for ``helene`` finds ``Hélène``."""
    plain = unicodedata.normalize("NFKD", words)
    return "".join(sign for sign in plain if not unicodedata.combining(sign)).casefold()


def to_row(item: Suggestion, mode: Mode, now: datetime, display: Display) -> dict[str, Any]:
    """The row of the table ``suggestion``."""
    row = {name: getattr(item, name) for name in _OWN if hasattr(item, name)}
    row |= {name: getattr(display, name)[:_LONGEST] for name in _DISPLAY}
    return row | {
        "mode": mode,
        "status": "open",
        "revision": 0,
        "urgency": URGENCY[item.indicator],
        "created_at": now,
        "search": fold(f"{row['patient']} {row['stay']}"),
    }


def to_body(item: Suggestion) -> dict[str, Any]:
    """The row of the table ``suggestion_body``."""
    return {"suggestion": item.id, "body": encode(item)}


def to_filed(row: Any, decisions: Sequence[Decision] = ()) -> Filed:
    """A filed suggestion from a row of :func:`select_filed`."""
    values = row._mapping
    known = None
    if values["outcome_known_at"] is not None:
        known = KnownOutcome(
            bool(values["outcome_value"]),
            values["outcome_label"],
            values["outcome_known_at"],
            tuple(values["outcome_sources"]),
            values["outcome_recorded_at"],
        )
    return Filed(
        **{name: values[name] for name in _OWN},
        display=Display(**{name: values[name] for name in _DISPLAY}),
        body=bytes(values["body"]),
        decisions=tuple(decisions),
        outcome=known,
    )


def to_decision(row: Any) -> Decision:
    """A decision from a row of the table."""
    return Decision(**{name: row._mapping[name] for name in _DECISION})


def select_filed() -> sa.Select[Any]:
    """Suggestions with their bodies and outcomes."""
    known = [column.label(f"outcome_{column.name}") for column in outcome.c if column.name != "suggestion"]
    joined = suggestion.join(body, body.c.suggestion == suggestion.c.id).outerjoin(
        outcome, outcome.c.suggestion == suggestion.c.id
    )
    return sa.select(suggestion, body.c.body, *known).select_from(joined)


def load(connection: sa.Connection, identifier: str) -> Filed:
    """One suggestion with its decisions.

    Raises:
        NotFound: there is none with that id.
    """
    row = connection.execute(select_filed().where(suggestion.c.id == identifier)).one_or_none()
    if row is None:
        raise NotFound(f"there is no suggestion {identifier}")
    return to_filed(row, decisions_of(connection, [identifier]))


def load_many(connection: sa.Connection, identifiers: Sequence[str]) -> list[Filed]:
    """Suggestions without their decisions, in the order asked for."""
    found = {row.id: to_filed(row) for row in _by_ids(connection, identifiers)}
    return [found[identifier] for identifier in identifiers]


def decisions_of(connection: sa.Connection, identifiers: Sequence[str]) -> list[Decision]:
    """The decisions on some suggestions, oldest first."""
    asked = sa.select(decision).where(decision.c.suggestion.in_(identifiers)).order_by(decision.c.id)
    return [to_decision(row) for row in connection.execute(asked)]


def chunks(items: Sequence[str], size: int = 500) -> Iterable[Sequence[str]]:
    """Pieces small enough for the parameters of one statement."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _by_ids(connection: sa.Connection, identifiers: Sequence[str]) -> Iterable[Any]:
    for some in chunks(identifiers):
        yield from connection.execute(select_filed().where(suggestion.c.id.in_(some)))
