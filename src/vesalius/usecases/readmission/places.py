"""Where each input came from: looked up when asked for, since a validation asks about few of its many rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

Source = Mapping[str, tuple[str, ...]]


class Places(Sequence[Source]):
    """For each of N candidates, the versioned references of each input that is known.

    Args:
        found: where the features came from, N each.
        before: the references of the earlier stays and visits, by input, N.
        columns: the inputs' values, N each; an input that is not known has no source.
        parts: which features an input is made of, where they have other names.
        rows: which of them are meant, and in which order; all, if not given.
    """

    def __init__(
        self,
        found: Sequence[Sequence[Source]],
        before: Sequence[Source],
        columns: Mapping[str, Sequence[Any]],
        parts: Mapping[str, tuple[str, ...]],
        rows: Sequence[int] | None = None,
    ) -> None:
        self._found, self._before, self._columns, self._parts = found, before, columns, parts
        self._rows = range(len(before)) if rows is None else rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Source]:
        return (self._of(row) for row in self._rows)

    @overload
    def __getitem__(self, at: int) -> Source: ...
    @overload
    def __getitem__(self, at: slice) -> Places: ...
    def __getitem__(self, at: int | slice) -> Source | Places:
        if isinstance(at, slice):
            return self.take(range(len(self))[at])
        return self._of(self._rows[at])

    def take(self, rows: Iterable[int]) -> Places:
        """Some of them, in this order."""
        mine = [self._rows[row] for row in rows]
        return Places(self._found, self._before, self._columns, self._parts, mine)

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
        own = tuple(
            dict.fromkeys(each for part in self._parts.get(name, (name,)) for each in read.get(part, ()))
        )
        return own or self._before[row].get(name, ())
