"""Names as Belgian registers spell them: what counts as the same name, and what as another spelling of it.

Nothing here knows a person; every function is a pure one of text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

SAME, ALIKE, OTHER, UNKNOWN = "same", "alike", "other", "unknown"
"""How two values agree: equal, possibly two spellings of one, different, or one of them is not known."""

# What decomposition leaves alone.
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "ĳ": "ij"})

# First names that are one name in two of the languages of the country and do not sound alike.
_ONE_NAME = {
    form: forms[0]
    for forms in (
        ("pieter", "pierre", "peter", "piet"),
        ("willem", "guillaume", "wilhelm"),
        ("frans", "francois", "franz", "franciscus"),
        ("stefaan", "etienne", "stephane", "stefan", "steven"),
        ("jakob", "jacques", "jacob", "jaak"),
        ("lodewijk", "louis", "ludwig"),
        ("hendrik", "henri", "heinrich"),
        ("karel", "charles", "karl"),
        ("jan", "jean", "johann", "johannes", "hans"),
        ("elisabeth", "liesbeth", "elise", "lies"),
        ("maria", "marie", "mia"),
        ("johanna", "jeanne", "jeannine"),
        ("margareta", "marguerite", "margriet", "greta"),
        ("godelieve", "lieve"),
        ("andreas", "andre", "andries"),
        ("joris", "georges", "georg"),
        ("wouter", "gauthier", "walter"),
        ("dirk", "thierry", "dietrich"),
        ("gillis", "gilles"),
        ("laurens", "laurent", "lorenz"),
    )
    for form in forms
}

_SPELLED = tuple(
    (re.compile(pattern), code)
    for pattern, code in (
        ("sch|sk", "s"),
        ("ph", "f"),
        ("th|dt", "t"),
        ("gh|ch", "g"),
        ("ck|cks|kx|qu|q|x", "k"),
        ("c(?=[eiy])", "s"),
        ("c", "k"),
        ("z", "s"),
        ("w", "v"),
        ("j(?=[^aeiou]|$)", ""),
        ("h", ""),
        ("d$", "t"),
    )
)
_VOWELS = re.compile("[aeiouy]+")
_TWICE = re.compile(r"(.)\1+")


@lru_cache(maxsize=65_536)
def letters(text: str) -> str:
    """A name without accents, case, spaces, hyphens and apostrophes.

    >>> letters("Van den Bröeck"), letters("VANDENBROECK")
    ('vandenbroeck', 'vandenbroeck')
    """
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(each for each in plain if each.isalpha())


@lru_cache(maxsize=65_536)
def parts(text: str) -> tuple[str, ...]:
    """The names in a double one, each as :func:`letters`; particles stay with what follows them.

    >>> parts("Dupont-Van den Berghe")
    ('dupont', 'vandenberghe')
    """
    return tuple(
        filter(None, (letters(each) for each in re.split(r"\s*[-–/]\s*|\s+(?:ép\.?|épouse)\s+", text)))
    )


@lru_cache(maxsize=65_536)
def sound(name: str) -> str:
    """A code that spellings of one name share: its first sound and its consonants, without a final s.

    It takes what :func:`letters` gives. It is coarse: it only says which names are worth comparing.

    >>> sound("peeters") == sound("pieters"), sound("catherine") == sound("katrien")
    (True, True)
    """
    code = name
    for pattern, put in _SPELLED:
        code = pattern.sub(put, code)
    first = "a" if code[:1] in "aeiouy" and code else code[:1]
    return _TWICE.sub(r"\1", first + _VOWELS.sub("", code[1:])).rstrip("s") or first


def one_slip(one: str, other: str) -> bool:
    """Whether one stroke makes the one of the other: a character more, fewer or other, or two swapped.

    >>> one_slip("lambert", "lamebrt"), one_slip("lambert", "lampert"), one_slip("lambert", "albert")
    (True, True, False)
    """
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    if len(one) < len(other):
        one, other = other, one
    at = next((n for n, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), len(other))
    if len(one) > len(other):
        return one[at + 1 :] == other[at:]
    swapped = one[at : at + 2] == other[at : at + 2][::-1] and one[at + 2 :] == other[at + 2 :]
    return swapped or one[at + 1 :] == other[at + 1 :]


def families(one: str, other: str) -> str:
    """How two family names agree.

    >>> families("Vanden Broeck", "Van den Broeck"), families("Dupont-Lambert", "Lambert")
    ('same', 'alike')
    """
    a, b = letters(one), letters(other)
    if not a or not b:
        return UNKNOWN
    if a == b:
        return SAME
    if not set(parts(one)).isdisjoint(parts(other)):
        return ALIKE  # a double name, of which one half was left out
    return ALIKE if _spelled_alike(a, b) else OTHER


def givens(one: str, other: str) -> str:
    """How two first names agree.

    >>> givens("Pierre", "Pieter"), givens("Jean-Pierre", "Jean"), givens("Emma", "Louise")
    ('alike', 'alike', 'other')
    """
    a, b = letters(one), letters(other)
    if not a or not b:
        return UNKNOWN
    if a == b:
        return SAME
    first, second = parts(one)[0], parts(other)[0]
    if first == second or _ONE_NAME.get(first, first) == _ONE_NAME.get(second, second):
        return ALIKE
    shorter, longer = sorted((a, b), key=len)
    return ALIKE if (len(shorter) > 2 and longer.startswith(shorter)) or _spelled_alike(a, b) else OTHER


def given_code(name: str) -> str:
    """The sound of a first name, the same in the languages of the country."""
    first = (parts(name) or ("",))[0]
    return sound(_ONE_NAME.get(first, first))


def _spelled_alike(one: str, other: str) -> bool:
    if one_slip(one, other) and min(len(one), len(other)) > 3:
        return True
    code = sound(one)  # two that begin otherwise, as Catherine and Katrien, must share more of it
    return code == sound(other) and len(code) > (1 if one[0] == other[0] else 2)
