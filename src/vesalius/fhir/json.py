"""FHIR's JSON without loss: the digits of a decimal are part of its value (1.0 is not 1.00)."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import Any

import msgspec

from vesalius.errors import InvalidResource

_DECODER = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_CANONICAL = msgspec.json.Encoder(decimal_format="number", order="sorted")

UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError, ArithmeticError)
"""What a decoder raises for bytes that are not JSON, or are but cannot be held."""


def unreadable(error: Exception) -> str:
    """Why bytes cannot be read as JSON, without any of them."""
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    return "is not UTF-8" if isinstance(error, UnicodeError) else f"is not JSON: {error}"


def load(raw: bytes) -> dict[str, Any]:
    """A resource from its JSON; a number with a point or an exponent becomes a ``Decimal``, digits kept.

    >>> load(b'{"value": 1.00}')
    {'value': Decimal('1.00')}

    Raises:
        InvalidResource: it is not a JSON object in UTF-8.
    """
    try:
        return _DECODER.decode(raw)
    except msgspec.ValidationError:
        raise InvalidResource("is not a JSON object") from None
    except UNREADABLE as error:
        raise InvalidResource(unreadable(error)) from None


def dump(resource: dict[str, Any]) -> bytes:
    """The JSON of a resource, its elements in the order they have; a ``Decimal`` keeps its digits."""
    return _encoded(_ENCODER, resource)


def canonical(resource: dict[str, Any]) -> bytes:
    """The one JSON form of a resource: keys sorted, no spaces, decimals with their digits.

    >>> canonical({"b": Decimal("1.00"), "a": 1})
    b'{"a":1,"b":1.00}'
    """
    return _encoded(_CANONICAL, resource)


def digest(resource: bytes | dict[str, Any]) -> str:
    """The SHA-256, in hexadecimal, of the canonical form of a resource (decoded, or JSON in any layout)."""
    body = canonical(load(resource) if isinstance(resource, bytes) else resource)
    return hashlib.sha256(body).hexdigest()


written_sorted = _CANONICAL.encode
"""As :func:`canonical`, of whatever structs hold the elements of a resource."""


def _encoded(encoder: msgspec.json.Encoder, resource: dict[str, Any]) -> bytes:
    try:
        return encoder.encode(resource)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidResource(f"cannot be written as JSON ({type(error).__name__})") from None
