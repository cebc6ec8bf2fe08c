"""What machines see: FHIR R4 over HTTP."""

from vesalius.api.application import OPERATIONS, app
from vesalius.api.calls import PREFIX
from vesalius.api.imports import resume

__all__ = ["OPERATIONS", "PREFIX", "app", "resume"]
