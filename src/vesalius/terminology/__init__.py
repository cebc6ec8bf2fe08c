"""What does this code mean? Local codes, the standard ones that people map them to, and what is open."""

from vesalius.terminology.application import apply, waiting
from vesalius.terminology.codebook import Codebook
from vesalius.terminology.concepts import ANY_KIND, ANY_UNIT, MARK, TEXT, Key
from vesalius.terminology.mappings import (
    APPLIED,
    EQUIVALENCES,
    NOT_MAPPABLE,
    Decision,
    Withdrawal,
    decide,
    decisions,
    in_force,
    withdraw,
)
from vesalius.terminology.seen import behind, recount, refresh
from vesalius.terminology.translation import Translation
from vesalius.terminology.worklist import Entry, Share, Worklist, worklist

__all__ = [
    "ANY_KIND",
    "ANY_UNIT",
    "APPLIED",
    "EQUIVALENCES",
    "MARK",
    "NOT_MAPPABLE",
    "TEXT",
    "Codebook",
    "Decision",
    "Entry",
    "Key",
    "Share",
    "Translation",
    "Withdrawal",
    "Worklist",
    "apply",
    "behind",
    "decide",
    "decisions",
    "in_force",
    "recount",
    "refresh",
    "waiting",
    "withdraw",
    "worklist",
]
