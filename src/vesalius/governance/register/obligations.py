"""The duties that follow from what a system is: which apply, who owns each, from when, whether it is done.

The duties are data (``rules/obligations.toml``): article, duty holder, date, record to keep, when it applies.
The hospital's lawyer may put another file in force. What people say of one is kept as versions, each with an
event of the audit that holds the hash of its words. Not legal advice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Literal

import msgspec
import sqlalchemy as sa

from vesalius.card import LANGUAGES
from vesalius.errors import Conflict, InvalidSetting, NotFound
from vesalius.governance import audit, classifying, roles, rulebook
from vesalius.governance._chain import told
from vesalius.governance.audit import Action
from vesalius.governance.classifying import Classification, Words, holds
from vesalius.governance.people import Person
from vesalius.governance.roles import Right, Role
from vesalius.store import metadata, writing
from vesalius.usecase import encode

Standing = Literal["open", "done", "not_applicable"]
LONGEST = 4000
"""How many characters a note may have."""

_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_HASH = re.compile(r"[0-9a-f]{64}")

_table = sa.Table(
    "system_obligation",
    metadata,
    sa.Column("system", sa.String(64), primary_key=True),
    sa.Column("obligation", sa.String(32), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("body", sa.Text, nullable=False),
)


class Duty(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One duty of the rules file.

    Attributes:
        id: its key.
        law, article: where it is written.
        holder: whom it binds.
        applies_from: from when, as dates and words.
        record: the record to keep, in each language; a hospital's own file may say it once, for all.
        filled: ``auto`` from the platform's own logs, ``assisted`` (a person completes it), ``manual``.
        owner: the role that owns it unless somebody is named.
        text: the duty, in each language.
        regimes: it applies in these regimes; empty for all.
        when: and where these answers were given.
    """

    id: str
    law: str
    article: str
    holder: str
    applies_from: str
    record: Words | str
    filled: Literal["auto", "assisted", "manual"]
    owner: Role
    text: Words
    regimes: tuple[str, ...] = ()
    when: dict[str, tuple[str, ...]] = {}

    def kept(self, language: str) -> str:
        """The record to keep, in a language where the rules say it in several."""
        return self.record if isinstance(self.record, str) else self.record[language]

    @property
    def begins(self) -> date | None:
        """The first date named; None for one that is in force."""
        found = _ISO.search(self.applies_from)
        return date.fromisoformat(found[0]) if found else None


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file ``obligations.toml``."""

    duties: tuple[Duty, ...]


class Said(msgspec.Struct, frozen=True):
    """What somebody said of a duty.

    Attributes:
        state: where it stands.
        note: how it was done, or why it does not apply.
        document: the SHA-256 of the document that shows it, or empty.
        owner: the account of who owns it, or empty for the role of the rules.
        due: until when, or None for the day from which it applies.
        by, role, at: who said so.
        rules: the SHA-256 of the rules file that was in force.
    """

    state: Standing
    note: str
    document: str
    owner: str
    due: date | None
    by: str
    role: str
    at: datetime
    rules: str


@dataclass(frozen=True)
class Obligation:
    """One duty of one system, as it stands.

    Attributes:
        duty: what the rules say.
        said: what was last said of it, or None.
        event: its place in the audit; 0 where nobody said anything.
    """

    duty: Duty
    said: Said | None = None
    event: int = 0

    @property
    def state(self) -> Standing:
        """Open, unless somebody did it or set it aside."""
        return self.said.state if self.said else "open"

    @property
    def due(self) -> date | None:
        """Until when: as somebody said, else the day from which the duty applies; None for before use."""
        return (self.said.due if self.said else None) or self.duty.begins

    @property
    def owner(self) -> str:
        """The account that owns it, or the role."""
        return (self.said.owner if self.said else "") or str(self.duty.owner)


@lru_cache(maxsize=8)
def read_rules(given: bytes) -> Rules:
    """Reads and checks ``obligations.toml``.

    Raises:
        InvalidSetting: a field or a text is missing or wrong, or a duty is there twice.
    """
    found = rulebook.read(given, Rules, "obligations")
    if len({each.id for each in found.duties}) != len(found.duties) or not found.duties:
        raise InvalidSetting("obligations.toml: each duty is there once, and there is one")
    for each in found.duties:
        if missing := [code for code in LANGUAGES if not each.text.get(code, "").strip()]:
            raise InvalidSetting(f"obligations.toml: {each.id} has no text in {', '.join(missing)}")
        record = dict.fromkeys(LANGUAGES, each.record) if isinstance(each.record, str) else each.record
        if missing := [code for code in LANGUAGES if not record.get(code, "").strip()]:
            raise InvalidSetting(f"obligations.toml: {each.id} has no record in {', '.join(missing)}")
        if not each.article.strip() or len(each.id) > 32:
            raise InvalidSetting(f"obligations.toml: {each.id}: a short id, and the article that it rests on")
    return found


def rules(where: sa.Connection) -> Rules:
    """The duties in force."""
    return read_rules(rulebook.body(where, "obligations")[1])


def applying(duties: Iterable[Duty], known: Classification | None) -> list[Duty]:
    """Those that apply to a system; none where nobody has said what it is."""
    if known is None:
        return []
    return [
        duty
        for duty in duties
        if (not duty.regimes or known.regime.key in duty.regimes) and holds(duty.when, known.answers)
    ]


def of(where: sa.Connection, name: str, known: Classification | None = None) -> list[Obligation]:
    """The duties of the system ``name``, with what was said of each; what was altered since is not heard."""
    known = known or classifying.of(where, name)
    latest = {
        str(each.detail.get("obligation")): each for each in told(where, (Action.OBLIGATION_CHANGED,), name)
    }
    rows = {
        (row.obligation, row.version): row.body
        for row in where.execute(sa.select(_table).where(_table.c.system == name))
    }
    found = []
    for duty in applying(rules(where).duties, known):
        event = latest.get(duty.id)
        body = rows.get((duty.id, event.detail.get("version", 0))) if event else None
        if event is None or body is None or _hash(body) != event.detail.get("content"):
            found.append(Obligation(duty))
        else:
            found.append(Obligation(duty, msgspec.json.decode(body, type=Said), event.seq))
    return found


def say(
    engine: sa.Engine,
    name: str,
    duty: str,
    person: Person,
    *,
    state: Standing,
    note: str = "",
    document: str = "",
    owner: str = "",
    due: date | None = None,
    at: datetime | None = None,
) -> Obligation:
    """Keeps what a person says of a duty, as the next version.

    Args:
        engine: the hospital's database.
        name: the system.
        duty: the id of the duty.
        person: who says it.
        state: where it stands.
        note: how it was done, or why it does not apply; needed for both, unless a document shows it.
        document: the SHA-256 of the document that shows it.
        owner: the account of who owns it from now on.
        due: until when.
        at: when.

    Raises:
        NotAllowed: the person does not keep the register.
        NotFound: the duty does not apply to the system.
        InvalidSetting: nothing says how or why, or a field is wrong.
        Conflict: it says that already.
    """
    roles.require(person.roles, Right.KEEP_REGISTER)
    at, note, document = at or datetime.now(UTC), note.strip(), document.strip().lower()
    _check(state, note, document)
    with writing(engine) as connection:
        stands = {each.duty.id: each for each in of(connection, name)}
        if duty not in stands:
            raise NotFound(f"{duty} does not apply to {name}", hint="its page lists those that do")
        before = stands[duty].said
        role = person.role_among(tuple(roles.MATRIX[Right.KEEP_REGISTER]))
        digest = rulebook.body(connection, "obligations")[0]
        made = Said(state, note, document, owner.strip()[:64], due, person.id, role, at, digest)
        if before and _same(before, made):
            raise Conflict("it says that already", hint="nothing was changed")
        here = sa.and_(_table.c.system == name, _table.c.obligation == duty)
        version = (
            connection.execute(sa.select(sa.func.max(_table.c.version)).where(here)).scalar_one() or 0
        ) + 1
        body = encode(made).decode()
        row = {"system": name, "obligation": duty, "version": version, "body": body}
        connection.execute(sa.insert(_table).values(**row))
        detail = {"obligation": duty, "version": version, "state": state, "content": _hash(body)}
        event = audit.record(connection, person.id, Action.OBLIGATION_CHANGED, name, detail, at)
    return Obligation(stands[duty].duty, made, event.seq)


def _check(state: str, note: str, document: str) -> None:
    if state not in ("open", "done", "not_applicable"):
        raise InvalidSetting("a duty is open, done or not_applicable")
    if len(note) > LONGEST:
        raise InvalidSetting(f"a note has at most {LONGEST} characters")
    if document and not _HASH.fullmatch(document):
        raise InvalidSetting("document: its SHA-256, 64 hexadecimal digits")
    if state == "not_applicable" and not note:
        raise InvalidSetting("say why it does not apply: the reason is kept")
    if state == "done" and not (note or document):
        raise InvalidSetting("say how it was done, or give the hash of the document that shows it")


def _same(one: Said, other: Said) -> bool:
    fields = ("state", "note", "document", "owner", "due")
    return all(getattr(one, name) == getattr(other, name) for name in fields)


def _hash(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
