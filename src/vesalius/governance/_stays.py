"""Where patients are and were: an index made from the log's Encounters, by whoever asks first.

One row says that a patient was with one unit from one moment to another: a ward, a service, a practitioner.
A second table says which place lies in which (bed, room, ward), so that who belongs to a ward cares for those
whose stay names only a bed. Like the columns of the lake, both can be made again from the log at any time.
"""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius import fhir
from vesalius.errors import InvalidResource, Unavailable
from vesalius.governance._indexed import chunks, latest, newer
from vesalius.lake import Lake, Version
from vesalius.store import Instant, insert, metadata, put, reading, writing

LONGEST_OPEN = timedelta(days=365)
"""How long a stay that nobody closed is believed after it was last heard of: many feeds never close one."""

FOREVER = datetime.max.replace(tzinfo=UTC)
DAWN = datetime(1900, 1, 1, tzinfo=UTC)

SECONDS = 20.0
"""For how long one question may bring the index up to date."""

_BATCH = 2_000
_LENGTH = 160
_OVER = ("finished", "cancelled", "entered-in-error")
_NEVER = ("cancelled", "entered-in-error")
TYPES = ("Location", "Organization", "Encounter")

# Row 0 of a stay names no unit: it says from which version the stay was read, and of which patient.
stay = sa.Table(
    "care_stay",
    metadata,
    sa.Column("encounter", sa.String(64), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("patient", sa.String(64), nullable=False),
    sa.Column("unit", sa.String(_LENGTH), nullable=False),
    sa.Column("begins", Instant, nullable=False),
    sa.Column("ends", Instant, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Index("ix_care_stay_unit_ends", "unit", "ends", "begins", "patient"),
    sa.Index("ix_care_stay_patient", "patient", "unit", "ends", "begins"),
)

place = sa.Table(
    "care_place",
    metadata,
    sa.Column("id", sa.String(80), primary_key=True),
    sa.Column("within", sa.String(80), nullable=False, index=True),
    sa.Column("name", sa.String(_LENGTH), nullable=False, index=True),
    sa.Column("code", sa.String(_LENGTH), nullable=False, index=True),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
)

progress = sa.Table(
    "care_progress",
    metadata,
    sa.Column("type", sa.String(64), primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
)


def fold(words: str) -> str:
    """A name of a unit without case, accents and needless spaces, as it is compared."""
    plain = unicodedata.normalize("NFKD", words)
    return " ".join("".join(sign for sign in plain if not unicodedata.combining(sign)).casefold().split())


def named(words: str) -> str:
    """How a unit stands in the index that is known by its name alone."""
    return f"={fold(words)}"[:_LENGTH]


# Who is in a unit ------------------------------------------------------------------------------------------


def expanded(connection: sa.Connection, units: Collection[str]) -> list[str]:
    """The units as the index has them, and every place within them.

    Args:
        connection: where to look.
        units: references (``Location/GER``, ``Organization/7``, ``Practitioner/9``), names or codes.
    """
    found = {each if _is_reference(each) else named(each) for each in units}
    words = [fold(each)[:_LENGTH] for each in units if not _is_reference(each)]
    if words:
        known = sa.or_(place.c.name.in_(words), place.c.code.in_(words))
        found.update(connection.execute(sa.select(place.c.id).where(known)).scalars())
    wanted = set(found)
    while wanted:
        inner = set(
            connection.execute(sa.select(place.c.id).where(place.c.within.in_(sorted(wanted)))).scalars()
        )
        wanted = inner - found
        found |= wanted
    return sorted(found)


def _is_reference(unit: str) -> bool:
    type_, slash, id_ = unit.partition("/")
    return bool(slash) and type_ in (*TYPES, "Practitioner", "PractitionerRole") and bool(id_)


def staying(units: Sequence[str], at: datetime, grace: timedelta) -> sa.Select[tuple[str]]:
    """Selects the ids of the patients who are with some units at a moment, or left within the grace."""
    c = stay.c
    return sa.select(c.patient).where(c.unit.in_(units), c.begins <= at, c.ends >= at - grace)


# Making the index ------------------------------------------------------------------------------------------


class _Reference(msgspec.Struct):
    reference: str = ""
    display: str = ""


class _Period(msgspec.Struct):
    start: str = ""
    end: str = ""


class _Place(msgspec.Struct):
    location: _Reference = msgspec.field(default_factory=_Reference)
    status: str = ""
    period: _Period = msgspec.field(default_factory=_Period)


class _Participant(msgspec.Struct):
    individual: _Reference = msgspec.field(default_factory=_Reference)
    period: _Period = msgspec.field(default_factory=_Period)


class _Encounter(msgspec.Struct):
    status: str = ""
    period: _Period = msgspec.field(default_factory=_Period)
    location: list[_Place] = msgspec.field(default_factory=list)
    participant: list[_Participant] = msgspec.field(default_factory=list)
    serviceProvider: _Reference = msgspec.field(default_factory=_Reference)  # noqa: N815 - as FHIR has it


class _Identifier(msgspec.Struct):
    value: str = ""


class _Where(msgspec.Struct):
    name: str = ""
    identifier: list[_Identifier] = msgspec.field(default_factory=list)
    partOf: _Reference = msgspec.field(default_factory=_Reference)  # noqa: N815
    managingOrganization: _Reference = msgspec.field(default_factory=_Reference)  # noqa: N815


_ENCOUNTER = msgspec.json.Decoder(_Encounter)
_WHERE = msgspec.json.Decoder(_Where)


def bring_up(lake: Lake) -> None:
    """Brings the index up to the end of the log.

    Raises:
        Unavailable: it is far behind; asking again brings it further.
    """
    end = time.monotonic() + SECONDS
    while _waiting(lake):
        if time.monotonic() > end:
            raise Unavailable("the index of who lies where is being brought up to date", hint="ask again")
        with writing(lake.engine) as connection:
            for type_ in TYPES:
                _take(lake, connection, type_)


def _waiting(lake: Lake) -> bool:
    with reading(lake.engine) as connection:
        done = _done(connection)
        return any(lake.arrived(connection, type_, done.get(type_, 0), 1) for type_ in TYPES)


def _done(connection: sa.Connection) -> dict[str, int]:
    return {row.type: row.seq for row in connection.execute(sa.select(progress))}


def _take(lake: Lake, connection: sa.Connection, type_: str) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("LOCK TABLE care_progress IN EXCLUSIVE MODE"))
    versions = lake.arrived(connection, type_, _done(connection).get(type_, 0), _BATCH)
    if not versions:
        return
    (_keep_stays if type_ == "Encounter" else _keep_places)(connection, latest(versions))
    put(connection, progress, {"type": type_}, {"seq": versions[-1].seq})


def _keep_stays(connection: sa.Connection, versions: list[Version]) -> None:
    found = newer(connection, stay.c.encounter, stay, versions)
    for ids in chunks([each.id for each in found]):
        connection.execute(sa.delete(stay).where(stay.c.encounter.in_(ids)))
    rows = [row for each in found for row in rows_of(each)]
    if rows:
        connection.execute(sa.insert(stay), rows)


def _keep_places(connection: sa.Connection, versions: list[Version]) -> None:
    found = newer(connection, place.c.id, place, versions, lambda each: f"{each.type}/{each.id}")
    rows = [row for each in found if (row := _place_row(each))]
    if rows:
        made = insert(connection, place)
        others = {column.name: made.excluded[column.name] for column in place.c if column.name != "id"}
        connection.execute(made.on_conflict_do_update(index_elements=["id"], set_=others), rows)


def _place_row(version: Version) -> dict[str, Any] | None:
    try:
        where = _WHERE.decode(version.body)
    except msgspec.MsgspecError:  # of another form than such resources have
        return None
    code = next((each.value for each in where.identifier if each.value), "")
    within = where.partOf.reference or where.managingOrganization.reference
    return {
        "id": f"{version.type}/{version.id}", "within": within[:80], "name": fold(where.name)[:_LENGTH],
        "code": fold(code)[:_LENGTH], "recorded_at": version.recorded_at, "seq": version.seq,
    }  # fmt: skip


def rows_of(version: Version) -> list[dict[str, Any]]:
    """The rows of one version of an Encounter; the first one names no unit."""
    patient = (version.subject or "").removeprefix("Patient/")
    head = {
        "encounter": version.id, "place": 0, "patient": patient, "unit": "", "begins": DAWN, "ends": DAWN,
        "recorded_at": version.recorded_at, "seq": version.seq,
    }  # fmt: skip
    try:
        encounter = _ENCOUNTER.decode(version.body)
    except msgspec.MsgspecError:
        return [head]
    if not patient or encounter.status in _NEVER:
        return [head]
    spans: dict[str, tuple[datetime, datetime]] = {}
    for unit, begins, ends in _spans(encounter, version.recorded_at):
        # The same unit twice in one stay: from the first beginning to the last end.
        before = spans.get(unit, (begins, ends))
        spans[unit] = (min(before[0], begins), max(before[1], ends))
    units = enumerate(spans.items(), 1)
    return [head, *(head | {"place": n, "unit": u, "begins": b, "ends": e} for n, (u, (b, e)) in units)]


def _spans(encounter: _Encounter, heard: datetime) -> Iterator[tuple[str, datetime, datetime]]:
    begins = _moment(encounter.period.start) or min(heard, FOREVER)
    over = heard if encounter.status in _OVER else heard + LONGEST_OPEN
    ends = _moment(encounter.period.end, latest=True) or over
    for each in encounter.location:
        if each.status in ("planned", "reserved"):
            continue
        left = heard if each.status == "completed" else ends
        span = (
            _moment(each.period.start) or begins,
            min(ends, _moment(each.period.end, latest=True) or left),
        )
        for unit in _names(each.location):
            yield unit, *span
    for person in encounter.participant:
        span = (
            _moment(person.period.start) or begins,
            min(ends, _moment(person.period.end, latest=True) or ends),
        )
        for unit in _names(person.individual):
            yield unit, *span
    for unit in _names(encounter.serviceProvider):
        yield unit, begins, ends


def _names(reference: _Reference) -> Iterator[str]:
    parts = reference.reference.split("/_history/")[0].rsplit("/", 2)
    if len(parts) >= 2:
        yield f"{parts[-2]}/{parts[-1]}"[:_LENGTH]
    if reference.display:
        yield named(reference.display)


def _moment(text: str, *, latest: bool = False) -> datetime | None:
    try:
        return fhir.parse_time(text, latest=latest) if text else None
    except (InvalidResource, ValueError):
        return None


# Erasing ---------------------------------------------------------------------------------------------------


def forget(connection: sa.Connection, patients: Sequence[str], encounters: Sequence[str]) -> None:
    """Erases where some patients were, and some stays, by their ids; within a transaction."""
    for column, ids in ((stay.c.patient, patients), (stay.c.encounter, encounters)):
        for start in range(0, len(ids), 500):
            connection.execute(sa.delete(stay).where(column.in_(list(ids[start : start + 500]))))
