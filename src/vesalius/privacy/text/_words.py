"""The lists of words, each a file of its own that a person can read and mend."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

PARTICLES = frozenset(
    [
        "van",
        "vande",
        "vanden",
        "von",
        "der",
        "den",
        "de",
        "du",
        "di",
        "del",
        "della",
        "des",
        "la",
        "le",
        "les",
        "el",
        "al",
        "ben",
        "da",
        "dos",
        "ter",
        "ten",
        "te",
        "het",
        "'t",
        "'s",
    ]
)
"""What stands in family names and is none by itself."""


@cache
def words(name: str) -> frozenset[str]:
    """The words of a list before its line ``# ambiguous``."""
    return frozenset(_read(name)[0])


@cache
def ambiguous(name: str) -> frozenset[str]:
    """The words of a list after that line: they mean something else as well."""
    return frozenset(_read(name)[1])


@cache
def _read(name: str) -> tuple[list[str], list[str]]:
    text = files("vesalius.privacy.text").joinpath("words", f"{name}.txt").read_text(encoding="utf-8")
    sure: list[str] = []
    unsure: list[str] = []
    into = sure
    for line in text.splitlines():
        if line.startswith("#"):
            into = unsure if line.strip() == "# ambiguous" else into
        else:
            into += [word for word in line.split() if word.lower() not in PARTICLES]
    return sure, unsure
