"""What the lake hands out and takes in: one version of one resource."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec

from vesalius import fhir
from vesalius.errors import NotFound

HISTORY = "_history"

MADE_HERE = frozenset({"identity", "vesalius:terminology", "erased"})
"""The sources under which rooms of this house write: what they made of something that somebody sent."""


@dataclass(frozen=True)
class Version:
    """One version of one resource, as it was received.

    Attributes:
        type, id: which resource.
        version: 1 for the first version that arrived, then 2, 3 …
        seq: its place in the log, from 1; unique over the whole lake.
        recorded_at: when its content was known to the hospital (issued, recorded, authored), in UTC.
        received_at: when the lake received it, in UTC.
        source: where it came from, as the receipt names it.
        subject: the patient it is about, as ``Patient/ID``, or None.
        body: the JSON, byte for byte as it was received.
    """

    type: str
    id: str
    version: int
    seq: int
    recorded_at: datetime
    received_at: datetime
    source: str
    subject: str | None
    body: bytes

    @property
    def sent(self) -> bool:
        """Whether somebody sent it; else a room of this house made it of what was sent."""
        return self.source not in MADE_HERE

    @property
    def reference(self) -> str:
        """Names this very version: ``Observation/1/_history/2``."""
        return f"{self.type}/{self.id}/{HISTORY}/{self.version}"

    def concerns(self, patients: AbstractSet[str]) -> bool:
        """Whether it is about one of some patients (``Patient/ID``).

        A version of a type that is not about one patient alone (:func:`vesalius.fhir.shared`: a group, an
        appointment, a device) concerns everybody whom it names.
        """
        return concerns(self.type, self.subject, self.body, patients)

    @cached_property
    def resource(self) -> dict[str, Any]:
        """The decoded resource; decimals keep their digits. Do not change it: it is shared."""
        return fhir.load(self.body)


def concerns(type_: str, subject: str | None, body: bytes, patients: AbstractSet[str]) -> bool:
    """What :meth:`Version.concerns` says, of a type, the patient it is about and its JSON."""
    if not patients:
        return False
    return subject in patients or (fhir.shared(type_) and not patients.isdisjoint(fhir.named(body)))


class Arrival(msgspec.Struct, frozen=True):
    """One resource on its way in, already checked.

    Attributes:
        body: the JSON to keep, byte for byte.
        type, id: which resource.
        subject: the patient it is about, as ``Patient/ID``, or None.
        recorded_at: when its content was known, if it says so itself; None means "when it was received".
        digest: the SHA-256 of its canonical form (``fhir.digest``); equal digests mean equal content.
    """

    body: bytes
    type: str
    id: str
    subject: str | None
    recorded_at: datetime | None
    digest: str

    @classmethod
    def of(cls, body: bytes, recorded_at: datetime | None = None, digest: str = "") -> Arrival:
        """The arrival of one JSON resource that is known to be valid R4 with an id.

        ``recorded_at`` and ``digest``, where they are given, stand for what the resource says itself.
        """
        resource = fhir.load(body)
        return cls(
            body=body,
            type=resource["resourceType"],
            id=resource["id"],
            subject=fhir.subject(resource),
            recorded_at=recorded_at or fhir.recorded(resource),
            digest=digest or fhir.digest(body),
        )


class Written(msgspec.Struct, frozen=True):
    """How many arrivals became new versions, and how many were already there, unchanged."""

    written: int = 0
    unchanged: int = 0


def parse_reference(reference: str) -> tuple[str, str, int | None]:
    """The type, the id and, if the reference names one, the version.

    Raises:
        NotFound: it is neither ``Type/ID`` nor ``Type/ID/_history/N``.

    Examples:
        >>> parse_reference("Observation/1/_history/2")
        ('Observation', '1', 2)
    """
    parts = reference.split("/")
    if len(parts) == 2 and all(parts):
        return parts[0], parts[1], None
    if len(parts) == 4 and all(parts) and parts[2] == HISTORY and parts[3].isdecimal():
        return parts[0], parts[1], int(parts[3])
    raise NotFound("a reference to a resource has the form Type/ID or Type/ID/_history/N")
