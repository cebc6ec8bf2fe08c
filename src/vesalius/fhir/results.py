"""Reading a result whatever its form: a number, a comparison, a grade, a titre, S/I/R, or only words.

Laboratories send ``<0.5``, ``+++``, ``1:80`` and ``positief`` as strings. What can be told for certain is
told; what cannot stays words. The original is always kept, and no value is converted.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Literal

import msgspec

from vesalius.fhir.codes import INTERPRETATION

Form = Literal["quantity", "grade", "titre", "susceptibility", "text", "none"]


class Result(msgspec.Struct, frozen=True):
    """One result.

    Attributes:
        form: ``quantity`` (a number, with or without comparator), ``grade`` (negative, trace, positive, one
            to four plus), ``titre`` (the value is the last dilution), ``susceptibility``, ``text``, or
            ``none``: there is no result.
        text: as it was sent.
        comparator: ``<``, ``<=``, ``>=``, ``>`` or empty.
        value: of a quantity or a titre.
        unit: of a quantity, as its code or else as written.
        grade: of a grade: 0 negative, 0.5 trace or doubtful, 1 positive or one plus, up to 4.
        code: of a susceptibility: S, I or R; from a coded answer also SDD (dose-dependent), NS (not
            susceptible) or IND (indeterminate).
    """

    form: Form = "none"
    text: str = ""
    comparator: str = ""
    value: Decimal | None = None
    unit: str = ""
    grade: float | None = None
    code: str = ""


_COMPARATORS = {"≤": "<=", "≥": ">=", "=<": "<=", "=>": ">="}
_NUMBER = re.compile(
    r"(?P<comparator><=|>=|=<|=>|<|>|≤|≥)?\s*(?P<number>[-+]?\d{1,18}(?:[.,]\d{1,18})?)(?:\s*(?P<unit>(?:[^\d\s<>=]|10[*^]).{0,20}))?",
    re.ASCII | re.DOTALL,
)
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_TITRE = re.compile(r"(?P<comparator><=|>=|<|>|≤|≥)?\s*1\s*[:/]\s*(?P<number>\d{1,9})", re.ASCII)
_PLUSES = re.compile(r"(?:(?P<count>[1-4])\s*\+|(?P<pluses>\+{1,4}))", re.ASCII)
_UNIT = re.compile(
    r"%|°C|mmHg|mm|cm|m|[fnµumk]?[gL]|[fnµum]?l|[nµum]?mol|m?Eq|[mkµu]?I?U|IE|UI|sec|s|min|h|fl"
    r"|(?=[^\s]*[/^*])[\w%µ^*/.\[\]{}()]{2,20}"
)

_GRADES: dict[str, float] = {
    **dict.fromkeys(("neg", "neg.", "nég", "negative", "negatief", "négatif", "négative", "negatif"), 0),
    **dict.fromkeys(("negativ", "not detected", "niet gedetecteerd", "non détecté", "nicht nachweisbar"), 0),
    **dict.fromkeys(("absent", "afwezig", "geen groei", "negatief (geen groei)", "no growth"), 0),
    **dict.fromkeys(("+-", "+/-", "±", "-+", "trace", "traces", "spoor", "sporen", "spuren", "spur"), 0.5),
    **dict.fromkeys(("doubtful", "borderline", "twijfelachtig", "douteux", "grenswertig"), 0.5),
    **dict.fromkeys(("pos", "pos.", "positive", "positief", "positif", "positiv", "detected"), 1),
    **dict.fromkeys(("gedetecteerd", "aanwezig", "présent", "present", "détecté", "nachweisbar"), 1),
}  # fmt: skip
"""Words of grades, in English, Dutch, French and German; others stay words."""

_LETTERS = frozenset({"S", "I", "R"})

ANSWERS = _LETTERS | {"SDD", "NS", "IND"}
"""The codes of HL7's interpretations that answer whether an organism is susceptible."""


def result(observation: dict[str, Any]) -> Result:
    """The result of an observation, or of one of its components.

    >>> result({"valueString": "<0.5"}).value, result({"valueString": "+++"}).grade
    (Decimal('0.5'), 3.0)
    """
    if quantity := observation.get("valueQuantity"):
        return quantity_result(quantity)
    if text := observation.get("valueString"):
        return text_result(text)
    if concept := observation.get("valueCodeableConcept"):
        return _concept(concept)
    if (number := observation.get("valueInteger")) is not None:
        return Result("quantity", str(number), value=Decimal(number))
    if (truth := observation.get("valueBoolean")) is not None:
        return Result("grade", str(truth).lower(), grade=float(truth))
    return Result()


def quantity_result(quantity: dict[str, Any]) -> Result:
    """The result that a quantity says; ``none`` if it has no value."""
    value = quantity.get("value")
    if value is None:
        return Result()
    unit, comparator = quantity.get("code") or quantity.get("unit", ""), quantity.get("comparator", "")
    return Result("quantity", f"{comparator}{value} {unit}".strip(), comparator, Decimal(str(value)), unit)


def _concept(concept: dict[str, Any]) -> Result:
    codings = concept.get("coding", ())
    for coding in codings:
        if coding.get("system") == INTERPRETATION and coding.get("code") in ANSWERS:
            return Result("susceptibility", concept.get("text") or coding["code"], code=coding["code"])
    names = (concept.get("text"), *(coding.get("display") for coding in codings))
    return text_result(next((name for name in names if name), ""), only_words=True)


def text_result(text: str, *, only_words: bool = False) -> Result:
    """The result that a text says.

    A number such as ``100.000``, which is a hundred for one laboratory and a hundred thousand for another,
    stays words.

    Args:
        text: as it was sent.
        only_words: whether no number is looked for, because the text is the name of a code.

    >>> text_result("1:80").form, text_result("Negatief").grade, text_result("100.000").form
    ('titre', 0.0, 'text')
    """
    bare = " ".join(text.split())
    if not bare:
        return Result()
    if (grade := _grade(bare.casefold())) is not None:
        return Result("grade", text, grade=grade)
    if only_words:
        return Result("text", text)
    if bare in _LETTERS:
        return Result("susceptibility", text, code=bare)
    if form := _TITRE.fullmatch(bare):
        return Result("titre", text, _comparator(form), Decimal(form["number"]))
    if (form := _NUMBER.fullmatch(bare)) and not _THOUSANDS.fullmatch(form["number"]):
        unit = form["unit"] or ""
        if not unit or _UNIT.fullmatch(unit):
            number = Decimal(form["number"].replace(",", "."))
            return Result("quantity", text, _comparator(form), number, unit)
    return Result("text", text)


def _grade(words: str) -> float | None:
    if words in _GRADES:
        return float(_GRADES[words])
    if form := _PLUSES.fullmatch(words):
        return float(form["count"] or len(form["pluses"]))
    return None


def _comparator(form: re.Match[str]) -> str:
    found = form["comparator"] or ""
    return _COMPARATORS.get(found, found)
