"""What the hospital itself adds to a resource on its way in, whatever its format.

A step takes a decoded resource and gives back a changed copy, or None where there is nothing to change,
which is the rule: it must cost next to nothing then. Steps come after reading and before the checks, at a
retry of the quarantine too.

:func:`written` is what follows once it is checked: what concerns a merged patient follows the merge.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from vesalius import fhir, identity
from vesalius.errors import Conflict
from vesalius.ingest._items import Found
from vesalius.ingest._mentions import Mentions
from vesalius.lake import Arrival, Lake, Written
from vesalius.terminology import translation


class Step(Protocol):
    """One step."""

    def passes(self, found: Found) -> bool:
        """Whether it leaves a resource of the usual form as it is; if all steps do, it is not decoded."""

    def __call__(self, resource: dict[str, Any]) -> dict[str, Any] | None:
        """A changed copy, or None."""


def steps(lake: Lake) -> tuple[Step, ...]:
    """The steps of one run, in their order."""
    return (Mentions(lake), translation(lake.engine))


def finished(found: Found, by: tuple[Step, ...]) -> Found:
    """What a resource becomes by some steps; itself, byte for byte, if they change nothing."""
    if found.usual:
        for step in by:
            if not step.passes(found):
                break
        else:
            return found
    resource = found.resource
    for step in by:
        resource = step(resource) or resource
    return found if resource is found.resource else Found(resource, fhir.dump(resource))


def written(
    lake: Lake, arrivals: Sequence[Arrival], source: str, received_at: datetime, connection: sa.Connection
) -> Written:
    """Writes what arrived as it was sent, and what it becomes by the merges of patients that hold.

    Raises:
        Conflict: some of it was erased on request after it was judged; judged again, it is held.
    """
    written = identity.write(lake, arrivals, source, received_at, connection)
    # Looked at last, when this transaction has its turn in the log: no erasure can come between any more.
    if (marks := lake.marks(connection)) and any(
        marks.hold(f"{each.type}/{each.id}", each.subject) for each in arrivals
    ):
        raise Conflict("some of it was erased on request meanwhile", hint="send it again")
    return written
