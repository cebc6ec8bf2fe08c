"""The board: every use at a glance, those that need attention first."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from vesalius.console import pictures
from vesalius.console.contexts import BoardLine, BoardPage
from vesalius.console.languages import N_
from vesalius.console.silenced import waits
from vesalius.console.visit import Visit, render
from vesalius.console.watched import alarm_line, near, ranged, shared
from vesalius.console.words import STATES, cards, speaker
from vesalius.governance import register
from vesalius.monitoring import Figures, Status, attention, statuses

RECENT = 7
"""Over how many of the last days the rate is said."""

BARS = N_("Suggestions per day over the last %(days)s days")
NOT_DECLARED = N_("%(count)s per ward and day")


def show(visit: Visit) -> Response:
    """The page."""
    found = sorted(statuses(visit.hospital.engine, cards()), key=attention)
    page = BoardPage(
        uses=tuple(_line(visit, each) for each in found),
        open=sum(alarm.open for each in found for alarm in each.alarms),
        stopped=sum(each.light == "stopped" for each in found),
        waits=waits(visit, register.systems(visit.hospital.engine, visit.now)),
    )
    return render(visit, "board.html", page)


def _line(visit: Visit, each: Status) -> BoardLine:
    said, seen = speaker(each.use.name, visit.language), each.figures
    daily = list(seen.daily) if seen else []
    return BoardLine(
        name=each.use.name,
        title=said.say("title"),
        state=STATES[each.use.state],
        light=each.light,
        picture=pictures.bars(daily, [0] * len(daily), label=visit.say(BARS, days=len(daily))),
        rate=sum(daily[-RECENT:]) / min(RECENT, len(daily)) if daily else 0.0,
        rows=_rows(visit, seen) if seen and each.use.runs else (),
        alarms=tuple(alarm_line(visit, said, alarm) for alarm in each.alarms),
        near=near(visit, seen.rules) if seen and each.use.speaks else "",
        refreshed=seen.at if seen else None,
    )


def _rows(visit: Visit, seen: Figures) -> tuple[tuple[str, str], ...]:
    """The figures of one use, each with its words; what cannot be known yet is left out."""
    found: list[tuple[str, str]] = []
    if seen.scored and seen.origin:
        found += [
            (N_("Estimated AUROC"), ranged(visit, seen.estimated)),
            (N_("AUROC by outcomes"), ranged(visit, seen.realised)),
            (N_("AUROC at the reference"), ranged(visit, seen.before)),
            (N_("Observed per expected"), ranged(visit, seen.ratio)),
        ]
    if seen.origin:
        changed = len({*seen.drifted, *seen.lost})
        found.append((N_("Inputs that have changed"), visit.language.number(changed)))
    if seen.decided:
        found.append((N_("Overridden"), shared(visit, seen.overrides)))
    if seen.shown:
        found.append((N_("Burden"), burden(visit, seen)))
    if seen.to_decision is not None:
        lasted = timedelta(minutes=seen.to_decision)
        found.append((N_("Median time to a decision"), "≈ " + visit.language.briefly(lasted)))
    return tuple((visit.say(words), value) for words, value in found)


def burden(visit: Visit, seen: Figures) -> str:
    """Shown per clinician-hour where the hospital has said how many hours, else per ward and day."""
    if seen.per_hour is not None:
        return visit.say(
            N_("%(count)s per clinician-hour"), count=visit.language.number(round(seen.per_hour, 2))
        )
    if not seen.wards:
        return "–"
    mean = sum(seen.wards.values()) / len(seen.wards)
    return visit.say(NOT_DECLARED, count=visit.language.number(round(mean, 1)))
