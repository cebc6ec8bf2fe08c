"""What several pages show of the life of a system: why it is silent, who refused, what waits for whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Fallen:
    """That a use which spoke is silent.

    Attributes:
        name: the code of the use.
        title: its title.
        why: why, in the reader's language.
        at: since when.
        by: who brought it about, by name; empty where the platform did.
    """

    name: str
    title: str
    why: str
    at: datetime
    by: str


@dataclass(frozen=True)
class Refused:
    """That somebody refused the gate that is open.

    Attributes:
        by: who, by name.
        at: when.
        reason: why, in their words.
    """

    by: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class ToDo:
    """One thing that waits for the reader.

    Attributes:
        path: the address where they do it.
        title: of which system.
        words: what it is, in the reader's language.
        urgent: whether it comes before the others.
    """

    path: str
    title: str
    words: str
    urgent: bool = False
