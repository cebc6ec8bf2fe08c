"""Finding patients who may be one person: an index that follows the log, and the pairs it leads to.

The index can be lost: :func:`refresh` makes it again from the log; what people decided about pairs stays.
Each batch and how far it has come are one transaction, so that a crash loses and doubles nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.errors import Conflict, InvalidSetting
from vesalius.fhir import belgium
from vesalius.identity import doubts, merging
from vesalius.identity._effective import in_force, targets
from vesalius.identity._merges import RULE, Merges, chunks
from vesalius.identity._tables import key as key_table
from vesalius.identity._tables import number as number_table
from vesalius.identity._tables import pair as pair_table
from vesalius.identity._tables import patient as patient_table
from vesalius.identity._tables import progress as progress_table
from vesalius.identity.identifiers import flags, numbers
from vesalius.identity.rules import BY_CODE, Person, judged, keys, person
from vesalius.lake import Lake, Version
from vesalius.store import insert, reading, writing

BATCH = 2_000
"""How many versions of patients are taken from the log in one transaction."""

CROWD = 200
"""A key that more patients share than this tells nobody apart, and is not looked at."""

_ENCODER, _DECODER = msgspec.json.Encoder(), msgspec.json.Decoder(Person)

Progress = Callable[[int, int], None]


class Refreshed(msgspec.Struct, frozen=True):
    """What a refresh did.

    Attributes:
        patients: how many versions of patients it took in.
        pairs: how many new pairs it found.
        merged: how many it merged by rules that the hospital made automatic.
    """

    patients: int = 0
    pairs: int = 0
    merged: int = 0


def refresh(
    lake: Lake,
    *,
    automatic: Collection[str] = (),
    rebuild: bool = False,
    most: int | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
    witness: merging.Witness | None = None,
) -> Refreshed:
    """Takes in the patients that are new in the log, and proposes the pairs that the rules find.

    Args:
        lake: where they are.
        automatic: the rules that the hospital made automatic: what they find is merged, and can be taken
            back. None is unless the hospital says so.
        rebuild: whether to make the index again from the beginning; what people decided stays.
        most: after how many versions to stop; none means all.
        now: the moment; a test may say another.
        progress: called with how many were taken in, and how many there are.
        witness: called within the transaction of each merge, to note it in the audit.

    Raises:
        InvalidSetting: a rule that is to be automatic does not exist, or is never certain.
    """
    check_automatic(automatic)
    now = now or datetime.now(UTC)
    if rebuild:
        _forget(lake)
    total = behind(lake) if progress else 0
    done = found = 0
    while most is None or done < most:
        with writing(lake.engine) as connection:
            taken, new = _take(lake, connection, now)
        done, found = done + taken, found + new
        if progress:
            progress(done, total)
        if taken < BATCH:
            break
    return Refreshed(done, found, _merge_certain(lake, automatic, now, witness) if automatic else 0)


def behind(lake: Lake) -> int:
    """How many versions of patients the index has not taken in yet."""
    with reading(lake.engine) as connection:
        return lake.count_arrived(connection, "Patient", _position(connection))


def check_automatic(automatic: Collection[str]) -> None:
    """Refuses what must not be automatic.

    Raises:
        InvalidSetting: no such rule, or one that is never certain.
    """
    certain = ", ".join(code for code, rule in BY_CODE.items() if rule.certain)
    for code in automatic:
        if code not in BY_CODE or not BY_CODE[code].certain:
            raise InvalidSetting(
                f"identity_automatic: {code!r} cannot be automatic", hint=f"only {certain} can"
            )


def _forget(lake: Lake) -> None:
    with writing(lake.engine) as connection:
        for table in (key_table, patient_table, progress_table):
            connection.execute(sa.delete(table))
        open_ = pair_table.c.status.in_([doubts.OPEN]) & (pair_table.c.rule != doubts.FED)
        connection.execute(sa.delete(pair_table).where(open_))


def _position(connection: sa.Connection) -> int:
    return int(connection.execute(sa.select(progress_table.c.seq)).scalar() or 0)


def _take(lake: Lake, connection: sa.Connection, now: datetime) -> tuple[int, int]:
    """Takes in one batch; how many versions it was, and how many new pairs it led to."""
    position = _hold(connection)
    versions = lake.arrived(connection, "Patient", position, BATCH)
    if not versions:
        return 0, 0
    histories = lake.histories(connection, {("Patient", each.id) for each in versions})
    current = [in_force(each) for each in histories.values()]
    people = _index(connection, histories, current)
    found = _propose(connection, people, {each.id for each in current}, now)
    connection.execute(sa.update(progress_table).values(seq=versions[-1].seq))
    return len(versions), found


def _hold(connection: sa.Connection) -> int:
    """How far the index has come; nobody else moves it until the transaction ends."""
    asked = sa.select(progress_table.c.seq).with_for_update()
    found = connection.execute(asked).scalar()
    if found is None:  # two may begin at once
        connection.execute(insert(connection, progress_table).on_conflict_do_nothing(), [{"id": 1, "seq": 0}])
        found = connection.execute(asked).scalar_one()
    return int(found)


# The index -------------------------------------------------------------------------------------------------


def _index(
    connection: sa.Connection,
    histories: dict[tuple[str, str], list[Version]],
    current: list[Version],
) -> list[Person]:
    """Writes what is known of some patients now; those of them who stand for themselves."""
    ids = [each.id for each in current]
    for some in chunks(ids):
        connection.execute(sa.delete(key_table).where(key_table.c.patient.in_(some)))
        connection.execute(sa.delete(patient_table).where(patient_table.c.id.in_(some)))
    former = _former(connection, histories, ids)
    people, rows = [], []
    for version in current:
        if targets(version.resource):
            continue  # somebody else stands for this one
        one = person(version.resource, former.get(version.id, ()))
        people.append(one)
        said = ",".join(flags(version.resource))
        rows.append({"id": one.id, "seq": version.seq, "body": _ENCODER.encode(one), "flags": said})
    if rows:
        connection.execute(sa.insert(patient_table), rows)
    held = [{"key": key, "patient": one.id} for one in people for key in keys(one)]
    if held:
        connection.execute(sa.insert(key_table), held)
    return people


def _former(
    connection: sa.Connection, histories: dict[tuple[str, str], list[Version]], ids: list[str]
) -> dict[str, tuple[str, ...]]:
    """Keeps every number that each patient has or had, from when to when; the former national ones."""
    for some in chunks(ids):
        connection.execute(sa.delete(number_table).where(number_table.c.patient.in_(some)))
    rows: list[dict[str, Any]] = []
    for (_, id_), versions in histories.items():
        rows += _periods(id_, sorted(versions, key=lambda each: (each.recorded_at, each.seq)))
    if rows:
        connection.execute(sa.insert(number_table), rows)
    found: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        value = str(row["value"])
        national = row["system"] == belgium.NISS and belgium.niss_is_valid(value)
        if national and not belgium.niss_is_made_up(value):
            found[row["patient"]].append(value)
    return {id_: tuple(values) for id_, values in found.items()}


def _periods(id_: str, versions: list[Version]) -> list[dict[str, Any]]:
    """Since when a patient has each number, and until when: when a version first came without it."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    carried = [
        (version, {(each.system, each.value): each for each in numbers(version.resource)})
        for version in versions
    ]
    for version, found in carried:
        for system, value in found:
            known = rows.setdefault(
                (system, value),
                {
                    "patient": id_,
                    "system": system,
                    "value": value,
                    "since": version.recorded_at,
                    "until": None,
                },
            )
            known["until"] = None  # it is back
    for (_, earlier), (version, later) in pairwise(carried):
        # A notice of a merge, or any version without a number of that system, says nothing about it.
        systems = {system for system, _ in later}
        for named in earlier.keys() - later.keys():
            if named[0] in systems and named not in carried[-1][1]:
                rows[named]["until"] = rows[named]["until"] or version.recorded_at
    return list(rows.values())


# Pairs -----------------------------------------------------------------------------------------------------


def _propose(connection: sa.Connection, people: list[Person], seen: set[str], now: datetime) -> int:
    """Writes the pairs that the rules find for some patients; withdraws those they no longer find."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    others = _candidates(connection, people)
    for one in people:
        for other in others.get(one.id, ()):
            named = doubts.ordered(one.id, other.id)
            if named not in found and (made := judged(one, other)):
                rule, comparison = made
                detail = msgspec.json.encode(vars(comparison)).decode()
                found[named] = {"rule": rule.code, "strength": rule.strength, "detail": detail}
    known = _known(connection, seen | {name for pair in found for name in pair})
    new = [
        {"one": pair[0], "other": pair[1], "status": doubts.OPEN, "found_at": now, **values}
        for pair, values in found.items()
        if pair not in known
    ]
    if new:
        connection.execute(insert(connection, pair_table).on_conflict_do_nothing(), new)
    for pair, row in known.items():
        _renew(connection, row, found.get(pair), concerned=not seen.isdisjoint(pair))
    return len(new)


def _renew(connection: sa.Connection, row: Any, values: dict[str, Any] | None, *, concerned: bool) -> None:
    """Brings a pair that nobody has decided on in line with what the rules say now."""
    if row.status not in {doubts.OPEN, doubts.LATER} or row.rule == doubts.FED or not concerned:
        return
    mine = pair_table.c.id == row.id
    if values is None:
        connection.execute(sa.delete(pair_table).where(mine))
    elif values["rule"] != row.rule or values["detail"] != row.detail:
        connection.execute(sa.update(pair_table).where(mine).values(values))


def _known(connection: sa.Connection, ids: Iterable[str]) -> dict[tuple[str, str], Any]:
    found = {}
    c = pair_table.c
    for some in chunks(sorted(ids)):
        asked = sa.select(c.id, c.one, c.other, c.rule, c.status, c.detail)
        for row in connection.execute(asked.where(sa.or_(c.one.in_(some), c.other.in_(some)))):
            found[row.one, row.other] = row
    return found


def _candidates(connection: sa.Connection, people: list[Person]) -> dict[str, list[Person]]:
    """For each of some patients those who share a key with them."""
    mine = {one.id: keys(one) for one in people}
    holders: dict[str, list[str]] = defaultdict(list)
    for some in chunks(sorted(set().union(*mine.values()))):
        for row in connection.execute(sa.select(key_table).where(key_table.c.key.in_(some))):
            holders[row.key].append(row.patient)
    wanted = {
        id_: {each for key in held if len(holders[key]) <= CROWD for each in holders[key]} - {id_}
        for id_, held in mine.items()
    }
    known = {one.id: one for one in people}
    missing = set().union(*wanted.values()) - known.keys() if wanted else set()
    known |= {one.id: one for one in _people(connection, missing)}
    return {id_: [known[each] for each in sorted(others)] for id_, others in wanted.items()}


def _people(connection: sa.Connection, ids: Iterable[str]) -> Iterator[Person]:
    for some in chunks(sorted(ids)):
        asked = sa.select(patient_table.c.body).where(patient_table.c.id.in_(some))
        yield from (_DECODER.decode(row.body) for row in connection.execute(asked))


def _merge_certain(
    lake: Lake, automatic: Collection[str], now: datetime, witness: merging.Witness | None
) -> int:
    """Merges the open pairs of rules that are automatic; the one known for longer stands for both."""
    c = pair_table.c
    asked = sa.select(c.one, c.other, c.rule).where(c.status == doubts.OPEN, c.rule.in_(automatic))
    with reading(lake.engine) as connection:
        chosen = list(connection.execute(asked.order_by(c.id)))
    done = 0
    for one, other, rule in chosen:
        with reading(lake.engine) as connection:
            merges = Merges.of(connection, [one, other])
            ends = {merges.survivor(one), merges.survivor(other)}
            histories = lake.histories(connection, {("Patient", each) for each in ends})
        if len(ends) < 2 or len(histories) < 2:
            continue
        target, source = (versions[0].id for versions in sorted(histories.values(), key=lambda v: v[0].seq))
        words = BY_CODE[rule].words
        try:
            merging.merge(lake, source, target, by=rule, reason=words, origin=RULE, at=now, witness=witness)
        except Conflict:  # somebody decided meanwhile
            continue
        done += 1
    return done


class Period(msgspec.Struct, frozen=True):
    """A number that a patient has or had.

    Attributes:
        system, value: the number.
        since: when it was first known.
        until: when the patient was first known without it, or None.
    """

    system: str
    value: str
    since: datetime
    until: datetime | None


def periods(engine: sa.Engine, patient: str) -> list[Period]:
    """Every number that a patient has or had, the first known first."""
    c = number_table.c
    asked = sa.select(c.system, c.value, c.since, c.until).where(c.patient == patient)
    with reading(engine) as connection:
        return [Period(*row) for row in connection.execute(asked.order_by(c.since, c.system, c.value))]


def flagged(engine: sa.Engine) -> dict[str, int]:
    """How many patients have each flag."""
    c = patient_table.c
    found: Counter[str] = Counter()
    with reading(engine) as connection:
        asked = sa.select(c.flags, sa.func.count()).where(c.flags != "").group_by(c.flags)
        for said, count in connection.execute(asked):
            found.update(dict.fromkeys(said.split(","), count))
    return dict(sorted(found.items()))
