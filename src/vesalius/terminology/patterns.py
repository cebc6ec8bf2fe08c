"""Which code system a text can belong to, by its form and its check digits alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal

CodeSystem = Literal["LOINC", "ICD-10", "ICD-9-CM", "ATC", "CNK", "SNOMED CT"]

_LOINC = re.compile(r"\d{1,7}-\d", re.ASCII)
_ICD10 = re.compile(r"[A-TV-Z]\d[0-9AB](?:\.?[0-9A-KXZ]{1,4})?", re.ASCII)
_ICD9 = re.compile(r"(?:\d{3}(?:\.?\d{1,2})?|V\d{2}(?:\.?\d{1,2})?|E\d{3}(?:\.?\d)?)", re.ASCII)
_ATC = re.compile(r"[ABCDGHJLMNPRSV]\d{2}(?:[A-Z](?:[A-Z](?:\d{2})?)?)?", re.ASCII)
_CNK = re.compile(r"\d{7}|\d{4}-\d{3}", re.ASCII)
_SCTID = re.compile(r"[1-9]\d{5,17}", re.ASCII)

# The dihedral group of ten and its permutation, as Verhoeff published them (1969).
_D = tuple(
    tuple(int(digit) for digit in row)
    for row in (
        "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
        "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
    )
)  # fmt: skip
_P = tuple(
    tuple(int(digit) for digit in row)
    for row in (
        "0123456789", "1576283094", "5803796142", "8916043527",
        "9453126870", "4286573901", "2793806415", "7046913258",
    )
)  # fmt: skip


def loinc_is_valid(text: str) -> bool:
    """Whether ``text`` has the form of a LOINC code with its check digit.

    Modulus 10, as the LOINC manual describes it.

    >>> loinc_is_valid("2160-0"), loinc_is_valid("2160-1")
    (True, False)
    """
    if not _LOINC.fullmatch(text):
        return False
    number, check = text.split("-")
    backwards = number[::-1]
    digits = str(int(backwards[0::2]) * 2) + backwards[1::2]
    return (10 - sum(map(int, digits)) % 10) % 10 == int(check)


def snomed_is_valid(text: str) -> bool:
    """Whether ``text`` has the form of a SNOMED CT identifier with its check digit (Verhoeff).

    >>> snomed_is_valid("112283007"), snomed_is_valid("112283008")
    (True, False)
    """
    if not _SCTID.fullmatch(text):
        return False
    check = 0
    for place, digit in enumerate(reversed(text)):
        check = _D[check][_P[place % 8][int(digit)]]
    return check == 0


_TESTS: dict[CodeSystem, Callable[[str], bool]] = {
    "LOINC": loinc_is_valid,
    "SNOMED CT": snomed_is_valid,
    "ICD-10": lambda text: bool(_ICD10.fullmatch(text)),
    "ATC": lambda text: bool(_ATC.fullmatch(text)),
    "ICD-9-CM": lambda text: bool(_ICD9.fullmatch(text)),
    "CNK": lambda text: bool(_CNK.fullmatch(text)),
}
"""In the order in which a form that fits several is believed: the check digits first."""


def code_system(texts: Iterable[str], least: float = 0.95) -> CodeSystem | None:
    """The code system whose form at least this share of the texts has; None: of none, or there are no texts.

    Whole numbers of three digits have the form of ICD-9-CM too: without a text with a point or a letter they
    are not believed. ATC codes of three characters (``A10``) are ICD-10 categories by their form; a text of
    the full seven characters decides.

    >>> code_system(["2160-0", "718-7"]), code_system(["J01CA04", "J01"]), code_system(["250.83", "276"])
    ('LOINC', 'ATC', 'ICD-9-CM')
    """
    given = [text.strip().upper() for text in texts if text.strip()]
    if not given:
        return None
    if any(_ATC.fullmatch(text) and len(text) == 7 for text in given) and _share(given, "ATC") >= least:
        return "ATC"
    for name in _TESTS:
        if _share(given, name) < least:
            continue
        if name == "ICD-9-CM" and all(text.isdigit() for text in given):
            continue
        return name
    return None


def _share(texts: list[str], name: CodeSystem) -> float:
    fits = _TESTS[name]
    return sum(map(fits, texts)) / len(texts)
