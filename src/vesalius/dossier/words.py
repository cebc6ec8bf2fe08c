"""The dossier's own words, and its parts, from the files beside this one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from babel import dates, numbers

from vesalius.card import LANGUAGES
from vesalius.dossier.document import Words

LOCALES = {"fr": "fr_BE", "nl": "nl_BE", "de": "de_BE", "en": "en_GB"}
REPEATED = 160
"""From how many characters on a text is said once, and referred to elsewhere."""

ZONE = ZoneInfo("Europe/Brussels")


class PartRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One document: its lines are article, facts, owner and question.

    Attributes:
        key: its name.
        article: the law that asks for it.
        title: as people read it.
        lines: article, facts, owner, question of each.
        regimes: in which regimes it is asked for; empty for all.
        signed: whether a person signs it at its end.
    """

    key: str
    article: str
    title: Words
    lines: tuple[tuple[str, str, str, str], ...]
    regimes: tuple[str, ...] = ()
    signed: bool = False


class PartRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file ``parts.toml``."""

    parts: tuple[PartRule, ...]
    asks: dict[str, Words]


@cache
def texts() -> dict[str, Words]:
    """The file ``texts.toml``."""
    return msgspec.toml.decode(_read("texts.toml"), type=dict[str, Words])


@cache
def names() -> dict[str, dict[str, Words]]:
    """The file ``names.toml``: what codes are called, as in the console."""
    return msgspec.toml.decode(_read("names.toml"), type=dict[str, dict[str, Words]])


@cache
def parts() -> PartRules:
    """The file ``parts.toml``."""
    return msgspec.toml.decode(_read("parts.toml"), type=PartRules)


def say(key: str, **values: Any) -> Words:
    """A text in every language; a value may itself be words."""
    return {
        code: text.format(**{name: _in(code, value) for name, value in values.items()})
        for code, text in texts()[key].items()
    }


def count(key: str, number: int, **values: Any) -> Words:
    """A text about a number of things: one has its own words (``KEY_one``), none too in French."""
    one, many = say(f"{key}_one", count=number, **values), say(key, count=number, **values)
    return {
        code: one[code] if number == 1 or (code == "fr" and not number) else many[code] for code in LANGUAGES
    }


def named(kind: str, code: str) -> Words:
    """What a code is called; the code itself where it has no name."""
    return names()[kind].get(code) or same(code)


def same(text: str) -> Words:
    """What is the same in every language: a name, a number; nothing for nothing."""
    return dict.fromkeys(LANGUAGES, text) if text else {}


def listed(items: Iterable[Words], mark: str = "semicolon") -> Words:
    """Words one after the other, with the marks of each language."""
    found = list(items)
    return (
        {code: texts()[mark][code].join(each[code] for each in found) for code in LANGUAGES} if found else {}
    )


def paired(name: Words, value: Words) -> Words:
    """A name and its value: French has a space before the colon."""
    return {code: f"{name[code]}{texts()['colon'][code]}{value[code]}" for code in LANGUAGES}


def day(at: datetime) -> Words:
    """A day in words."""
    return {code: dates.format_date(at.astimezone(ZONE), "long", locale=LOCALES[code]) for code in LANGUAGES}


def moment(at: datetime) -> Words:
    """A day in words, with the time, in the hospital's zone."""
    here = at.astimezone(ZONE)
    return {
        code: f"{dates.format_date(here, 'long', locale=LOCALES[code])}, {here:%H:%M}" for code in LANGUAGES
    }


def number(value: float, digits: int = 3) -> Words:
    """A number as each language writes it."""
    form = "#,##0." + "#" * digits
    return {code: numbers.format_decimal(value, format=form, locale=LOCALES[code]) for code in LANGUAGES}


def law(text: str) -> Words:
    """An article as a lawyer of each language writes it: ``AI Act 26(6)`` is ``règlement IA 26(6)``."""
    found = same(text)
    for old, new in names()["law"].items():
        found = {code: each.replace(old, new[code]) for code, each in found.items()}
    return found


def _in(code: str, value: Any) -> Any:
    return value.get(code, "") if isinstance(value, Mapping) else value


def _read(name: str) -> bytes:
    return (files("vesalius.dossier") / name).read_bytes()
