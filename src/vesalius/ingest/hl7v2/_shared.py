"""Values that many resources share: codes and units, made once of a text that comes back in every message."""

from __future__ import annotations

from typing import Any


class Known(dict[str, Any]):
    """A value that is shared: nothing is put into it, only into a copy of it (:func:`own`).

    Attributes:
        kept: what is left of it when it is completed, by the type that it is there.
    """

    __slots__ = ("kept",)

    def __init__(self, value: dict[str, Any]) -> None:
        super().__init__(value)
        self.kept: dict[str, dict[str, Any] | None] = {}


def own(value: Any) -> Any:
    """A copy, down to its last list, of which nothing is shared."""
    if isinstance(value, dict):
        return {name: own(one) if isinstance(one, _HOLDERS) else one for name, one in value.items()}
    return [own(one) for one in value] if isinstance(value, list) else value


_HOLDERS = (dict, list)
