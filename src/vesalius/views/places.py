"""Where in its JSON text a place of a view stands, so that a person sees the line and not only its name."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_LINE = re.compile(r"line (\d+)", re.ASCII)
_LAST = re.compile(r"(?:^|\.)[^.\[\]]*$|\[\d+\]$")


@dataclass
class _Open:
    """An object or a list that is not closed yet."""

    place: str
    is_list: bool
    key: str = ""
    index: int = 0
    named: bool = field(default=False)

    def inner(self) -> str:
        if self.is_list:
            return f"{self.place}[{self.index}]"
        return f"{self.place}.{self.key}" if self.place else self.key


def line_of(text: str, place: str) -> int:
    r"""The line of ``select[0].column[2]`` in the text of a view, from 1.

    Of a column or a criterion it is the line of its path, where the mistake is. Where the place is not there,
    it is the line of what it would be in. Damaged JSON is read as far as it goes. ``line 7`` is line 7.

    Args:
        text: the ViewDefinition.
        place: as :class:`vesalius.errors.InvalidView` names it.

    >>> line_of('{\n"resource": "Patient",\n"select": [{}]\n}', "select[0].column[2]")
    3
    """
    if named := _LINE.fullmatch(place):
        return int(named[1])
    known = _lines(text)
    if f"{place}.path" in known:
        return known[f"{place}.path"]
    while place and place not in known:
        place = _LAST.sub("", place, count=1)
    return known.get(place, 1)


def _lines(text: str) -> dict[str, int]:
    """The line on which the value of each place begins."""
    ends = [found.start() for found in re.finditer("\n", text)]
    found: dict[str, int] = {}
    stack: list[_Open] = []
    for token in _TOKEN.finditer(text):
        word, top = token[0], stack[-1] if stack else None
        if word in ("}", "]"):
            if stack:
                stack.pop()
        elif word == ",":
            _next(top)
        elif word == ":":
            if top:
                top.named = True
        elif top and not top.is_list and not top.named:
            top.key = word.strip('"')
        else:
            place = top.inner() if top else ""
            found.setdefault(place, bisect_right(ends, token.start()) + 1)
            if word in ("{", "["):
                stack.append(_Open(place, word == "["))
    return found


def _next(top: _Open | None) -> None:
    if top:
        top.index += 1
        top.key, top.named = "", False
