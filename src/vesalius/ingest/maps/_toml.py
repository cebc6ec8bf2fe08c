"""Lines of TOML, with the comments that a library would lose."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import tomli_w

WIDTH = 110


def text(value: Any) -> str:
    """A value as TOML writes it, on one line.

    >>> text("a"), text(3)
    ('"a"', '3')
    """
    return tomli_w.dumps({"k": value}).removeprefix("k = ").rstrip("\n")


def name(key: str) -> str:
    """A key, in quotes where it needs them."""
    return tomli_w.dumps({key: 0}).removesuffix(" = 0\n")


def comment(words: str, indent: str = "") -> Iterator[str]:
    """Comment lines, never wider than a page; no character in them can end a line."""
    plain = "".join(letter if letter.isprintable() else " " for letter in words)
    lead = len(plain) - len(plain.lstrip())
    for place, row in enumerate(textwrap.wrap(plain.strip(), WIDTH - lead - len(indent)) or [""]):
        yield f"{indent}# {' ' * lead}{'  ' if place else ''}{row}"


class Inline(dict[str, Any]):
    """A table that stands on one line."""


def dump(value: Any) -> str:
    """A value on one line: tables in braces, lists in brackets."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name(key)} = {dump(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(dump, value)) + "]"
    return text(value)


def line(key: str, value: Any) -> str:
    """A key and its value, on one line."""
    return f"{key} = {dump(value)}"
