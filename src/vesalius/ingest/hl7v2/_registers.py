"""Doctors, wards, beds, organisations, codes: they come back in nearly every message, and are converted once.

What a field says of one of them depends on the field alone (and on who sent it), so that it is remembered by
the text of the field. What is of a patient is not remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vesalius.ingest.hl7v2._complete import completed
from vesalius.ingest.hl7v2._ids import REGISTERS, Ids
from vesalius.ingest.hl7v2._run import Draft, Mark, Named, Run
from vesalius.ingest.hl7v2._shared import Entry, Known, own

Remembered = tuple[str, Named]
"""The reference to the first resource that a text gave, empty if it gave none, and all of them."""

_MOST = 8192


class Registers:
    """The resources that a text gave, with the reference to the first of them; the most recent of them."""

    def __init__(self) -> None:
        self._values: dict[Any, Any] = {}
        self._known: dict[Any, Remembered] = {}

    def get(self, key: Any) -> Remembered | None:
        """What a text gave before; None if it was not seen yet."""
        return self._known.get(key)

    def clear(self) -> None:
        """Forgets them."""
        self._known.clear()
        self._values.clear()

    def remembering(
        self, name: str, make: Callable[[Run, list[str]], Any], *, shared: bool
    ) -> Callable[[Run, list[str]], Any]:
        """A data type map that makes a value of the same components once.

        After that it gives the same value (``shared``), or a copy of it.
        """

        def made(run: Run, parts: list[str]) -> Any:
            key = (name, *parts, run.context)
            known = self._values.get(key)
            if known is None:
                before = len(run.drafts)
                known = make(run, parts)
                if known is None or len(run.drafts) > before:
                    return known
                if shared and isinstance(known, dict):
                    known = Known(known)
                if len(self._values) >= _MOST:
                    self._values.clear()
                self._values[key] = known
            return known if type(known) is Known else own(known)

        return made

    def keep(self, key: Any, run: Run, first: Draft | None, since: tuple[Mark, Named]) -> Remembered | None:
        """Finishes the drafts that a text gave and remembers them.

        Args:
            key: the text, and all else that they depend on.
            run: the message.
            first: the one that is referred to, if any.
            since: when they were not begun yet, and the registers that came of the text since then.

        Returns:
            The reference and the resources; None, and all as it was, if one of them is of another kind.
        """
        mark, nested = since
        fresh = list(run.since(mark))
        if any(isinstance(one, Draft) and one.type not in REGISTERS for one in fresh):
            return None
        run.back(mark)
        ids, found = Ids(run), dict(nested)
        for one in fresh:
            if not isinstance(one, Draft):
                found.update(one)
            elif one.said:
                whole = {"resourceType": one.type, "id": ids.of(one)}
                whole |= completed(one.type, one.resource, ids)
                found[one.type, one.id] = Entry(whole)
        made = (f"{first.type}/{first.id}" if first and first.said else "", found)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = made
        return made
