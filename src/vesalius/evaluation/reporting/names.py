"""The words of a report: those of the reporting room, those of the card, and names for what a run names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from vesalius.card import Card
from vesalius.evaluation.run import Subgroup
from vesalius.evaluation.words import Words, catalogue


@cache
def texts(language: str) -> dict[str, str]:
    """Every text of the reporting room in one language; nested tables as dotted keys.

    Raises:
        InvalidSetting: the report does not speak it.
    """
    catalogue(language)  # refuses a language that nothing speaks
    raw = (files("vesalius.evaluation.reporting") / "texts" / f"{language}.toml").read_bytes()
    return dict(_flat(msgspec.toml.decode(raw)))


def _flat(tree: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in tree.items():
        key = f"{prefix}{name}"
        pairs += _flat(value, f"{key}.") if isinstance(value, Mapping) else [(key, str(value))]
    return pairs


def words(language: str) -> Words:
    """The words of the report: those of the pictures, and those of the reporting room."""
    made = Words(language)
    made.texts = made.texts | texts(language)
    return made


def naming(card: Card, words: Words) -> Callable[[str], str]:
    """From a name in a run (an input, an option, a baseline, a way of deciding) to words for people."""
    said = card.texts.get(words.language, {})

    def named(name: str) -> str:
        for key in (f"input.{name}", f"baseline.{name}", f"option.{name}"):
            if key in said:
                return said[key]
        return words.texts.get(f"way.{name}", name.replace("_", " "))

    return named


def group_name(card: Card, words: Words) -> Callable[[Subgroup], str]:
    """From a subgroup to words for people: ``Sex: female``, ``Age: 18–39``."""
    said = card.texts.get(words.language, {})

    def named(row: Subgroup) -> str:
        level = said.get(f"level.{row.level}", row.level.replace("-", "–").replace("+", " +"))
        return words("pair", name=said.get(f"input.{row.input}", row.input), value=level)

    return named
