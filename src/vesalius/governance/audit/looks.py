"""Who looked at a patient's data, and which tools spoke about them: what a patient can be told.

GDPR, article 15(1), gives a patient the dates and the purposes of consultations of their data; the identity
of the persons who consulted it only where that is indispensable (Court of Justice, C-579/21 of 22 June 2023,
Pankki S). The European Health Data Space (Regulation (EU) 2025/327, article 9) gives who accessed, when, and
which data. What is shown of names is decided where it is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vesalius import identity
from vesalius.errors import NotFound
from vesalius.governance.audit import _tables
from vesalius.governance.audit.actions import Action
from vesalius.governance.audit.chain import Event, read
from vesalius.review import spoken as speech
from vesalius.review.spoken import Spoken
from vesalius.store import reading

LOOKING = frozenset(
    {
        Action.WORKLIST_READ,
        Action.SUGGESTION_READ,
        Action.SUGGESTION_REPLAYED,
        Action.RESOURCE_READ,
        Action.RESOURCE_SEARCHED,
        Action.VIEW_READ,
        Action.IDENTITY_READ,
        Action.AUDIT_READ,
        Action.QUARANTINE_READ,
    }
)
"""What shows data of a patient to somebody; every other event about a patient did something with it."""

OF_ALL = (
    Action.EXPORT_READ,
    Action.USE_HISTORY_READ,
    Action.VIEW_READ,
    Action.QUARANTINE_READ,
    Action.LAKE_BACKED_UP,
    Action.LAKE_EXPORTED,
    Action.WORKLIST_READ,
)
"""What reads data of many patients at once, and may name none."""


@dataclass(frozen=True)
class Look:
    """One event about a patient.

    Attributes:
        seq: the number of the event.
        at: when.
        actor: the account, ``client:`` or ``feed:`` and the name of a machine, or ``system``.
        name: what colleagues call the person; the actor where there is no such account.
        roles: of the account today, or the role that the event says; empty for a machine.
        action: what was done.
        object: on what.
        purpose: a code of HL7 v3 PurposeOfUse; empty in events that say none.
        emergency: whether the glass was broken.
        looked: whether it only showed data.
    """

    seq: int
    at: datetime
    actor: str
    name: str
    roles: tuple[str, ...]
    action: str
    object: str
    purpose: str
    emergency: bool
    looked: bool


@dataclass(frozen=True)
class Wide:
    """What somebody read of many patients at once, without naming any: this patient may be among them.

    Attributes:
        action: what was done.
        actor: by whom.
        name: what colleagues call them.
        count: how often.
        first, last: when for the first and the last time.
    """

    action: str
    actor: str
    name: str
    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class About:
    """What is known of who looked at a patient.

    Attributes:
        patient: as ``Patient/ID``.
        same: everybody who is one person with them by merges, themselves included.
        total: how many events name them.
        looks: the latest of these, latest first.
        spoken: what tools said about them, latest first.
        wide: what was read of many at once since the first of these events.
    """

    patient: str
    same: tuple[str, ...]
    total: int
    looks: tuple[Look, ...]
    spoken: tuple[Spoken, ...]
    wide: tuple[Wide, ...]


def about(engine: sa.Engine, patient: str, *, limit: int = 1_000) -> About:
    """Who looked at a patient's data, what else was done with it, and which tools spoke about them.

    It knows nothing of a patient but the reference: one that never was here has no events.

    Args:
        engine: the hospital's database.
        patient: as ``Patient/ID``.
        limit: how many events at most, the latest.

    Raises:
        NotFound: it is no reference of a patient.
    """
    type_, _, id_ = patient.partition("/")
    if type_ != "Patient" or not id_ or "/" in id_ or len(id_) > 64:
        raise NotFound("there is no such patient", hint="as in Patient/12")
    with reading(engine) as connection:
        same = tuple(sorted(f"Patient/{each}" for each in identity.companions(connection, [id_])[id_]))
        names = _people(connection)
        total, since = _extent(connection, same)
        found = [_look(each, names) for each in _events(connection, same, limit)]
        spoken = tuple(speech.about(connection, same))
        wide = tuple(_wide(connection, since, names)) if since else ()
    return About(patient, same, total, tuple(found), spoken, wide)


def _people(connection: sa.Connection) -> dict[str, tuple[str, tuple[str, ...]]]:
    from vesalius.governance import people  # which records events itself

    return people.known(connection)


def _named(same: Iterable[str]) -> sa.ColumnElement[bool]:
    return _tables.subject.c.subject.in_(list(same))


def _extent(connection: sa.Connection, same: Iterable[str]) -> tuple[int, int]:
    """How many events name the patient, and the number of the first."""
    seq = _tables.subject.c.seq
    asked = sa.select(sa.func.count(sa.distinct(seq)), sa.func.min(seq)).where(_named(same))
    count, first = connection.execute(asked).one()
    return count, first or 0


def _events(connection: sa.Connection, same: Iterable[str], limit: int) -> list[Event]:
    seq = _tables.subject.c.seq
    latest = sa.select(seq).distinct().where(_named(same)).order_by(seq.desc()).limit(limit)
    event = _tables.event
    asked = sa.select(event).where(event.c.seq.in_(latest)).order_by(event.c.seq.desc())
    return list(read(connection, asked))


def _look(event: Event, names: Mapping[str, tuple[str, tuple[str, ...]]]) -> Look:
    name, roles = names.get(event.actor, (event.actor, ()))
    told = event.detail.get("role")
    return Look(
        seq=event.seq,
        at=event.at,
        actor=event.actor,
        name=name,
        roles=(told,) if isinstance(told, str) and told else roles,
        action=event.action,
        object=event.object,
        purpose=_text(event.detail, "purpose"),
        emergency=event.detail.get("emergency") is True,
        looked=event.action in LOOKING,
    )


def _text(detail: Mapping[str, Any], name: str) -> str:
    found = detail.get(name)
    return found if isinstance(found, str) else ""


def _wide(
    connection: sa.Connection, since: int, names: Mapping[str, tuple[str, tuple[str, ...]]]
) -> Iterable[Wide]:
    event = _tables.event.c
    asked = (
        sa.select(event.action, event.actor, sa.func.count(), sa.func.min(event.at), sa.func.max(event.at))
        .where(event.action.in_(OF_ALL), event.seq >= since, event.detail.not_like('%"Patient/%'))
        .group_by(event.action, event.actor)
    )
    for action, actor, count, first, last in connection.execute(asked):
        yield Wide(action, actor, names.get(actor, (actor, ()))[0], count, first, last)
