"""The pages about who is who."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vesalius.console.contexts.frame import Pages, Tab


@dataclass(frozen=True)
class Side:
    """One patient of a pair.

    Attributes:
        id: of the Patient.
        name: as it stands.
        born: the birth date, in the reader's language.
        resources: how many resources are about this patient now.
        flags: what is odd about the numbers, in English.
        merged: whether another patient stands for this one.
    """

    id: str
    name: str
    born: str
    resources: int
    flags: tuple[str, ...]
    merged: bool


@dataclass(frozen=True)
class Compared:
    """One field of two patients.

    Attributes:
        label: its English name.
        one, other: what each patient has there.
        agrees: same, alike, other or unknown.
        words: the same in English words.
    """

    label: str
    one: tuple[str, ...]
    other: tuple[str, ...]
    agrees: str
    words: str


@dataclass(frozen=True)
class PairRow:
    """One pair in a list, without names: the page of the pair shows them.

    Attributes:
        id: of the pair.
        rule: the code of the rule.
        words: what the rule says, in English.
        found_at: when it was proposed.
        decided_at: when it was decided, or None.
        decided_by: by whom, or empty.
    """

    id: int
    rule: str
    words: str
    found_at: datetime
    decided_at: datetime | None
    decided_by: str


@dataclass(frozen=True)
class MergeRow:
    """One merge in a list.

    Attributes:
        id: its number.
        source, target: the references of the two patients.
        at: from when on it counts.
        origin: who decided, in English: a person, a system, a rule.
        by: the person, the feed or the rule.
        moved: how many resources it moved.
        undone_at: when it was taken back, or None.
        undone_by: by whom, or empty.
    """

    id: int
    source: str
    target: str
    at: datetime
    origin: str
    by: str
    moved: int
    undone_at: datetime | None
    undone_by: str


@dataclass(frozen=True)
class IdentityPage:
    """``/identity``.

    Attributes:
        tabs: the states of pairs.
        rows: the pairs in one of them, the strongest first.
        list: which page of them this is.
        merges: the latest merges.
        behind: how many patients were not looked at yet.
        flags: what is odd about numbers, as (English words, how many patients).
    """

    tabs: tuple[Tab, ...]
    rows: tuple[PairRow, ...]
    list: Pages
    merges: tuple[MergeRow, ...]
    behind: int
    flags: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class PairPage:
    """``/identity/pairs/{id}``.

    Attributes:
        id: of the pair.
        rule: the code of the rule.
        words: what the rule says, in English.
        why: for a pair of a feed, why its word was not followed, in the reader's language; or empty.
        one, other: the two patients.
        fields: how they agree.
        status: the state of the pair, in English.
        waits: whether it can be decided.
        decided_at: when it was decided, or None.
        decided_by: by whom, or empty.
        reason: why, or empty.
        may_decide: whether the reader may decide.
        problem: what was missing in what the reader sent, in English, or empty.
    """

    id: int
    rule: str
    words: str
    why: str
    one: Side
    other: Side
    fields: tuple[Compared, ...]
    status: str
    waits: bool
    decided_at: datetime | None
    decided_by: str
    reason: str
    may_decide: bool
    problem: str


@dataclass(frozen=True)
class ConfirmPage:
    """``/identity/pairs/{id}/merge``: what a merge would do, before it is done.

    Attributes:
        id: of the pair.
        source: the patient who would be replaced.
        target: the patient who would stand for both.
        moves: what would move, as (English name of the type, how many).
        total: how many resources in all.
        problem: what was missing, or why they cannot be merged, in the reader's language; or empty.
        reason: what the reader wrote.
        possible: whether they can be merged.
    """

    id: int
    source: Side
    target: Side
    moves: tuple[tuple[str, int], ...]
    total: int
    problem: str
    reason: str
    possible: bool


@dataclass(frozen=True)
class MergePage:
    """``/identity/merges/{id}``.

    Attributes:
        merge: the merge.
        source: the patient who was replaced.
        target: the patient who stands for both.
        reason: why they were merged, or empty.
        undone_reason: why it was taken back, or empty.
        moving: whether resources are still being moved.
        may_undo: whether the reader may take it back.
        problem: what was missing, in English, or empty.
    """

    merge: MergeRow
    source: Side
    target: Side
    reason: str
    undone_reason: str
    moving: bool
    may_undo: bool
    problem: str
