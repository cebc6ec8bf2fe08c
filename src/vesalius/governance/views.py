"""Views that people saved: every version is kept, by whom and when, and the last change can be undone.

Nothing is overwritten: undoing adds a version that says again what the one before it said. Undoing the first
version withdraws the view, and undoing that brings it back.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.errors import Conflict, InvalidSetting, InvalidView, NotFound
from vesalius.governance import audit
from vesalius.governance.audit import Action
from vesalius.governance.people import Person
from vesalius.governance.roles import Right, require
from vesalius.store import Instant, metadata, reading, writing

LONGEST = 30_000
"""How many characters a view may have."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)

_saved = sa.Table(
    "saved_view",
    metadata,
    sa.Column("name", sa.String(63), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("restores", sa.Integer),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("at", Instant, nullable=False),
)


@dataclass(frozen=True)
class SavedView:
    """One version of a saved view.

    Attributes:
        name: of the view.
        version: its number, from 1.
        text: the ViewDefinition as it was written; empty where it was withdrawn.
        restores: the version whose words it says again, where a change was undone.
        by: the account that saved it.
        at: when.
    """

    name: str
    version: int
    text: str
    restores: int | None
    by: str
    at: datetime

    @property
    def withdrawn(self) -> bool:
        """Whether there is no view any more, from this version on."""
        return not self.text

    @property
    def definition(self) -> dict[str, Any]:
        """The ViewDefinition, decoded.

        Raises:
            NotFound: it was withdrawn.
        """
        if self.withdrawn:
            raise NotFound("the view was withdrawn")
        return parse(self.text)


def parse(text: str) -> dict[str, Any]:
    """A ViewDefinition from its text.

    Raises:
        InvalidView: it is not JSON, or too long; the message names the line.
    """
    if len(text) > LONGEST:
        raise InvalidView(f"the view has more than {LONGEST} characters")
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidView(f"it is not JSON: {error}", place=_line(text, str(error))) from None
    if not isinstance(found, dict):
        raise InvalidView("it is not a JSON object")
    return found


def _line(text: str, message: str) -> str:
    """The line that a decoder's message names by its byte, or nothing."""
    byte = re.search(r"byte (\d+)", message)
    if not byte:
        return ""
    before = text.encode()[: int(byte[1])]
    return f"line {before.count(bytes([10])) + 1}"


def digest(definition: dict[str, Any]) -> str:
    """The SHA-256 of what a view says, whatever its layout: the audit names views by it."""
    return hashlib.sha256(msgspec.json.encode(definition, order="sorted")).hexdigest()


def save(
    engine: sa.Engine,
    name: str,
    text: str,
    person: Person,
    *,
    after: int = 0,
    at: datetime | None = None,
) -> SavedView:
    """Keeps a view under a name, as its next version.

    Args:
        engine: the hospital's database.
        name: small letters, digits and underscores, a letter first; none of the library.
        text: the ViewDefinition.
        person: who saves it.
        after: the version that was changed; 0 for a new view.
        at: when.

    Raises:
        NotAllowed: the person's role does not permit it.
        InvalidSetting: the name cannot be.
        InvalidView: the view is wrong; the error names the place.
        Conflict: somebody saved another version meanwhile, or the name is taken.
    """
    from vesalius.views import View, library

    require(person.roles, Right.WRITE_VIEWS)
    if not _NAME.fullmatch(name):
        raise InvalidSetting("a view's name has small letters, digits and underscores, a letter first")
    if name in library.names():
        raise Conflict("the library has a view of that name", hint="choose another name")
    View.load(parse(text))
    return _add(engine, name, text, person, Action.VIEW_SAVED, after=after, at=at)


def undo(
    engine: sa.Engine, name: str, person: Person, *, after: int, at: datetime | None = None
) -> SavedView:
    """Takes the last change of a view back: its next version says what the one before the last said.

    Raises:
        NotAllowed: the person's role does not permit it.
        NotFound: there is no such view.
        Conflict: somebody saved another version meanwhile.
    """
    require(person.roles, Right.WRITE_VIEWS)
    before = _before(history(engine, name))
    text, restores = (before.text, before.version) if before else ("", None)
    return _add(engine, name, text, person, Action.VIEW_UNDONE, after=after, restores=restores, at=at)


def _before(versions: list[SavedView]) -> SavedView | None:
    """The version that undoing goes back to, by going through what was saved and undone; None for none."""
    standing: list[SavedView] = []
    taken: SavedView | None = None
    for each in reversed(versions):
        if not (each.withdrawn or each.restores):
            standing.append(each)
        elif standing:
            taken = standing.pop()
        elif taken:  # a view that was withdrawn and brought back
            standing.append(taken)
    if not standing:
        return taken
    return standing[-2] if len(standing) > 1 else None


def current(engine: sa.Engine, name: str) -> SavedView:
    """The version of a view that counts.

    Raises:
        NotFound: there is no such view, or it was withdrawn.
    """
    found = history(engine, name)[0]
    if found.withdrawn:
        raise NotFound("the view was withdrawn")
    return found


def history(engine: sa.Engine, name: str) -> list[SavedView]:
    """Every version of a view, the last first.

    Raises:
        NotFound: there is no such view.
    """
    asked = sa.select(_saved).where(_saved.c.name == name).order_by(_saved.c.version.desc())
    with reading(engine) as connection:
        found = [SavedView(**row._mapping) for row in connection.execute(asked)]
    if not found:
        raise NotFound("no view was saved under that name")
    return found


def everyone(engine: sa.Engine) -> list[SavedView]:
    """The version that counts of each view that was not withdrawn, by name."""
    last = sa.select(_saved.c.name, sa.func.max(_saved.c.version).label("version")).group_by(_saved.c.name)
    newest = last.subquery()
    same = sa.and_(_saved.c.name == newest.c.name, _saved.c.version == newest.c.version)
    with reading(engine) as connection:
        rows = connection.execute(sa.select(_saved).join(newest, same).order_by(_saved.c.name))
        return [each for each in (SavedView(**row._mapping) for row in rows) if not each.withdrawn]


def _add(
    engine: sa.Engine,
    name: str,
    text: str,
    person: Person,
    action: Action,
    *,
    after: int,
    restores: int | None = None,
    at: datetime | None = None,
) -> SavedView:
    at = at or datetime.now(UTC)
    made = SavedView(name, after + 1, text, restores, person.id, at)
    newest = sa.select(sa.func.max(_saved.c.version)).where(_saved.c.name == name)
    try:
        with writing(engine) as connection:
            if (connection.execute(newest).scalar() or 0) != after:
                raise Conflict("somebody saved this view meanwhile", hint="look at it again first")
            connection.execute(sa.insert(_saved).values(vars(made)))
            detail = {"version": made.version, "digest": digest(parse(text)) if text else ""}
            audit.record(connection, person.id, action, name, detail, at)
    except sa.exc.IntegrityError:
        raise Conflict("somebody saved this view meanwhile", hint="look at it again first") from None
    return made
