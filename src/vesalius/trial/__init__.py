"""The silent trial: a use runs unseen beside the clinicians until enough has been seen to decide.

What is to be shown is registered first; then the figures are looked at only when it was planned; and a word
says when it is enough.
"""

from vesalius.trial.cases import shown
from vesalius.trial.looking import look, state, turn
from vesalius.trial.planning import Size, propose, register, size
from vesalius.trial.records import (
    ENDED,
    Accrual,
    Cell,
    Changed,
    Draft,
    Group,
    Look,
    Plan,
    State,
    Verdict,
)

__all__ = [
    "ENDED",
    "Accrual",
    "Cell",
    "Changed",
    "Draft",
    "Group",
    "Look",
    "Plan",
    "Size",
    "State",
    "Verdict",
    "look",
    "propose",
    "register",
    "shown",
    "size",
    "state",
    "turn",
]
