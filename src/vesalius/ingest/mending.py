"""Doing something about what is held: trying it again, perhaps through a mended map, or setting it aside.

Each attempt is kept, with who made it and what became of each item: what was released and as which resources,
what is still held and for which cause now. Nothing is deleted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.errors import InvalidMap, NotFound, UnreadableInput
from vesalius.ingest import _finishing as finishing
from vesalius.ingest import _kept_maps as maps
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._formats import TABLES, format_of
from vesalius.ingest._items import Item
from vesalius.ingest._judge import Judge
from vesalius.ingest._maps import Map
from vesalius.ingest._tables import attempt as attempt_table
from vesalius.ingest._tables import quarantine as table
from vesalius.ingest._tables import step as step_table
from vesalius.ingest.csv_map import CsvMap
from vesalius.ingest.quarantine import ASIDE, EVERYTHING, HELD, RELEASED, Chosen, Held, batches
from vesalius.lake import Arrival, Lake
from vesalius.store import reading, writing

RETRY, SET_ASIDE, BRING_BACK = "retry", "aside", "back"
"""The kinds of attempts."""

SHOWN = 20
"""How many of the resources that an item became are noted."""

Progress = Callable[[int, int], None]


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done about items that were held.

    Attributes:
        id: its number; 0 for one of a trial, which is not kept.
        at: when.
        by: the account that did it, or ``system``.
        kind: ``retry``, ``aside`` or ``back``.
        reason: why, in the words of that person.
        map: the digest of the mended map, or empty.
        items: how many items were tried, set aside or brought back.
        released: how many of them were taken in.
        written: how many resources became new versions.
        unchanged: how many resources were there already.
    """

    id: int = 0
    at: datetime
    by: str = maps.SYSTEM
    kind: str = RETRY
    reason: str = ""
    map: str = ""
    items: int = 0
    released: int = 0
    written: int = 0
    unchanged: int = 0

    @property
    def held(self) -> int:
        """How many of the items are still held."""
        return self.items - self.released


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt did to one item.

    Attributes:
        attempt: its number.
        item: the number of the item.
        before: the cause for which it was held.
        after: ``released``, ``aside``, ``held``, or the cause for which it is held now.
        words: why it is still held, for people.
        became: the first resources that it became, as ``Type/ID``.
    """

    attempt: int
    item: int
    before: str
    after: str
    words: str = ""
    became: list[str] = []


@dataclass(frozen=True)
class Trial:
    """What an attempt would do, without doing it.

    Attributes:
        items: how many items were tried.
        released: how many would be taken in.
        still: what would still be wrong, as (cause, words), with how many items.
    """

    items: int = 0
    released: int = 0
    still: Counter[tuple[Cause, str]] = field(default_factory=Counter)


@dataclass(frozen=True)
class _Tried:
    """One item, tried again: the arrivals it holds, or why it cannot be taken in."""

    item: Held
    arrivals: list[Arrival]
    fault: FaultError | None


def retry(
    lake: Lake,
    chosen: Chosen = EVERYTHING,
    *,
    given: Map | None = None,
    by: str = maps.SYSTEM,
    reason: str = "",
    received_at: datetime | None = None,
    progress: Progress | None = None,
) -> Attempt:
    """Tries again what is held: all of it, or what is chosen.

    What can now be taken in is released; the rest stays, with its new cause. Rows of tables are read through
    ``given``, else through the map they came with, as it was mended since. Killed at any point, it has
    released whole items only, and the rest is still held.

    Args:
        lake: where it goes.
        chosen: which items.
        given: a mended map, for rows of tables; it is kept, as mended by ``by``.
        by: the account of the person who asks.
        reason: why, in that person's words.
        received_at: the moment from which its content is known, where it does not say so itself; now, if
            not given.
        progress: called with the items tried, and with 0: how many there are is not known.

    Raises:
        UnreadableInput: only rows of tables are chosen, and no map of theirs is known.
    """
    moment = received_at or datetime.now(UTC)
    done = Attempt(at=moment, by=by, reason=reason, map=given.digest if given else "")
    reader, skipped = _Reader(lake, moment, given), 0
    for batch in batches(lake.engine, chosen):
        tried = [reader.tried(item) for item in batch if reader.can_read(item)]
        skipped += len(batch) - len(tried)
        if tried:
            done = _written(lake, done, tried, given)
        if progress:
            progress(done.items, 0)
    if skipped and not done.items:
        raise UnreadableInput(f"{skipped} rows of tables are held: name their map", hint="--map FILE")
    return done


def trial(lake: Lake, chosen: Chosen, given: Map | None = None, limit: int = 2_000) -> Trial:
    """What :func:`retry` would do with the first ``limit`` items; nothing is written."""
    reader, found = _Reader(lake, datetime.now(UTC), given), Trial()
    items = released = 0
    for batch in batches(lake.engine, chosen):
        for item in batch[: limit - items]:
            tried = reader.tried(item) if reader.can_read(item) else None
            items += 1
            released += bool(tried and not tried.fault)
            fault = tried.fault if tried else FaultError(item.cause, item.words)
            if fault:
                found.still[fault.cause, fault.words] += 1
        if items >= limit:
            break
    return Trial(items, released, found.still)


def set_aside(
    engine: sa.Engine, chosen: Chosen, *, by: str, reason: str, at: datetime | None = None
) -> Attempt:
    """Takes what is chosen off the list of what waits; it is kept, and can be brought back."""
    return _moved(engine, chosen, Attempt(at=at or datetime.now(UTC), by=by, kind=SET_ASIDE, reason=reason))


def bring_back(
    engine: sa.Engine, chosen: Chosen, *, by: str, reason: str = "", at: datetime | None = None
) -> Attempt:
    """Puts what was set aside back on the list of what waits."""
    back = replace(chosen, status=ASIDE)
    return _moved(engine, back, Attempt(at=at or datetime.now(UTC), by=by, kind=BRING_BACK, reason=reason))


def attempts(engine: sa.Engine, limit: int = 50) -> list[Attempt]:
    """What was done about what is held, newest first."""
    asked = sa.select(attempt_table).order_by(attempt_table.c.id.desc()).limit(limit)
    with reading(engine) as connection:
        return [Attempt(**row._mapping) for row in connection.execute(asked)]


def attempt(engine: sa.Engine, id: int) -> Attempt:  # noqa: A002
    """The attempt with this number.

    Raises:
        NotFound: there is none.
    """
    with reading(engine) as connection:
        row = connection.execute(sa.select(attempt_table).where(attempt_table.c.id == id)).first()
    if row is None:
        raise NotFound(f"there is no attempt {id}")
    return Attempt(**row._mapping)


def steps(
    engine: sa.Engine, *, attempt: int | None = None, item: int | None = None, limit: int = 200
) -> list[Step]:
    """What one attempt did to each item, or what was done with one item, newest first."""
    asked = sa.select(
        step_table.c.attempt_id.label("attempt"),
        step_table.c.item_id.label("item"),
        *(column for column in step_table.c if not column.name.endswith("_id")),
    )
    if attempt is not None:
        asked = asked.where(step_table.c.attempt_id == attempt)
    if item is not None:
        asked = asked.where(step_table.c.item_id == item)
    asked = asked.order_by(step_table.c.attempt_id.desc(), step_table.c.item_id).limit(limit)
    with reading(engine) as connection:
        return [Step(**row._mapping) for row in connection.execute(asked)]


def changes(engine: sa.Engine, attempt: int) -> dict[tuple[str, str], int]:
    """What one attempt changed: how many items went from one cause to what."""
    c = step_table.c
    counted = sa.select(c.before, c.after, sa.func.count().label("items")).where(c.attempt_id == attempt)
    with reading(engine) as connection:
        rows = connection.execute(counted.group_by(c.before, c.after))
        return {(row.before, row.after): row.items for row in rows}


class _Reader:
    """Reads held items again, each through the right map."""

    def __init__(self, lake: Lake, moment: datetime, given: Map | None) -> None:
        self._lake = lake
        self._judge = Judge(lake, moment)
        self._given = given
        self._kept: dict[str, Map | None] = {}

    def can_read(self, item: Held) -> bool:
        return item.format not in TABLES or isinstance(self._map(item), CsvMap)

    def tried(self, item: Held) -> _Tried:
        try:
            arrivals = [found for part in self._again(item) for found in self._judge.arrivals(part)]
            if item.cause == Cause.CONFLICTING_ROW:
                self._check_first(arrivals)
        except FaultError as fault:
            return _Tried(item, [], fault)
        return _Tried(item, arrivals, None)

    def _map(self, item: Held) -> Map | None:
        if self._given:
            return self._given
        if item.map not in self._kept:
            self._kept[item.map] = None
            with suppress(NotFound, InvalidMap):  # held by a version that kept none
                self._kept[item.map] = maps.newest(self._lake.engine, item.map).read()
        return self._kept[item.map]

    def _again(self, item: Held) -> list[Item]:
        if item.cause in {Cause.TOO_LONG, Cause.TRUNCATED}:
            raise FaultError(item.cause, item.words)  # its bytes are not all here: it must be sent again
        context: dict[str, Any] = msgspec.json.decode(item.context)
        return format_of(item.format, self._map(item)).again(item.raw, item.place, context)

    def _check_first(self, arrivals: Sequence[Arrival]) -> None:
        """A row that disagrees with an earlier one does so as long as the earlier one stands."""
        for arrival in arrivals:
            version = self._lake.read(f"{arrival.type}/{arrival.id}")
            if version and Arrival.of(version.body).digest != arrival.digest:
                words = f"an earlier row gives this {arrival.type} another content"
                raise FaultError(Cause.CONFLICTING_ROW, words)


def _written(lake: Lake, done: Attempt, tried: Sequence[_Tried], given: Map | None) -> Attempt:
    """Writes a batch of tried items, what became of them and how far the attempt is: all or nothing."""
    with writing(lake.engine) as connection:
        if given and not done.id:
            mends = {each.item.map for each in tried if each.item.map} - {given.digest}
            maps.keep(connection, given, done.at, done.by, min(mends, default=""))
        for each in tried:
            written = finishing.written(lake, each.arrivals, each.item.source, done.at, connection)
            done = msgspec.structs.replace(
                done,
                items=done.items + 1,
                released=done.released + (each.fault is None),
                written=done.written + written.written,
                unchanged=done.unchanged + written.unchanged,
            )
            connection.execute(_MARK, _marked(each, done.at))
        done = _kept(connection, done)
        connection.execute(sa.insert(step_table), [_step(each, done.id) for each in tried])
    return done


_MARK = (
    sa.update(table)
    .where(table.c.id == sa.bindparam("item"), table.c.status == sa.bindparam("was"))
    .values({name: sa.bindparam(f"new_{name}") for name in ("status", "cause", "words", "tried_at")})
)


def _marked(tried: _Tried, moment: datetime) -> dict[str, Any]:
    fault = tried.fault or FaultError(tried.item.cause, tried.item.words)
    return _mark(tried.item, HELD if tried.fault else RELEASED, fault, moment)


def _mark(item: Held, status: str, fault: FaultError, moment: datetime) -> dict[str, Any]:
    return {
        "item": item.id,
        "was": item.status,
        "new_status": status,
        "new_cause": fault.cause.value,
        "new_words": fault.words,
        "new_tried_at": moment,
    }


def _step(tried: _Tried, attempt: int) -> dict[str, Any]:
    fault = tried.fault
    became = [f"{arrival.type}/{arrival.id}" for arrival in tried.arrivals[:SHOWN]]
    return {
        "attempt_id": attempt,
        "item_id": tried.item.id,
        "before": tried.item.cause.value,
        "after": fault.cause.value if fault else RELEASED,
        "words": fault.words if fault else "",
        "became": became,
    }


def _kept(connection: sa.Connection, done: Attempt) -> Attempt:
    row = msgspec.structs.asdict(done)
    del row["id"]
    if done.id:
        connection.execute(sa.update(attempt_table).where(attempt_table.c.id == done.id).values(row))
        return done
    key = connection.execute(sa.insert(attempt_table).values(row)).inserted_primary_key
    assert key is not None
    return msgspec.structs.replace(done, id=int(key[0]))


def _moved(engine: sa.Engine, chosen: Chosen, done: Attempt) -> Attempt:
    after = ASIDE if done.kind == SET_ASIDE else HELD
    for batch in batches(engine, chosen):
        if not batch:
            break
        with writing(engine) as connection:
            done = _kept(connection, msgspec.structs.replace(done, items=done.items + len(batch)))
            marks = [_mark(item, after, FaultError(item.cause, item.words), done.at) for item in batch]
            connection.execute(_MARK, marks)
            connection.execute(sa.insert(step_table), [_moved_step(item, done.id, after) for item in batch])
    return done


def _moved_step(item: Held, attempt: int, after: str) -> dict[str, Any]:
    values: dict[str, Any] = {"before": item.cause.value, "after": after, "words": "", "became": []}
    return {"attempt_id": attempt, "item_id": item.id, **values}
