"""The refresh: counts what is new of every use, applies the monitors, and silences where a stop rule fires.

It goes on where the last one ended: killed at any point, nothing is counted twice and nothing is left out.
Several processes may refresh at once: of two that count the same, one is told and leaves it to the other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from vesalius.card import Card
from vesalius.errors import Conflict, VesaliusError
from vesalius.evaluation.monitoring import Reference
from vesalius.governance import uses, watching
from vesalius.governance.uses import Use
from vesalius.hospital import Hospital
from vesalius.monitoring import _counting, _judging, _references, _sequential, _tallies, _weeks, alarms
from vesalius.monitoring._findings import of_rule
from vesalius.monitoring._references import Kept
from vesalius.monitoring._tables import people as people_table
from vesalius.monitoring._tables import use as use_table
from vesalius.monitoring.alarms import Finding
from vesalius.monitoring.status import Figures, RuleLine
from vesalius.review import factors, tallying
from vesalius.review.factors import Factors, day_of
from vesalius.review.tallying import Untallied
from vesalius.store import add, reading, writing
from vesalius.usecase import UseCase, names

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]

LATE = timedelta(days=2)
"""How long after it was taken a decision can still change (it can be undone for a day at most), and more."""

FEW = 3650
"""How many cases a year a chart is planned for where nothing says how many there are: ten a day."""


@dataclass(frozen=True)
class Refreshed:
    """What a refresh did for one use.

    Attributes:
        usecase: which.
        counted: how many suggestions and outcomes were counted.
        raised: how many alarms are new.
        silenced: why it was silenced by a stop rule; empty where it was not.
        error: what went wrong, without patient data; empty when nothing did.
    """

    usecase: str
    counted: int = 0
    raised: int = 0
    silenced: str = ""
    error: str = ""


def refresh(
    hospital: Hospital, now: datetime, progress: Progress | None = None, only: str = ""
) -> list[Refreshed]:
    """Brings the monitoring of every installed use up to ``now``; one that fails does not stop the others.

    Args:
        hospital: an open hospital.
        now: the moment.
        progress: called with the uses done, and those there are.
        only: one use alone, by its name.
    """
    found, all_ = [], [only] if only else names()
    for done, name in enumerate(all_, 1):
        found.append(_guarded(hospital, name, now))
        if progress:
            progress(done, len(all_))
    return found


def refresh_use(hospital: Hospital, name: str, now: datetime) -> Refreshed:
    """Brings the monitoring of one use up to ``now``.

    A use that is neither silent nor live reads no patient: of it, only what people did is counted.

    Raises:
        NotFound: no such use case is installed, or its model is missing.
        Conflict: somebody else counts the same at this moment.
    """
    use = uses.current(hospital.engine, name, now)
    _count_people(hospital.engine, name, now)
    if not use.runs:
        _settle_resting(hospital.engine, use, now)
        return Refreshed(name)
    usecase = hospital.usecase(name)
    model = usecase.model.hash if usecase.model is not None else ""
    kept = _reference(hospital, usecase, model, now)
    counted = 0
    if kept is not None:
        counted = _count(hospital, usecase, use, model, kept.reference, now)
    _count_others(hospital, usecase, use, model, now)
    return _judge(hospital, usecase.card, use, model, kept, counted, now)


def _guarded(hospital: Hospital, name: str, now: datetime) -> Refreshed:
    try:
        return refresh_use(hospital, name, now)
    except Conflict as error:
        return Refreshed(name, error=str(error))
    except VesaliusError as error:
        log.error("the monitoring of %s failed: %s", name, error)  # noqa: TRY400  a trace may quote patient data
        return Refreshed(name, error=str(error))
    except Exception as error:  # a use case is other people's code: its fault must not stop the other uses
        # Only the kind of error: its message could quote what it was reading.
        log.error("the monitoring of %s failed: %s", name, type(error).__name__)  # noqa: TRY400
        return Refreshed(name, error=type(error).__name__)


def _lock(connection: sa.Connection, name: str, now: datetime) -> Any:
    """The row of a use, made where it is missing; others wait until this transaction is done with it."""
    add(connection, use_table, {"usecase": name, "refreshed_at": now, "decided_until": None, "body": ""})
    columns = use_table.c.refreshed_at, use_table.c.decided_until, use_table.c.body
    asked = sa.select(*columns).where(use_table.c.usecase == name).with_for_update()
    return connection.execute(asked).one()


def _count_people(engine: sa.Engine, name: str, now: datetime) -> None:
    """Counts again the days of people's answers that can have changed: whole days, so that twice is once."""
    with writing(engine) as connection:
        until = _lock(connection, name, now).decided_until
        first = factors.first_day(connection, name)
        if first is None:
            return
        today = day_of(now)
        if until is None:
            days = set(range(first, today + 1))
        else:
            # What is shown is filed within the card's window, a week or so, after its own moment.
            days = set(range(max(first, day_of(until - timedelta(days=9))), today + 1))
            days |= factors.days_touched(connection, name, until - LATE)
        _keep_people(connection, name, days, factors.count(connection, name, days))
        here = use_table.c.usecase == name
        connection.execute(sa.update(use_table).where(here).values(decided_until=max(now, until or now)))


def _keep_people(
    connection: sa.Connection, name: str, days: set[int], counted: Mapping[int, Factors]
) -> None:
    ordered = sorted(days)
    for start in range(0, len(ordered), 500):
        some = people_table.c.day.in_(ordered[start : start + 500])
        connection.execute(sa.delete(people_table).where(people_table.c.usecase == name, some))
    encode = msgspec.json.encode
    rows = [{"usecase": name, "day": day, "body": encode(found).decode()} for day, found in counted.items()]
    if rows:
        connection.execute(sa.insert(people_table), rows)


def _reference(hospital: Hospital, usecase: UseCase, model: str, now: datetime) -> Kept | None:
    """The reference that should be in force, put in force; when it changes, all is counted again."""
    name = usecase.card.name
    with reading(hospital.engine) as connection:
        before = _references.in_force(connection, name, model)
    after = _references.wanted(hospital, usecase, model, before, now)
    if after is None or (before is not None and before.hash == after.hash):
        return before
    with writing(hospital.engine) as connection:
        _lock(connection, name, now)
        stands = _references.in_force(connection, name, model)
        if stands is not None and stands.hash == after.hash:
            return stands
        _references.keep(connection, name, model, after)
        if stands is not None:  # its bins are others: what was counted in the old ones cannot be compared
            _tallies.clear(connection, name, model)
            _weeks.clear(connection, name, model)
            _sequential.clear(connection, name, model)
            tallying.forget(connection, name, model)
    return after


def _count(
    hospital: Hospital, usecase: UseCase, use: Use, model: str, reference: Reference, now: datetime
) -> int:
    """Counts all that waits of one model; how many."""
    counted = 0
    for kind in ("filed", "known"):
        batch = _counting.next_batch(hospital, usecase, reference, model, kind, now)
        while batch is not None:
            with writing(hospital.engine) as connection:
                _lock(connection, usecase.card.name, now)
                _counting.keep(connection, usecase.card.name, model, batch, now)
                _weeks.dirty(connection, usecase.card.name, model, (key.day for key in batch.tallies))
                if kind == "known":
                    _advance(connection, usecase.card, use, model, reference, batch.rows)
            counted += len(batch.waiting)
            batch = _counting.next_batch(hospital, usecase, reference, model, kind, now)
    return counted


def _count_others(hospital: Hospital, usecase: UseCase, use: Use, model: str, now: datetime) -> None:
    """Outcomes that came in for models that are no longer in force."""
    name = usecase.card.name
    with reading(hospital.engine) as connection:
        others = [each for each in tallying.models(connection, name) if each != model]
        kept = {each: _references.in_force(connection, name, each) for each in others}
    for each, found in kept.items():
        if found is None:
            with writing(hospital.engine) as connection:
                tallying.skip(connection, name, each, now)
        else:
            _count(hospital, usecase, use, each, found.reference, now)


def _advance(
    connection: sa.Connection,
    card: Card,
    use: Use,
    model: str,
    reference: Reference,
    rows: list[Untallied],
) -> None:
    """Lets the charts see more outcomes, of suggestions made since the use came into its state."""
    if use.since is None or not reference.scored.count:
        return
    mine = [row for row in rows if row.created_at >= use.since]
    watch = watching.watching(connection, card.name)
    limit = next(rule.limit for rule in watching.stop_rules(card, watch) if rule.name == "outcomes")
    for monitor in _sequential.ODDS:
        kept = _sequential.read(connection, card.name, model, monitor, use.since)
        if kept is None:
            kept = _sequential.planned(reference, monitor, _a_year(connection, card.name, model), limit)
        kept = _sequential.go_on(_sequential.bounded(kept, reference, monitor, limit), mine)
        _sequential.keep(connection, card.name, model, monitor, use.since, kept)


def _a_year(connection: sa.Connection, name: str, model: str) -> float:
    """How many outcomes a year there are, going by the days on which any is known."""
    per_day = _tallies.rows(connection, name, model, "known")
    if len(per_day) < 14:
        return FEW
    return max(FEW, 365 * sum(per_day.values()) / (max(per_day) - min(per_day) + 1))


def _judge(
    hospital: Hospital, card: Card, use: Use, model: str, kept: Kept | None, counted: int, now: datetime
) -> Refreshed:
    """Makes the figures, and settles what follows from them in one transaction."""
    if kept is not None:
        _make_weeks(hospital.engine, card.name, model, kept.reference, now)
    with reading(hospital.engine) as connection:
        judged = _judging.judge(connection, card, use, model, kept, now)
    with writing(hospital.engine) as connection:
        before = _lock(connection, card.name, now)
        if before.body and before.refreshed_at > now:
            return Refreshed(card.name, counted)  # another has settled what is newer
        _write(connection, card.name, judged.figures, now)
        stands = uses.current(connection, card.name, now)
        if stands.since != use.since or stands.state != use.state:
            return Refreshed(card.name, counted)  # somebody moved it meanwhile: the next refresh looks at it
        if use.speaks:
            alarms.restarted(connection, card.name, now)
        raised = alarms.settle(connection, card.name, model, judged.findings, now)
        silenced = _stop(connection, use, model, judged.rules, now)
    return Refreshed(card.name, counted, len(raised) + bool(silenced), silenced)


def _make_weeks(engine: sa.Engine, name: str, model: str, reference: Reference, now: datetime) -> None:
    with reading(engine) as connection:
        mondays = _weeks.missing(connection, name, model)
    for monday in mondays:
        with writing(engine) as connection:
            _lock(connection, name, now)
            _weeks.keep(connection, name, model, _weeks.make(connection, name, model, reference, monday))


def _stop(connection: sa.Connection, use: Use, model: str, rules: tuple[RuleLine, ...], now: datetime) -> str:
    """Silences a live use whose stop rule fires, and says why."""
    fired = [rule for rule in rules if rule.fires]
    if not fired or not use.speaks:
        return ""
    reason = "; ".join(in_words(rule) for rule in fired)
    for rule in fired:
        alarms.stopped(
            connection, use.name, model, Finding(f"stop.{rule.name}", rule.about, "stop", of_rule(rule)), now
        )
    with suppress(Conflict):  # somebody was faster
        uses.silence(connection, use.name, reason=reason, at=now)
    log.warning("%s was silenced: %s", use.name, reason)
    return reason


def in_words(rule: RuleLine) -> str:
    """Why a stop rule fired, in words and figures, in English."""
    about = f" of {rule.about}" if rule.about else ""
    what = f" ({rule.what})" if rule.what else ""
    between = (
        f" ({rule.low:.3g} to {rule.high:.3g})" if rule.low is not None and rule.high is not None else ""
    )
    return (
        f"stop rule {rule.name}{about}{what}: {rule.value or 0:.3g}{between}, limit {rule.limit:.3g}, "
        f"after {rule.cases} cases (at least {rule.minimum})"
    )


def _settle_resting(engine: sa.Engine, use: Use, now: datetime) -> None:
    """A use that does not run keeps its last figures, and raises nothing."""
    with writing(engine) as connection:
        if not _lock(connection, use.name, now).body:
            _write(connection, use.name, Figures(at=now, state=use.state, since=use.since), now)


def _write(connection: sa.Connection, name: str, figures: Figures, now: datetime) -> None:
    body = msgspec.json.encode(figures, order="sorted").decode()
    values = {"refreshed_at": now, "body": body}
    connection.execute(sa.update(use_table).where(use_table.c.usecase == name).values(**values))
