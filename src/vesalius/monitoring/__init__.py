"""Watching each use for ever after: what its suggestions, their outcomes and people's answers add up to.

Counts are kept, one tally per use, model, settings and day; never a row of a patient. From them follow drift,
performance, calibration, subgroups and what people do with the suggestions; alarms; and the stop rules that
take a live use back to silence by themselves. :mod:`vesalius.monitoring.refreshing` does the work, after each
turn of the loop; :mod:`vesalius.monitoring.status` is what the pages read.
"""

from vesalius.monitoring.alarms import Alarm, Finding, acknowledge, undo
from vesalius.monitoring.status import Figures, Range, Status, Week, attention, status, statuses

__all__ = [
    "Alarm",
    "Figures",
    "Finding",
    "Range",
    "Status",
    "Week",
    "acknowledge",
    "attention",
    "status",
    "statuses",
    "undo",
]
