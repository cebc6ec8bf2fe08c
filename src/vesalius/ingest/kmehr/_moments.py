"""KMEHR's moments: a date, a time, or a year and a month, in Brussels unless they say another zone."""

from __future__ import annotations

import re

from vesalius.ingest._resources import local_time
from vesalius.ingest._xml import Element, text

_DAY_WITH_ZONE = re.compile(r"(\d{4}(?:-\d\d){0,2})(?:Z|[+-]\d\d:\d\d)")


def moment(element: Element | None) -> str:
    """A FHIR dateTime from the ``date`` and ``time`` of an element (or its ``yearmonth``, or ``year``)."""
    if element is None:
        return ""
    day = next((found for name in ("date", "yearmonth", "year") if (found := text(element.find(name)))), "")
    return local_time(_day(day), text(element.find("time")))


def day(element: Element | None) -> str:
    """A FHIR date: the day of a moment."""
    return moment(element)[:10]


def whole(written: str) -> str:
    """A dateTime from one text that holds both day and time, or a day."""
    before, _, time = written.partition("T")
    return local_time(_day(before), time)


def _day(written: str) -> str:
    zoned = _DAY_WITH_ZONE.fullmatch(written)
    return zoned[1] if zoned else written
