"""What the use said and what came true, row by row, as it was when the dossier was built.

These rows have no event each. A turn of the loop notes only how many it filed; an outcome is nobody's
doing. So the dossier seals the SHA-256 of each row itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import sqlalchemy as sa

from vesalius.dossier.document import Kept
from vesalius.governance.audit import Action
from vesalius.store import metadata
from vesalius.usecase import encode

_SAID = (
    "usecase", "version", "model", "settings", "as_of", "position", "option", "indicator", "probability",
    "mode", "created_at",
)  # fmt: skip
_KNOWN = ("value", "label", "known_at", "recorded_at")


def rows(connection: sa.Connection, name: str) -> tuple[Kept, ...]:
    """Every suggestion and outcome, but for those emptied on request; the settings noted when it spoke."""
    found = (*_suggestions(connection, name), *_outcomes(connection, name), *_settings(connection, name))
    return tuple(sorted(found, key=_order))


def wrong(connection: sa.Connection, name: str, before: tuple[Kept, ...], size: int) -> list[str]:
    """What is no longer as it was sealed, in words."""
    now = {(each.table, each.key): each.hash for each in rows(connection, name)}
    sealed = {(each.table, each.key) for each in before}
    erased = _erased(connection, name)
    found = [
        f"the {each.table} {each.key}, recorded {each.at:%Y-%m-%d %H:%M} UTC, was altered or removed"
        for each in before
        if now.get((each.table, each.key)) != each.hash and each.key not in erased
    ]
    if not _turned(connection, name, size):
        extra = sorted(key for table, key in now if table == "suggestion" and (table, key) not in sealed)
        found += [f"the suggestion {key} has no event: the use has not turned since" for key in extra]
    return found


def _order(each: Kept) -> tuple[str, str]:
    return each.table, each.key


def _suggestions(connection: sa.Connection, name: str) -> Iterator[Kept]:
    table, body = metadata.tables["suggestion"], metadata.tables["suggestion_body"].c
    asked = sa.select(table.c.id, *(table.c[each] for each in _SAID), body.body)
    asked = asked.join(metadata.tables["suggestion_body"], body.suggestion == table.c.id, isouter=True)
    for row in connection.execute(asked.where(table.c.usecase == name, table.c.erased.is_(None))):
        said = [str(each) for each in row[1:-1]]
        digest = hashlib.sha256(encode([*said, hashlib.sha256(row.body or b"").hexdigest()])).hexdigest()
        yield Kept("suggestion", row.id, row.created_at, digest)


def _outcomes(connection: sa.Connection, name: str) -> Iterator[Kept]:
    table, suggestion = metadata.tables["outcome"], metadata.tables["suggestion"].c
    asked = sa.select(table.c.suggestion, *(table.c[each] for each in _KNOWN)).join(
        metadata.tables["suggestion"], suggestion.id == table.c.suggestion
    )
    for row in connection.execute(asked.where(suggestion.usecase == name, suggestion.erased.is_(None))):
        digest = hashlib.sha256(encode([str(each) for each in row])).hexdigest()
        yield Kept("outcome", row.suggestion, row.recorded_at, digest)


def _settings(connection: sa.Connection, name: str) -> Iterator[Kept]:
    table = metadata.tables["use_settings"]
    asked = sa.select(table).where(table.c.usecase == name, table.c.by == "system")
    for row in connection.execute(asked):
        digest = hashlib.sha256(encode([row.hash, row.body, row.reason, str(row.at)])).hexdigest()
        yield Kept("settings", row.hash, row.at, digest)


def _erased(connection: sa.Connection, name: str) -> set[str]:
    """The suggestions that were emptied by an erasure of which the audit knows."""
    suggestion, event = metadata.tables["suggestion"].c, metadata.tables["audit_event"].c
    told = set(
        connection.execute(sa.select(event.object).where(event.action == Action.LAKE_FORGOTTEN)).scalars()
    )
    asked = sa.select(suggestion.id, suggestion.erased)
    gone = connection.execute(asked.where(suggestion.usecase == name, suggestion.erased.is_not(None)))
    return {row.id for row in gone if f"erasure/{row.erased}" in told}


def _turned(connection: sa.Connection, name: str, size: int) -> bool:
    """Whether the use has said anything since."""
    event = metadata.tables["audit_event"].c
    asked = sa.select(sa.literal(1)).where(
        event.seq > size, event.object == name, event.action == Action.USE_TURNED
    )
    return connection.execute(asked.limit(1)).first() is not None
