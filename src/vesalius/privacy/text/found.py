"""What is found in a text, and how a recogniser of another make says it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What identifies, in the order in which it wins where two overlap."""

    EMAIL = "email"
    URL = "url"
    IBAN = "iban"
    NISS = "niss"
    NIHDI = "nihdi"
    BIRTH_DATE = "birth-date"
    DATE = "date"
    PHONE = "phone"
    HOSPITAL = "hospital"
    ADDRESS = "address"
    NAME = "name"
    ZIP = "zip"
    CITY = "city"
    ID = "id"
    AGE = "age"


class Found(msgspec.Struct, frozen=True, order=True):
    """A stretch of a text that identifies.

    Attributes:
        start: of its first character.
        end: after its last.
        kind: what it is.
    """

    start: int
    end: int
    kind: Kind


Recogniser = Callable[[str], Iterable[Found]]
"""Finds more in a text: a hospital's own model, by the entry points ``vesalius.recognisers``."""
