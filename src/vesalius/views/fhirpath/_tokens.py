"""Cuts the text of a FHIRPath expression into tokens."""

from __future__ import annotations

import re
from typing import NamedTuple

from vesalius.errors import InvalidView

_PATTERN = re.compile(
    r"""
    (?P<space>(?:\s|//[^\n]*(?:\n|$)|/\*.*?\*/)+)
  | (?P<datetime>@\d{4}(?:-\d\d(?:-\d\d)?)?T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)?(?:Z|[+-]\d\d:\d\d)?)
  | (?P<time>@T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)
  | (?P<date>@\d{4}(?:-\d\d(?:-\d\d)?)?)
  | (?P<number>\d+(?:L\b|\.\d+)?)
  | (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<delimited>`(?:[^`\\]|\\.)*`)
  | (?P<constant>%(?:[A-Za-z_][A-Za-z0-9_-]*|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`))
  | (?P<variable>\$(?:this|index|total)\b)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<symbol><=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "'": "'", '"': '"', "`": "`", "\\": "\\", "/": "/"}
LONGEST = 10_000
"""Characters; a longer expression is refused rather than read."""


class Token(NamedTuple):
    """A piece of the text: what it is, what it says (escapes undone) and where it starts."""

    kind: str
    text: str
    at: int


def tokens(text: str) -> list[Token]:
    """The tokens of ``text``, the last of kind ``end``; spaces and comments are dropped.

    Raises:
        InvalidView: a character that no token starts with.
    """
    if len(text) > LONGEST:
        raise InvalidView(f"the expression is longer than {LONGEST} characters")
    found, at = [], 0
    while at < len(text):
        match = _PATTERN.match(text, at)
        if match is None or match.lastgroup is None:
            raise fault(text, at, f"cannot read {text[at : at + 10]!r}")
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, _plain(match.lastgroup, match[0], text, at), at))
        at = match.end()
    return [*found, Token("end", "", len(text))]


def fault(text: str, at: int, message: str) -> InvalidView:
    """The error that names the place in the expression."""
    return InvalidView(f"{message}, at character {at + 1} of {text!r}")


def _plain(kind: str, raw: str, text: str, at: int) -> str:
    if kind == "constant":
        name = raw[1:]
        return _unescape(name[1:-1], text, at) if name[0] in "'`" else name
    if raw == "``":
        raise fault(text, at, "a name of no letters")
    if kind in ("string", "delimited"):
        return _unescape(raw[1:-1], text, at)
    return raw[1:] if kind in ("date", "datetime", "time") else raw


def _unescape(raw: str, text: str, at: int) -> str:
    def plain(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if code not in _ESCAPES:
            raise fault(text, at, f"there is no escape \\{code}")
        return _ESCAPES[code]

    if "\\" not in raw:
        return raw
    found = _ESCAPE.sub(plain, raw)
    # Two escapes may be the halves of one character beyond U+FFFF.
    joined = found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return joined if found != joined else found
