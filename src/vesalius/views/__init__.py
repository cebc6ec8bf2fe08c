"""SQL on FHIR v2: the one way to turn resources into tables.

A ViewDefinition runs on decoded resources (the online path: one patient, no SQL), on the lake, or on files
where they lie; all give the same rows. :mod:`vesalius.views.features` goes on from long rows to one row per
candidate, as of its moment.
"""

from vesalius.views._checking import Problem, check
from vesalius.views._duckdb import Limits
from vesalius.views._files import Files
from vesalius.views._view import View

__all__ = ["Files", "Limits", "Problem", "View", "check"]
