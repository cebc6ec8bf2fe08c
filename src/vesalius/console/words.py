"""From codes to what people read: use cases, options, values, patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, cached_property
from typing import Any

from vesalius.card import Card, Input, Text
from vesalius.console.contexts import Chance, Patient
from vesalius.console.languages import N_, Language
from vesalius.errors import NotFound
from vesalius.governance.lifecycle import State
from vesalius.hospital import Hospital
from vesalius.lake import Version
from vesalius.review import Display, Filed
from vesalius.usecase import installed, presented

STATES = {
    State.IDEA: N_("Idea"),
    State.DATA_APPROVED: N_("Data approved"),
    State.VALIDATED: N_("Validated"),
    State.SILENT: N_("Silent"),
    State.LIVE: N_("Live"),
    State.SUSPENDED: N_("Suspended"),
    State.RETIRED: N_("Retired"),
}
"""The name of each state."""

STATUSES = {
    "open": (N_("To decide"), "info"),
    "accepted": (N_("Accepted"), "good"),
    "modified": (N_("Modified"), "good"),
    "overridden": (N_("Overridden"), "warning"),
    "deferred": (N_("Deferred"), "info"),
    "expired": (N_("Expired"), ""),
}
"""For each status its name and its colour."""

SEXES = {"female": N_("woman"), "male": N_("man"), "other": N_("other sex"), "unknown": ""}
"""FHIR administrative gender, as a patient is spoken of."""

YES, NO = N_("yes"), N_("no")


@dataclass(frozen=True)
class Speaker:
    """One use case's card in one language.

    Attributes:
        card: the card.
        language: the reader's language.
    """

    card: Card
    language: Language

    def say(self, text: Text | str) -> str:
        """A text of the card."""
        return self.card.say(text, self.language.code)

    def option(self, code: str) -> str:
        """The name of an option."""
        return self.say(f"option.{code}")

    def input(self, name: str) -> str:
        """The name of an input, or of a rule when it is none."""
        return self.say(f"input.{name}") if name in self._inputs else name

    def value(self, name: str, value: Any) -> str:
        """The value of an input, with its unit."""
        if value is None or value == "":
            return ""
        if isinstance(value, bool):
            return self.language.say(YES if value else NO)
        if isinstance(value, int | float):
            unit = self._inputs[name].unit if name in self._inputs else ""
            return (
                f"{self.language.number(value)} {UNITS.get(unit, unit)}".strip()
                if unit != "a"
                else years(self.language, int(value))
            )
        key = f"level.{value}"
        return self.say(key) if key in self.card.texts["en"] else str(value)

    def setting(self, name: str, value: float) -> str:
        """The value of a setting: with its unit, or in percent where it is a probability."""
        unit = self.unit(name)
        return (
            f"{self.language.number(value)} {UNITS.get(unit, unit)}" if unit else self.language.percent(value)
        )

    def unit(self, name: str) -> str:
        """The unit of a setting, empty for a probability and for one that the card no longer has."""
        return next((item.unit for item in self.card.settings if item.name == name), "")

    def or_else(self, key: str, message: str) -> str:
        """The card's own words under ``key`` where it has some, else the console's ``message``."""
        return self.say(key) if key in self.card.texts["en"] else self.language.say(message)

    @cached_property
    def _inputs(self) -> Mapping[str, Input]:
        return {item.name: item for item in self.card.inputs}


UNITS = {"/uL": "/µL", "Cel": "°C", "mm[Hg]": "mmHg", "/min": "/min", "%": "%"}
"""How people write some UCUM units."""


def cards() -> Mapping[str, Card]:
    """The cards of the uses by name: those installed stay the same, those of bought systems come and go."""
    return {name: kind.card for name, kind in presented().items()} | dict(_installed())


@cache
def _installed() -> Mapping[str, Card]:
    """Looking for entry points is slow."""
    bought = presented()
    return {name: kind.card for name, kind in installed().items() if kind is not bought.get(name)}


def is_bought(usecase: str) -> bool:
    """Whether it is a system that was bought, of which only the results are seen."""
    return usecase in presented()


def speaker(usecase: str, language: Language) -> Speaker:
    """The card of a use case, in one language.

    Raises:
        NotFound: no such use is installed.
    """
    if usecase not in cards():
        raise NotFound(f"there is no use case {usecase!r}")
    return Speaker(cards()[usecase], language)


def chance(filed: Filed, settings: Mapping[str, float]) -> Chance | None:
    """The probability of a suggestion with its interval, or None where it gives none."""
    item = filed.suggestion
    if item.probability is None:
        return None
    low, high = item.interval or (item.probability, item.probability)
    return Chance(item.probability, low, high, tuple(value for value in settings.values() if 0 < value < 1))


def patient(
    display: Display, version: Version | None, subject: str, language: Language, today: date
) -> Patient:
    """How people recognise the patient of a suggestion."""
    resource = version.resource if version else {}
    born = display.birth_date or str(resource.get("birthDate", ""))
    gender = str(resource.get("gender", "unknown"))
    return Patient(
        name=display.patient or subject,
        sex=language.say(SEXES[gender]) if SEXES.get(gender) else "",
        age=age(language, born, today),
        born=_born(language, born),
        ward=display.ward,
        stay=display.stay,
        reference=subject,
    )


def patients(
    hospital: Hospital, filed: list[Filed] | tuple[Filed, ...], language: Language, now: datetime
) -> dict[str, Patient]:
    """The patients of some suggestions, by suggestion."""
    subjects = list(dict.fromkeys(item.subject for item in filed))
    latest: dict[str, Version] = {}
    for version in hospital.lake.patients(subjects, types=["Patient"]):
        latest[f"Patient/{version.id}"] = version
    today = now.date()
    return {
        item.id: patient(item.display, latest.get(item.subject), item.subject, language, today)
        for item in filed
    }


def years(language: Language, count: int) -> str:
    """An age in years."""
    return language.ngettext("%(num)s year", "%(num)s years", count) % {"num": count}


def age(language: Language, born: str, today: date) -> str:
    """The age that follows from a birth date, or about it when only the year is known; empty when unknown."""
    parts = born.split("-")
    if not parts[0].isdecimal():
        return ""
    if len(parts) < 3:
        return "± " + years(language, today.year - int(parts[0]))
    before = (today.month, today.day) < (int(parts[1]), int(parts[2]))
    return years(language, today.year - int(parts[0]) - before)


def _born(language: Language, born: str) -> str:
    try:
        return language.day(date.fromisoformat(born)) if len(born) == 10 else born
    except ValueError:
        return born
