"""HL7 v2 dates and times as FHIR's.

A time without an offset is in the hospital's zone, at the offset that was in force there on that day. If the
message's own time (MSH-7) has an offset that is not the hospital's, the sender is elsewhere, and his offset
holds for the message, as HL7 v2.8.2 says (2.A.22, DTM).
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

# Some senders write hundredths of a second without a point.
_FORM = re.compile(
    r"(\d{4})(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)(?:(\d\d)?(?:\.(\d{1,6})\d*|\d\d)?)?)?)?)?)?"
    r"([+-]\d{4}|Z)?",
    re.ASCII,
)
_SEPARATED = re.compile(r"(?<=\d)[-:T ](?=\d)", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(?:[+-]\d\d:?\d\d|Z)?", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d)?([0-5]\d)?(?:\.(\d{1,6})\d*)?(?:[+-]\d{4})?", re.ASCII)


class Clock:
    """Reads the times of one message.

    Args:
        zone: the hospital's time zone, as in ``Europe/Brussels``.
        sent: MSH-7 as written.

    Attributes:
        offset: that of the sender, where it is not the hospital's.
    """

    __slots__ = ("_zone", "offset")

    def __init__(self, zone: str, sent: str = "") -> None:
        self._zone = zone
        self.offset = _foreign(zone, sent)

    def date(self, text: str) -> str | None:
        """A FHIR ``date``; None if it is not a day that exists."""
        found = _parsed(text, self._zone, self.offset)
        return found[0][:10] if found else None

    def date_time(self, text: str) -> str | None:
        """A FHIR ``dateTime``, as precise as it was written; None if it is no moment that exists."""
        found = _parsed(text, self._zone, self.offset)
        return found[0] if found else None

    def instant(self, text: str) -> str | None:
        """A FHIR ``instant``: a date alone is its last second, so that nothing is known too early."""
        found = _parsed(text, self._zone, self.offset)
        return found[1] if found else None


def time(text: str) -> str | None:
    """A FHIR ``time``; None if it is none."""
    found = _TIME.fullmatch(_SEPARATED.sub("", text))
    if not found:
        return None
    fraction = f".{found[4]}" if found[4] else ""
    return f"{found[1]}:{found[2] or '00'}:{found[3] or '00'}{fraction}"


def _foreign(zone: str, sent: str) -> str:
    """The offset of MSH-7 where it is not that of the hospital at that moment."""
    if not re.search(r"[+-]\d{4}$", sent):
        return ""
    here = _parsed(sent[:-5], zone, "")
    there = f"{sent[-5:-2]}:{sent[-2:]}"
    return "" if here is None or here[1].endswith(there) else there


@lru_cache(maxsize=8192)
def _parsed(text: str, zone: str, offset: str) -> tuple[str, str] | None:
    """The dateTime and the instant of a time."""
    if _ISO.fullmatch(text):
        text = _SEPARATED.sub("", text[:19]) + text[19:].replace(":", "")
    found = _FORM.fullmatch(text)
    if not found or found[1] == "0000":
        return None
    year, month, day, hour, minute, second, fraction, written = found.groups()
    try:
        last = monthrange(int(year), int(month or 12))[1]
        moment = datetime(
            int(year), int(month or 12), int(day or last),
            int(hour) if hour else 23, int(minute) if minute else (0 if hour else 59),
            min(int(second), 59) if second else (0 if hour else 59), tzinfo=ZoneInfo(zone),
        )  # fmt: skip
        ahead = "+00:00" if written == "Z" else f"{written[:3]}:{written[3:]}" if written else offset
        ahead = ahead or _ahead(moment)
    except (ValueError, OverflowError):
        return None
    instant = f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + (f".{fraction}" if fraction else "") + ahead
    if hour:
        return instant, instant
    return "-".join(part for part in (year, month, day) if part), instant


def _ahead(moment: datetime) -> str:
    text = f"{moment:%z}"
    return f"{text[:3]}:{text[3:5]}"
