"""Conditions by identifier: create only what is not there yet, refer to what has this identifier."""

from __future__ import annotations

from dataclasses import dataclass

from vesalius import fhir
from vesalius.api.calls import Call, known_type, read_query
from vesalius.api.outcomes import Refusal
from vesalius.lake import Version

ONLY = "the only condition that is supported is identifier=system|value, with one value"


class AgainError(Exception):
    """What a condition found has changed before it could be acted upon; look again."""


@dataclass(frozen=True)
class Condition:
    """A resource of a type that has an identifier.

    Attributes:
        kind: the resource type.
        system: of the identifier; empty for one without, None for any.
        value: of the identifier.
    """

    kind: str
    system: str | None
    value: str

    @classmethod
    def read(cls, kind: str, text: str) -> Condition:
        """The condition that a query says, as in ``identifier=urn:oid:1.2|A1``.

        Raises:
            Refusal: it says another one.
        """
        query = read_query(text)
        if len(query) != 1 or query[0][0] != "identifier" or "," in query[0][1]:
            raise Refusal(412, "not-supported", ONLY)
        system, bar, value = query[0][1].rpartition("|")
        if not value or not any(element.name == "identifier" for element in fhir.elements(known_type(kind))):
            raise Refusal(412, "not-supported", ONLY)
        return cls(kind, system if bar else None, value)


def met(call: Call, condition: Condition) -> Version | None:
    """The one resource that meets a condition, or None.

    Raises:
        Refusal: several do.
    """
    return one(call.hospital.lake.identified(condition.kind, condition.value, condition.system))


def one(found: list[Version]) -> Version | None:
    """The one resource that was found, or None.

    Raises:
        Refusal: there are several.
    """
    if len(found) > 1:
        raise Refusal(412, "multiple-matches", "several resources have this identifier")
    return found[0] if found else None
