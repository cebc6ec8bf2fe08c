"""What was known, and from when until when: the rows of a view as sorted arrays.

A *stream* is what a feature reads: the rows with some codes that have a value in some column, per patient or
per patient and focus. The rows of all streams lie in one array, sorted by stream, patient and the moment
from which they were known, so that a moment is found in it by halving.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vesalius.views._values import moment
from vesalius.views.features._declaration import Feature
from vesalius.views.features._moments import Ints, Moments, array, micros

WITHDRAWN = frozenset({"entered-in-error", "cancelled"})
"""A resource whose version in force has one of these statuses says nothing."""

FOREVER = np.int64(2**63 - 1)
_WITHDRAWN = pa.array(sorted(WITHDRAWN), pa.string())
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


class Stream(NamedTuple):
    """What a feature reads."""

    codes: tuple[str, ...]
    column: str
    link: str | None

    @classmethod
    def of(cls, feature: Feature) -> Stream:
        """The stream of a feature."""
        return cls(tuple(sorted(set(feature.codes))), feature.column, feature.link)


class Rows:
    """The rows of a view, each with the time in which its version was in force: [start, end), microseconds."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.start = micros(self.column("_recorded_at"))
        self.seq: Ints = self.column("_seq").to_numpy(zero_copy_only=False)
        self.end = _ends(_numbers(self.column("_resource"))[0], self.start, self.seq)
        self.usable: Flags = self.start != self.end  # never in force: replaced at the very moment it came
        if "status" in table.column_names:
            self.usable &= ~_flags(pc.is_in(self.column("status"), _WITHDRAWN))
        self.subject, self.subjects = _numbers(self.column("_subject"))
        self.usable &= self.subject >= 0

    def column(self, name: str) -> pa.Array[Any]:
        """A column as one array."""
        return array(self.table[name])

    @cached_property
    def codes(self) -> tuple[Ints, dict[str, int], dict[str, int], int]:
        """The number of each row's code, and the numbers of the systems and codes it is made of."""
        (systems, system_of), (codes, code_of) = (
            _numbers(pc.fill_null(self.column(name), "")) for name in ("code_system", "code")
        )
        many = len(code_of)
        places = [{text: at for at, text in enumerate(each.to_pylist())} for each in (system_of, code_of)]
        return systems * many + codes, places[0], places[1], many

    def with_codes(self, wanted: Sequence[str]) -> Ints:
        """The rows with one of these codes."""
        each, systems, codes, many = self.codes
        numbers = [
            systems[code[:at]] * many + codes[code[at + 1 :]]
            for code in wanted
            for at, sign in enumerate(code)
            if sign == "|" and code[:at] in systems and code[at + 1 :] in codes
        ]
        found = each == numbers[0] if len(numbers) == 1 else np.isin(each, numbers)
        return np.flatnonzero(found)

    def of(self, stream: Stream) -> Ints:
        """The rows of a stream, in any order."""
        usable = self.usable & self._valued(stream.column)
        if not stream.codes:
            return np.flatnonzero(usable)
        rows = self.with_codes(stream.codes)
        return rows[usable[rows]]

    def _valued(self, name: str) -> Flags:
        column = self.column(name)
        return _flags(column.is_valid()) if column.null_count else np.ones(len(column), np.bool_)


def _flags(values: pa.Array[Any]) -> Flags:
    found: Flags = pc.fill_null(values, False).to_numpy(zero_copy_only=False)
    return found


def _numbers(texts: pa.Array[Any]) -> tuple[Ints, pa.Array[Any]]:
    """A number for each text (-1 for null), and the text of each number."""
    encoded = texts.dictionary_encode()
    indices = pc.fill_null(encoded.indices, -1) if texts.null_count else encoded.indices
    return indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary


def _ends(resource: Ints, start: Ints, seq: Ints) -> Ints:
    """When the version of each row was replaced by the next version of its resource."""
    end = np.full(len(start), FOREVER)
    if not len(start):
        return end
    some = np.empty(int(resource.max()) + 1, np.int64)
    some[resource] = seq
    others = seq != some[resource]
    if not others.any():
        return end
    replaced = np.zeros(len(some), np.bool_)
    replaced[resource[others]] = True
    rows = np.flatnonzero(replaced[resource])
    rows = rows[np.lexsort((seq[rows], start[rows], resource[rows]))]
    resource, start, seq = resource[rows], start[rows], seq[rows]
    same = resource[1:] == resource[:-1]
    new = np.flatnonzero(np.concatenate(([True], ~same | (seq[1:] != seq[:-1]))))
    following = np.append(new[1:], 0)
    ends = np.where(resource[following] == resource[new], start[following], FOREVER)
    ends[-1] = FOREVER
    end[rows] = np.repeat(ends, np.diff(np.append(new, len(rows))))
    return end


# --- groups: whom a row is about ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Groups:
    """Rows by patient, or by patient and focus.

    Attributes:
        row: the rows; one with a bare id may be there twice.
        group: the group of each.
        asked: the group of each moment, -1 where there is none.
        many: how many groups there are.
    """

    row: Ints
    group: Ints
    asked: Ints
    many: int


def _by_subject(rows: Rows, moments: _Places, chosen: Ints) -> _Groups:
    return _Groups(chosen, rows.subject[chosen], moments.subject, len(rows.subjects))


def _by_focus(rows: Rows, moments: _Places, chosen: Ints, link: str) -> _Groups:
    """Groups by patient and focus; a reference that is a bare id is one to any type."""
    numbers, texts = _numbers(rows.column(link).take(pa.array(chosen)))
    names = [focus_of(text) for text in texts.to_pylist()]
    places = {name: at for at, name in enumerate(dict.fromkeys(names))}
    row, focus = chosen[numbers >= 0], numbers[numbers >= 0]
    if names:
        focus = np.array([places[name] for name in names])[focus]
    full: dict[str, list[int]] = {}
    for name, at in places.items():
        if "/" in name:
            full.setdefault(name.rpartition("/")[2], []).append(at)
    copies = [(places[bare], at) for bare in places if "/" not in bare for at in full.get(bare, ())]
    parts = [(row[focus == bare], at) for bare, at in copies]
    row = np.concatenate([row, *(part for part, _ in parts)])
    focus = np.concatenate([focus, *(np.full(len(part), at) for part, at in parts)])
    pairs, group = np.unique(rows.subject[row] * len(places) + focus, return_inverse=True)
    wanted = [places.get(name, -1) for name in moments.foci]
    bare = [places.get(name.rpartition("/")[2], -1) for name in moments.foci]
    asked = _place(pairs, moments, np.array(wanted, np.int64), len(places))
    other = _place(pairs, moments, np.array(bare, np.int64), len(places))
    return _Groups(row, group, np.where(asked >= 0, asked, other), len(pairs))


def _place(pairs: Ints, moments: _Places, numbers: Ints, many: int) -> Ints:
    """The group of each moment among the pairs of patient and focus."""
    if not len(pairs):
        return np.full(len(moments.at), -1)
    focus = numbers[moments.focus]
    wanted = moments.subject * many + focus
    at = np.minimum(np.searchsorted(pairs, wanted), len(pairs) - 1)
    return np.where((moments.subject >= 0) & (focus >= 0) & (pairs[at] == wanted), at, -1)


def focus_of(reference: str) -> str:
    """``Type/ID`` (or the bare id) that a reference points to, without server and version."""
    parts = reference.partition("/_history/")[0].split("/")
    return "/".join(parts[-2:])


@dataclass(frozen=True)
class _Places:
    """The moments in the numbers of some rows, sorted so that neighbours are found beside each other."""

    order: Ints
    subject: Ints
    focus: Ints
    foci: list[str]
    at: Ints

    @classmethod
    def of(cls, moments: Moments, rows: Rows) -> _Places:
        found = pc.fill_null(pc.index_in(moments.subject, rows.subjects), -1)
        subject = found.to_numpy(zero_copy_only=False).astype(np.int64)
        order = np.lexsort((moments.at, subject))
        focus, foci = np.zeros(len(order), np.int64), [""]
        if moments.focus is not None:
            numbers, texts = _numbers(pc.fill_null(moments.focus, ""))
            focus, foci = numbers[order], texts.to_pylist()
        return cls(order, subject[order], focus, foci, moments.at[order])


# --- the index ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """One stream: what was known, oldest first within each group, and where each moment's group lies.

    Attributes:
        row: the row of the view that each value is in.
        key: group and rank of the start, sorted.
        start: from when each value was in force.
        end: until before when.
        replaced: how many of the values before each one were replaced at some time; None if none ever was.
        asked: for each moment, the key of the first instant of its group; -1 where nothing is known.
    """

    row: Ints
    key: Ints
    start: Ints
    end: Ints
    replaced: Ints | None
    asked: Ints


class Index:
    """The streams of some features over some rows, and the moments asked about, both in sorted order."""

    def __init__(self, rows: Rows, moments: Moments, streams: Iterable[Stream]) -> None:
        self.rows = rows
        self.places = _Places.of(moments, rows)
        self._wanted = np.zeros(len(rows.subjects) + 1, np.bool_)
        self._wanted[self.places.subject] = True
        made = {stream: self._groups(stream) for stream in streams}
        chosen = np.concatenate([groups.row for groups in made.values()] or [np.empty(0, np.int64)])
        self.instants = np.unique(rows.start[chosen])
        self._many = len(self.instants) + 1
        self.known = self._sorted(made, chosen)

    def rank(self, at: Ints, side: Any) -> Ints:
        """How many instants at which something became known lie before (``left``) or until (``right``) each."""
        return np.searchsorted(self.instants, at, side)

    def _groups(self, stream: Stream) -> _Groups:
        chosen = self.rows.of(stream)
        chosen = chosen[self._wanted[self.rows.subject[chosen]]]
        if stream.link is None:
            return _by_subject(self.rows, self.places, chosen)
        return _by_focus(self.rows, self.places, chosen, stream.link)

    def _sorted(self, made: Mapping[Stream, _Groups], chosen: Ints) -> dict[Stream, Known]:
        bases = np.cumsum([0, *(groups.many for groups in made.values())])
        group = np.concatenate(
            [groups.group + base for groups, base in zip(made.values(), bases, strict=False)]
            or [np.empty(0, np.int64)]
        )
        key = group * self._many + np.searchsorted(self.instants, self.rows.start[chosen])
        firsts = np.cumsum([0, *(len(groups.row) for groups in made.values())]).tolist()
        columns = [(stream.column, first) for stream, first in zip(made, firsts, strict=False)]
        order = _order(key, _Ties(self.rows, chosen, columns))
        order = order[_newest_of_its_version(key[order], self.rows.seq[chosen[order]])]
        row, key = chosen[order], key[order]
        bounds = np.searchsorted(key, bases * self._many)
        known = {}
        for at, (stream, groups) in enumerate(made.items()):
            part = slice(bounds[at], bounds[at + 1])
            asked = np.where(groups.asked >= 0, (groups.asked + bases[at]) * self._many, -1)
            known[stream] = self._known(row[part], key[part], asked)
        return known

    def _known(self, row: Ints, key: Ints, asked: Ints) -> Known:
        end = self.rows.end[row]
        finite = end != FOREVER
        replaced = np.concatenate(([0], np.cumsum(finite))) if finite.any() else None
        return Known(row, key, self.rows.start[row], end, replaced, asked)


class _Ties:
    """What orders values that became known at once: effective, then the resource, its code, the value as text.

    Args:
        rows: the rows.
        chosen: the row of each value.
        columns: the column that holds each value, with the number of the first value it holds.
    """

    def __init__(self, rows: Rows, chosen: Ints, columns: Sequence[tuple[str, int]]) -> None:
        self.rows = rows
        self.chosen = chosen
        self.columns = columns
        self.ranks: tuple[Callable[[Ints], Ints], ...] = (
            lambda at: _rank(self._cells("effective", at), instant),
            lambda at: _rank(self._cells("_resource", at), str),
            lambda at: _rank(self._codes(at), str),
            self._texts,
        )

    def _cells(self, name: str, at: Ints) -> pa.Array[Any]:
        if name not in self.rows.table.column_names:
            return pa.array([""] * len(at), pa.string())
        cells = self.rows.column(name).take(pa.array(self.chosen[at])).cast(pa.string())
        return pc.fill_null(cells, "")

    def _codes(self, at: Ints) -> pa.Array[Any]:
        return pc.binary_join_element_wise(self._cells("code_system", at), self._cells("code", at), "|")

    def _texts(self, at: Ints) -> Ints:
        firsts = np.array([first for _, first in self.columns])
        texts = np.empty(len(at), object)
        stream = np.searchsorted(firsts, at, "right") - 1
        for number in np.unique(stream):
            mine = stream == number
            column = self.rows.column(self.columns[number][0])
            texts[mine] = [repr(cell) for cell in column.take(pa.array(self.chosen[at[mine]])).to_pylist()]
        return _rank(pa.array(texts, pa.string()), str)


def _rank(texts: pa.Array[Any], form: Callable[[Any], str]) -> Ints:
    """The place of each text among all of them, in the form that is compared."""
    numbers, kinds = _numbers(texts)
    forms = [form(text) for text in kinds.to_pylist()]
    places = {text: at for at, text in enumerate(sorted(set(forms)))}
    return np.array([places[text] for text in forms], np.int64)[numbers]


def _order(key: Ints, ties: _Ties) -> Ints:
    """The order by key, and of what became known at once, by what orders ties."""
    order = np.argsort(key, kind="stable")
    run = np.cumsum(np.diff(key[order], prepend=key[order[:1]]) != 0)
    for rank in ties.ranks:
        tied = np.flatnonzero(np.bincount(run)[run] > 1) if len(run) else run
        if not len(tied):
            return order
        ranks = rank(order[tied])
        again = np.lexsort((ranks, run[tied]))
        order[tied] = order[tied[again]]
        ranks = ranks[again]
        parted = np.zeros(len(order), np.int64)
        parted[tied[1:]] = (ranks[1:] != ranks[:-1]) & (run[tied[1:]] == run[tied[:-1]])
        run = run + np.cumsum(parted)
    return order


def _newest_of_its_version(key: Ints, seq: Ints) -> Flags:
    """Whether each value is the last of its version in its group: a resource counts once."""
    found = np.ones(len(key), np.bool_)
    same = key[1:] == key[:-1]
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    if len(tied):
        order = tied[np.lexsort((tied, seq[tied], key[tied]))]
        found[order[:-1]] = (key[order[1:]] != key[order[:-1]]) | (seq[order[1:]] != seq[order[:-1]])
    return found


def instant(text: str) -> str:
    """A FHIR dateTime in a form whose order is the order in time: UTC; a partial one is its first instant."""
    if "T" not in text or moment(text) is None:
        return text
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return text
