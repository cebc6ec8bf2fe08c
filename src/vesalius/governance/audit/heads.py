"""Signed tree heads: what the hospital says, under its key, that the audit was at a moment.

A head holds the number of events, the root of the Merkle tree over them (RFC 6962, section 3.5 calls it a
signed tree head), and the hash of the last one. It is a JSON Web Signature by the key that also signs models.
A head is made after every :data:`EVERY` events, at the end of each turn of the loop, and on demand. Whoever
notes one elsewhere can prove later that events were altered or cut off.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from vesalius.errors import NotFound, Tampered, VesaliusError
from vesalius.governance.audit import _tables, recording, tiles, tree
from vesalius.governance.audit.chain import encode, kept_head, octets
from vesalius.store import insert, reading, writing

if TYPE_CHECKING:
    from vesalius.modelling import Keys

log = logging.getLogger(__name__)

KIND = "vesalius-audit-head"
"""The ``typ`` of the token: a signature made for something else is none of a head."""

EVERY = 1_000
"""After so many events a head is signed, should no turn of the loop have done it."""


class TreeHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is signed.

    Attributes:
        size: how many events there were.
        root: the root of the tree over them, in hexadecimal.
        last: the hash of the last one.
        at: when.
    """

    size: int
    root: str
    last: str
    at: datetime


class SignedHead(msgspec.Struct, frozen=True):
    """A head with its signature.

    Attributes:
        head: what was signed.
        token: the JSON Web Signature that carries it; keep this elsewhere.
    """

    head: TreeHead
    token: str


def sign(engine: sa.Engine, keys: Keys, at: datetime | None = None) -> SignedHead:
    """Signs the tree over all events; the head that there is where no event came since.

    Raises:
        NotFound: there is no event yet.
        InvalidSetting: the key cannot be used.
        Tampered: events that the tree needs are not there, or the head that there is is none.
    """
    at = at or datetime.now(UTC)
    with writing(engine) as connection:
        end = kept_head(connection)
        if not end.seq:
            raise NotFound("there is no event yet, and so no tree")
        asked = sa.select(_tables.signed.c.token).where(_tables.signed.c.size == end.seq)
        if (token := connection.execute(asked).scalar()) is None:
            tiles.grow(connection, end.seq)
            root = tree.root(tiles.nodes(connection), end.seq).hex()
            token = keys.seal(encode(TreeHead(end.seq, root, end.hash, at)), KIND)
            row = {"size": end.seq, "at": at, "token": token}
            connection.execute(insert(connection, _tables.signed).values(row).on_conflict_do_nothing())
            token = connection.execute(asked).scalar_one()  # another process may have signed it first
    return SignedHead(opened(token, keys), token)


def sign_new(engine: sa.Engine, keys: Keys) -> None:
    """Signs the tree if there are events; what goes wrong is logged, and stops nobody from their work."""
    try:
        sign(engine, keys)
    except NotFound:
        pass
    except VesaliusError as error:
        log.error(  # noqa: TRY400 - a trace says no more, and each batch would write one
            "the head of the audit could not be signed: %s", error.message
        )
    except OSError as error:
        log.error("the head of the audit could not be signed: %s", error.strerror)  # noqa: TRY400


def keep_signing(engine: sa.Engine, keys: Keys) -> None:
    """From now on, signs a head after every :data:`EVERY` events that this process records."""
    last: list[int] = []

    def hear(engine: sa.Engine, seq: int) -> None:
        if not last:
            last.append(newest(engine))
        if seq - last[0] >= EVERY:
            last[0] = seq  # one that fails is tried again after as many events, not after each
            sign_new(engine, keys)

    recording.witness(engine, hear)


def newest(engine: sa.Engine) -> int:
    """How many events the last signed head covers."""
    with reading(engine) as connection:
        return connection.execute(sa.select(sa.func.max(_tables.signed.c.size))).scalar() or 0


def tokens(connection: sa.Connection) -> Iterator[tuple[int, str]]:
    """The size and the token of every signed head, the oldest first."""
    asked = sa.select(_tables.signed.c.size, _tables.signed.c.token).order_by(_tables.signed.c.size)
    yield from (tuple(row) for row in connection.execute(asked))


def opened(token: str, keys: Keys) -> TreeHead:
    """The head that a token carries, if a known key signed it.

    Raises:
        Tampered: it is no head, was changed, or no known key signed it.
    """
    return decoded(keys.unseal(token, KIND))


def decoded(content: bytes) -> TreeHead:
    """The head from what was signed.

    Raises:
        Tampered: it is no head.
    """
    try:
        found = msgspec.json.decode(content, type=TreeHead)
        right = found.size > 0 and len(bytes.fromhex(found.root)) == len(octets(found.last)) == 32
    except (msgspec.MsgspecError, ValueError, UnicodeDecodeError):
        right = False
    if not right:
        raise Tampered("what was signed is no head of an audit")
    return found
