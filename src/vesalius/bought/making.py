"""Who made a bought system, as its device in the lake says it: for the mirror of its suggestions in FHIR."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from vesalius.errors import NotFound
from vesalius.governance.register import bought

if TYPE_CHECKING:
    from vesalius.lake import Lake


class Maker(TypedDict):
    """What :func:`vesalius.review.fhir_mirror.mirror` is told of a bought system."""

    manufacturer: str
    udi: str


def maker(lake: Lake, name: str) -> Maker:
    """Who made the system ``name``, and the device identifier of its UDI; empty for one of our own."""
    entry = bought(lake.engine, name)
    if entry is None:
        return Maker(manufacturer="", udi="")
    try:
        device = lake.read(entry.device)
    except NotFound:  # it is recognised by the system of its identifiers
        device = None
    carriers = device.resource.get("udiCarrier", ()) if device else ()
    udi = next((str(each["deviceIdentifier"]) for each in carriers if each.get("deviceIdentifier")), "")
    return Maker(manufacturer=entry.maker, udi=udi)
