"""What the review gives back: a filed suggestion, a decision, a page of the worklist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Literal

from vesalius.usecase import Suggestion, decode_suggestion

Mode = Literal["silent", "live"]
"""``live`` is shown to people; ``silent`` is kept to compare, and shown to nobody who treats."""

Status = Literal["open", "accepted", "modified", "overridden", "deferred", "expired"]

Action = Literal["accepted", "modified", "overridden", "deferred"]
"""What a person can do with a suggestion."""

ACTIONS: tuple[Action, ...] = ("accepted", "modified", "overridden", "deferred")
DECIDED: tuple[Status, ...] = ("accepted", "modified", "overridden")
WAITING: tuple[Status, ...] = ("open", "deferred")
URGENCY: Mapping[str, int] = {"critical": 0, "warning": 1, "info": 2}
"""The order of the indicators, most urgent first."""

OUTCOME_WINDOW = timedelta(days=180)
"""How long after its moment an outcome is still waited for."""


@dataclass(frozen=True)
class Display:
    """How people recognise whom a suggestion is about.

    Attributes:
        patient: the name, as ``Family, Given``.
        birth_date: as known, the year alone allowed.
        ward: where the patient lies.
        stay: the stay's number.
    """

    patient: str = ""
    birth_date: str = ""
    ward: str = ""
    stay: str = ""


@dataclass(frozen=True)
class About:
    """A suggestion without its words.

    Attributes:
        id: its id.
        usecase: of which use.
        subject: the patient, as ``Patient/ID``.
        focus: what it is about, as ``Type/ID``.
        as_of: its moment.
    """

    id: str
    usecase: str
    subject: str
    focus: str
    as_of: datetime


@dataclass(frozen=True)
class Decision:
    """What one person decided on one suggestion.

    Attributes:
        id: its number.
        suggestion: the suggestion's id.
        action: accepted, modified, overridden or deferred.
        by, role: who, and in which role.
        reason: a code of the card's ``override_reasons``, or empty.
        words: the person's own words, or empty.
        option: what was chosen; the suggested option when accepted, empty when nothing was chosen.
        until: when a deferred suggestion comes back.
        at: when.
        undone_at, undone_by: when and by whom it was taken back, if it was.
    """

    id: int
    suggestion: str
    action: Action
    by: str
    role: str
    reason: str
    words: str
    option: str
    until: datetime | None
    at: datetime
    undone_at: datetime | None = None
    undone_by: str | None = None


@dataclass(frozen=True)
class KnownOutcome:
    """What really happened, and when we came to record it.

    Attributes:
        value: whether the card's target came true.
        label: a short word of the source for people.
        known_at: when it could first be known.
        sources: the versioned references of the resources that say so.
        recorded_at: when it was recorded here.
    """

    value: bool
    label: str
    known_at: datetime
    sources: tuple[str, ...]
    recorded_at: datetime


@dataclass(frozen=True)
class Filed:
    """A suggestion as it is kept: what was suggested, whom it is about, and where its review stands.

    Attributes:
        id: the suggestion's id.
        usecase, version, model, settings, subject, focus, as_of, position, option, indicator, priority,
            probability: as in :class:`vesalius.usecase.Suggestion`.
        mode: silent or live.
        status: where its review stands.
        revision: counts what was done to it; give it back to ``decide`` as ``seen``.
        created_at: when it was filed.
        deferred_until: when it comes back, while it is deferred.
        closed_at: when its outcome was recorded or its use stopped, so that nothing is left to decide.
        display: how people recognise the patient.
        body: the suggestion's canonical JSON, what a replay is compared with.
        decisions: all of them, oldest first, undone ones too (only from ``get`` and ``decisions``).
        outcome: what happened, once known.
        erased: the number of the erasure that emptied it, or None.
    """

    id: str
    usecase: str
    version: str
    model: str
    settings: str
    subject: str
    focus: str
    as_of: datetime
    position: int
    option: str
    indicator: str
    priority: float
    probability: float | None
    mode: Mode
    status: Status
    revision: int
    created_at: datetime
    deferred_until: datetime | None
    closed_at: datetime | None
    display: Display
    body: bytes
    decisions: tuple[Decision, ...] = ()
    outcome: KnownOutcome | None = None
    erased: int | None = None

    @cached_property
    def suggestion(self) -> Suggestion:
        """The suggestion itself."""
        return decode_suggestion(self.body)

    @property
    def decision(self) -> Decision | None:
        """The decision that stands: the last one that was not undone."""
        return next((item for item in reversed(self.decisions) if item.undone_at is None), None)


@dataclass(frozen=True)
class Silent:
    """A suggestion that was filed in silence, without whom it is about in words, and without its reasons.

    Attributes:
        id, subject, focus, as_of, option, probability, created_at: as in :class:`Filed`.
        outcome: whether the card's target came true; None while it is not known.
        known_at: when that could first be known, or None.
        erased: whether it was emptied on request.
    """

    id: str
    subject: str
    focus: str
    as_of: datetime
    option: str
    probability: float | None
    created_at: datetime
    outcome: bool | None
    known_at: datetime | None
    erased: bool


@dataclass(frozen=True)
class Page:
    """One page of a worklist.

    Attributes:
        items: the suggestions of the page, most urgent first.
        total: how many there are on all pages.
        facets: for ``usecase``, ``indicator``, ``ward`` and ``option``: how many there would be for each of
            its values, with the other filters as they are.
        others: how many more there are about patients whom the reader does not see.
    """

    items: tuple[Filed, ...]
    total: int
    facets: Mapping[str, Mapping[str, int]]
    others: int = 0


@dataclass(frozen=True)
class Reviewed:
    """A decision beside the suggestion it was taken on."""

    decision: Decision
    filed: Filed
