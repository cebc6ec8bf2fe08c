"""What can be told of a code by its form alone: check digits and patterns. That it exists, no form tells.

Sources: LOINC and SNOMED CT as in :mod:`vesalius.terminology.patterns`; WHO Collaborating Centre for Drug
Statistics Methodology, "ATC structure and principles" (five levels); the CNK is the seven-digit number of a
Belgian package (APB); UCUM specification, "Character set and lexical rules" (printable ASCII, no spaces).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from vesalius.terminology.patterns import loinc_is_valid, snomed_is_valid

_ATC = re.compile(r"[A-Z](\d\d([A-Z]([A-Z](\d\d)?)?)?)?", re.ASCII)
_CNK = re.compile(r"\d{7}", re.ASCII)
_ICD10 = re.compile(r"[A-Z]\d[0-9A-Z](\.?[0-9A-Z]{1,4})?", re.ASCII)
_UCUM = re.compile(r"[!-~]+", re.ASCII)
_TOKEN = re.compile(r"\S+( \S+)*")


def unit(code: str) -> bool:
    """Whether it can be a UCUM unit: no spaces, and its brackets close; it is not parsed further.

    >>> unit("10*9/L"), unit("mmol / l"), unit("mg/(24.h")
    (True, False, False)
    """
    return bool(_UCUM.fullmatch(code)) and all(
        code.count(left) == code.count(right) for left, right in ("()", "[]", "{}")
    )


CHECKS: dict[str, Callable[[str], bool]] = {
    "loinc": loinc_is_valid,
    "snomed": snomed_is_valid,
    "ucum": unit,
    "atc": lambda code: bool(_ATC.fullmatch(code)),
    "cnk": lambda code: bool(_CNK.fullmatch(code)),
    "icd10": lambda code: bool(_ICD10.fullmatch(code)),
    "token": lambda code: bool(_TOKEN.fullmatch(code)),
}
"""Each check, by the name that ``standards.toml`` gives it."""
