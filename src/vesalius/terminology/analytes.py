"""A table of common analytes, and the guess which of them a local name or code means."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import NamedTuple

import msgspec

from vesalius.terminology.units import same_unit, ucum, unit_in_name

LANGUAGES = ("en", "fr", "nl", "de")

_CLOSE = 0.84
"""How alike two words must be (``difflib``) to count as two spellings of one."""


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One LOINC code of an analyte.

    Attributes:
        loinc: the code.
        display: a short form of its name.
        unit: the UCUM unit in which it is reported; empty where the result is not a number.
        range: the least and the greatest number that can be believed of a patient, in that unit.
        seen: the open data sets in which we have met the code.
    """

    loinc: str
    display: str
    unit: str = ""
    range: tuple[float, float] | None = None
    seen: tuple[str, ...] = ()


class Analyte(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that is measured.

    Attributes:
        key: our own name of it.
        kind: the category of an observation: ``laboratory``, ``vital-signs``, ``survey`` …
        specimen: ``blood``, ``arterial``, ``venous``, ``urine``, ``csf``, ``stool``, ``respiratory``;
            empty for what is measured on the patient.
        short: abbreviations.
        en, fr, nl, de: its names.
        code: its codes, the commonest first.
    """

    key: str
    kind: str
    code: tuple[Code, ...]
    specimen: str = ""
    short: tuple[str, ...] = ()
    en: tuple[str, ...] = ()
    fr: tuple[str, ...] = ()
    nl: tuple[str, ...] = ()
    de: tuple[str, ...] = ()


class Match(NamedTuple):
    """A guess.

    Attributes:
        analyte: what is meant.
        code: the code of it that fits the unit best.
        score: how sure, from 0 to 1; above 0.9 the name is one of the table's.
        why: in words.
        unit_fits: whether the unit is one of the analyte's; None where no unit was given.
    """

    analyte: Analyte
    code: Code
    score: float
    why: str
    unit_fits: bool | None


@cache
def analytes() -> tuple[Analyte, ...]:
    """Every analyte of the table."""
    text = resources.files("vesalius.terminology").joinpath("analytes.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text)["analyte"], tuple[Analyte, ...])


def by_loinc(code: str) -> tuple[Analyte, Code] | None:
    """The analyte of a LOINC code, and the code; None when it is not in the table."""
    return _by_loinc().get(code)


def find(name: str, unit: str = "", limit: int = 3) -> list[Match]:
    """The analytes that a local name can mean, the likeliest first.

    Args:
        name: as the laboratory writes it, in French, Dutch, German or English, or its abbreviation; a unit
            may stand in it.
        unit: as the laboratory writes it.
        limit: how many to give at most.

    >>> [(match.analyte.key, match.code.loinc) for match in find("Créatinine", "µmol/L", limit=1)]
    [('creatinine', '14682-9')]
    """
    bare, within = unit_in_name(name)
    asked = ucum(unit) or within
    found = _best([*_found(name).values(), *(_found(bare).values() if within else ())])
    matches = [_match(*guess, asked) for guess in found.values()]
    if unit and not asked:
        matches = [match._replace(score=match.score * 0.9, unit_fits=False) for match in matches]
    matches.sort(key=lambda match: -match.score)
    return [match for match in matches if match.score >= 0.5][:limit]


def _match(analyte: Analyte, score: float, why: str, unit: str) -> Match:
    if not unit:
        return Match(analyte, analyte.code[0], score, why, None)
    fitting = [code for code in analyte.code if code.unit == unit]
    fitting = fitting or [code for code in analyte.code if same_unit(code.unit, unit)]
    if fitting:
        return Match(analyte, fitting[0], min(1.0, score + 0.05), f"{why}, in {unit}", True)
    return Match(analyte, analyte.code[0], score * 0.7, f"{why}, but not in {unit}", False)


# -- names -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Name:
    analyte: Analyte
    text: str
    squashed: str
    words: frozenset[str]
    short: bool


_SPECIMENS = {
    "urine": {"urine", "urin", "urinaire", "urinaires", "ua", "bu", "uf", "urines", "harn", "bandelette"},
    "csf": {"csf", "lcr", "liquor", "cerebrospinal"},
    "arterial": {"arterial", "artery", "arteriel", "arterielle", "arteriell", "arterieel"},
    "venous": {"venous", "veineux", "veineuse", "veneus", "venos"},
    "stool": {"stool", "selles", "stuhl", "stoelgang", "feces", "faeces"},
    "blood": {"blood", "serum", "plasma", "sang", "bloed", "blut", "sanguin", "serique", "plasmatique"},
}
_PREFIXES = {"s": "blood", "p": "blood", "b": "blood", "u": "urine"}
_NOISE = (_SPECIMENS["blood"] - {"blood"}) | {
    "value", "valeur", "waarde", "wert", "result", "resultat", "resultaat", "level", "taux", "lab", "test",
    "dosage", "numeric", "num", "name", "rdg", "category", "obs", "first", "last", "mean", "max", "min",
    "1", "2", "3", "1st", "2nd", "3rd", "st", "nd", "rd",
    "of", "in", "the", "de", "du", "la", "le", "van", "het", "der", "die", "das",
}  # fmt: skip


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("ß", "ss"))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def _words(text: str) -> list[str]:
    parted = re.sub(r"([a-z])([A-Z][a-z])", r"\1 \2", _folded(text))
    return re.findall(r"[a-z0-9+%]+", parted.lower())


def _squashed(words: list[str] | tuple[str, ...]) -> str:
    return "".join(words)


@cache
def _names() -> tuple[_Name, ...]:
    found = []
    for analyte in analytes():
        texts = [(text, True) for text in (*analyte.short, analyte.key)]
        texts += [(text, False) for language in LANGUAGES for text in getattr(analyte, language)]
        for text, short in texts:
            words = _words(text)
            found.append(_Name(analyte, text, _squashed(words), frozenset(words), short))
    return tuple(found)


@cache
def _by_squashed() -> dict[str, list[_Name]]:
    found: dict[str, list[_Name]] = {}
    for name in _names():
        found.setdefault(name.squashed, []).append(name)
    return found


@cache
def _by_word() -> dict[str, list[_Name]]:
    found: dict[str, list[_Name]] = {}
    for name in _names():
        if not name.short:
            for word in name.words:
                found.setdefault(word, []).append(name)
    return found


@cache
def _by_loinc() -> dict[str, tuple[Analyte, Code]]:
    found: dict[str, tuple[Analyte, Code]] = {}
    for analyte in analytes():
        for code in analyte.code:
            found.setdefault(code.loinc, (analyte, code))
    return found


@lru_cache(maxsize=4096)
def _spelled(word: str) -> str:
    """A word of the table that is spelled nearly like ``word``; itself, if it is one or if there is none."""
    if word in _by_word() or len(word) < 5:
        return word
    near = [each for each in _by_word() if each[0] == word[0] and abs(len(each) - len(word)) <= 3]
    return next(iter(difflib.get_close_matches(word, near, n=1, cutoff=_CLOSE)), word)


# -- matching ----------------------------------------------------------------------------------------------

_Guess = tuple[Analyte, float, str]


def _found(name: str) -> dict[str, _Guess]:
    """The best guess for each analyte that the name can mean, by its key."""
    words = _words(name)
    if not words:
        return {}
    specimen, rest = _specimen(name, words)
    return _best(
        (analyte, score * _specimen_fits(analyte, specimen, words), why)
        for analyte, score, why in _guesses(words, rest)
    )


def _best(guesses: Iterable[_Guess]) -> dict[str, _Guess]:
    found: dict[str, _Guess] = {}
    for guess in guesses:
        key = guess[0].key
        if key not in found or guess[1] > found[key][1]:
            found[key] = guess
    return found


def _guesses(words: list[str], rest: list[str]) -> Iterator[_Guess]:
    yield from _exact(words, 1.0)
    yield from _exact(rest, 0.96)
    yield from _contained(rest)
    yield from _overlapping([_spelled(word) for word in rest])


def _exact(words: list[str], score: float) -> Iterator[_Guess]:
    for name in _by_squashed().get(_squashed(words), ()):
        brief = name.short and len(name.squashed) <= 2
        why = f"{name.text!r} is its abbreviation" if name.short else f"{name.text!r} is its name"
        yield name.analyte, score - (0.08 if brief else 0.02 if name.short else 0.0), why


def _contained(words: list[str]) -> Iterator[_Guess]:
    """Names that stand whole within the text: one, two or three of its words side by side."""
    whole = len(_squashed(words)) or 1
    for size in (3, 2, 1):
        for start in range(len(words) - size + 1):
            part = _squashed(words[start : start + size])
            for name in _by_squashed().get(part, ()):
                if len(part) >= (3 if name.short else 4):
                    yield name.analyte, 0.55 + 0.35 * len(part) / whole, f"{name.text!r} stands in the name"


def _overlapping(words: list[str]) -> Iterator[_Guess]:
    asked = frozenset(words)
    candidates = {id(name): name for word in asked for name in _by_word().get(word, ())}
    for name in candidates.values():
        common = sum(map(_weight, asked & name.words))
        everything = sum(map(_weight, asked)) + sum(map(_weight, name.words))
        yield name.analyte, 0.92 * 2 * common / everything, f"has words in common with {name.text!r}"


def _weight(word: str) -> float:
    """Rare words tell more: ``creatinine`` more than ``total``."""
    known = len({name.analyte.key for name in _by_word().get(word, ())})
    return 1.0 if not known else 1.0 / math.sqrt(known)


def _specimen(name: str, words: list[str]) -> tuple[str, list[str]]:
    """The specimen that the name speaks of, and its words without those that only say so."""
    rest = [word for word in words if word not in _NOISE] or words
    if len(words) > 1 and words[0] in _PREFIXES and re.match(r"[A-Za-z][-_ ]", name):
        return _PREFIXES[words[0]], [word for word in words[1:] if word not in _NOISE] or words
    for specimen, said in _SPECIMENS.items():
        if specimen != "blood" and said & set(words):
            return specimen, rest
    return ("blood" if _SPECIMENS["blood"] & set(words) else ""), rest


def _specimen_fits(analyte: Analyte, said: str, words: list[str]) -> float:
    if analyte.kind != "laboratory":
        return 0.8 if said else 1.0
    if not said:
        return 1.0 if analyte.specimen in {"blood", "arterial"} else 0.85
    if said == analyte.specimen or {said, analyte.specimen} == {"blood", "arterial"}:
        return 1.0
    return 0.6 if said != "blood" or "blood" not in words else 0.85
