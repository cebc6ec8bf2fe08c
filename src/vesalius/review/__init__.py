"""The review: what was suggested, what a person decided on it and why, and what happened.

A suggestion is never an act: it waits on a worklist until a person accepts, modifies, overrides or defers it.
"""

from vesalius.review import erasing
from vesalius.review._review import Review, Witness, withdraw
from vesalius.review.decisions import WORDS
from vesalius.review.fhir_mirror import mirror
from vesalius.review.figures import Agreement, Cell, Count, Day, Delays
from vesalius.review.records import (
    ACTIONS,
    DECIDED,
    OUTCOME_WINDOW,
    URGENCY,
    WAITING,
    About,
    Action,
    Decision,
    Display,
    Filed,
    KnownOutcome,
    Mode,
    Page,
    Reviewed,
    Silent,
    Status,
)
from vesalius.review.worklist import FACETS, Filters

__all__ = [
    "ACTIONS",
    "DECIDED",
    "FACETS",
    "OUTCOME_WINDOW",
    "URGENCY",
    "WAITING",
    "WORDS",
    "About",
    "Action",
    "Agreement",
    "Cell",
    "Count",
    "Day",
    "Decision",
    "Delays",
    "Display",
    "Filed",
    "Filters",
    "KnownOutcome",
    "Mode",
    "Page",
    "Review",
    "Reviewed",
    "Silent",
    "Status",
    "Witness",
    "erasing",
    "mirror",
    "withdraw",
]
