"""Local codes: how often each comes, what it may mean, and saying what it means, once for all data."""

from __future__ import annotations

import hashlib
import logging
import math
import threading
from collections.abc import Callable

from starlette.responses import Response

from vesalius import terminology
from vesalius.console import pictures
from vesalius.console.contexts import (
    Choice,
    CodeDecision,
    CodeGuess,
    CodeRow,
    CodesPage,
    Pages,
    ShareRow,
)
from vesalius.console.languages import N_
from vesalius.console.visit import Visit, address, redirect, render
from vesalius.errors import Conflict, InvalidMap, NotFound
from vesalius.governance import Right, codes, people
from vesalius.hospital import Hospital
from vesalius.terminology import (
    ANY_KIND,
    ANY_UNIT,
    NOT_MAPPABLE,
    TEXT,
    Decision,
    Entry,
    Key,
    Share,
    Suggestions,
    Worklist,
)
from vesalius.terminology.standards import kinds, standard_for, systems

SIZE, HISTORY, NEXT = 20, 40, 20
"""How many codes a page has, how many decisions are listed, and how many codes the outlook is about."""

PATIENCE = 0.7
"""For how long, in seconds, a request waits for what goes on behind it."""

KINDS = {
    "Observation.code": N_("Result"),
    "Observation.value": N_("Result in words"),
    "Observation.interpretation": N_("Interpretation"),
    "DiagnosticReport.code": N_("Report"),
    "ServiceRequest.code": N_("Request"),
    "Condition.code": N_("Diagnosis"),
    "Procedure.code": N_("Procedure"),
    "Medication": N_("Medication"),
    "Immunization.vaccineCode": N_("Vaccine"),
    "AllergyIntolerance.code": N_("Allergy"),
    "Specimen.type": N_("Specimen"),
    "Quantity": N_("Unit"),
}
"""What each kind of element is called."""

WHY = {
    "beside": N_("a sender puts it beside this code"),
    "same-name": N_("it goes by the same name in your data"),
    "table": N_("its name is in the table of common tests"),
    "unit": N_("it is how UCUM writes this unit"),
}
"""What each reason of a suggestion means."""

SHOWS = {"open": N_("To do"), "decided": N_("Decided"), "all": N_("All")}

EQUIVALENCES = {
    "equivalent": N_("It means the same"),
    "wider": N_("The standard code is broader; still true"),
    "narrower": N_("The standard code is narrower: kept here, not added to data"),
    "inexact": N_("They only overlap: kept here, not added to data"),
}

MAPPED = N_("Kept. What arrives is coded from now on; the past is being brought in line.")
NONE = N_("Kept: this code has no standard meaning, and leaves the list.")
WITHDRAWN = N_("Taken back. What it added to data is being taken away.")
APPLIED = N_("The decisions are being applied to the past.")
REFUSED = N_("Nothing was kept: choose a meaning, check the digits of the code, and give a reason.")
SAME = N_("Nothing was kept: somebody has decided the same, or taken it back, already.")
OTHER = "other"

_log = logging.getLogger(__name__)


class Behind:
    """What goes on behind the pages, one thing at a time: counting, and applying decisions to the past.

    It is cut into small transactions and can stop anywhere, so that nothing is lost with the process.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def do(self, work: Callable[[], object], patience: float = PATIENCE) -> None:
        """Starts ``work`` unless something is under way, and waits for a moment."""
        with self._lock:
            thread = self._thread
            if thread is None or not thread.is_alive():
                thread = self._thread = threading.Thread(target=_quietly, args=(work,), daemon=True)
                thread.start()
        thread.join(patience)


def _quietly(work: Callable[[], object]) -> None:
    try:
        work()
    except Conflict:
        pass  # another process is doing the same
    except Exception as error:  # a page that is open must not fail with what goes on behind it
        _log.error("terminology: %s", type(error).__name__)


def show(visit: Visit) -> Response:
    """The page."""
    _count(visit)
    return render(visit, "codes.html", _page(visit))


def decide(visit: Visit) -> Response:
    """Keeps what somebody says a code means, or says why not."""
    entry = _entry(visit)
    try:
        decision = _decision(visit, entry)
        codes.map_code(visit.hospital.engine, decision, visit.who, reason=_reason(visit), at=visit.now)
    except InvalidMap as error:
        return render(visit, "codes.html", _page(visit, entry, REFUSED, error.message), 400)
    except Conflict:
        return render(visit, "codes.html", _page(visit, entry, SAME), 409)
    _apply(visit)
    visit.notice(NONE if decision.equivalence == NOT_MAPPABLE else MAPPED)
    return redirect(_back(visit))


def withdraw(visit: Visit) -> Response:
    """Takes a decision back."""
    uid = visit.form.get("uid", "")[:64]
    try:
        codes.withdraw_code(visit.hospital.engine, uid, visit.who, reason=_reason(visit), at=visit.now)
    except InvalidMap as error:
        return render(visit, "codes.html", _page(visit, None, REFUSED, error.message), 400)
    except Conflict:
        return render(visit, "codes.html", _page(visit, None, SAME), 409)
    _apply(visit)
    visit.notice(WITHDRAWN)
    return redirect(_back(visit))


def apply(visit: Visit) -> Response:
    """Goes on applying the decisions to the past, where that was broken off."""
    _apply(visit)
    visit.notice(APPLIED, "info")
    return redirect("/terminology")


def _reason(visit: Visit) -> str:
    return visit.form.get("reason", "").strip()[:2000]


def _back(visit: Visit) -> str:
    """The list with the filters it had; nothing else that a form says."""
    kept = {name: visit.form.get(name, "")[:255] for name in ("show", "kind", "feed")}
    return address("/terminology", **kept)


def _behind(visit: Visit) -> Behind:
    found: Behind = visit.request.app.state.behind
    return found


def _count(visit: Visit) -> None:
    lake = visit.hospital.lake
    if terminology.behind(lake):
        _behind(visit).do(lambda: terminology.refresh(lake))


def _apply(visit: Visit) -> None:
    hospital, who = visit.hospital, visit.who.id
    _behind(visit).do(lambda: _applied(hospital, who))


def _applied(hospital: Hospital, who: str) -> None:
    while terminology.waiting(hospital.engine):
        codes.apply_codes(hospital.lake, who)


# What was sent ---------------------------------------------------------------------------------------------


def _entry(visit: Visit) -> Entry:
    wanted = visit.form.get("row", "")
    for each in terminology.worklist(visit.hospital.engine).entries:
        if _id(each.key) == wanted:
            return each
    raise NotFound("there is no such local code")


def _decision(visit: Visit, entry: Entry) -> Decision:
    form, key = visit.form, entry.key
    system, _, rest = form.get("means", "").partition("|")
    code, _, display = rest.partition("|")
    equivalence = form.get("equivalence", "equivalent")
    if system == OTHER:
        named = ("other_system", "other_code", "other_display")
        system, code, display = (form.get(name, "").strip()[:255] for name in named)
    elif system == NOT_MAPPABLE:
        system, code, display, equivalence = "", "", "", NOT_MAPPABLE
    return Decision(
        system=key.system,
        code=key.code,
        kind=key.kind if key.system == TEXT or equivalence == NOT_MAPPABLE else ANY_KIND,
        unit=key.unit if form.get("unit") == "this" else ANY_UNIT,
        display=entry.name[:255],
        target_system=system,
        target_code=code,
        target_display=display,
        equivalence=equivalence,
    )


# What is shown ---------------------------------------------------------------------------------------------


def _id(key: Key) -> str:
    return "c" + hashlib.sha256("\0".join(key).encode()).hexdigest()[:12]


def _page(visit: Visit, refused: Entry | None = None, problem: str = "", detail: str = "") -> CodesPage:
    engine, asked = visit.hospital.engine, _asked(visit)
    found = terminology.worklist(engine, kind=asked["kind"], source=asked["feed"])
    shown = _shown(found, asked["show"])
    number = _number(visit, shown, refused)
    names = {person.id: person.name for person in people.everyone(engine)}
    curve = found.curve()
    ahead = min(NEXT, len(curve) - 1)
    gained = _gained(curve)
    return CodesPage(
        shares=_shares(found),
        curve=pictures.curve(gained, mark=ahead, label=_outlook(visit, curve, ahead)),
        next=ahead,
        gained=gained[ahead],
        covered=curve[ahead],
        rows=_rows(visit, found, shown[(number - 1) * SIZE : number * SIZE], names, refused),
        list=_pages(asked, number, len(shown)),
        shows=tuple(Choice(code, words, chosen=code == asked["show"]) for code, words in SHOWS.items()),
        kinds=tuple(Choice(each, KINDS[each], chosen=each == asked["kind"]) for each in kinds()),
        feeds=tuple(Choice(each, each, chosen=each == asked["feed"]) for each in _feeds(visit, found, asked)),
        filtered=bool(asked["kind"] or asked["feed"]) or asked["show"] != "open",
        hidden=found.hidden,
        uncounted=terminology.behind(visit.hospital.lake),
        waiting=terminology.waiting(engine),
        may_map=visit.may(Right.MAP_CODES),
        history=tuple(_told(each, names) for each in reversed(terminology.decisions(engine)[-HISTORY:])),
        equivalences=tuple(Choice(code, words) for code, words in EQUIVALENCES.items()),
        problem=problem,
        detail=detail,
        reason=_reason(visit) if problem else "",
    )


def _asked(visit: Visit) -> dict[str, str]:
    given = visit.form or visit.query
    asked = {name: given.get(name, "")[:255] for name in ("show", "kind", "feed")}
    asked["show"] = asked["show"] if asked["show"] in SHOWS else "open"
    asked["kind"] = asked["kind"] if asked["kind"] in kinds() else ""
    return asked


def _shown(found: Worklist, show: str) -> list[Entry]:
    return [each for each in found.entries if show == "all" or bool(each.decisions) == (show == "decided")]


def _number(visit: Visit, shown: list[Entry], refused: Entry | None) -> int:
    """The page that was asked for; the one with the code whose form was refused."""
    if refused is not None:
        place = next((place for place, each in enumerate(shown) if each.key == refused.key), 0)
        return place // SIZE + 1
    asked = visit.query.get("page", "1")
    return max(1, int(asked)) if asked.isdecimal() and len(asked) < 7 else 1


def _pages(asked: dict[str, str], number: int, total: int) -> Pages:
    kept = asked | {"show": "" if asked["show"] == "open" else asked["show"]}
    pages = max(1, -(-total // SIZE))
    before = address("/terminology", **kept, page=number - 1) if number > 1 else ""
    after = address("/terminology", **kept, page=number + 1) if number < pages else ""
    return Pages(number, pages, total, before, after)


def _feeds(visit: Visit, found: Worklist, asked: dict[str, str]) -> list[str]:
    everything = terminology.worklist(visit.hospital.engine) if asked["feed"] or asked["kind"] else found
    return sorted(each.name for each in everything.feeds)


def _shares(found: Worklist) -> tuple[ShareRow, ...]:
    every = [found.whole, *(found.feeds if len(found.feeds) > 1 else ())]
    return tuple(_share(each) for each in every)


def _share(each: Share) -> ShareRow:
    return ShareRow(each.name, each.total, each.before, each.after, pictures.share(each.before, each.after))


def _gained(curve: list[float]) -> list[float]:
    """Of what is not coded, how much the first 0, 1, 2 … open codes cover."""
    missing = 1.0 - curve[0]
    return [(each - curve[0]) / missing if missing > 0 else 0.0 for each in curve]


def _outlook(visit: Visit, curve: list[float], ahead: int) -> str:
    return visit.say(
        N_("From %(now)s to %(then)s with the next %(num)s codes."),
        now=visit.language.percent(curve[0]),
        then=visit.language.percent(curve[ahead]),
        num=ahead,
    )


def _rows(
    visit: Visit, found: Worklist, part: list[Entry], names: dict[str, str], refused: Entry | None
) -> tuple[CodeRow, ...]:
    suggest = Suggestions(visit.hospital.engine)
    missing = sum(each.count for each in found.open)
    so_far, shares = 0, {}
    for each in found.open:
        so_far += each.count
        shares[each.key] = so_far / missing
    opened = refused.key if refused else None
    return tuple(
        _row(visit, each, suggest, shares.get(each.key), names, opened=opened == each.key) for each in part
    )


def _row(
    visit: Visit,
    entry: Entry,
    suggest: Suggestions,
    share: float | None,
    names: dict[str, str],
    *,
    opened: bool,
) -> CodeRow:
    key, words = entry.key, entry.key.system == TEXT
    standard = standard_for(key.kind)
    return CodeRow(
        id=_id(key),
        name=entry.name,
        system="" if words else key.system,
        code="" if words else key.code,
        kind=KINDS[key.kind],
        unit=key.unit,
        count=entry.count,
        share=share,
        names=entry.names[1:],
        feeds=tuple(entry.feeds.items()),
        first=entry.first_seen,
        last=entry.last_seen,
        usual=(_about(visit, entry.usual[0]), _about(visit, entry.usual[1])) if entry.usual else None,
        guesses=tuple(
            CodeGuess(
                f"{each.system}|{each.code}|{each.display}",
                each.system_name,
                each.code,
                each.display,
                each.score,
                WHY[each.why],
            )
            for each in suggest.of(entry)
            if each.system in standard
        ),
        systems=tuple(Choice(url, systems()[url].name) for url in systems() if url in standard),
        decisions=tuple(_told(each, names) for each in entry.decisions),
        open=opened,
    )


def _about(visit: Visit, value: float) -> str:
    """A number with two digits that count."""
    digits = max(0, 1 - math.floor(math.log10(value)))
    return visit.language.number(round(value, digits), digits)


def _told(each: Decision, names: dict[str, str]) -> CodeDecision:
    back = each.withdrawn
    what = each.display or each.code
    if each.system != TEXT and what != each.code:
        what = f"{what} ({each.code})"
    target = systems()[each.target_system].name if each.target_system else ""
    return CodeDecision(
        uid=each.uid,
        what=what if each.unit in ("", ANY_UNIT) else f"{what} [{each.unit}]",
        means=f"{target} {each.target_code}".strip(),
        display=each.target_display,
        by=names.get(each.by, each.by),
        at=each.at,
        reason=each.reason,
        withdrawn_by=names.get(back.by, back.by) if back else "",
        withdrawn_at=back.at if back else None,
        withdrawn_reason=back.reason if back else "",
    )
