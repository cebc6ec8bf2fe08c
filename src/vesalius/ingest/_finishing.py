"""What the hospital itself adds to a resource on its way in, whatever its format.

A step takes a decoded resource and gives back a changed copy, or None where there is nothing to change,
which is the rule: it must cost next to nothing then. Steps come after reading and before the checks, at a
retry of the quarantine too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vesalius import fhir
from vesalius.ingest._items import Found
from vesalius.lake import Lake
from vesalius.terminology import Translation

Step = Callable[[dict[str, Any]], dict[str, Any] | None]


def steps(lake: Lake) -> tuple[Step, ...]:
    """The steps of one run, in their order."""
    return (Translation(lake.engine),)


def finished(found: Found, by: tuple[Step, ...]) -> Found:
    """What a resource becomes by some steps; itself, byte for byte, if they change nothing."""
    resource = found.resource
    for step in by:
        resource = step(resource) or resource
    return found if resource is found.resource else Found(resource, fhir.dump(resource))
