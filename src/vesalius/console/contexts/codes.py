"""The page of local codes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from vesalius.console.contexts.frame import Choice, Pages


@dataclass(frozen=True)
class ShareRow:
    """How much of one feed is coded.

    Attributes:
        name: of the feed; empty for all feeds together.
        total: how many codes came.
        before: the share that came coded.
        after: the share with the mappings.
        picture: both as one bar.
    """

    name: str
    total: int
    before: float
    after: float
    picture: Markup


@dataclass(frozen=True)
class CodeGuess:
    """One suggestion of what a code means.

    Attributes:
        value: what the form sends.
        system: the name of the target's system.
        code: the target.
        display: what the target is called, or empty.
        score: how sure, from 0 to 1.
        why: the reason, in English.
    """

    value: str
    system: str
    code: str
    display: str
    score: float
    why: str


@dataclass(frozen=True)
class CodeDecision:
    """One decision, in force or withdrawn.

    Attributes:
        uid: its own name.
        what: the local code, or the words.
        means: the target, or empty when it is not mappable.
        display: what the target is called, or empty.
        by: who decided.
        at: when.
        reason: why.
        withdrawn_by: who took it back, or empty.
        withdrawn_at: when.
        withdrawn_reason: why.
    """

    uid: str
    what: str
    means: str
    display: str
    by: str
    at: datetime
    reason: str
    withdrawn_by: str = ""
    withdrawn_at: datetime | None = None
    withdrawn_reason: str = ""


@dataclass(frozen=True)
class CodeRow:
    """One local code.

    Attributes:
        id: names it in the page and in the form.
        name: what it is called.
        system: where the code is from; empty for words.
        code: the code; empty for words.
        kind: in which kind of element it stands, in English.
        unit: of the results beside it, or empty.
        count: how often it came.
        share: of all that is not coded, up to and with this one, from 0 to 1; None when it is decided on.
        names: what else it is called.
        feeds: from which feeds, as (name, how often).
        first, last: when it came first and last.
        usual: about between which values most results lie, or None.
        guesses: what it may mean.
        systems: the standard systems of its kind, to choose from.
        decisions: what is in force about it.
        open: whether it is shown opened: what was sent from there was refused.
    """

    id: str
    name: str
    system: str
    code: str
    kind: str
    unit: str
    count: int
    share: float | None
    names: tuple[str, ...]
    feeds: tuple[tuple[str, int], ...]
    first: datetime
    last: datetime
    usual: tuple[str, str] | None
    guesses: tuple[CodeGuess, ...]
    systems: tuple[Choice, ...]
    decisions: tuple[CodeDecision, ...]
    open: bool


@dataclass(frozen=True)
class CodesPage:
    """``/terminology``.

    Attributes:
        shares: how much is coded, of everything first, then of each feed.
        curve: the picture of what mapping the next codes would cover.
        next: how many codes to map next that is said of.
        gained: how much of what is not coded they cover, from 0 to 1.
        covered: the share of everything that would be coded then.
        rows: local codes, the most frequent first.
        list: which page of them this is.
        shows: open, decided or all.
        kinds: the kinds of element one can filter by.
        feeds: the feeds one can filter by.
        filtered: whether only some codes are shown.
        hidden: how often words came that are not shown.
        uncounted: how many resources are not counted yet.
        waiting: how many decisions are not applied to the past yet.
        may_map: whether the reader may decide.
        history: decisions, latest first.
        equivalences: how a target can relate to the code.
        problem: why what was sent was refused, in English, or empty.
        detail: what the code said of it, in English.
        reason: what was typed as a reason.
    """

    shares: tuple[ShareRow, ...]
    curve: Markup
    next: int
    gained: float
    covered: float
    rows: tuple[CodeRow, ...]
    list: Pages
    shows: tuple[Choice, ...]
    kinds: tuple[Choice, ...]
    feeds: tuple[Choice, ...]
    filtered: bool
    hidden: int
    uncounted: int
    waiting: int
    may_map: bool
    history: tuple[CodeDecision, ...]
    equivalences: tuple[Choice, ...]
    problem: str
    detail: str
    reason: str
