"""Texts in which nobody is named: what identifies is found, and replaced by what it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta

import msgspec

from vesalius.privacy.text import _moments, _names, _numbers, _places
from vesalius.privacy.text.found import Found, Kind, Recogniser

_RANK = {kind: rank for rank, kind in enumerate(Kind)}
_RULES: tuple[Recogniser, ...] = (_numbers.find, _moments.find, _places.find)


class Scrubbed(msgspec.Struct, frozen=True):
    """A text without what identifies, and how much of each kind was found; no value of it.

    Attributes:
        text: what is left.
        counts: by kind.
    """

    text: str
    counts: dict[str, int]


class Scrubber:
    """Finds and replaces what identifies in French, Dutch, German and English texts.

    Args:
        known: names that are known to belong to somebody of the texts: the patient's, the practitioners'.
        shift: by how much dates move; None removes them. A birth date becomes its year in any case.
        recognisers: more that find, such as a model of the hospital's own.

    >>> Scrubber(shift=timedelta(days=10)).scrub("Vu Mme Delvaux le 24/12/2024, tél. 02 000 12 34").text
    'Vu Mme [NAME] le 03/01/2025, tél. [PHONE]'
    """

    def __init__(
        self,
        known: Collection[str] = (),
        shift: timedelta | None = None,
        recognisers: Sequence[Recogniser] = (),
    ) -> None:
        self._known = tuple(known)
        self._shift = shift
        self._recognisers = (*_RULES, *recognisers)

    def find(self, text: str) -> list[Found]:
        """What identifies, in order, without overlaps; where two overlap, the longer stretch is both."""
        found = [one for rule in self._recognisers for one in rule(text)]
        found += _names.find(text, self._known)
        return _merged(_births(text, found))

    def scrub(self, text: str) -> Scrubbed:
        """The text with what identifies replaced by its kind in brackets, and dates moved."""
        counts: Counter[str] = Counter()
        parts, at = [], 0
        for one in self.find(text):
            parts += [text[at : one.start], self._instead(one.kind, text[one.start : one.end])]
            counts[one.kind] += 1
            at = one.end
        return Scrubbed("".join([*parts, text[at:]]), dict(sorted(counts.items())))

    def _instead(self, kind: Kind, said: str) -> str:
        if kind is Kind.DATE and self._shift is not None and (moved := _moments.moved(said, self._shift)):
            return moved
        return f"[{kind.upper()}]"


def _births(text: str, found: Iterable[Found]) -> list[Found]:
    """A date in brackets after a name is when they were born."""
    found = list(found)
    names = {one.end for one in found if one.kind is Kind.NAME}
    return [
        Found(one.start, one.end, Kind.BIRTH_DATE)
        if one.kind is Kind.DATE
        and text[one.start - 1 : one.start] == "("
        and len(text[: one.start - 1].rstrip()) in names
        else one
        for one in found
    ]


def _merged(found: Iterable[Found]) -> list[Found]:
    """Without overlaps: what touches is one stretch of the kind that ranks first."""
    merged: list[Found] = []
    for one in sorted(found):
        if merged and one.start < merged[-1].end:
            last = merged[-1]
            kind = min(last.kind, one.kind, key=_RANK.__getitem__)
            merged[-1] = Found(last.start, max(last.end, one.end), kind)
        else:
            merged.append(one)
    return merged
