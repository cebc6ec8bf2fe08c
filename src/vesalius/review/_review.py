"""The review of one hospital: its suggestions, decisions and outcomes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from vesalius.card import Card
from vesalius.review import decisions as deciding
from vesalius.review import figures, worklist
from vesalius.review._rows import (
    chunks,
    load,
    load_many,
    select_filed,
    to_body,
    to_decision,
    to_filed,
    to_row,
)
from vesalius.review._tables import body, decision, outcome, suggestion
from vesalius.review.records import (
    WAITING,
    About,
    Action,
    Decision,
    Display,
    Filed,
    Mode,
    Page,
    Reviewed,
    Silent,
)
from vesalius.store import insert, reading, writing
from vesalius.usecase import Outcome, Suggestion, encode, find

Witness = Callable[[sa.Connection, str, str, str, Mapping[str, Any], datetime], object]
"""Hears of an act in the transaction that does it: connection, actor, action, object, detail, moment."""

Requirement = Callable[[sa.Connection, str, Card, str, datetime], Mapping[str, Any]]
"""Asks whether a person may decide: connection, use, its card, account, moment; what the event says of it."""


class Review:
    """Suggestions as they were filed, what people decided on them, and what happened.

    Args:
        engine: the hospital's database.
        witness: hears of each decision and undo, in the same transaction: the audit.
        cards: the card of a use case by its name; those installed, unless a test says otherwise.
        requirement: what is asked of a person before each decision, such as a course; raises to refuse.
    """

    def __init__(
        self,
        engine: sa.Engine,
        witness: Witness | None = None,
        cards: Callable[[str], Card] | None = None,
        requirement: Requirement | None = None,
    ) -> None:
        self._engine = engine
        self._witness = witness or _nobody
        self._card = cards or _installed_card
        self._requirement = requirement or _nothing

    def file(
        self,
        suggestions: Sequence[Suggestion],
        mode: Mode,
        now: datetime,
        display: Sequence[Display] | None = None,
        connection: sa.Connection | None = None,
    ) -> int:
        """Keeps suggestions, one for each (use case, focus): the first one filed stays.

        Args:
            suggestions: N suggestions.
            mode: live to show them to people, silent to keep them to compare.
            now: when they are filed.
            display: N times how people recognise the patient, or nothing.
            connection: the transaction to write in, or None for one of its own.

        Returns:
            How many were new.
        """
        if not suggestions:
            return 0
        shown = display or [Display()] * len(suggestions)
        rows = [to_row(item, mode, now, seen) for item, seen in zip(suggestions, shown, strict=True)]
        with self._writing(connection) as wire:
            kept = insert(wire, suggestion).on_conflict_do_nothing().returning(suggestion.c.id)
            new = set(wire.execute(kept, rows).scalars())
            if new:
                wire.execute(sa.insert(body), [to_body(item) for item in suggestions if item.id in new])
        return len(new)

    def get(self, identifier: str) -> Filed:
        """One suggestion, with its decisions and outcome.

        Raises:
            NotFound: there is none with that id.
        """
        with reading(self._engine) as wire:
            return load(wire, identifier)

    def filed_foci(self, usecase: str, foci: Sequence[str]) -> set[str]:
        """Those of ``foci`` (``Type/ID``) that have a suggestion of ``usecase``, silent or live."""
        rows = suggestion.c
        found: set[str] = set()
        with reading(self._engine) as wire:
            for some in chunks(foci):
                asked = sa.select(rows.focus).where(rows.usecase == usecase, rows.focus.in_(some))
                found.update(wire.execute(asked).scalars())
        return found

    def worklist(
        self,
        *,
        usecase: str = "",
        indicator: str = "",
        ward: str = "",
        option: str = "",
        text: str = "",
        status: str = "open",
        mode: Mode = "live",
        subject: str = "",
        only: sa.Select[tuple[str]] | None = None,
        never: sa.Select[tuple[str]] | None = None,
        limit: int = 50,
        offset: int = 0,
        now: datetime | None = None,
    ) -> Page:
        """One page of what waits, most urgent first; the filters are those of :class:`worklist.Filters`.

        Deferred suggestions whose time has come are put back first.
        """
        self.wake(now)
        filters = worklist.Filters(usecase, indicator, ward, option, text, status, mode, subject, only, never)
        with reading(self._engine) as wire:
            return worklist.page(wire, filters, limit, offset)

    def wake(self, now: datetime | None = None) -> int:
        """Puts back on the worklist the deferred suggestions whose time has come; how many."""
        now = now or datetime.now(UTC)
        with reading(self._engine) as wire:
            if not deciding.sleepers(wire, now):
                return 0
        with writing(self._engine) as wire:
            return deciding.wake(wire, now)

    def decide(
        self,
        identifier: str,
        action: Action,
        *,
        by: str,
        role: str,
        reason: str = "",
        words: str = "",
        option: str = "",
        until: datetime | None = None,
        at: datetime | None = None,
        seen: int | None = None,
        grant: Mapping[str, Any] | None = None,
    ) -> Decision:
        """Records what a person decides.

        Args:
            identifier: the suggestion's id.
            action: accepted, modified (with the other ``option``), overridden (with a ``reason`` or
                ``words``) or deferred (``until`` when).
            by: the person's account.
            role: the role in which they decide; the card says which ones may.
            reason: a code of the card's override reasons.
            words: their own words, at most 2000 characters.
            option: the option chosen instead.
            until: when a deferred one comes back.
            at: when; now unless a test or a demo says otherwise.
            seen: the ``revision`` that the person saw; if it has changed since, nothing is written.
            grant: for what purpose the person may see the patient, as the event says it.

        Raises:
            NotFound: no such suggestion.
            InvalidDecision: something that the action needs is missing or wrong.
            NotAllowed: the role may not decide on it, or it was made in silence.
            Untrained: the hospital requires a course that the person has not passed.
            Conflict: it was decided, or changed, in the meantime.
        """
        choice = deciding.Choice(
            action, by, role, reason, words.strip(), option, until, at or datetime.now(UTC)
        )
        with writing(self._engine) as wire:
            filed = load(wire, identifier)
            card = self._card(filed.usecase)
            deciding.check(choice, filed, card)
            training = self._requirement(wire, filed.usecase, card, by, choice.at)
            made = deciding.write(wire, filed, choice, seen)
            detail = {"decision": made.id, "action": action, "role": role, "subject": filed.subject}
            said = encode([action, by, role, made.reason, made.words, made.option])
            detail["content"] = hashlib.sha256(said).hexdigest()
            detail |= {**(grant or {}), **training}
            self._witness(wire, by, "suggestion.decided", identifier, detail, choice.at)
        return made

    def decided(self, identifier: int) -> Filed:
        """The suggestion on which decision number ``identifier`` was taken.

        Raises:
            NotFound: no such decision.
        """
        with reading(self._engine) as wire:
            return load(wire, deciding.load_decision(wire, identifier).suggestion)

    def undo(self, identifier: int, by: str, at: datetime | None = None, *, minutes: float) -> Filed:
        """Takes back decision number ``identifier``; only who took it can, within ``minutes``.

        Returns:
            The suggestion as it is again: open, deferred as before, or expired if it closed meanwhile.

        Raises:
            NotFound: no such decision.
            NotAllowed: another person took it.
            Conflict: too late, undone before, or another decision followed.
        """
        at = at or datetime.now(UTC)
        with writing(self._engine) as wire:
            taken = deciding.load_decision(wire, identifier)
            filed = deciding.take_back(wire, taken, by, at, minutes)
            detail = {"decision": taken.id, "action": taken.action, "subject": filed.subject}
            self._witness(wire, by, "suggestion.undone", filed.id, detail, at)
        return filed

    def decisions(
        self, *, by: str = "", usecase: str = "", undone: bool = True, limit: int = 50, offset: int = 0
    ) -> list[Reviewed]:
        """Decisions with their suggestions, latest first: of one person, of one use, or all.

        ``undone`` keeps those that were taken back.
        """
        asked = sa.select(decision).join(suggestion, suggestion.c.id == decision.c.suggestion)
        if by:
            asked = asked.where(decision.c.by == by)
        if usecase:
            asked = asked.where(suggestion.c.usecase == usecase)
        if not undone:
            asked = asked.where(decision.c.undone_at.is_(None))
        asked = asked.order_by(decision.c.at.desc(), decision.c.id.desc()).limit(limit).offset(offset)
        with reading(self._engine) as wire:
            taken = [to_decision(row) for row in wire.execute(asked)]
            filed = load_many(wire, [item.suggestion for item in taken])
        return [Reviewed(*pair) for pair in zip(taken, filed, strict=True)]

    def awaiting_outcome(self, usecase: str, since: datetime, until: datetime) -> list[Filed]:
        """Suggestions of a use, silent and live, with ``as_of`` in (``since``, ``until``], no outcome yet."""
        rows = suggestion.c
        asked = select_filed().where(
            rows.usecase == usecase,
            rows.as_of > since,
            rows.as_of <= until,
            outcome.c.suggestion.is_(None),
            rows.erased.is_(None),
        )
        with reading(self._engine) as wire:
            return [to_filed(row) for row in wire.execute(asked.order_by(rows.as_of, rows.id))]

    def record_outcomes(self, known: Iterable[tuple[str, Outcome]], at: datetime) -> int:
        """Keeps what happened: the first outcome recorded of each suggestion stays.

        A suggestion that still waits expires: what it was about is known by other means.

        Args:
            known: pairs of a suggestion's id and its outcome.
            at: when it is recorded.

        Returns:
            How many were new.
        """
        rows = [
            {"suggestion": identifier, "value": item.value, "label": item.label, "known_at": item.known_at,
             "sources": list(item.sources), "recorded_at": at}
            for identifier, item in known
        ]  # fmt: skip
        if not rows:
            return 0
        with writing(self._engine) as wire:
            kept = insert(wire, outcome).on_conflict_do_nothing().returning(outcome.c.suggestion)
            new = list(wire.execute(kept, rows).scalars())
            for some in chunks(new):
                deciding.close(wire, suggestion.c.id.in_(some), at)
        return len(new)

    def silent(
        self, usecase: str, version: str, model: str, settings: str, *, since: datetime, until: datetime
    ) -> list[Silent]:
        """What one tool said in silence with ``as_of`` in (``since``, ``until``], in the order of it.

        Args:
            usecase: the use case.
            version: of it, as its suggestions name it.
            model: the hash of the model.
            settings: the hash of the settings.
            since: later than this.
            until: at the latest; an outcome that was recorded later is not known yet.
        """
        rows, known = suggestion.c, outcome.c
        told = sa.and_(known.suggestion == rows.id, known.recorded_at <= until)
        joined = suggestion.outerjoin(outcome, told)
        columns = (rows.id, rows.subject, rows.focus, rows.as_of, rows.option, rows.probability)
        asked = sa.select(*columns, rows.created_at, known.value, known.known_at, rows.erased.is_not(None))
        tool = (
            rows.usecase == usecase,
            rows.version == version,
            rows.model == model,
            rows.settings == settings,
        )
        moments = (rows.mode == "silent", rows.as_of > since, rows.as_of <= until)
        asked = asked.select_from(joined).where(*tool, *moments).order_by(rows.as_of, rows.id)
        with reading(self._engine) as wire:
            return [Silent(*row) for row in wire.execute(asked)]

    def withdraw(self, usecase: str, at: datetime, connection: sa.Connection | None = None) -> int:
        """Takes everything of a use that stopped speaking off the worklist; how many still waited."""
        with self._writing(connection) as wire:
            return withdraw(wire, usecase, at)

    def waiting_about(self, connection: sa.Connection, patients: sa.Select[tuple[str]]) -> list[About]:
        """What is shown and waits for a decision about some patients, whose ids are selected."""
        rows = suggestion.c
        columns = (rows.id, rows.usecase, rows.subject, rows.focus, rows.as_of)
        chosen = worklist.within(worklist.Filters(only=patients))
        asked = sa.select(*columns).where(rows.mode == "live", rows.status.in_(WAITING), *chosen)
        return [About(*row) for row in connection.execute(asked.order_by(rows.id))]

    def close(self, identifiers: Sequence[str], at: datetime, connection: sa.Connection) -> None:
        """Takes some suggestions that wait off the worklist, in the caller's transaction."""
        for some in chunks(identifiers):
            deciding.close(connection, suggestion.c.id.in_(some), at)

    def reopen(self, usecase: str, foci: Sequence[str], connection: sa.Connection) -> list[About]:
        """Puts suggestions that were taken off the worklist back, unless their outcome is known.

        Args:
            usecase: the use.
            foci: what they are about, as ``Type/ID``.
            connection: the transaction to write in.

        Returns:
            Those that wait again.
        """
        found: list[About] = []
        for some in chunks(foci):
            asked = sa.and_(suggestion.c.usecase == usecase, suggestion.c.focus.in_(some))
            found += deciding.reopen(connection, asked)
        return found

    def counts(
        self,
        only: sa.Select[tuple[str]] | None = None,
        never: sa.Select[tuple[str]] | None = None,
    ) -> list[figures.Count]:
        """How many suggestions there are, by use case, mode and status; of some patients, or all."""
        with reading(self._engine) as wire:
            return figures.counts(wire, worklist.within(worklist.Filters(only=only, never=never)))

    def daily(self, usecase: str, since: datetime, until: datetime) -> list[figures.Day]:
        """For each day (UTC) with any: how many were filed and decided."""
        with reading(self._engine) as wire:
            return figures.daily(wire, usecase, since, until)

    def agreement(self, usecase: str, since: datetime | None = None) -> figures.Agreement:
        """How often people followed the suggestions of a use, and what happened then."""
        with reading(self._engine) as wire:
            return figures.agreement(wire, usecase, since)

    def delays(self, usecase: str, since: datetime | None = None) -> figures.Delays:
        """How long it took from the data to the suggestion, and to the decision."""
        with reading(self._engine) as wire:
            return figures.delays(wire, usecase, since)

    @contextmanager
    def _writing(self, connection: sa.Connection | None) -> Iterator[sa.Connection]:
        if connection is not None:
            yield connection
            return
        with writing(self._engine) as wire:
            yield wire


def withdraw(connection: sa.Connection, usecase: str, at: datetime) -> int:
    """Takes everything live of a use off the worklist, in the caller's transaction; how many still waited."""
    live = sa.and_(suggestion.c.usecase == usecase, suggestion.c.mode == "live")
    return deciding.close(connection, live, at)


def _nobody(*_: Any) -> None:
    return None


def _nothing(*_: Any) -> Mapping[str, Any]:
    return {}


def _installed_card(usecase: str) -> Card:
    return find(usecase).card
