"""The dossier as data: parts of lines, each with the events that say it, and what proves these events."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime
from typing import Literal

import msgspec

from vesalius.governance.audit.proofs import Told
from vesalius.usecase import encode

Words = dict[str, str]
"""The same words in each language."""

Kind = Literal["auto", "assisted", "manual"]


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One event of the audit that the dossier rests on.

    Attributes:
        seq, hash: its place and its SHA-256.
        at, actor, action: when, who, what.
        path: the hashes from its leaf to the signed root (RFC 6962, section 2.1.1).
        told: all that it says; None where that would name a patient, or is not about the use.
        own: whether it is about the use; else it is of the whole hospital, and a line names it.
        rows: where ``told`` is None, the rows that it speaks of: table, key, content.
    """

    seq: int
    hash: str
    at: datetime
    actor: str
    action: str
    path: tuple[str, ...]
    told: Told | None = None
    own: bool = True
    rows: tuple[tuple[str, str, str], ...] = ()


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row that has no event of its own: a suggestion or an outcome.

    Attributes:
        table: which of the two.
        key: the id of the suggestion.
        at: when it was recorded.
        hash: the SHA-256 of what it held.
    """

    table: str
    key: str
    at: datetime
    hash: str


class Moment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that happened to the use, in words.

    Attributes:
        seq: its event.
        at: when.
        what: what happened.
        who: who did it, with the role.
        why: their own words; empty where they left none.
    """

    seq: int
    at: datetime
    what: Words
    who: Words
    why: str = ""


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line.

    Attributes:
        key: what it is about.
        article: the law that asks for it.
        kind: filled from the log, prefilled for a person to complete and sign, or for a person alone.
        title: its name.
        text: what the platform knows; empty where it knows nothing.
        ask: what only a person can say; empty where nothing is open.
        owner: the role or the account that answers.
        events: the places in the audit of what says it.
    """

    key: str
    article: str
    kind: Kind
    title: Words
    text: Words
    ask: Words
    owner: str
    events: tuple[int, ...] = ()

    @property
    def filled(self) -> bool:
        """Whether the platform had something to say."""
        return bool(self.text)


class Duty(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One obligation of the rules, and what fills it.

    Attributes:
        line: its line.
        applies: whether it follows from what the use is; None where nobody has said what it is.
        state: open, done or not_applicable, as people said.
        count: how many events and stored runs bear on it; for ``auto`` only.
    """

    line: Line
    applies: bool | None
    state: str
    count: int = 0

    @property
    def filled(self) -> bool:
        """Whether anything fills it: of a duty filled from the log, an event or a stored run."""
        return self.count > 0 if self.line.kind == "auto" else self.line.filled


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One document of the dossier.

    Attributes:
        key: its name.
        title: as people read it.
        article: the law that asks for it.
        lines: what it says and asks.
        note: why it is not asked for, and then it has no lines; or empty.
        signed: whether a person signs it at its end.
    """

    key: str
    title: Words
    article: str
    lines: tuple[Line, ...]
    note: Words = {}
    signed: bool = False


class Counts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the cover shows of the obligations.

    Attributes:
        all: how many there are.
        auto: filled from the log alone: each with an event or a stored run.
        waiting: to be filled from the log alone, and nothing of the kind has happened yet.
        assisted: prefilled, for a person to complete and sign.
        manual: for a person alone.
        unfilled: those that should be prefilled, and are not.
        applying: how many apply to this use.
        here: of those that apply, how many of each: auto, waiting, assisted, manual.
        done: of those that apply, how many somebody has done or set aside.
    """

    all: int
    auto: int
    waiting: int
    assisted: int
    manual: int
    unfilled: int
    applying: int
    here: dict[str, int]
    done: int


class Dossier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole dossier of one use, in every language.

    Attributes:
        name: the use.
        title: what people call it.
        synthetic: whether the patients are made up.
        size, root: of the tree over the audit that it was built on.
        head: that tree, as signed by the hospital.
        at: when.
        hospital: its name.
        state: where the use stands, and since when.
        regime: what it is in law; empty where nobody answered.
        owner: who answers for it; empty where nobody is named.
        counts: of the obligations.
        history: what happened to the use, in order.
        parts, duties: what it says.
        sources: the events that it rests on: every one that governs the use, in order.
        kept: each suggestion and each outcome, by its hash.
        run: the validation run that it tells of, or None.
    """

    name: str
    title: Words
    synthetic: bool
    size: int
    root: str
    head: str
    at: datetime
    hospital: str
    state: Words
    regime: Words
    owner: Words
    counts: Counts
    history: tuple[Moment, ...]
    parts: tuple[Part, ...]
    duties: tuple[Duty, ...]
    sources: tuple[Source, ...]
    kept: tuple[Kept, ...] = ()
    run: Kept | None = None

    @property
    def body(self) -> bytes:
        """The canonical JSON."""
        return encode(self)

    @property
    def digest(self) -> str:
        """The SHA-256 of it."""
        return hashlib.sha256(self.body).hexdigest()


class Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file ``dossier.json``: the dossier, and its SHA-256 under the hospital's key."""

    dossier: Dossier
    seal: str


def counted(duties: tuple[Duty, ...]) -> Counts:
    """The counts of the cover, from what was really filled."""
    here = [each for each in duties if each.applies]
    all_, ours = Counter(map(_kind, duties)), Counter(map(_kind, here))
    return Counts(
        all=len(duties),
        auto=all_["auto"],
        waiting=all_["waiting"],
        assisted=all_["assisted"],
        manual=all_["manual"],
        unfilled=all_["unfilled"],
        applying=len(here),
        here={key: ours[key] for key in ("auto", "waiting", "assisted", "manual")},
        done=sum(each.state != "open" for each in here),
    )


def _kind(duty: Duty) -> str:
    if duty.line.kind == "manual":
        return "manual"
    if duty.filled:
        return duty.line.kind
    return "waiting" if duty.line.kind == "auto" else "unfilled"
