"""What local codes mean is decided by people who may, and every decision is an event of the audit."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from vesalius import terminology
from vesalius.governance import audit
from vesalius.governance.audit import Action
from vesalius.governance.people import Person
from vesalius.governance.roles import Right, require
from vesalius.lake import Lake
from vesalius.store import writing
from vesalius.terminology import Decision
from vesalius.terminology.application import Tick
from vesalius.terminology.conceptmap import Imported, load


def map_code(
    engine: sa.Engine, decision: Decision, person: Person, *, reason: str, at: datetime | None = None
) -> Decision:
    """Keeps a decision on a local code, and notes it.

    Raises:
        NotAllowed: the person's role does not permit it.
        InvalidMap: the decision cannot be.
        Conflict: it is in force already.
    """
    require(person.roles, Right.MAP_CODES)
    with writing(engine) as connection:
        made = terminology.decide(connection, decision, by=person.id, reason=reason, at=at)
        _note(connection, person.id, made, at)
    return made


def withdraw_code(
    engine: sa.Engine, uid: str, person: Person, *, reason: str, at: datetime | None = None
) -> Decision:
    """Takes a decision back, and notes it.

    Raises:
        NotAllowed: the person's role does not permit it.
        NotFound: there is no such decision.
        Conflict: it was withdrawn before.
        InvalidMap: no reason is given.
    """
    require(person.roles, Right.MAP_CODES)
    with writing(engine) as connection:
        made = terminology.withdraw(connection, uid, by=person.id, reason=reason, at=at)
        audit.record(connection, person.id, Action.CODE_WITHDRAWN, uid, _detail(made), at)
    return made


def import_codes(
    engine: sa.Engine, raw: bytes, person: Person, *, reason: str, at: datetime | None = None
) -> Imported:
    """Takes over the mappings of a file, and notes each.

    Raises:
        NotAllowed: the person's role does not permit it.
        InvalidMap, InvalidResource: the file cannot be taken.
    """
    require(person.roles, Right.MAP_CODES)
    return load(
        engine,
        raw,
        by=person.id,
        reason=reason,
        at=at,
        note=lambda connection, made: _note(connection, person.id, made, at),
    )


def _note(connection: sa.Connection, who: str, made: Decision, at: datetime | None) -> None:
    audit.record(connection, who, Action.CODE_MAPPED, made.uid, _detail(made), at)


def _detail(made: Decision) -> dict[str, str]:
    """What was decided; the local code is left out where it is words, which can be anybody's."""
    kept = ("kind", "system", "unit", "target_system", "target_code", "equivalence")
    fields = {name: value for name, value in msgspec.structs.asdict(made).items() if name in kept}
    return fields if made.system == terminology.TEXT else {**fields, "code": made.code}


def apply_codes(lake: Lake, who: str, *, tick: Tick | None = None, at: datetime | None = None) -> int:
    """Applies every decision to the past, and notes that it was done.

    Returns:
        How many versions were given anew with other codings.

    Raises:
        Conflict: somebody else is applying them at this moment.
    """
    recoded = terminology.apply(lake, tick=tick, at=at)
    if recoded:
        audit.record(lake.engine, who, Action.CODES_APPLIED, "codes", {"recoded": recoded}, at)
    return recoded
