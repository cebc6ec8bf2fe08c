"""What can be told of a code by its form alone: check digits and patterns. That it exists, no form tells.

Sources: LOINC Users' Guide, "LOINC check digit" (modulus 10); SNOMED CT Technical Implementation Guide,
"SCTID" (Verhoeff's dihedral check, 6 to 18 digits); WHO Collaborating Centre for Drug Statistics
Methodology, "ATC structure and principles" (five levels); the CNK is the seven-digit number of a Belgian
package (APB); UCUM specification, "Character set and lexical rules" (printable ASCII without spaces).
"""

from __future__ import annotations

import re
from collections.abc import Callable

_LOINC = re.compile(r"\d{1,7}-\d", re.ASCII)
_SNOMED = re.compile(r"[1-9]\d{5,17}", re.ASCII)
_ATC = re.compile(r"[A-Z](\d\d([A-Z]([A-Z](\d\d)?)?)?)?", re.ASCII)
_CNK = re.compile(r"\d{7}", re.ASCII)
_ICD10 = re.compile(r"[A-Z]\d[0-9A-Z](\.?[0-9A-Z]{1,4})?", re.ASCII)
_UCUM = re.compile(r"[!-~]+", re.ASCII)
_TOKEN = re.compile(r"\S+( \S+)*")

_TIMES = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_TURNS = (
    "0123456789", "1576283094", "5803796142", "8916043527",
    "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def loinc(code: str) -> bool:
    """Whether it has the form of a LOINC code, check digit included.

    >>> loinc("718-7"), loinc("718-8")
    (True, False)
    """
    if not _LOINC.fullmatch(code):
        return False
    body, _, check = code.partition("-")
    doubled = (int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(body)))
    return (10 - sum(number - 9 if number > 9 else number for number in doubled) % 10) % 10 == int(check)


def snomed(code: str) -> bool:
    """Whether it has the form of a SNOMED CT identifier, check digit included.

    >>> snomed("112283007"), snomed("112283008")
    (True, False)
    """
    if not _SNOMED.fullmatch(code):
        return False
    check = 0
    for place, digit in enumerate(reversed(code)):
        check = int(_TIMES[check][int(_TURNS[place % 8][int(digit)])])
    return check == 0


def ucum(code: str) -> bool:
    """Whether it can be a UCUM unit: no spaces, and its brackets close; it is not parsed further.

    >>> ucum("10*9/L"), ucum("mmol / l"), ucum("mg/(24.h")
    (True, False, False)
    """
    return bool(_UCUM.fullmatch(code)) and all(
        code.count(left) == code.count(right) for left, right in ("()", "[]", "{}")
    )


CHECKS: dict[str, Callable[[str], bool]] = {
    "loinc": loinc,
    "snomed": snomed,
    "ucum": ucum,
    "atc": lambda code: bool(_ATC.fullmatch(code)),
    "cnk": lambda code: bool(_CNK.fullmatch(code)),
    "icd10": lambda code: bool(_ICD10.fullmatch(code)),
    "token": lambda code: bool(_TOKEN.fullmatch(code)),
}
"""Each check, by the name that ``standards.toml`` gives it."""
