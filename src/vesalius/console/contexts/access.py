"""What the pages of access show: a patient who is not in the reader's care, and the glass that was broken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vesalius.console.contexts.frame import Choice, Pages


@dataclass(frozen=True)
class GlassPage:
    """``/suggestions/{id}`` where the patient is not in the reader's care: nothing of the patient is shown.

    Attributes:
        id: the suggestion.
        refused: whether it is the patient who refuses that those who treat see their data here.
        breakable: whether the reader may break the glass.
        reasons: the reasons to choose from.
        words: what the reader has written.
        hours: for how long the patient would be open.
        problem: what is missing, or empty.
    """

    id: str
    refused: bool
    breakable: bool
    reasons: tuple[Choice, ...]
    words: str
    hours: float
    problem: str


@dataclass(frozen=True)
class GlassRow:
    """One broken glass, as the reviewer reads it.

    Attributes:
        id: its number.
        by: the name of who broke it.
        role: in which role, in English.
        ward: where the patient was.
        reason: the reason, in English.
        words: in the person's words.
        at, until: from when until when it was open.
        open: whether it is open now.
        verdict: what the review found, in English; empty while it waits.
        verdict_words: why.
        verdict_by: the name of who found it.
        own: whether the reader broke it, and so cannot review it.
        undoable: whether the reader can take the verdict back.
    """

    id: int
    by: str
    role: str
    ward: str
    reason: str
    words: str
    at: datetime
    until: datetime
    open: bool
    verdict: str
    verdict_words: str
    verdict_by: str
    own: bool
    undoable: bool


@dataclass(frozen=True)
class GlassCount:
    """How often the glass was broken on a ward or in a role.

    Attributes:
        name: of the ward or role, in English.
        broken: how often.
        waiting: how many wait for their review.
        unjustified: how many were not justified.
    """

    name: str
    broken: int
    waiting: int
    unjustified: int


@dataclass(frozen=True)
class AccessPage:
    """``/access``.

    Attributes:
        rows: the broken glass, what waits first.
        list: which page this is.
        waiting: how many wait for their review.
        wards, roles: the counts.
        verdicts: what a review can find.
    """

    rows: tuple[GlassRow, ...]
    list: Pages
    waiting: int
    wards: tuple[GlassCount, ...]
    roles: tuple[GlassCount, ...]
    verdicts: tuple[Choice, ...]
