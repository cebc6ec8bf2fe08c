"""Proofs as documents: that an event is in the audit, or that the audit only grew; checked without it.

A document is JSON and holds all that its check needs but one thing: the public key of the hospital, which
whoever checks must have by another way. :func:`check` reads no database.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from vesalius.errors import NotFound, Tampered, UnreadableInput
from vesalius.governance.audit import _tables, heads, tiles, tree
from vesalius.governance.audit.chain import Event, algorithm, digest, to_event
from vesalius.governance.audit.heads import SignedHead, TreeHead
from vesalius.store import reading

if TYPE_CHECKING:
    from vesalius.modelling import Keys

LARGEST = 1 << 20
"""The largest document that is read, in bytes."""


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an event says, as its hash covers it."""

    seq: int
    at: datetime
    actor: str
    action: str
    object: str
    detail: dict[str, Any]
    previous: str

    def hashed(self, algorithm: str) -> str:
        """The event's hash."""
        said = (self.seq, self.at, self.actor, self.action, self.object, self.detail, self.previous)
        return digest(*said, algorithm=algorithm)


class Inclusion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="proof", tag="inclusion"):
    """That one event is in the tree of a signed head (RFC 6962, section 2.1.1).

    Attributes:
        seq: which event.
        hash: its SHA-256; with the two zero and one bytes of RFC 6962 it is the leaf.
        path: the hashes beside the way from the leaf to the root, the lowest first.
        head: the signed head.
        event: what the event says; None to prove its hash without showing it.
    """

    seq: int
    hash: str
    path: list[str]
    head: str
    event: Told | None = None


class Consistency(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="proof", tag="consistency"
):
    """That the tree of a signed head begins with all of the tree of an older one (section 2.1.2).

    Attributes:
        older: the older signed head.
        path: the hashes that lead to both roots.
        head: the newer signed head.
    """

    older: str
    path: list[str]
    head: str


Proof = Inclusion | Consistency
Opens = Callable[[str], TreeHead]


def inclusion(engine: sa.Engine, keys: Keys, seq: int, *, told: bool = True) -> Inclusion:
    """Proves that an event is in the audit, under a head that is signed now if none covers it.

    Args:
        engine: the hospital's database.
        keys: the hospital's.
        seq: the number of the event.
        told: whether the document says what the event says.

    Raises:
        NotFound: there is no such event.
        Tampered: the tree does not lead to the root that was signed.
    """
    event = _event(engine, seq)
    head = _covering(engine, keys, seq)
    with reading(engine) as connection:
        path = tree.inclusion(tiles.nodes(connection), seq - 1, head.head.size)
    said = Told(
        event.seq, event.at, event.actor, event.action, event.object, dict(event.detail), event.previous
    )
    made = Inclusion(seq, event.hash, _hex(path), head.token, said if told else None)
    _check_inclusion(made, head.head)
    return made


def consistency(engine: sa.Engine, keys: Keys, older: str) -> Consistency:
    """Proves that the audit as it is now begins with all that an older signed head covers.

    Args:
        engine: the hospital's database.
        keys: the hospital's.
        older: the token of a head, as it was noted elsewhere.

    Raises:
        Tampered: it does not: events were altered or cut off since; or the head was signed by nobody known.
    """
    before = heads.opened(older.strip(), keys)
    now = heads.sign(engine, keys)
    if before.size > now.head.size:
        raise Tampered(f"events after {now.head.size} were removed: the older head covers {before.size}")
    with reading(engine) as connection:
        path = tree.consistency(tiles.nodes(connection), before.size, now.head.size)
    made = Consistency(older.strip(), _hex(path), now.token)
    _check_consistency(made, before, now.head)
    return made


def write(proof: Proof) -> bytes:
    """A proof as JSON."""
    return msgspec.json.format(msgspec.json.encode(proof), indent=1) + b"\n"


def load(document: bytes) -> Proof:
    """A proof from its JSON.

    Raises:
        UnreadableInput: it is no proof.
    """
    if len(document) > LARGEST:
        raise UnreadableInput("a proof is not that large")
    try:
        return msgspec.json.decode(document, type=Inclusion | Consistency)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise UnreadableInput("this is no proof of an audit") from None


def check(proof: Proof, opens: Opens) -> str:
    """Checks a proof, and says in a line what it proves.

    Args:
        proof: the document.
        opens: gives the head that a token carries, or raises; it knows the key.

    Raises:
        Tampered: it proves nothing: a signature, a hash or the way to the root is wrong.
    """
    head = opens(proof.head)
    if isinstance(proof, Consistency):
        before = opens(proof.older)
        _check_consistency(proof, before, head)
        return f"the first {before.size} of {head.size} events are still those that were signed before"
    _check_inclusion(proof, head)
    said = f": {proof.event.action} by {proof.event.actor}, {proof.event.at}" if proof.event else ""
    return f"event {proof.seq} is one of the {head.size} that were signed on {head.at}{said}"


def with_key(public: bytes) -> Opens:
    """Opens heads with nothing but a public key."""
    from vesalius.modelling.signatures import unseal

    return lambda token: heads.decoded(unseal(token, heads.KIND, public))


def _check_inclusion(proof: Inclusion, head: TreeHead) -> None:
    told = proof.event
    if told is not None and (told.seq, told.hashed(algorithm(proof.hash))) != (proof.seq, proof.hash):
        raise Tampered(f"event {proof.seq} was altered: its contents do not have this hash")
    leaf, path = tiles.leaf(proof.hash), _bytes(proof.path)
    if not tree.includes(leaf, proof.seq - 1, head.size, path, bytes.fromhex(head.root)):
        raise Tampered(f"event {proof.seq} is not in the tree that was signed")


def _check_consistency(proof: Consistency, before: TreeHead, now: TreeHead) -> None:
    roots = bytes.fromhex(before.root), bytes.fromhex(now.root)
    if not tree.extends(before.size, roots[0], now.size, roots[1], _bytes(proof.path)):
        raise Tampered(f"the first {before.size} events are not those that were signed before")


def _hex(path: list[bytes]) -> list[str]:
    return [each.hex() for each in path]


def _bytes(path: list[str]) -> list[bytes]:
    try:
        return [bytes.fromhex(each) for each in path]
    except ValueError:
        raise Tampered("the proof holds something that is no hash") from None


def _event(engine: sa.Engine, seq: int) -> Event:
    with reading(engine) as connection:
        row = connection.execute(sa.select(_tables.event).where(_tables.event.c.seq == seq)).one_or_none()
    if row is None:
        raise NotFound(f"there is no event {seq}")
    return to_event(row)


def _covering(engine: sa.Engine, keys: Keys, seq: int) -> SignedHead:
    """The newest signed head that covers an event; a new one where none does."""
    last = _tables.signed.c
    with reading(engine) as connection:
        asked = sa.select(last.token).where(last.size >= seq).order_by(last.size.desc()).limit(1)
        token = connection.execute(asked).scalar()
    return SignedHead(heads.opened(token, keys), token) if token else heads.sign(engine, keys)
