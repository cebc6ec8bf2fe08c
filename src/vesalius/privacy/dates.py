"""Dates moved by a number of days of the patient's own, so that what lies between them stays.

The number comes from the secret of the permit (:mod:`vesalius.privacy.pseudonyms`): a patient moves alike in
every file of a permit, and otherwise in another permit. The time of day and the offset from UTC stay as
written, so a duration stays exact to the second, and no time moves to another day by itself.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Literal

import msgspec

from vesalius.errors import InvalidPlan, InvalidResource
from vesalius.privacy.pseudonyms import Pseudonyms

OLDEST = 89
"""The greatest age that is told; all above it are one class, 45 CFR 164.514(b)(2)(i)(C)."""

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(T\S+)?)?)?", re.ASCII)


class Shifting(msgspec.Struct, frozen=True):
    """How far dates move.

    Attributes:
        days: the most days, in either direction; every number from -``days`` to ``days`` but 0 is as likely.
        weekdays: whether Mondays stay Mondays: then it moves by whole weeks.
        direction: ``both``, or ``backward`` where nothing may come to lie in the future.
    """

    days: int = 182
    weekdays: bool = False
    direction: Literal["both", "backward"] = "both"

    def check(self) -> None:
        """Raises InvalidPlan where nothing could move, or by more than ten years."""
        if not (7 if self.weekdays else 1) <= self.days <= 3653:
            raise InvalidPlan("dates move by 1 to 3653 days, by whole weeks at least 7")


def shift_of(pseudonyms: Pseudonyms, subject: str, how: Shifting) -> timedelta:
    """By how much the dates of a patient move: never by nothing.

    Args:
        pseudonyms: of the permit.
        subject: the patient, as ``Patient/ID``.
        how: how far.

    Raises:
        InvalidPlan: ``how`` lets nothing move.
        InvalidIdentifier: the patient is no identifier.
    """
    how.check()
    step = 7 if how.weekdays else 1
    most = how.days // step
    sides = 2 if how.direction == "both" else 1
    drawn = pseudonyms.number(f"shift {how.days} {step} {how.direction}", subject, most * sides)
    steps = drawn - most if drawn < most else drawn - most + 1
    return timedelta(days=steps * step)


def shifted(text: str, by: timedelta) -> str:
    """A FHIR date, dateTime or instant, moved; what is partial stays partial.

    A month or a year moves as its middle does, so that of two of them the earlier never becomes the later.

    >>> shifted("2024-02-28T10:15:00.50+01:00", timedelta(days=2)), shifted("2024-12", timedelta(days=40))
    ('2024-03-01T10:15:00.50+01:00', '2025-01')

    Raises:
        InvalidResource: no calendar has that day, or it would leave the years 1 to 9999.
    """
    form = _DATE.fullmatch(text)
    if not form:
        raise InvalidResource("is not a date or time")
    year, month, day, time = form.groups()
    try:
        moved = date(int(year), int(month or 7), int(day or (15 if month else 2))) + by
    except (ValueError, OverflowError):
        raise InvalidResource("is not a day that exists, before or after it moved") from None
    whole = moved.isoformat()
    return whole[:4] if not month else whole[:7] if not day else whole + (time or "")


def birth_year(text: str, today: date) -> str:
    """A birth date as its year; of who is older than 89, the year of those who are 90.

    Whether somebody is, is judged by the year alone, so that the edge tells no birthday.

    >>> birth_year("1951-06-30", date(2026, 1, 1)), birth_year("1921", date(2026, 1, 1))
    ('1951', '1936')

    Raises:
        InvalidResource: it is no date.
    """
    form = _DATE.fullmatch(text)
    if not form:
        raise InvalidResource("is not a date")
    return f"{max(int(form[1]), today.year - OLDEST - 1):04}"
