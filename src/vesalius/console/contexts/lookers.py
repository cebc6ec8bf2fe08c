"""What the page of who looked at a patient shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class LookRow:
    """What one person, or machine, did with a patient's data on one day for one purpose.

    Attributes:
        at: when for the last time that day.
        name: of the person or the machine; empty where names are not shown.
        role: in English.
        purpose: in English; empty where the event says none.
        what: the action, in English.
        count: how often.
        emergency: whether the glass was broken.
        looked: whether data was only shown.
    """

    at: datetime
    name: str
    role: str
    purpose: str
    what: str
    count: int
    emergency: bool
    looked: bool


@dataclass(frozen=True)
class SpokenRow:
    """One suggestion about the patient.

    Attributes:
        at: when.
        tool: its title.
        version: its version.
        silent: whether it was shown to nobody who treats.
        status: what became of it, in English.
        role: the role of who decided, in English; empty where nobody did.
    """

    at: datetime
    tool: str
    version: str
    silent: bool
    status: str
    role: str


@dataclass(frozen=True)
class WideRow:
    """What was read of many patients at once.

    Attributes:
        what: the action, in English.
        name: by whom; empty where names are not shown.
        count: how often.
        last: when for the last time.
    """

    what: str
    name: str
    count: int
    last: datetime


@dataclass(frozen=True)
class LookersPage:
    """``/audit/about``.

    Attributes:
        patient: the reference, or empty for the form alone.
        named: whether people's names are shown, beside their roles.
        total: how many events name the patient.
        shown: the latest so many are in the rows.
        rows: who did what, latest first.
        spoken: what tools said.
        wide: what was read of many patients at once, this one perhaps among them.
        problem: what is wrong with the reference, in the reader's language.
    """

    patient: str = ""
    named: bool = False
    total: int = 0
    shown: int = 0
    rows: tuple[LookRow, ...] = ()
    spoken: tuple[SpokenRow, ...] = ()
    wide: tuple[WideRow, ...] = ()
    problem: str = ""
