"""What local names and codes mean in the code systems that hospitals share.

Guesses for a person to confirm, from a table of common analytes: nothing here decides by itself.
"""

from vesalius.terminology.analytes import Analyte, Code, Match, analytes, by_loinc, find
from vesalius.terminology.patterns import CodeSystem, code_system, loinc_is_valid
from vesalius.terminology.units import same_unit, ucum, unit_in_name

__all__ = [
    "Analyte",
    "Code",
    "CodeSystem",
    "Match",
    "analytes",
    "by_loinc",
    "code_system",
    "find",
    "loinc_is_valid",
    "same_unit",
    "ucum",
    "unit_in_name",
]
