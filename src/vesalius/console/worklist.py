"""The worklist: who waits for a person, most urgent first."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from vesalius import loop
from vesalius.console.contexts import Choice, FreshPage, Pages, Row, Tab, WorklistPage
from vesalius.console.languages import N_
from vesalius.console.silenced import fallen
from vesalius.console.visit import Visit, address, home, redirect, render
from vesalius.console.words import STATUSES, cards, chance, patients, speaker
from vesalius.governance import Right, audit, sealing, uses
from vesalius.governance.access import Scope
from vesalius.governance.lifecycle import State
from vesalius.governance.purposes import Purpose
from vesalius.governance.uses import Use
from vesalius.review import Filed, Page

SIZE = 50
"""How many lines a page has."""

TABS = (
    ("open", N_("To decide")),
    ("deferred", N_("Later")),
    ("decided", N_("Decided")),
    ("expired", N_("Closed")),
)
INDICATORS = {"critical": N_("Urgent"), "warning": N_("Soon"), "info": N_("Routine")}
FILTERS = ("indicator", "option", "ward", "usecase")


def show(visit: Visit) -> Response:
    """The page; who has no worklist begins with the first page that they have."""
    if not visit.may(Right.SEE_WORKLIST):
        return redirect(home(visit))
    asked, number = _asked(visit)
    standing = _standing(visit)
    found = _find(visit, asked, number)
    # The page stands under a right that everybody has; what it shows, under this one.
    subjects = sorted({each.subject for each in found.items})
    detail = {"page": number, "shown": len(found.items), "subjects": subjects, "purpose": str(Purpose.TREAT)}
    visit.note(audit.Action.WORKLIST_READ, asked["status"], detail)
    return render(visit, "worklist.html", _page(visit, asked, number, found, standing))


def fresh(visit: Visit) -> Response:
    """Whether the list has changed since it was loaded; it never moves a line under somebody's finger."""
    asked, number = _asked(visit)
    _standing(visit)
    found = _find(visit, asked, number)
    if mark(found) == visit.query.get("seen", ""):
        return Response(status_code=204)  # nothing to say: a screen reader stays quiet
    return render(visit, "fresh.html", FreshPage(found.total, address("/", page=number, **_link(asked))))


def search(visit: Visit) -> Response:
    """Takes what is looked for, and goes on to an address in which nobody else can read it."""
    form = visit.form
    words = form.get("text", "").strip()[:200]
    kept = {name: form.get(name, "")[:200] for name in ("status", *FILTERS)}
    return redirect(address("/", **kept, find=sealing.seal(visit.hospital.home, words, visit.who.id)))


def mark(page: Page) -> str:
    """A short hash of which suggestions a page holds, in which order."""
    return hashlib.sha256(" ".join(item.id for item in page.items).encode()).hexdigest()[:12]


def _asked(visit: Visit) -> tuple[dict[str, str], int]:
    query = visit.query
    status = query.get("status", "open")
    sealed = visit.request.query_params.get("find", "")
    words = sealing.opened(visit.hospital.home, sealed, visit.who.id)
    asked = {"status": status if status in dict(TABS) else "open", "text": words}
    asked["find"] = sealed if words else ""
    asked |= {name: query.get(name, "") for name in FILTERS}
    page = query.get("page", "1")
    return asked, max(1, int(page)) if page.isdecimal() and len(page) < 7 else 1


def _link(asked: Mapping[str, str]) -> dict[str, str]:
    """What of the question may stand in an address: what is looked for only as it was sealed."""
    return {name: value for name, value in asked.items() if name != "text"}


def _standing(visit: Visit) -> dict[str, Use]:
    """How each use stands now.

    What it said leaves the list if a gate expired, or the patient objects, since the loop last turned.
    """
    loop.spare(visit.hospital, visit.now)
    found = {name: uses.current(visit.hospital.engine, name, visit.now) for name in cards()}
    for name, use in found.items():
        if use.reopened and loop.hush(visit.hospital, name, visit.now):
            found[name] = uses.current(visit.hospital.engine, name, visit.now)
    return found


def _find(visit: Visit, asked: Mapping[str, Any], number: int) -> Page:
    whom = _whom(visit)
    wanted = {name: value for name, value in asked.items() if name != "find"}
    return visit.hospital.review.worklist(
        **wanted, only=whom.only, never=whom.never, limit=SIZE, offset=(number - 1) * SIZE, now=visit.now
    )


def _whom(visit: Visit) -> Scope:
    return visit.hospital.access.scope(visit.who, Right.SEE_WORKLIST, visit.now)


def _page(
    visit: Visit, asked: dict[str, str], number: int, found: Page, standing: Mapping[str, Use]
) -> WorklistPage:
    tab = {"status": asked["status"]} if asked["status"] != "open" else {}
    down = {
        name: why
        for name, use in standing.items()
        if use.state == State.SILENT and (why := fallen(visit, name))
    }
    return WorklistPage(
        rows=_rows(visit, found, standing),
        list=pages(found.total, number, SIZE, "/", _link(asked)),
        tabs=_tabs(visit, asked["status"]),
        filters={name: _choices(visit, name, found.facets[name], asked[name]) for name in FILTERS},
        text=asked["text"],
        status=asked["status"],
        filtered=any(asked[name] for name in (*FILTERS, "text")),
        clear=address("/", **tab),
        poll=_poll(asked, number, mark(found)),
        several=len(cards()) > 1,
        silent=_mute(visit, {name: use for name, use in standing.items() if name not in down}, runs=True),
        fallen=tuple(down.values()),
        stopped=_mute(visit, standing, runs=False),
        others=found.others,
    )


def _poll(asked: dict[str, str], number: int, seen: str) -> str:
    return address("/worklist/fresh", page=number, seen=seen, **_link(asked))


def pages(total: int, number: int, size: int, path: str, query: Mapping[str, str]) -> Pages:
    """Which page of a list this is, with the addresses of its neighbours."""
    last = max(1, -(-total // size))
    before = address(path, **query, page=number - 1) if number > 1 else ""
    after = address(path, **query, page=number + 1) if number < last else ""
    return Pages(number, last, total, before, after)


def _tabs(visit: Visit, current: str) -> tuple[Tab, ...]:
    counts = {"open": 0, "deferred": 0, "decided": 0, "expired": 0}
    whom = _whom(visit)
    for count in visit.hospital.review.counts(whom.only, whom.never):
        if count.mode == "live":
            counts[count.status if count.status in counts else "decided"] += count.count
    return tuple(
        Tab(address("/", status="" if name == "open" else name), label, counts[name], name == current)
        for name, label in TABS
    )


def _choices(visit: Visit, name: str, counts: Mapping[str, int], chosen: str) -> tuple[Choice, ...]:
    values = {**counts, **({} if not chosen or chosen in counts else {chosen: 0})}
    made = [
        Choice(value, _words(visit, name, value), count, value == chosen)
        for value, count in values.items()
        if value
    ]
    order = list(INDICATORS)
    return tuple(
        sorted(made, key=lambda item: order.index(item.value) if item.value in order else item.words)
    )


def _words(visit: Visit, name: str, value: str) -> str:
    if name == "indicator":
        return visit.say(INDICATORS.get(value, value))
    for usecase, card in cards().items():
        if name == "usecase" and value == usecase:
            return card.say("title", visit.language.code)
        if name == "option" and value in {option.code for option in card.options}:
            return card.say(f"option.{value}", visit.language.code)
    return value


def _rows(visit: Visit, found: Page, standing: Mapping[str, Use]) -> tuple[Row, ...]:
    people = patients(visit.hospital, found.items, visit.language, visit.now)
    # Without its card a use has no words: what it once suggested is not shown, and the others still are.
    shown = [item for item in found.items if item.usecase in standing]
    return tuple(_row(visit, item, people[item.id], standing[item.usecase].settings) for item in shown)


def _row(visit: Visit, filed: Filed, who: Any, settings: Mapping[str, float]) -> Row:
    words = speaker(filed.usecase, visit.language)
    label, tone = STATUSES[filed.status]
    return Row(
        id=filed.id,
        indicator=filed.indicator,
        patient=who,
        usecase=words.say("title"),
        option=words.option(filed.option),
        summary=words.say(filed.suggestion.summary),
        chance=chance(filed, settings),
        as_of=filed.as_of,
        waiting=visit.language.briefly(max(visit.now - filed.as_of, visit.now - visit.now)),
        status=label,
        tone=tone,
        until=filed.deferred_until,
        past_due=filed.deferred_until is not None and filed.deferred_until <= visit.now,
    )


def _mute(visit: Visit, standing: Mapping[str, Use], *, runs: bool) -> tuple[str, ...]:
    """The titles of the uses whose suggestions are not shown: those that run in silence, or not at all."""
    return tuple(
        cards()[name].say("title", visit.language.code)
        for name, use in standing.items()
        if not use.speaks and use.runs == runs
    )
