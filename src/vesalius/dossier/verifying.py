"""Verifying a dossier: offline against its own proofs, and against the database that it was built from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from vesalius.dossier import beside, kept, scope
from vesalius.dossier.document import Dossier, Sealed, Source
from vesalius.errors import Tampered, UnreadableInput
from vesalius.governance import audit
from vesalius.governance.audit import Event, heads, proofs
from vesalius.governance.audit.chain import to_event
from vesalius.governance.audit.proofs import Inclusion, Told
from vesalius.store import metadata, reading

if TYPE_CHECKING:
    from vesalius.hospital import Hospital

KIND = "vesalius-dossier"
"""The ``typ`` of the seal."""

LARGEST = 1 << 28
"""The largest file that is read, in bytes."""

Opens = Callable[[str, str], bytes]
"""Gives what a token of a kind carries, or raises; it knows the key."""


@dataclass(frozen=True)
class Verdict:
    """What a verification found.

    Attributes:
        events: how many events the dossier rests on.
        problems: each names an event, or says what else is wrong; empty when it holds.
        since: how many events on the use came after it was built.
    """

    events: int
    problems: tuple[str, ...]
    since: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def load(body: bytes) -> Sealed:
    """The file ``dossier.json``.

    Raises:
        UnreadableInput: it is none.
    """
    if len(body) > LARGEST:
        raise UnreadableInput("a dossier is not that large")
    try:
        return msgspec.json.decode(body, type=Sealed)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise UnreadableInput(
            "this is no dossier", hint="vesalius dossier build makes dossier.json"
        ) from None


def check(sealed: Sealed, opens: Opens) -> None:
    """Checks a dossier with nothing but the public key of the hospital: no database is read.

    Raises:
        Tampered: the seal, the signed head or the proof of an event does not fit; the message names it.
    """
    made = sealed.dossier
    if opens(sealed.seal, KIND).decode() != made.digest:
        raise Tampered("the dossier was altered after it was built: it is not what was sealed")
    head = heads.decoded(opens(made.head, heads.KIND))
    if (head.size, head.root) != (made.size, made.root):
        raise Tampered("the dossier names another state of the audit than its signed head")
    for each in made.sources:
        proof = Inclusion(each.seq, each.hash, list(each.path), made.head, each.told)
        proofs.check(proof, lambda _: head)


def verify(hospital: Hospital, name: str, sealed: Sealed) -> Verdict:
    """Holds a dossier against the database: each event, each row beside one, the chain and the signed heads.

    Args:
        hospital: whose database and keys.
        name: the use it must be of.
        sealed: the dossier.

    Raises:
        Tampered: the dossier itself was altered.
    """
    made = sealed.dossier
    check(sealed, hospital.keys.unseal)
    if made.name != name:
        raise Tampered(f"this is the dossier of {made.name}, not of {name}")
    with reading(hospital.engine) as connection:
        named = {source.seq: wrong for source in made.sources if (wrong := _event(connection, source))}
        extra = _beside(connection, made, named)
        since = _since(connection, made)
    problems = [named[seq] for seq in sorted(named)] + extra + _run(hospital, made)
    try:
        audit.verify(hospital.engine, keys=hospital.keys, elsewhere=[heads.opened(made.head, hospital.keys)])
    except Tampered as error:
        # What was written anew no longer fits the event after it: that says the same once more.
        if not {*named, *(seq + 1 for seq in named)} & _spoken(error.message):
            problems.append(error.message)
    return Verdict(len(made.sources), tuple(problems), since)


def _spoken(message: str) -> set[int]:
    """The events that a message of the audit is about: what was named already is not named again."""
    if after := re.match(r"events after (\d+) were removed", message):
        return {int(after[1]) + 1}
    if between := re.match(r"one of events (\d+) to (\d+)", message):
        return set(range(int(between[1]), int(between[2]) + 1))
    return {int(each) for each in re.findall(r"event (\d+)", message)}


def _beside(connection: sa.Connection, made: Dossier, named: dict[int, str]) -> list[str]:
    """Lays what is wrong beside the events to each of them; what belongs to none is returned."""
    told = {each.seq: each for each in made.sources}
    now = {each.seq: each for each in _read(connection, made.name)}
    extra = [
        f"{_named(now[seq])} belongs to the dossier, and is not in it"
        for seq in sorted(now.keys() - told.keys())
        if seq <= made.size
    ]
    extra += [
        f"{_named(told[seq])} no longer belongs to {made.name}"
        for seq in sorted(told.keys() - now.keys() - named.keys())
        if told[seq].own
    ]
    claims: list[tuple[int, beside.Claim]] = []
    for seq in sorted(told.keys() | now.keys()):
        claims += [
            (seq, each) for each in _claims(connection, told.get(seq), now.get(seq), lost=seq in named)
        ]
    found = beside.compare(connection, made.name, claims)
    for seq in found.events:
        which = told.get(seq) or now[seq]
        named.setdefault(seq, f"{_named(which)}: what lies beside it was altered or removed")
    extra += [f"{words} has no event in the audit" for words in found.extra]
    return extra + kept.wrong(connection, made.name, made.kept, made.size)


def _claims(
    connection: sa.Connection, source: Source | None, event: Event | None, *, lost: bool
) -> list[beside.Claim]:
    """What an event says of the rows beside it; of one that is gone or altered, what the dossier keeps."""
    if event is not None and not lost:
        return list(beside.claimed(connection, event))
    if source is None:
        return []
    if source.told is not None:
        return list(beside.claimed(connection, _again(source.told, source.hash)))
    return [beside.Claim(*each) for each in source.rows]


def _again(said: Told, hash_: str) -> Event:
    return Event(said.seq, said.at, said.actor, said.action, said.object, said.detail, said.previous, hash_)


def _read(connection: sa.Connection, name: str) -> list[Event]:
    """The events of the use that can be read, in order."""
    event, found = metadata.tables["audit_event"], []
    for row in connection.execute(sa.select(event).where(scope.belongs(name)).order_by(event.c.seq)):
        with suppress(Tampered):
            found.append(to_event(row))
    return found


def _named(which: Source | Event) -> str:
    return f"event {which.seq} ({which.action} by {which.actor}, {which.at:%Y-%m-%d %H:%M} UTC)"


def _event(connection: sa.Connection, source: Source) -> str:
    event = metadata.tables["audit_event"]
    row = connection.execute(sa.select(event).where(event.c.seq == source.seq)).one_or_none()
    if row is None:
        return f"{_named(source)} was removed"
    try:
        found = to_event(row)
    except Tampered:
        return f"{_named(source)} was altered"
    whole = found.hash == source.hash == found.expected()
    return "" if whole else f"{_named(source)} was altered"


def _run(hospital: Hospital, made: Dossier) -> list[str]:
    """Whether the stored validation run is still the one that the dossier tells of."""
    if made.run is None:
        return []
    file = hospital.runs / f"{made.run.key}.json"
    now = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
    return [] if now == made.run.hash else [f"the validation run {made.run.key} was altered or removed"]


def _since(connection: sa.Connection, made: Dossier) -> int:
    event = metadata.tables["audit_event"].c
    asked = sa.select(sa.func.count()).where(
        event.seq > made.size, scope.belongs(made.name), event.action.not_in(scope.OWN_DOSSIER)
    )
    return int(connection.execute(asked).scalar_one())
