"""The step of ingest: what arrives gets the standard codings that people decided on."""

from __future__ import annotations

import time
from typing import Any
from weakref import WeakKeyDictionary, ref

import sqlalchemy as sa

from vesalius.store import reading
from vesalius.terminology.codebook import Codebook
from vesalius.terminology.mappings import changes, decisions, newest

SECONDS = 1.0
"""For how long the decisions of other processes are taken from memory; what a decision of that moment misses,
applying it to the past finds."""


class Translation:
    """Adds to each resource the codings of the decisions in force.

    Args:
        engine: the database that holds the decisions; it must outlive the translation.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = ref(engine)
        self._book = Codebook(())
        self._until, self._changes = 0.0, -1

    def passes(self, found: object) -> bool:  # noqa: ARG002
        """Whether there is nothing to add to any resource: nobody has decided anything yet."""
        self._refresh_in_time()
        return not self._book.own

    def __call__(self, resource: dict[str, Any]) -> dict[str, Any] | None:
        """A changed copy, or None where there is nothing to add."""
        self._refresh_in_time()
        return self._book.recoded(resource)

    def _refresh_in_time(self) -> None:
        if time.monotonic() > self._until or self._changes != changes():
            self._refresh()

    def _refresh(self) -> None:
        engine, seen = self._engine(), changes()
        assert engine is not None
        with reading(engine) as connection:
            if newest(connection) != self._book.newest:
                self._book = Codebook(decisions(connection))
        self._until, self._changes = time.monotonic() + SECONDS, seen


_kept: WeakKeyDictionary[sa.Engine, Translation] = WeakKeyDictionary()


def translation(engine: sa.Engine) -> Translation:
    """The one translation of a database in this process: a message by itself need not read every decision."""
    if engine not in _kept:
        _kept[engine] = Translation(engine)
    return _kept[engine]
