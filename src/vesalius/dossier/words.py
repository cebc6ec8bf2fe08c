"""The dossier's own words, and its parts, from the files beside this one."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from vesalius.card import LANGUAGES
from vesalius.dossier.document import Words


class PartRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One document: its lines are article, facts, owner and question."""

    key: str
    article: str
    title: Words
    lines: tuple[tuple[str, str, str, str], ...]


class PartRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file ``parts.toml``."""

    parts: tuple[PartRule, ...]
    asks: dict[str, Words]


@cache
def texts() -> dict[str, Words]:
    """The file ``texts.toml``."""
    return msgspec.toml.decode(_read("texts.toml"), type=dict[str, Words])


@cache
def parts() -> PartRules:
    """The file ``parts.toml``."""
    return msgspec.toml.decode(_read("parts.toml"), type=PartRules)


def say(key: str, **values: Any) -> Words:
    """A text in every language."""
    return {code: text.format(**values) for code, text in texts()[key].items()}


def same(text: str) -> Words:
    """What is the same in every language: a name, a code; nothing for nothing."""
    return dict.fromkeys(LANGUAGES, text) if text else {}


def _read(name: str) -> bytes:
    return (files("vesalius.dossier") / name).read_bytes()
