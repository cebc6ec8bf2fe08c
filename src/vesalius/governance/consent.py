"""What patients refuse: that their data is seen for care, that a tool speaks of them, any secondary use.

A refusal comes from a FHIR Consent that a system of the hospital sent, or from an entry that medical records
or the data protection officer made here. Nobody needs a reason, and each can be taken back at any time
(Regulation (EU) 2025/327, article 71(1)). :func:`excluded` is the one place that says whose data is left out;
``docs/governance/consent.md`` lists everything that asks it.

What the Consents in the log say is kept in an index of refused times, brought up by whoever asks first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from vesalius import identity
from vesalius.errors import Conflict, InvalidDecision, NotFound
from vesalius.governance import _consents, audit, care, roles
from vesalius.governance._consents import bring_up
from vesalius.governance._consents import refusal as _refusal
from vesalius.governance._provisions import DAWN, FOREVER, OURS, Kind, Reason
from vesalius.governance.audit import Action
from vesalius.governance.people import Person
from vesalius.governance.people import get as account
from vesalius.governance.roles import Right
from vesalius.lake import Lake
from vesalius.store import Instant, add, metadata, reading, writing

__all__ = [
    "DAWN",
    "OURS",
    "SAID_BY",
    "Count",
    "Entry",
    "Kind",
    "Reason",
    "Refused",
    "bring_up",
    "counts",
    "entries",
    "excluded",
    "excluding",
    "forget",
    "get",
    "listed",
    "marked",
    "record",
    "refusing",
    "release",
    "standing",
    "tables",
    "undo",
    "withdraw",
    "withheld",
    "withhold",
]

SAID_BY = ("patient", "representative", "register")
"""Who told the hospital: the patient, somebody who may speak for them, or a register of opt-outs."""

_entry = sa.Table(
    "consent_entry",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("patient", sa.String(64), nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    # the account that the patient does not want to see them; empty for everybody
    sa.Column("person", sa.String(64), nullable=False),
    sa.Column("said_by", sa.String(16), nullable=False),
    sa.Column("begins", Instant, nullable=False),
    sa.Column("ends", Instant),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("role", sa.String(32), nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("undone_at", Instant),
    sa.Column("undone_by", sa.String(64)),
    # the number of the erasure that emptied it
    sa.Column("erased", sa.Integer),
    sa.Index("ix_consent_entry_kind", "kind", "begins", "patient"),
)

_withheld = sa.Table(
    "consent_withheld",
    metadata,
    sa.Column("usecase", sa.String(64), primary_key=True),
    sa.Column("focus", sa.String(128), primary_key=True),
    sa.Column("patient", sa.String(64), nullable=False, index=True),
    sa.Column("as_of", Instant, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("reason", sa.String(16), nullable=False),
)


@dataclass(frozen=True)
class Entry:
    """A refusal that somebody entered here.

    Attributes:
        id: its number.
        patient: whose, as ``Patient/ID``.
        kind: of what.
        person: the account that they do not want to see them; empty for everybody.
        said_by: one of :data:`SAID_BY`.
        begins: from when on.
        ends: until when, once it was withdrawn.
        by, role, at: who entered it, in which role, and when.
        undone_at, undone_by: that it was entered by mistake, and who said so.
        erased: the number of the erasure that emptied it, or None.
    """

    id: int
    patient: str
    kind: Kind
    person: str
    said_by: str
    begins: datetime
    ends: datetime | None
    by: str
    role: str
    at: datetime
    undone_at: datetime | None = None
    undone_by: str | None = None
    erased: int | None = None

    @property
    def content(self) -> str:
        """The SHA-256 of what it says, as its events keep it."""
        return care.content(
            (self.id, self.patient, self.kind, self.person, self.said_by, self.begins, self.ends, self.by,
             self.role, self.at, self.undone_at, self.undone_by)
        )  # fmt: skip

    def holds(self, at: datetime) -> bool:
        """Whether it counts at a moment."""
        return self.undone_at is None and self.begins <= at and (self.ends is None or at < self.ends)


@dataclass(frozen=True)
class Refused:
    """That a patient refuses something for a time, from wherever it comes.

    Attributes:
        patient: who, as ``Patient/ID``.
        kind: what.
        begins, ends: from when, and until when; None for no end.
        reason: why it counts.
        source: ``Consent/ID``, or ``entry/NUMBER``.
    """

    patient: str
    kind: Kind
    begins: datetime
    ends: datetime | None
    reason: Reason
    source: str


# Who is left out -------------------------------------------------------------------------------------------


def excluded(lake: Lake, kind: Kind | str, at: datetime | None = None) -> frozenset[str]:
    """Everybody who refuses something at a moment, by all that is known now.

    With a patient goes everybody who is one person with them by merges that hold.

    Args:
        lake: the hospital's.
        kind: what is refused.
        at: the moment; now, if not given.

    Returns:
        The patients, as ``Patient/ID``.

    Raises:
        InvalidDecision: there is nothing of that name to refuse.
        Unavailable: the index is far behind the log; asking again brings it further.
    """
    asked = _chosen(_kind(kind), at or datetime.now(UTC))
    bring_up(lake)
    with reading(lake.engine) as connection:
        return frozenset(
            f"Patient/{each}" for each in connection.execute(identity.with_merged(asked)).scalars()
        )


def _chosen(kind: Kind, at: datetime) -> sa.Select[tuple[str]]:
    """Selects the ids of those who refuse something to everybody, merged ones apart."""
    both = sa.union(
        sa.select(_refusal.c.patient).where(_refusal.c.patient != "", *_consents.holding(kind, at)),
        sa.select(_entry.c.patient).where(_entry.c.kind == str(kind), _entry.c.person == "", *_holding(at)),
    ).subquery()
    return sa.select(both.c.patient)


def _holding(at: datetime) -> list[sa.ColumnElement[bool]]:
    c = _entry.c
    return [c.begins <= at, sa.or_(c.ends.is_(None), c.ends > at), c.undone_at.is_(None), c.erased.is_(None)]


def excluding(connection: sa.Connection, person: Person, at: datetime) -> sa.Select[tuple[str]] | None:
    """Selects the ids of those who do not want this very person to see them; None for nobody.

    A patient may exclude named professionals (Belgian law of 22 April 2019, article 36); no broken glass
    opens that.
    """
    c = _entry.c
    named = sa.select(c.patient).where(c.kind == str(Kind.CARE), c.person == person.id, *_holding(at))
    return named if connection.execute(named.limit(1)).first() else None


def refusing(connection: sa.Connection, at: datetime, kind: Kind = Kind.CARE) -> sa.Select[tuple[str]] | None:
    """Selects the ids of those who refuse something to everybody; None for nobody.

    It takes the index as it is: ask :func:`bring_up` first, before the transaction.
    """
    asked = _chosen(kind, at)
    return asked if connection.execute(asked.limit(1)).first() else None


def _kind(kind: Kind | str) -> Kind:
    if kind not in Kind.__members__.values():
        raise InvalidDecision(f"there is no refusal of {str(kind)[:32]!r}", hint=", ".join(Kind))
    return Kind(kind)


# Entries ---------------------------------------------------------------------------------------------------


def record(
    lake: Lake,
    by: Person,
    patient: str,
    kind: Kind | str,
    *,
    said_by: str = "patient",
    begins: datetime | None = None,
    person: str = "",
    at: datetime | None = None,
) -> Entry:
    """Keeps that a patient refuses something. No reason is asked.

    Args:
        lake: where the patient is.
        by: who enters it.
        patient: ``Patient/ID``.
        kind: what is refused.
        said_by: one of :data:`SAID_BY`.
        begins: from when on; ``at``, if not given.
        person: of care alone: the account that the patient does not want to see them.
        at: when it is entered; now, if not given.

    Raises:
        NotAllowed: the person's role does not permit it.
        NotFound: there is no such patient, or account.
        InvalidDecision: nothing of that name can be refused, or nobody of that name says so.
        Conflict: the same is refused already.
    """
    roles.require(by.roles, Right.RECORD_CONSENT)
    kind, at = _kind(kind), at or datetime.now(UTC)
    if said_by not in SAID_BY:
        raise InvalidDecision("say who told the hospital", hint=", ".join(SAID_BY))
    if person and kind != Kind.CARE:
        raise InvalidDecision("one person alone can be refused for care only")
    if person:
        account(lake.engine, person)
    values = {
        "patient": care.known(lake, patient), "kind": str(kind), "person": person, "said_by": said_by,
        "begins": begins or at, "by": by.id, "role": by.role_among(tuple(roles.MATRIX[Right.RECORD_CONSENT])),
        "at": at,
    }  # fmt: skip
    c = _entry.c
    same = (c.patient == values["patient"], c.kind == str(kind), c.person == person, c.undone_at.is_(None))
    with writing(lake.engine) as connection:
        if connection.dialect.name == "postgresql":  # two who enter the same wait for each other
            connection.execute(sa.text("LOCK TABLE consent_entry IN SHARE ROW EXCLUSIVE MODE"))
        if connection.execute(sa.select(c.id).where(*same, c.ends.is_(None))).first():
            raise Conflict("that is refused already")
        made = _to_entry(connection.execute(sa.insert(_entry).values(values).returning(_entry)).one())
        _note(connection, by, Action.CONSENT_RECORDED, made, at)
    return made


def withdraw(
    engine: sa.Engine, number: int, by: Person, *, ends: datetime | None = None, at: datetime | None = None
) -> Entry:
    """Keeps that a refusal no longer holds, from a moment on.

    Raises:
        NotAllowed: the person's role does not permit it.
        NotFound: there is none of that number.
        Conflict: it was withdrawn, or was a mistake.
        InvalidDecision: it would end before it begins.
    """
    roles.require(by.roles, Right.RECORD_CONSENT)
    at = at or datetime.now(UTC)
    with writing(engine) as connection:
        before = _one(connection, number)
        if before.ends is not None or before.undone_at is not None:
            raise Conflict("it does not hold any more")
        if (ends or at) < before.begins:
            raise InvalidDecision("it would end before it begins", hint="take it back instead")
        return _changed(connection, before, {"ends": ends or at}, by, Action.CONSENT_WITHDRAWN, at)


def undo(engine: sa.Engine, number: int, by: Person, at: datetime | None = None) -> Entry:
    """Takes the last step back: the withdrawal of a refusal, or else its entry, made by mistake.

    Raises:
        NotAllowed: the person's role does not permit it.
        NotFound: there is none of that number.
        Conflict: it was taken back, or the same was entered anew meanwhile.
    """
    roles.require(by.roles, Right.RECORD_CONSENT)
    at, c = at or datetime.now(UTC), _entry.c
    with writing(engine) as connection:
        before = _one(connection, number)
        if before.undone_at is not None:
            raise Conflict("it was taken back")
        if before.ends is None:
            values: dict[str, Any] = {"undone_at": at, "undone_by": by.id}
        else:
            id_ = before.patient.removeprefix("Patient/")
            same = (c.patient == id_, c.kind == str(before.kind), c.person == before.person)
            if connection.execute(
                sa.select(c.id).where(*same, c.ends.is_(None), c.undone_at.is_(None))
            ).first():
                raise Conflict("the same was entered anew meanwhile")
            values = {"ends": None}
        return _changed(connection, before, values, by, Action.CONSENT_UNDONE, at)


def _changed(
    connection: sa.Connection, before: Entry, values: dict[str, Any], by: Person, action: Action, at: datetime
) -> Entry:
    changed = sa.update(_entry).where(_entry.c.id == before.id).values(values).returning(_entry)
    after = _to_entry(connection.execute(changed).one())
    _note(connection, by, action, after, at)
    return after


def _note(connection: sa.Connection, by: Person, action: Action, entry: Entry, at: datetime) -> None:
    detail = {"subject": entry.patient, "kind": str(entry.kind), "role": entry.role, "purpose": "PATRQT"}
    detail["content"] = entry.content
    audit.record(connection, by.id, action, f"consent/{entry.id}", detail, at)


def _one(connection: sa.Connection, number: int) -> Entry:
    asked = sa.select(_entry).where(_entry.c.id == number, _entry.c.erased.is_(None)).with_for_update()
    row = connection.execute(asked).one_or_none()
    if row is None:
        raise NotFound("there is no such refusal")
    return _to_entry(row)


def _to_entry(row: Any) -> Entry:
    return Entry(**{**row._mapping, "patient": f"Patient/{row.patient}", "kind": Kind(row.kind)})


def get(engine: sa.Engine, number: int) -> Entry:
    """One entry.

    Raises:
        NotFound: there is none of that number.
    """
    asked = sa.select(_entry).where(_entry.c.id == number, _entry.c.erased.is_(None))
    with reading(engine) as connection:
        row = connection.execute(asked).one_or_none()
    if row is None:
        raise NotFound("there is no such refusal")
    return _to_entry(row)


def entries(engine: sa.Engine, patient: str = "", limit: int = 100, offset: int = 0) -> list[Entry]:
    """Entries, the latest first: of one ``Patient/ID``, or all; those of erased patients are left out."""
    asked = sa.select(_entry).where(_entry.c.erased.is_(None)).order_by(_entry.c.id.desc())
    if patient:
        asked = asked.where(_entry.c.patient == patient.removeprefix("Patient/"))
    with reading(engine) as connection:
        return [_to_entry(row) for row in connection.execute(asked.limit(limit).offset(offset))]


# What is refused, to look at -------------------------------------------------------------------------------


def listed(
    lake: Lake,
    patient: str = "",
    limit: int = 100,
    offset: int = 0,
    *,
    kind: Kind | str = "",
    unread: bool = False,
) -> list[Refused]:
    """Refusals, past, present and to come, by patient.

    Args:
        lake: the hospital's.
        patient: of one ``Patient/ID`` and who is one with them; empty for all.
        limit: how many at most.
        offset: after how many.
        kind: of one kind only.
        unread: only those that count because a Consent could not be read, or not as finely as it says.

    Raises:
        InvalidDecision: there is nothing of that name to refuse.
        Unavailable: the index is far behind the log; asking again brings it further.
    """
    wanted = _kind(kind) if kind else None
    bring_up(lake)
    r, e = _refusal.c, _entry.c
    of_feeds = sa.select(
        r.patient, r.kind, r.begins, r.ends, r.reason, (sa.literal("Consent/") + r.consent).label("source")
    ).where(r.place > 0)
    here = sa.select(
        e.patient, e.kind, e.begins, e.ends, sa.literal(str(Reason.REFUSED)).label("reason"),
        (sa.literal("entry/") + sa.cast(e.id, sa.String)).label("source"),
    ).where(e.undone_at.is_(None), e.erased.is_(None))  # fmt: skip
    with reading(lake.engine) as connection:
        if patient:
            id_ = patient.removeprefix("Patient/")
            ids = sorted(identity.companions(connection, [id_])[id_])
            of_feeds, here = of_feeds.where(r.patient.in_(ids)), here.where(e.patient.in_(ids))
        both = sa.union_all(of_feeds, here).subquery()
        chosen = [both.c.kind == str(wanted)] if wanted else []
        chosen += [both.c.reason != str(Reason.REFUSED)] if unread else []
        found = sa.select(both).where(*chosen)
        ordered = found.order_by(both.c.patient, both.c.kind, both.c.begins, both.c.source)
        return [_to_refused(row) for row in connection.execute(ordered.limit(limit).offset(offset))]


def _to_refused(row: Any) -> Refused:
    ends = None if row.ends == FOREVER else row.ends
    return Refused(f"Patient/{row.patient}", Kind(row.kind), row.begins, ends, Reason(row.reason), row.source)


def standing(
    lake: Lake, patients: Collection[str], at: datetime | None = None
) -> dict[str, tuple[Kind, ...]]:
    """What each of some patients refuses to everybody at a moment; those who refuse nothing are left out."""
    at = at or datetime.now(UTC)
    bring_up(lake)
    ids = {each: each.removeprefix("Patient/") for each in patients}
    found: dict[str, set[Kind]] = {}
    with reading(lake.engine) as connection:
        one = identity.companions(connection, ids.values())
        everybody = sorted({each for same in one.values() for each in same})
        for kind in Kind:
            inner = _chosen(kind, at).subquery()
            held: set[str] = set()
            for start in range(0, len(everybody), 500):
                some = everybody[start : start + 500]
                held.update(
                    connection.execute(sa.select(inner.c.patient).where(inner.c.patient.in_(some))).scalars()
                )
            for subject, id_ in ids.items():
                if not held.isdisjoint(one[id_]):
                    found.setdefault(subject, set()).add(kind)
    return {subject: tuple(kind for kind in Kind if kind in kinds) for subject, kinds in found.items()}


@dataclass(frozen=True)
class Count:
    """How many patients refuse one thing.

    Attributes:
        kind: what.
        patients: how many refuse it now.
        unread: of those, who count because a Consent could not be read, or not as finely as it says.
        nameless: how many Consents refuse it and name no patient of this server; they hold back nobody.
        withheld: of suggestions: how many were not made because of it.
    """

    kind: Kind
    patients: int
    unread: int
    nameless: int
    withheld: int


def counts(lake: Lake, at: datetime | None = None) -> list[Count]:
    """How many refuse what, at a moment."""
    at, c = at or datetime.now(UTC), _refusal.c
    bring_up(lake)
    made = []
    with reading(lake.engine) as connection:

        def number(column: sa.ColumnElement[Any], *conditions: sa.ColumnElement[bool]) -> int:
            asked = sa.select(sa.func.count(column.distinct())).where(*conditions)
            return int(connection.execute(asked).scalar_one())

        for kind in Kind:
            patients, now = _chosen(kind, at).subquery(), _consents.holding(kind, at)
            stayed = number(_withheld.c.usecase + "/" + _withheld.c.focus) if kind == Kind.SUGGESTIONS else 0
            unread = number(c.patient, *now, c.patient != "", c.reason != str(Reason.REFUSED))
            nameless = number(c.consent, *now, c.patient == "")
            made.append(Count(kind, number(patients.c.patient), unread, nameless, stayed))
    return made


# Suggestions that are not made -----------------------------------------------------------------------------


def withhold(
    connection: sa.Connection, usecase: str, candidates: Sequence[tuple[str, str, datetime]], at: datetime
) -> int:
    """Marks candidates of a use who get no suggestion because they object; how many were not marked before.

    Args:
        connection: a transaction of ``store.writing``.
        usecase: the use.
        candidates: of each the subject (``Patient/ID``), the focus, and its moment.
        at: when.
    """
    rows = (
        {
            "usecase": usecase, "focus": focus, "patient": subject.removeprefix("Patient/"), "as_of": as_of,
            "at": at, "reason": str(Kind.SUGGESTIONS),
        }
        for subject, focus, as_of in candidates
    )  # fmt: skip
    return sum(add(connection, _withheld, row) for row in rows)


def withheld(engine: sa.Engine, usecase: str = "") -> Mapping[str, int]:
    """How many candidates of each use got no suggestion because they objected when they became due."""
    asked = sa.select(_withheld.c.usecase, sa.func.count()).group_by(_withheld.c.usecase)
    if usecase:
        asked = asked.where(_withheld.c.usecase == usecase)
    with reading(engine) as connection:
        return {row[0]: row[1] for row in connection.execute(asked)}


def marked(engine: sa.Engine, usecase: str, foci: Sequence[str]) -> dict[str, datetime]:
    """Of some candidates of a use, by their foci: those who were withheld, and since when."""
    c = _withheld.c
    found: dict[str, datetime] = {}
    with reading(engine) as connection:
        if connection.execute(sa.select(c.focus).where(c.usecase == usecase).limit(1)).first() is None:
            return {}
        for start in range(0, len(foci), 500):
            some = list(foci[start : start + 500])
            asked = sa.select(c.focus, c.at).where(c.usecase == usecase, c.focus.in_(some))
            found |= {row[0]: row[1] for row in connection.execute(asked)}
    return found


def release(connection: sa.Connection, usecase: str, foci: Sequence[str]) -> None:
    """Takes the mark off candidates who got their suggestion after all, because they refuse no more."""
    c = _withheld.c
    if connection.execute(sa.select(c.focus).where(c.usecase == usecase).limit(1)).first() is None:
        return
    for start in range(0, len(foci), 500):
        some = list(foci[start : start + 500])
        connection.execute(sa.delete(_withheld).where(c.usecase == usecase, c.focus.in_(some)))


# Erasing ---------------------------------------------------------------------------------------------------


def forget(
    lake: Lake,
    connection: sa.Connection,
    patients: Sequence[str],
    consents: Collection[str],
    number: int,
    alias: Callable[[str], str],
) -> None:
    """Erases what is kept here of some patients, by their ids; what was entered stays under another name.

    Args:
        lake: the hospital's, from whose log the versions are erased already.
        connection: the transaction that erases.
        patients: their ids.
        consents: the ids of the Consents of which some version was erased.
        number: of the erasure.
        alias: the id that stands for a ``Type/ID`` from now on.
    """
    _consents.forget(lake, connection, patients, consents)
    for each in patients:
        connection.execute(sa.delete(_withheld).where(_withheld.c.patient == each))
        left = {"patient": alias(f"Patient/{each}"), "erased": number}
        connection.execute(sa.update(_entry).where(_entry.c.patient == each).values(left))


def tables() -> list[str]:
    """The tables that hold something about patients, whose files are to be cleaned after an erasure."""
    return [_entry.name, _refusal.name, _withheld.name]
