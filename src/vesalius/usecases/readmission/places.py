"""Where each input came from, looked up when asked for: a validation asks about few of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

SUMMED = "charlson"
"""The input that is added up from all its features."""

Source = Mapping[str, tuple[str, ...]]


class Places(Sequence[Source]):
    """For each of N candidates, the versioned references of each input that is known.

    Args:
        found: where the features came from, N each.
        before: the references of the earlier stays and visits, by input, N.
        columns: the inputs' values, N each; an input that is not known has no source.
        parts: which features an input is made of, where they have other names.
    """

    def __init__(
        self,
        found: Sequence[Sequence[Source]],
        before: Sequence[Source],
        columns: Mapping[str, Sequence[Any]],
        parts: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._found, self._before, self._columns, self._parts = found, before, columns, parts

    def __len__(self) -> int:
        return len(self._before)

    def __iter__(self) -> Iterator[Source]:
        return map(self._of, range(len(self)))

    @overload
    def __getitem__(self, at: int) -> Source: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Source]: ...
    def __getitem__(self, at: int | slice) -> Source | Sequence[Source]:
        if isinstance(at, slice):
            return [self._of(row) for row in range(len(self))[at]]
        return self._of(range(len(self))[at])

    def _of(self, row: int) -> Source:
        read: dict[str, tuple[str, ...]] = {}
        for part in self._found:
            read.update(part[row])
        made = {}
        for name, column in self._columns.items():
            if column[row] is not None and (sources := self._sources(name, row, read)):
                made[name] = sources
        return made

    def _sources(self, name: str, row: int, read: Source) -> tuple[str, ...]:
        parts = [read[part] for part in self._parts.get(name, (name,)) if part in read]
        if not parts:
            return self._before[row].get(name, ())
        # Of several features the first counts; a sum of many conditions rests on all of them.
        return tuple(dict.fromkeys(each for part in parts for each in part)) if name == SUMMED else parts[0]
