"""Verifying a dossier: offline against its own proofs, and against the database that it was built from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from vesalius.dossier import beside, scope
from vesalius.dossier.document import Dossier, Sealed, Source
from vesalius.errors import Tampered, UnreadableInput
from vesalius.governance import audit
from vesalius.governance.audit import heads, proofs
from vesalius.governance.audit.chain import to_event
from vesalius.governance.audit.proofs import Inclusion
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
        problems, whole = _compare(connection, made)
        since = _since(connection, made)
    try:
        audit.verify(hospital.engine, keys=hospital.keys, elsewhere=[heads.opened(made.head, hospital.keys)])
    except Tampered as error:
        problems.append(error.message)
    return Verdict(whole, tuple(problems), since)


def _compare(connection: sa.Connection, made: Dossier) -> tuple[list[str], int]:
    """What is wrong with the events of the dossier and with what lies beside them."""
    problems = [wrong for source in made.sources if (wrong := _event(connection, source))]
    known = {each.seq for each in made.sources}
    if not problems:
        found = {each.seq for each in scope.events(connection, made.name, made.size)}
        problems += [f"event {seq} belongs to the dossier, and is not in it" for seq in sorted(found - known)]
        problems += [f"event {seq} no longer belongs to {made.name}" for seq in sorted(known - found)]
    return problems, len(made.sources)


def _event(connection: sa.Connection, source: Source) -> str:
    event = metadata.tables["audit_event"]
    row = connection.execute(sa.select(event).where(event.c.seq == source.seq)).one_or_none()
    named = f"event {source.seq} ({source.action} by {source.actor}, {source.at:%Y-%m-%d %H:%M} UTC)"
    if row is None:
        return f"{named} was removed"
    try:
        found = to_event(row)
    except Tampered:
        return f"{named} was altered"
    if found.hash != source.hash or found.expected() != source.hash:
        return f"{named} was altered"
    return "" if beside.holds(connection, found) else f"{named}: what lies beside it was altered or removed"


def _since(connection: sa.Connection, made: Dossier) -> int:
    event = metadata.tables["audit_event"].c
    asked = sa.select(sa.func.count()).where(event.seq > made.size, scope.belongs(made.name))
    return int(connection.execute(asked).scalar_one())
