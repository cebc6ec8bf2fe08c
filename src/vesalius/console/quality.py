"""The quality of the feeds: do they still come, are they complete, timely, coded and plausible?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.responses import Response

from vesalius.console import pictures
from vesalius.console.contexts import (
    DayLine,
    FeedLine,
    FeedPage,
    QualityPage,
    Trend,
    TypeLine,
    WorseLine,
)
from vesalius.console.languages import N_
from vesalius.console.sources import type_name
from vesalius.console.visit import Visit, redirect, render
from vesalius.errors import InvalidDecision, NotFound
from vesalius.governance import Right, audit, people
from vesalius.ingest import quality
from vesalius.ingest.quality import FeedQuality

SWITCHED = N_("Switched off by %(who)s since %(day)s")
NO_REASON = N_("Say why the feed was switched off.")

AT_ONCE = 20_000
"""How many new versions are counted while the reader waits (about half a second)."""

WORSE = {
    "understood": N_("Understood"),
    "coded": N_("Coded"),
    "ucum": N_("Units in UCUM"),
    "plausible": N_("Plausible"),
}
"""What can become worse, where it is no element."""


def show(visit: Visit) -> Response:
    """Every feed."""
    behind = _counted(visit)
    feeds = tuple(_line(visit, feed) for feed in quality.feed_quality(visit.hospital.lake, visit.now))
    silent = sum(feed.alarm == "silent" for feed in feeds)
    return render(visit, "quality.html", QualityPage(feeds, silent, behind))


def feed(visit: Visit) -> Response:
    """One feed, day by day."""
    return _shown(visit, visit.query.get("name", ""))


def switch(visit: Visit) -> Response:
    """Says that a feed was switched off on purpose, or is on again."""
    name, engine = visit.form.get("name", ""), visit.hospital.engine
    if visit.form.get("to") == "on":
        quality.switch_on(engine, name, _noted(visit, off=False))
        return redirect(f"/quality/feed?{urlencode({'name': name})}")
    reason = visit.form.get("reason", "")[:500]
    try:
        quality.switch_off(
            engine, name, by=visit.who.id, reason=reason, at=visit.now, witness=_noted(visit, off=True)
        )
    except InvalidDecision:
        return _shown(visit, name, NO_REASON, 400)
    return redirect(f"/quality/feed?{urlencode({'name': name})}")


def _noted(visit: Visit, *, off: bool) -> Callable[[Any, quality.Off], None]:
    def note(connection: Any, switched: quality.Off) -> None:
        audit.record(
            connection,
            visit.who.id,
            audit.Action.FEED_SWITCHED,
            switched.source[:128],
            {"off": off},
            visit.now,
        )

    return note


def _shown(visit: Visit, wanted: str, problem: str = "", status: int = 200) -> Response:
    _counted(visit)
    found = [each for each in quality.feed_quality(visit.hospital.lake, visit.now) if each.source == wanted]
    if not found:
        raise NotFound("there is no such feed")
    one = found[0]
    page = FeedPage(
        feed=_line(visit, one),
        trends=_trends(visit, one),
        types=tuple(
            TypeLine(
                type_name(kind.type),
                kind.versions,
                kind.corrected,
                tuple((name, share, pictures.part(share)) for name, share in kind.elements),
            )
            for kind in one.types
        ),
        days=tuple(
            DayLine(
                day=day.day,
                items=day.items,
                held=day.held,
                unchanged=day.unchanged,
                versions=day.versions,
                complete=day.complete,
                coded=day.coded,
                delay=_hours(visit, day.delay),
            )
            for day in reversed(one.days)
        ),
        may_switch=visit.who.may(Right.SWITCH_FEEDS),
        problem=visit.say(problem) if problem else "",
    )
    return render(visit, "feed.html", page, status)


def _counted(visit: Visit) -> int:
    """Counts what is new, unless it is so much that the reader would wait; how much is not counted."""
    behind = quality.behind(visit.hospital.lake)
    if 0 < behind <= AT_ONCE:
        quality.refresh(visit.hospital.lake)
        return 0
    return behind


def _line(visit: Visit, feed: FeedQuality) -> FeedLine:
    silence = feed.silence
    assert silence.last is not None, "a feed is known by what it sent"
    return FeedLine(
        source=feed.source,
        alarm=silence.alarm,
        last=silence.last,
        since=visit.language.ago(max(silence.since, timedelta())),
        expected=silence.expected,
        usual=visit.language.briefly(silence.usual),
        rate=feed.rate,
        picture=_volume(visit, feed),
        understood=feed.understood,
        complete=feed.complete,
        coded=feed.coded,
        ucum=feed.ucum,
        plausible=feed.plausible,
        unchanged=feed.unchanged,
        median=_hours(visit, feed.median),
        ninth=_hours(visit, feed.ninth),
        worse=tuple(
            WorseLine(WORSE.get(shift.what, shift.what), shift.what not in WORSE, shift.before, shift.now)
            for shift in feed.shifts
        ),
        off=_off(visit, feed),
        why_off=feed.off.reason if feed.off else "",
    )


def _off(visit: Visit, feed: FeedQuality) -> str:
    if feed.off is None:
        return ""
    try:
        who = people.get(visit.hospital.engine, feed.off.by).name
    except NotFound:
        who = feed.off.by
    return visit.say(SWITCHED, who=who, day=visit.language.day(feed.off.since))


def _volume(visit: Visit, feed: FeedQuality, *, large: bool = False) -> Markup:
    items = [day.items for day in feed.days]
    label = visit.say(N_("Items per day over the last %(days)s days"), days=len(items))
    return pictures.bars(items, [day.held for day in feed.days], label=label, large=large)


def _trends(visit: Visit, feed: FeedQuality) -> tuple[Trend, ...]:
    complete, coded = N_("Complete"), N_("Coded")
    delay = N_("Delay, median")
    hours = [day.delay for day in feed.days]
    most = max((value for value in hours if value is not None), default=0.0) or 1.0
    scaled = [None if value is None else value / most for value in hours]
    return (
        Trend(N_("Items per day; what is held is dark"), _volume(visit, feed, large=True), ""),
        Trend(
            complete,
            pictures.line([day.complete for day in feed.days], label=visit.say(complete)),
            _percent(visit, feed.complete),
        ),
        Trend(
            coded,
            pictures.line([day.coded for day in feed.days], label=visit.say(coded)),
            _percent(visit, feed.coded),
        ),
        Trend(delay, pictures.line(scaled, label=visit.say(delay)), _hours(visit, feed.median)),
    )


def _percent(visit: Visit, share: float | None) -> str:
    return "" if share is None else visit.language.percent(share)


def _hours(visit: Visit, hours: float | None) -> str:
    return "" if hours is None else "≤ " + visit.language.briefly(timedelta(hours=hours))
