"""Messages that arrive one by one: each is taken in, held or refused, and its bytes kept, in one transaction.

A file has a receipt of its own; the messages of one feed share one per day, so that a feed of a million
messages a day is still one line of what was received. What tells one message from another is the SHA-256 of
its bytes: sent again by the same feed, it gets the same answer and adds nothing.

Several messages can share a transaction (:func:`receive_messages`): they become durable together, and the
wait for the disk is paid once. Each stands for itself all the same: one that cannot be taken in is held, and
keeps no other out.
"""

from __future__ import annotations

import hashlib
import io
import logging
import traceback
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO, NamedTuple

import msgspec
import sqlalchemy as sa

from vesalius.errors import Conflict, Unavailable, UnreadableInput, VesaliusError
from vesalius.ingest import _finishing as finishing
from vesalius.ingest import _message_table as rows
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._formats import format_of
from vesalius.ingest._items import Item
from vesalius.ingest._judge import Judge
from vesalius.ingest._maps import Map
from vesalius.ingest._receipts import COMPLETE, Receipt
from vesalius.ingest.quarantine import HELD, Fault, hold
from vesalius.lake import Arrival, Lake, Written
from vesalius.store import from_microseconds, microseconds, writing

TAKEN, REFUSED = "taken", "refused"

HL7V2 = "hl7v2"

Reader = Callable[[BinaryIO], Iterator[Item]]

_ATTEMPTS = 5

_log = logging.getLogger(__name__)


def reader(format: str = HL7V2, own: Map | None = None) -> Reader:  # noqa: A002
    """What makes resources of a message of a format, through the hospital's own rows if there are some.

    Raises:
        UnreadableInput: there is no such format, or it needs a map.
    """
    return format_of(format, own).read


class Incoming(msgspec.Struct, frozen=True):
    """One message on its way in.

    Attributes:
        raw: its bytes.
        control_id: what its sender calls it.
        refusal: why it is not wanted here, whatever it holds (a test message in production): it is noted
            and kept, and nothing of it reaches the lake.
        fault: why it cannot be read, if that is known beforehand (it is too long, and not all here).
    """

    raw: bytes
    control_id: str = ""
    refusal: FaultError | None = None
    fault: FaultError | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one message.

    Attributes:
        source: the feed it came from.
        control_id: what its sender calls it; of HL7 v2, MSH-10.
        sha256: of its bytes.
        received_at: when it was first received.
        status: ``taken``: all of it is in the lake; ``held``: something of it is in quarantine; ``refused``:
            nothing of it was wanted.
        cause: why it is held or refused, as a code of ``Cause``.
        words: why, for people, without any value of a patient.
        repeated: it had been received before: this time nothing was written.
    """

    source: str
    control_id: str
    sha256: str
    received_at: datetime
    status: str = TAKEN
    cause: str = ""
    words: str = ""
    repeated: bool = False


@dataclass
class _Draft:
    """One new message: what becomes of it, and what is to be written."""

    message: Message
    raw: bytes
    items: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def receive_message(
    lake: Lake,
    raw: bytes,
    *,
    source: str,
    control_id: str = "",
    format: str = HL7V2,  # noqa: A002
    received_at: datetime | None = None,
) -> Message:
    """Receives one message; when this returns, it is on disk.

    Args:
        lake: where it goes.
        raw: its bytes, without the frame of a network protocol.
        source: the name of the feed.
        control_id: what its sender calls it.
        format: one of ``ingest.FORMATS`` that needs no map.
        received_at: when it was received; now, if not given.

    Raises:
        UnreadableInput: there is no such format.
        Unavailable: the database does not answer. Nothing was written, and nothing may be acknowledged.
    """
    incoming = [Incoming(raw, control_id)]
    return receive_messages(lake, incoming, source=source, format=format, received_at=received_at)[0]


def receive_messages(
    lake: Lake,
    incoming: Sequence[Incoming],
    *,
    source: str,
    format: str = HL7V2,  # noqa: A002
    received_at: datetime | None = None,
    read: Reader | None = None,
) -> list[Message]:
    """Receives several messages in one transaction; when this returns, all of them are on disk.

    They are taken in the order in which they are given. Of equal ones the first counts.

    Args:
        lake: where they go.
        incoming: the messages.
        source: the name of the feed.
        format: one of ``ingest.FORMATS`` that needs no map.
        received_at: when they were received; now, if not given.
        read: what makes resources of them; the reader of that format, if not given.

    Returns:
        What became of each, in their order.

    Raises:
        UnreadableInput: there is no such format.
        Unavailable: the database does not answer. Nothing was written, and nothing may be acknowledged.
        Conflict: other processes received the same messages at the same moment, again and again.
    """
    batch = _Batch(lake, source, format, received_at or datetime.now(UTC), read or reader(format))
    return _isolated(batch, incoming)


class _Batch(NamedTuple):
    """What the messages of one call share."""

    lake: Lake
    source: str
    format: str
    moment: datetime
    read: Reader


def _isolated(batch: _Batch, incoming: Sequence[Incoming]) -> list[Message]:
    """Receives messages together; if one of them is such that none can be written, each by itself."""
    try:
        return _together(batch, incoming)
    except VesaliusError:
        raise
    except Exception as error:
        if len(incoming) > 1:
            return [message for each in incoming for message in _isolated(batch, [each])]
        if incoming[0].fault:
            raise
        (only,) = incoming
        return _together(batch, [Incoming(only.raw, only.control_id, only.refusal, _defect(error))])


def _together(batch: _Batch, incoming: Sequence[Incoming]) -> list[Message]:
    digests = [hashlib.sha256(each.raw).hexdigest() for each in incoming]
    for _ in range(_ATTEMPTS):
        try:
            return _received(batch, incoming, digests)
        except sa.exc.IntegrityError:  # another process took one of them in meanwhile: now we find it
            continue
    raise Conflict("the same messages are being received at this moment", hint="try again")


def _received(batch: _Batch, incoming: Sequence[Incoming], digests: Sequence[str]) -> list[Message]:
    drafts: dict[str, _Draft] = {}
    judge = Judge(batch.lake, batch.moment)
    for digest, each in zip(digests, incoming, strict=True):
        if digest not in drafts:
            drafts[digest] = _drafted(batch, digest, each, judge)
    before = _write(batch, drafts)
    found = [before.get(digest) or drafts[digest].message for digest in digests]
    return [_told(each, digests[:number]) for number, each in enumerate(found)]


def _told(message: Message, before: Sequence[str]) -> Message:
    if message.repeated or message.sha256 not in before:
        return message
    return msgspec.structs.replace(message, repeated=True)


def _plain(control_id: str) -> str:
    """As much of a sender's own name as the table holds; PostgreSQL keeps no NUL."""
    return control_id.replace("\x00", "")[:200]


# Reading and judging ---------------------------------------------------------------------------------------


def _drafted(batch: _Batch, digest: str, incoming: Incoming, judge: Judge) -> _Draft:
    control_id = _plain(incoming.control_id)
    message = Message(source=batch.source, control_id=control_id, sha256=digest, received_at=batch.moment)
    draft = _Draft(message, incoming.raw)
    if incoming.refusal:
        draft.message = _marked(message, REFUSED, incoming.refusal)
        return draft
    for item in _items(incoming, batch.read):
        draft.items += 1
        try:
            draft.arrivals += _arrivals(judge, item)
        except FaultError as fault:
            draft.faults.append(Fault(draft.items, item, fault))
    if draft.faults:
        draft.message = _marked(message, HELD, draft.faults[0].error)
    return draft


def _marked(message: Message, status: str, fault: FaultError) -> Message:
    return msgspec.structs.replace(message, status=status, cause=fault.cause.value, words=fault.words)


def _items(incoming: Incoming, read: Reader) -> list[Item]:
    """The items of a message, at least one; whatever goes wrong, its bytes are in one of them."""
    if incoming.fault:
        return [Item("the message", incoming.raw, fault=incoming.fault)]
    try:
        found = list(read(io.BytesIO(incoming.raw)))
    except FaultError as fault:
        return [Item("the message", incoming.raw, fault=fault)]
    except UnreadableInput as error:
        return [Item("the message", incoming.raw, fault=FaultError(Cause.MALFORMED, str(error)))]
    except Unavailable:
        raise
    except Exception as error:
        return [Item("the message", incoming.raw, fault=_defect(error))]
    if not found:
        return [Item("the message", incoming.raw, fault=FaultError(Cause.MALFORMED, "it holds nothing"))]
    return found


def _arrivals(judge: Judge, item: Item) -> list[Arrival]:
    try:
        return judge.arrivals(item)
    except (FaultError, Unavailable):
        raise
    except Exception as error:
        raise _defect(error) from None


def _defect(error: Exception) -> FaultError:
    """The fault of our own mistake: the message is kept until it is mended. No value goes into the log."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    words = f"{type(error).__name__} in {place.name}, line {place.lineno}"
    _log.error("a message could not be converted, by a defect of Vesalius: %s", words)
    return FaultError(Cause.DEFECT, f"Vesalius itself failed on it: {words}")


# Writing ---------------------------------------------------------------------------------------------------


def _write(batch: _Batch, drafts: Mapping[str, _Draft]) -> dict[str, Message]:
    """Writes what is new, in one transaction; gives what was received before, as it stands now."""
    lake, source = batch.lake, batch.source
    with writing(lake.engine) as connection:
        before = _before(connection, source, drafts)
        # What was refused left nothing behind, and may be welcome now.
        again = [
            digest
            for digest, message in before.items()
            if message.status == REFUSED and drafts[digest].message.status != REFUSED
        ]
        for digest in again:
            del before[digest]
        new = [draft for digest, draft in drafts.items() if digest not in before]
        if new:
            arrivals = [arrival for draft in new for arrival in draft.arrivals]
            # First, because it queues up behind the other writers of the log: two that waited for each other
            # over the rows below would never end.
            written = finishing.written(lake, arrivals, source, batch.moment, connection)
            for digest in again:
                rows.forget(connection, source, digest)
            _keep(connection, batch, new, written)
    return before


def _before(connection: sa.Connection, source: str, digests: Iterable[str]) -> dict[str, Message]:
    found = {}
    for control_id, sha256, received_at, status, cause, words, released in rows.known(
        connection, source, digests
    ):
        taken = bool(released)  # from quarantine, since
        found[sha256] = Message(
            source=source,
            control_id=control_id,
            sha256=sha256,
            received_at=from_microseconds(received_at),
            status=TAKEN if taken else status,
            cause="" if taken else cause,
            words="" if taken else words,
            repeated=True,
        )
    return found


def _keep(connection: sa.Connection, batch: _Batch, drafts: Sequence[_Draft], written: Written) -> None:
    """Adds the messages to the receipt of the day, holds what is to be held, and keeps the bytes."""
    receipt, ordinal = _counted(connection, batch, drafts, written)
    kept = []
    for draft in drafts:
        if draft.faults:
            moved = [each._replace(ordinal=ordinal + each.ordinal) for each in draft.faults]
            hold(connection, receipt, moved)
        kept.append(_row(draft, receipt, ordinal + 1))
        ordinal += draft.items
    rows.insert(connection, kept)


def _row(draft: _Draft, receipt: Receipt, ordinal: int) -> rows.Row:
    message = draft.message
    return {
        "receipt_id": receipt.id,
        "ordinal": ordinal,
        "items": draft.items,
        "source": message.source,
        "control_id": message.control_id,
        "sha256": message.sha256,
        "received_at": microseconds(message.received_at),
        "status": message.status,
        "cause": message.cause,
        "words": message.words,
        "raw": zlib.compress(draft.raw, 1),
    }


def _counted(
    connection: sa.Connection, batch: _Batch, drafts: Sequence[_Draft], written: Written
) -> tuple[Receipt, int]:
    """The receipt of the day with these messages added, and how many items it had before."""
    name = f"messages of {batch.moment.astimezone(UTC):%Y-%m-%d}"
    receipt = Receipt(
        id=0,
        source=batch.source,
        name=name,
        sha256=hashlib.sha256(f"{batch.format} {name}".encode()).hexdigest(),  # of no bytes: they are many
        format=batch.format,
        received_at=batch.moment,
        status=COMPLETE,
        read=sum(draft.items for draft in drafts),
        written=written.written,
        unchanged=written.unchanged,
        quarantined=sum(len(draft.faults) for draft in drafts),
    )
    row = msgspec.structs.asdict(receipt) | {"received_at": microseconds(batch.moment)}
    id_, read = rows.count(connection, row)
    return msgspec.structs.replace(receipt, id=id_), read - receipt.read
