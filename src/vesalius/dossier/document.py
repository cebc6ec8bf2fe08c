"""The dossier as data: parts of lines, each with the events that say it, and what proves these events."""

from __future__ import annotations

import hashlib
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
        told: all that it says; None where that would name a patient.
    """

    seq: int
    hash: str
    at: datetime
    actor: str
    action: str
    path: tuple[str, ...]
    told: Told | None = None


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
        count: how many events of the audit bear on it; for ``auto`` only.
    """

    line: Line
    applies: bool | None
    state: str
    count: int = 0


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One document of the dossier."""

    key: str
    title: Words
    article: str
    lines: tuple[Line, ...]


class Counts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the cover shows of the obligations.

    Attributes:
        all: how many there are.
        auto: filled from the log alone.
        with_events: of these, how many have an event so far; of the others the log says that there was none.
        assisted: prefilled, for a person to complete and sign.
        manual: for a person alone.
        unfilled: those that should be filled, and are not.
        applying: how many apply to this use.
    """

    all: int
    auto: int
    with_events: int
    assisted: int
    manual: int
    unfilled: int
    applying: int


class Dossier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole dossier of one use, in every language.

    Attributes:
        name: the use.
        title: what people call it.
        synthetic: whether the patients are made up.
        size, root: of the tree over the audit that it was built on.
        head: that tree, as signed by the hospital.
        at: when.
        counts: of the obligations.
        parts, duties: what it says.
        sources: the events that it rests on: every one that governs the use, in order.
    """

    name: str
    title: Words
    synthetic: bool
    size: int
    root: str
    head: str
    at: datetime
    counts: Counts
    parts: tuple[Part, ...]
    duties: tuple[Duty, ...]
    sources: tuple[Source, ...]

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
    done = [each for each in duties if each.line.filled]
    auto = [each for each in done if each.line.kind == "auto"]
    assisted = [each for each in done if each.line.kind == "assisted"]
    manual = [each for each in duties if each.line.kind == "manual"]
    return Counts(
        all=len(duties),
        auto=len(auto),
        with_events=sum(each.count > 0 for each in auto),
        assisted=len(assisted),
        manual=len(manual),
        unfilled=len(duties) - len(auto) - len(assisted) - len(manual),
        applying=sum(each.applies is True for each in duties),
    )
