"""The pages about what was received and what was done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vesalius.console.contexts.frame import Choice, Pages


@dataclass(frozen=True)
class ReceiptRow:
    """One file that was received.

    Attributes:
        id: of the receipt.
        at: when.
        source: the feed.
        name: of the file.
        format: as ``vesalius ingest --format`` names it.
        status: what became of it, in English, or empty when it went well.
        read, written, unchanged, quarantined: how many resources.
    """

    id: str
    at: datetime
    source: str
    name: str
    format: str
    status: str
    read: int
    written: int
    unchanged: int
    quarantined: int


@dataclass(frozen=True)
class FeedRow:
    """One feed.

    Attributes:
        source: its name.
        last: when its last file came.
        silent: how long ago that is, in the reader's language.
        files: how many files it sent.
        read: how many lines, rows or entries they hold.
    """

    source: str
    last: datetime
    silent: str
    files: int
    read: int


@dataclass(frozen=True)
class Cause:
    """A cause for which things are held.

    Attributes:
        code: the code of the cause.
        label: what it means, in English.
        count: how many are held for it.
    """

    code: str
    label: str
    count: int


@dataclass(frozen=True)
class ReceivedPage:
    """``/received``.

    Attributes:
        feeds: the longest silent first.
        receipts: files, latest first.
        list: which page of them this is.
        causes: what is held, by cause.
        held: how many are held in all.
        may_look: whether the reader may see the original bytes.
        totals: the resources in the lake, as (type in English, how many, how many versions).
    """

    feeds: tuple[FeedRow, ...]
    receipts: tuple[ReceiptRow, ...]
    list: Pages
    causes: tuple[Cause, ...]
    held: int
    may_look: bool
    totals: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class EventRow:
    """One event of the audit.

    Attributes:
        seq: its place in the chain.
        at: when.
        actor: the name of the person, or of the account.
        label: what was done, in English.
        action: the code of it.
        object: on what.
        patient: the reference of the patient it is about, or empty.
        detail: what else, on one line.
        hash: the first characters of its hash.
    """

    seq: int
    at: datetime
    actor: str
    label: str
    action: str
    object: str
    patient: str
    detail: str
    hash: str


@dataclass(frozen=True)
class AuditPage:
    """``/audit``.

    Attributes:
        rows: events, latest first.
        list: which page this is.
        actors: the accounts one can filter by.
        actions: what one can filter by.
        thing: the object that was asked for, or empty.
        filtered: whether only some events were asked for.
        verified: how many events the chain has, after it was verified; or None.
        broken: what does not fit, after it was verified; or empty.
        head: the end of the chain, to note elsewhere.
    """

    rows: tuple[EventRow, ...]
    list: Pages
    actors: tuple[Choice, ...]
    actions: tuple[Choice, ...]
    thing: str
    filtered: bool
    verified: int | None
    broken: str
    head: str
