"""What does this code mean? Local codes, the standard ones that people map them to, and what is open."""

from vesalius.terminology.analytes import Analyte, Code, Match, analytes, by_loinc, find
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
from vesalius.terminology.patterns import CodeSystem, code_system, loinc_is_valid
from vesalius.terminology.seen import behind, recount, refresh
from vesalius.terminology.suggestions import Suggested, Suggestions
from vesalius.terminology.translation import Translation
from vesalius.terminology.units import same_unit, ucum, unit_in_name
from vesalius.terminology.worklist import Entry, Share, Worklist, worklist

__all__ = [
    "ANY_KIND",
    "ANY_UNIT",
    "APPLIED",
    "EQUIVALENCES",
    "MARK",
    "NOT_MAPPABLE",
    "TEXT",
    "Analyte",
    "Code",
    "CodeSystem",
    "Codebook",
    "Decision",
    "Entry",
    "Key",
    "Match",
    "Share",
    "Suggested",
    "Suggestions",
    "Translation",
    "Withdrawal",
    "Worklist",
    "analytes",
    "apply",
    "behind",
    "by_loinc",
    "code_system",
    "decide",
    "decisions",
    "find",
    "in_force",
    "loinc_is_valid",
    "recount",
    "refresh",
    "same_unit",
    "ucum",
    "unit_in_name",
    "waiting",
    "withdraw",
    "worklist",
]
