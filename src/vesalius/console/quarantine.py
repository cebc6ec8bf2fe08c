"""The quarantine as a place to work: what is wrong, the original bytes, mending, and what it changed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.responses import Response

from vesalius import ingest
from vesalius.console import pictures
from vesalius.console.contexts import (
    AttemptPage,
    AttemptRow,
    CellRow,
    Choice,
    HeldPage,
    MapForm,
    ProblemRow,
    QuarantinePage,
    StepRow,
)
from vesalius.console.languages import N_
from vesalius.console.received import CAUSES
from vesalius.console.visit import Visit, redirect, render
from vesalius.errors import InvalidDecision, InvalidMap, NotFound, UnreadableInput
from vesalius.governance import Right, audit, people
from vesalius.ingest import Chosen, CsvMap, Held, mending

SHOWN = 20_000
"""How many characters of an original are shown; all of it can be downloaded."""

STEPS = 100
"""How many items of an attempt are listed."""

KINDS = {"retry": N_("Tried again"), "aside": N_("Set aside"), "back": N_("Brought back")}
"""What was done."""

BECAME = {"released": N_("Taken in"), "aside": N_("Set aside"), "held": N_("Held")}
"""What became of an item, where it is no cause."""

RETRIED = N_("Tried again: everything was understood and taken in.")
STILL = N_("Tried again: some of it is still not understood. The list says why.")
NEEDS_MAP = N_("The map of these rows is not known: run “vesalius quarantine retry --map FILE”.")
SET_ASIDE = N_("Set aside. Nothing was deleted; it can be brought back.")
BROUGHT_BACK = N_("Brought back: it waits again.")
NO_REASON = N_("Say why: the reason is kept with your name.")


def show(visit: Visit) -> Response:
    """The list of problems."""
    engine, query = visit.hospital.engine, visit.query
    aside = query.get("status") == "aside"
    chosen = Chosen(
        cause=query.get("cause", ""), source=query.get("feed", ""), status="aside" if aside else "held"
    )
    found = ingest.problems(engine, chosen)
    total = sum(each.count for each in found)
    counts = ingest.causes(engine, chosen.status)
    page = QuarantinePage(
        problems=tuple(
            ProblemRow(
                CAUSES.get(each.cause, each.cause),
                each.words,
                each.source,
                each.count,
                pictures.part(each.count / total, 90),
                each.since,
                each.last,
            )
            for each in found
        ),
        total=total,
        causes=_choices(
            {code: f"{visit.say(CAUSES.get(code, code))} ({count})" for code, count in counts.items()},
            chosen.cause,
        ),
        feeds=_choices({feed.source: feed.source for feed in ingest.feeds(engine)}, chosen.source),
        aside=aside,
        asides=sum(ingest.causes(engine, "aside").values()),
        attempts=tuple(_attempt(visit, each) for each in mending.attempts(engine, 20)),
        may_act=visit.may(Right.RETRY_QUARANTINE),
    )
    return render(visit, "quarantine.html", page)


def item(visit: Visit) -> Response:
    """One item, which stands for all that have the same problem."""
    held = ingest.one(visit.hospital.engine, visit.number("id"))
    visit.note(audit.Action.QUARANTINE_READ, f"item {held.id}")
    return _item(visit, held, _map_form(visit, held))


def original(visit: Visit) -> Response:
    """The original bytes, as a file."""
    held = ingest.one(visit.hospital.engine, visit.number("id"))
    visit.note(audit.Action.QUARANTINE_READ, f"item {held.id}", {"bytes": len(held.raw)})
    headers = {"content-disposition": f'attachment; filename="held-{held.id}.bin"'}
    return Response(held.raw, media_type="application/octet-stream", headers=headers)


def kept_map(visit: Visit) -> Response:
    """A mended map, as a file."""
    found = ingest.kept(visit.hospital.engine, visit.path("digest"))
    name = re.sub(r"[^\w.-]", "_", found.name)
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(found.text.encode(), media_type="application/toml", headers=headers)


def retry(visit: Visit) -> Response:
    """Tries again all that has the same problem, or what is of one cause."""
    held = ingest.one(visit.hospital.engine, visit.number("id"))
    return _retried(visit, held, None)


def mend(visit: Visit) -> Response:
    """Reads the map that the person mended; tries it without writing anything, or for good."""
    held = ingest.one(visit.hospital.engine, visit.number("id"))
    text = visit.form.get("map", "").replace("\r\n", "\n")
    known = _map_form(visit, held)
    if known is None:
        raise NotFound("the map of this item is not known")
    try:
        mended = ingest.parse_map(text, known.name)
    except InvalidMap as error:
        form = MapForm(known.name, text, error.message, None, 0, ())
        return _item(visit, held, form, status=422)
    if visit.form.get("do") != "mend":
        return _item(visit, held, _trial(visit, held, mended))
    visit.note(audit.Action.QUARANTINE_MENDED, held.source, {"map": mended.digest, "mends": held.map})
    return _retried(visit, held, mended)


def set_aside(visit: Visit) -> Response:
    """Takes all that has the same problem off the list."""
    return _moved(visit, "aside")


def bring_back(visit: Visit) -> Response:
    """Puts all that has the same problem back on the list."""
    return _moved(visit, "back")


def attempt(visit: Visit) -> Response:
    """What an attempt changed."""
    engine, number = visit.hospital.engine, visit.number("id")
    found = mending.attempt(engine, number)
    changed = mending.changes(engine, number)
    page = AttemptPage(
        attempt=_attempt(visit, found),
        changes=tuple(
            (_cause(before), _after(after), count)
            for (before, after), count in sorted(changed.items(), key=lambda item: -item[1])
        ),
        steps=_steps(visit, mending.steps(engine, attempt=number, limit=STEPS)),
        map=found.map,
    )
    return render(visit, "attempt.html", page)


def _retried(visit: Visit, held: Held, mended: ingest.Map | None) -> Response:
    lake, reason = visit.hospital.lake, visit.form.get("reason", "").strip()
    chosen = _same(held)
    try:
        done = ingest.retry(lake, chosen, given=mended, by=visit.who.id, reason=reason, received_at=visit.now)
    except UnreadableInput:  # rows of CSV whose map was never kept
        visit.notice(NEEDS_MAP, "warning")
        return redirect(f"/quarantine/{held.id}")
    detail = {"read": done.items, "written": done.written, "quarantined": done.held}
    visit.note(audit.Action.QUARANTINE_RETRIED, f"attempt {done.id}", detail)
    visit.notice(STILL if done.held else RETRIED, "warning" if done.held else "good")
    return redirect(f"/quarantine/attempts/{done.id}" if done.id else "/quarantine")


def _moved(visit: Visit, kind: str) -> Response:
    held = ingest.one(visit.hospital.engine, visit.number("id"))
    reason = visit.form.get("reason", "").strip()
    if kind == "aside" and not reason:
        raise InvalidDecision(NO_REASON)
    move = mending.set_aside if kind == "aside" else mending.bring_back
    done = move(visit.hospital.engine, _same(held), by=visit.who.id, reason=reason, at=visit.now)
    visit.note(audit.Action.QUARANTINE_MOVED, f"attempt {done.id}", {"kind": kind, "items": done.items})
    visit.notice(SET_ASIDE if kind == "aside" else BROUGHT_BACK)
    return redirect("/quarantine")


def _same(held: Held) -> Chosen:
    """All items of the same feed with the same problem."""
    return Chosen(cause=held.cause, words=held.words, source=held.source, status=held.status)


def _item(visit: Visit, held: Held, form: MapForm | None, status: int = 200) -> Response:
    engine = visit.hospital.engine
    text = _readable(held)
    found = ingest.problems(engine, _same(held))
    page = HeldPage(
        id=held.id,
        label=_cause(held.cause),
        words=held.words,
        source=held.source,
        file=held.name,
        place=held.place,
        format=held.format,
        at=held.received_at,
        status=held.status,
        same=sum(each.count for each in found),
        cells=_cells(held, form),
        original=text[:SHOWN],
        cut=len(text) > SHOWN,
        size=len(held.raw),
        steps=_steps(visit, mending.steps(engine, item=held.id)),
        map=form,
        may_act=visit.may(Right.RETRY_QUARANTINE),
    )
    return render(visit, "held.html", page, status)


def _map_form(visit: Visit, held: Held) -> MapForm | None:
    if not held.map or held.status == "released":
        return None
    try:
        known = ingest.newest(visit.hospital.engine, held.map)
    except NotFound:  # held by a version that kept no maps
        return None
    return MapForm(known.name, known.text, "", None, 0, ())


def _trial(visit: Visit, held: Held, mended: ingest.Map) -> MapForm:
    tried = mending.trial(visit.hospital.lake, _same(held), mended)
    still = tuple((_cause(cause), words, count) for (cause, words), count in tried.still.most_common(10))
    return MapForm(mended.name, mended.text, "", tried.items, tried.released, still)


def _readable(held: Held) -> str:
    """The bytes as a person reads them: JSON with its lines set in, one line per segment of HL7."""
    try:
        return msgspec.json.format(held.raw, indent=2).decode()
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        text = held.raw.decode("utf-8", errors="backslashreplace")
        return text.replace("\r\n", "\n").replace("\r", "\n")


def _cells(held: Held, form: MapForm | None) -> tuple[CellRow, ...]:
    """The cells of a row, beside the names of their columns; nothing for another format."""
    context: dict[str, Any] = msgspec.json.decode(held.context)
    if form is None or "header" not in context:
        return ()
    try:
        cells = ingest.cells(held.format, held.raw, CsvMap.parse(form.text, form.name))
    except (InvalidMap, UnreadableInput):
        return ()
    header = [*context["header"], *("" for _ in cells[len(context["header"]) :])]
    named = set(re.findall(r"'([^']*)'", held.words))
    padded = [*cells, *("" for _ in header[len(cells) :])]
    return tuple(CellRow(name, cell, name in named) for name, cell in zip(header, padded, strict=True))


def _attempt(visit: Visit, found: mending.Attempt) -> AttemptRow:
    return AttemptRow(
        id=found.id,
        at=found.at,
        by=_name(visit, found.by),
        label=KINDS.get(found.kind, found.kind),
        reason=found.reason,
        items=found.items,
        released=found.released,
        held=found.held,
        written=found.written,
    )


def _steps(visit: Visit, found: Sequence[mending.Step]) -> tuple[StepRow, ...]:
    of = {
        number: mending.attempt(visit.hospital.engine, number) for number in {step.attempt for step in found}
    }
    return tuple(
        StepRow(
            attempt=step.attempt,
            item=step.item,
            at=of[step.attempt].at,
            by=_name(visit, of[step.attempt].by),
            before=_cause(step.before),
            after=_after(step.after),
            words=step.words,
            became=", ".join(step.became),
            released=step.after == "released",
        )
        for step in found
    )


def _name(visit: Visit, login: str) -> str:
    try:
        return people.get(visit.hospital.engine, login).name
    except NotFound:
        return login


def _cause(code: str) -> str:
    return CAUSES.get(code, code)


def _after(after: str) -> str:
    return BECAME.get(after) or _cause(after)


def _choices(labels: dict[str, str], chosen: str) -> tuple[Choice, ...]:
    return tuple(Choice(value, label, chosen=value == chosen) for value, label in sorted(labels.items()))
