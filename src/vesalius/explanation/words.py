"""The words of a sheet: its own sentences, and the plain words that a use's card has for patients.

A card may say in its texts, under ``patient``, what it calls things when it speaks to a patient:
``patient.title``, ``patient.does``, ``patient.unknown``, ``patient.outcome``, ``patient.option.CODE``,
``patient.input.NAME``, ``patient.measured.NAME`` and ``patient.reason.CODE``. Where it says nothing, the
words for clinicians stand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from babel import dates

from vesalius.card import LANGUAGES, Card, Input
from vesalius.errors import InvalidSetting

ZONE = ZoneInfo("Europe/Brussels")
LOCALES = {"fr": "fr_BE", "nl": "nl_BE", "de": "de_BE", "en": "en_GB"}
UNITS = {
    "/uL": "/µL",
    "Cel": "°C",
    "mm[Hg]": "mmHg",
    "10*3/uL": "× 1 000/µL",
    "a": "",
    "{score}": "",
    "[pH]": "",
}
"""How people write some UCUM units; an age needs none after its name."""


@dataclass(frozen=True)
class Words:
    """What a sheet says, in one language.

    Attributes:
        card: of the use.
        language: fr, nl, de or en.
    """

    card: Card
    language: str

    def say(self, key: str, **values: Any) -> str:
        """A sentence of the sheet."""
        return texts(self.language)[key].format(**values)

    def plain(self, key: str, otherwise: str) -> str:
        """The card's words for patients under ``key``, else those for clinicians."""
        return self._own(f"patient.{key}") or self.card.say(otherwise, self.language)

    def of_card(self, key: str) -> str:
        """The card's words for patients under ``key``, or nothing."""
        return self._own(f"patient.{key}")

    def option(self, code: str) -> str:
        """What can be proposed."""
        return self.plain(f"option.{code}", f"option.{code}")

    def input(self, name: str) -> str:
        """What a fact is called."""
        measured = next((each.name for each in self.card.measured if name.startswith(f"{each.name}_")), "")
        return self._own(f"patient.input.{name}") or self.plain(f"measured.{measured}", f"input.{name}")

    def value(self, name: str, value: Any) -> str:
        """The value of a fact; empty where there is none."""
        if value is None or value == "":
            return ""
        if isinstance(value, bool):
            return self.say("value.yes" if value else "value.no")
        if isinstance(value, int | float):
            unit = self._input(name).unit
            written = f"{value:.4g}".replace(".", "." if self.language == "en" else ",")
            return f"{written} {UNITS.get(unit, unit)}".strip()
        key = f"level.{value}"
        return self._own(key) or str(value)

    def knows(self, name: str) -> bool:
        """Whether the card has such an input."""
        return any(item.name == name for item in self.card.inputs)

    def day(self, moment: datetime) -> str:
        """A day, such as ``23 November 2026``."""
        return dates.format_date(moment.astimezone(ZONE).date(), "long", locale=LOCALES[self.language])

    def born(self, known: str) -> str:
        """A birth date, as far as it is known."""
        try:
            return dates.format_date(date.fromisoformat(known), "long", locale=LOCALES[self.language])
        except ValueError:
            return known

    def of_hundred(self, share: float) -> str:
        """A share as so many of a hundred, in words where none or all would be too sure."""
        if 0 < share < 0.005:
            return self.say("value.few")
        return self.say("value.many") if 0.995 <= share < 1 else str(rounded(share))

    def _own(self, key: str) -> str:
        return self.card.texts[self.language].get(key, "")

    def _input(self, name: str) -> Input:
        return next((item for item in self.card.inputs if item.name == name), Input(name, "number"))


def rounded(share: float) -> int:
    """A share as a whole number of a hundred; a half goes up."""
    return math.floor(100 * share + 0.5)


@cache
def texts(language: str) -> Mapping[str, str]:
    """Every sentence of the sheets in a language, by its key.

    Raises:
        InvalidSetting: there are no sheets in that language.
    """
    if language not in LANGUAGES:
        raise InvalidSetting(f"there is no sheet in {language!r}", hint=", ".join(LANGUAGES))
    body = (files("vesalius.explanation") / "texts" / f"{language}.toml").read_bytes()
    tree: dict[str, Any] = msgspec.toml.decode(body)
    flat: dict[str, str] = {}
    for name, value in tree.items():
        flat |= (
            {f"{name}.{key}": each for key, each in value.items()}
            if isinstance(value, dict)
            else {name: value}
        )
    return flat
