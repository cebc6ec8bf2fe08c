"""The envelope of every model file: canonical JSON that names its schema and holds its own check sum."""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

import msgspec

from vesalius.errors import InvalidModel

LARGEST_FILE = 32 * 1024 * 1024
"""Bytes beyond which a file is refused unread."""

Written = TypeVar("Written")


class Envelope(msgspec.Struct, forbid_unknown_fields=True):
    """What is around the model."""

    schema: str
    model: msgspec.Raw
    sha256: str


def written(model: Any, schema: str) -> bytes:
    """The file: sorted keys, no spaces."""
    body = msgspec.json.encode(model, order="sorted")
    check = hashlib.sha256(body).hexdigest()
    return b'{"model":%b,"schema":"%b","sha256":"%b"}' % (body, schema.encode(), check.encode())


def opened(raw: bytes) -> Envelope:
    """The envelope, its model still unread.

    Raises:
        InvalidModel: too large, or not such an envelope.
    """
    if len(raw) > LARGEST_FILE:
        raise InvalidModel(f"the model file has {len(raw)} bytes; the most allowed is {LARGEST_FILE}")
    try:
        return msgspec.json.decode(raw, type=Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(error) from error


def read(raw: bytes, kind: type[Written], schema: str) -> Written:
    """The model in a file of this schema; whatever is wrong with it, nothing is run and nothing is guessed.

    Raises:
        InvalidModel: too large, not JSON, another schema, or damaged.
    """
    envelope = opened(raw)
    if envelope.schema != schema:
        raise InvalidModel(f"model schema {envelope.schema[:40]!r} is unknown", hint=f"expected: {schema}")
    try:
        model = msgspec.json.decode(envelope.model, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(error) from error
    if written(model, schema) != raw:
        raise InvalidModel(
            "the model file is damaged: its check sum differs", hint="restore it from a backup"
        )
    return model


def _unreadable(error: Exception) -> InvalidModel:
    return InvalidModel(f"the model file cannot be read: {error}", hint="train the model again")
