"""What many messages share, made once of its text: codes, units, entries of the hospital's registers."""

from __future__ import annotations

from typing import Any

from vesalius import fhir
from vesalius.ingest._items import Found


class Known(dict[str, Any]):
    """A value that is shared: nothing is put into it, only into a copy of it (:func:`own`).

    Attributes:
        kept: what is left of it when it is completed, by the type that it is there.
        typed: the same as the type of an identifier, once it was one.
    """

    __slots__ = ("kept", "typed")

    def __init__(self, value: dict[str, Any]) -> None:
        super().__init__(value)
        self.kept: dict[str, dict[str, Any] | None] = {}
        self.typed: Known | None = None


class Entry(dict[str, Any]):
    """A resource of a hospital's register that is shared: nothing is put into it.

    Attributes:
        found: the same with its JSON, which was made and looked at once.
    """

    __slots__ = ("found",)

    def __init__(self, resource: dict[str, Any]) -> None:
        super().__init__(resource)
        body = fhir.dump(resource)
        self.found = Found(self, body, fhir.usual(body))


def own(value: Any) -> Any:
    """A copy, down to its last list, of which nothing is shared."""
    if isinstance(value, dict):
        return {name: own(one) if isinstance(one, _HOLDERS) else one for name, one in value.items()}
    return [own(one) for one in value] if isinstance(value, list) else value


_HOLDERS = (dict, list)
