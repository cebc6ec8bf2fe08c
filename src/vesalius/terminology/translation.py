"""The step of ingest: what arrives gets the standard codings that people decided on."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa

from vesalius.store import reading
from vesalius.terminology.codebook import Codebook
from vesalius.terminology.mappings import decisions, newest

SECONDS = 1.0
"""For how long the decisions are taken from memory; what a decision of that moment misses, applying it to the
past finds."""


class Translation:
    """Adds to each resource the codings of the decisions in force.

    Args:
        engine: the database that holds the decisions.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._book = Codebook(decisions(engine))
        self._until = time.monotonic() + SECONDS

    def __call__(self, resource: dict[str, Any]) -> dict[str, Any] | None:
        """A changed copy, or None where there is nothing to add."""
        if time.monotonic() > self._until:
            self._refresh()
        return self._book.recoded(resource)

    def _refresh(self) -> None:
        with reading(self._engine) as connection:
            if newest(connection) != self._book.newest:
                self._book = Codebook(decisions(connection))
        self._until = time.monotonic() + SECONDS
