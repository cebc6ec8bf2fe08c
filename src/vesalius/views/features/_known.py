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

from vesalius.views.features._declaration import Feature, is_number
from vesalius.views.features._moments import Array, Chunks, Ints, Moments, array, compute, micros
from vesalius.views.fhirpath._values import moment

WITHDRAWN = frozenset({"entered-in-error", "cancelled"})
"""A resource whose version in force has one of these statuses says nothing."""

FOREVER = np.int64(2**63 - 1)
_WITHDRAWN = pa.array(sorted(WITHDRAWN), pa.string())
Flags = np.ndarray[Any, np.dtype[np.bool_]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


class Stream(NamedTuple):
    """What a feature reads: the codes as pairs of system and code, every one if there are none."""

    codes: tuple[tuple[str, str], ...]
    column: str
    link: str | None

    @classmethod
    def of(cls, feature: Feature) -> Stream:
        """The stream of a feature."""
        # A system may hold a bar of its own, so each bar may be the one that parts it from the code.
        pairs = {
            (code[:at], code[at + 1 :])
            for code in feature.codes
            for at, sign in enumerate(code)
            if sign == "|"
        }
        return cls(tuple(sorted(pairs)), feature.column, feature.link)


class Rows:
    """The rows of a view, each with from when until before when its version was in force (microseconds).

    Args:
        table: the rows.
        versions: at least one row for each version, if some versions may have none in the table.
    """

    def __init__(self, table: pa.Table, versions: pa.Table | None = None) -> None:
        self.table = table
        self.names = frozenset(table.column_names)
        self._columns: dict[str, Array] = {}
        self._usable: dict[str, Flags] = {}
        self._numbers: dict[str, Floats] = {}
        self.start = micros(self.column("_recorded_at"))
        self.seq: Ints = self.column("_seq").to_numpy(zero_copy_only=False)
        self.end = self._ends(versions)
        self.subject, self.subjects = _numbers(table["_subject"])
        self.telling: Flags = self.subject >= 0
        if "status" in self.names:
            self.telling &= ~_flags(compute.is_in(table["status"], _WITHDRAWN))

    def _ends(self, versions: pa.Table | None) -> Ints:
        """When the version of each row was replaced by the next version of its resource."""
        parts = [self.table, *([] if versions is None else [versions])]
        resource, reference = (
            _together([part[name] for part in parts]) for name in ("_resource", "_reference")
        )
        start, seq = self.start, self.seq
        if versions is not None:
            start = np.concatenate([start, micros(array(versions["_recorded_at"]))])
            seq = np.concatenate([seq, array(versions["_seq"]).to_numpy(zero_copy_only=False)])
        end = np.full(len(start), FOREVER)
        # Most resources have one version, whose number is 1: only those that have another are sorted.
        further = compute.invert(compute.ends_with(reference, "/_history/1"))
        if compute.any(further).as_py():
            replaced = compute.unique(resource.filter(further))
            rows = np.flatnonzero(_flags(compute.is_in(resource, replaced)))
            end[rows] = _ends(_numbers(resource.take(pa.array(rows)))[0], start[rows], seq[rows])
        return end[: len(self.start)]

    def column(self, name: str) -> Array:
        """A column as one array."""
        if name not in self._columns:
            self._columns[name] = array(self.table[name])
        return self._columns[name]

    @cached_property
    def codes(self) -> tuple[Ints, dict[str, int], dict[str, int], int]:
        """The number of each row's code, and the numbers of the systems and codes it is made of."""
        (systems, system_of), (codes, code_of) = (
            _numbers(_filled(self.table[name])) for name in ("code_system", "code")
        )
        many = len(code_of)
        places = [{text: at for at, text in enumerate(each.to_pylist())} for each in (system_of, code_of)]
        return systems * many + codes, places[0], places[1], many

    def with_codes(self, wanted: Sequence[tuple[str, str]]) -> Ints:
        """The rows with one of these codes."""
        each, systems, codes, many = self.codes
        numbers = [
            systems[system] * many + codes[code]
            for system, code in wanted
            if system in systems and code in codes
        ]
        if not numbers:
            return np.empty(0, np.int64)
        return np.flatnonzero(each == numbers[0] if len(numbers) == 1 else np.isin(each, numbers))

    def usable(self, name: str) -> Flags:
        """Which rows are about somebody, are not withdrawn and have a value in a column."""
        if name not in self._usable:
            column = self.table[name]
            valued = column.null_count == 0 or _flags(column.is_valid())
            self._usable[name] = self.telling & valued
        return self._usable[name]

    def numbers(self, name: str) -> Floats | None:
        """A column as numbers; None if it has none."""
        column = self.column(name)
        if name not in self._numbers and is_number(column.type):
            numbers = column.cast(pa.float64(), safe=False)
            self._numbers[name] = numbers.to_numpy(zero_copy_only=False)
        return self._numbers.get(name)

    def of(self, stream: Stream) -> Ints:
        """The rows of a stream, in any order."""
        usable = self.usable(stream.column)
        if not stream.codes:
            return np.flatnonzero(usable)
        rows = self.with_codes(stream.codes)
        return rows[usable[rows]]


def _together(columns: Sequence[Chunks]) -> Chunks:
    return pa.chunked_array([chunk for column in columns for chunk in column.chunks], columns[0].type)


def _some(rows: Rows, name: str, at: Ints) -> Chunks:
    """Some cells of a column."""
    places: Array = pa.array(at)
    return rows.table[name].take(places)


def _flags(values: Chunks) -> Flags:
    found: Flags = array(values).to_numpy(zero_copy_only=False)
    return found


def _filled(texts: Chunks) -> Chunks:
    """The texts, empty where there is none."""
    return compute.fill_null(texts, "") if texts.null_count else texts


def _numbers(texts: Chunks) -> tuple[Ints, Array]:
    """A number for each text (-1 for null), and the text of each number."""
    encoded = array(texts.dictionary_encode().unify_dictionaries())
    indices = compute.fill_null(encoded.indices, -1) if texts.null_count else encoded.indices
    return indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary


def _ends(resource: Ints, start: Ints, seq: Ints) -> Ints:
    """When the version of each row was replaced by the next version of its resource."""
    order = np.lexsort((seq, start, resource))
    resource, start, seq = resource[order], start[order], seq[order]
    same = (resource[1:] == resource[:-1]) & (seq[1:] == seq[:-1])
    new = np.flatnonzero(np.concatenate(([True], ~same)))
    following = np.append(new[1:], new[:1])
    ends = np.where(resource[following] == resource[new], start[following], FOREVER)
    ends[-1] = FOREVER
    found = np.empty(len(order), np.int64)
    found[order] = np.repeat(ends, np.diff(np.append(new, len(order))))
    return found


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


@dataclass(frozen=True)
class _Link:
    """What the rows of one link point to, beside what the moments ask about.

    Attributes:
        focus: of each row the number of what it points to, -1 where it points to nothing.
        many: how many different ones there are.
        bare: the numbers of bare ids, and of the references of any type that have that id.
        wanted: of each of the moments' foci the number, and that of its bare id; -1 where no row has it.
    """

    focus: Ints
    many: int
    bare: tuple[tuple[int, int], ...]
    wanted: tuple[Ints, Ints]

    @classmethod
    def of(cls, rows: Rows, moments: _Places, link: str) -> _Link:
        """The rows of a link, all of them: it is read once, however many streams follow it."""
        focus, texts = _numbers(rows.table[link])
        names = [focus_of(text) for text in texts.to_pylist()]
        places = {name: at for at, name in enumerate(dict.fromkeys(names))}
        if names:
            own = np.array([places[name] for name in names], np.int64)
            focus = np.where(focus >= 0, own[focus], -1)
        bare = {name: at for name, at in places.items() if "/" not in name}
        full = ((bare.get(name.rpartition("/")[2]), at) for name, at in places.items() if "/" in name)
        wanted = [places.get(name, -1) for name in moments.foci]
        other = [places.get(name.rpartition("/")[2], -1) for name in moments.foci]
        return cls(
            focus,
            len(places),
            tuple((short, at) for short, at in full if short is not None),
            (np.array(wanted, np.int64), np.array(other, np.int64)),
        )


def _by_focus(rows: Rows, moments: _Places, chosen: Ints, link: _Link) -> _Groups:
    """Groups by patient and focus; a reference that is a bare id is one to any type."""
    focus = link.focus[chosen]
    row, focus = chosen[focus >= 0], focus[focus >= 0]
    parts = [(row[focus == short], at) for short, at in link.bare]
    row = np.concatenate([row, *(part for part, _ in parts)])
    focus = np.concatenate([focus, *(np.full(len(part), at) for part, at in parts)])
    pairs, group = np.unique(rows.subject[row] * link.many + focus, return_inverse=True)
    asked, other = (_place(pairs, moments, numbers, link.many) for numbers in link.wanted)
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
        found = compute.fill_null(compute.index_in(moments.subject, rows.subjects), -1)
        subject = found.to_numpy(zero_copy_only=False).astype(np.int64)
        order = np.lexsort((moments.at, subject))
        focus, foci = np.zeros(len(order), np.int64), [""]
        if moments.focus is not None:
            numbers, texts = _numbers(_filled(pa.chunked_array([moments.focus])))
            focus, foci = numbers[order], texts.to_pylist()
        return cls(order, subject[order], focus, foci, moments.at[order])


# --- the index ----------------------------------------------------------------------------------------------


class Index:
    """What was known in some streams: one entry for each value, sorted by group and start.

    Attributes:
        places: the moments that are asked about.
        row: the row of the view that each value is in.
        start: from when each value was in force.
        end: until before when.
        replaced: how many of the values before each one were replaced at some time; None if none ever was.
    """

    def __init__(self, rows: Rows, moments: Moments, streams: Iterable[Stream]) -> None:
        self.rows = rows
        self.places = _Places.of(moments, rows)
        self._links: dict[str, _Link] = {}
        wanted = np.zeros(len(rows.subjects) + 1, np.bool_)  # the last one for moments of nobody known
        wanted[self.places.subject] = True
        if not wanted[:-1].all():
            rows.telling &= wanted[rows.subject]
        made = {stream: self._groups(stream) for stream in streams}
        chosen = _joined([groups.row for groups in made.values()])
        self._instants = np.unique(rows.start[chosen])
        self._many = len(self._instants) + 1
        self._sort(made, chosen)

    def _groups(self, stream: Stream) -> _Groups:
        chosen = self.rows.of(stream)
        if stream.link is None:
            return _by_subject(self.rows, self.places, chosen)
        if stream.link not in self._links:
            self._links[stream.link] = _Link.of(self.rows, self.places, stream.link)
        return _by_focus(self.rows, self.places, chosen, self._links[stream.link])

    def _sort(self, made: Mapping[Stream, _Groups], chosen: Ints) -> None:
        bases = np.cumsum([0, *(groups.many for groups in made.values())])
        firsts = np.cumsum([0, *(len(groups.row) for groups in made.values())])
        group = _joined([each.group for each in made.values()]) + np.repeat(bases[:-1], np.diff(firsts))
        key = group * self._many + np.searchsorted(self._instants, self.rows.start[chosen])
        columns = [(stream.column, first) for stream, first in zip(made, firsts.tolist(), strict=False)]
        order = _order(key, _Ties(self.rows, chosen, columns))
        order = order[_newest_of_its_version(key[order], self.rows.seq[chosen[order]])]
        self.row, self._key = chosen[order], key[order]
        self.start, self.end = self.rows.start[self.row], self.rows.end[self.row]
        finite = self.end != FOREVER
        self.replaced = np.concatenate(([0], np.cumsum(finite))) if finite.any() else None
        self._begin = np.searchsorted(self._key, np.arange(bases[-1] + 1) * self._many)
        parts = self._begin[bases].tolist()
        self._parts = {stream: slice(*parts[at : at + 2]) for at, stream in enumerate(made)}
        self._asked = {stream: each.asked for stream, each in made.items()}
        self._bases = dict(zip(made, bases.tolist(), strict=False))

    def asked(self, streams: Sequence[Stream]) -> Ints:
        """The group of each moment in each stream, one stream after the other; -1 where nothing is known."""
        own = np.concatenate([self._asked[stream] for stream in streams])
        bases = np.repeat([self._bases[stream] for stream in streams], len(self.places.at))
        return np.where(own >= 0, own + bases, -1)

    def begin(self, group: Ints) -> Ints:
        """Where each group begins; of no group, where the last one ends."""
        return self._begin[group]

    def place(self, group: Ints, at: Ints, side: Any) -> Ints:
        """Where in its group the first value lies that became known at a time or later, or after it.

        Args:
            group: S times N groups.
            at: the times of N moments.
            side: ``left``: at that time or later; ``right``: after it.
        """
        rank = np.searchsorted(self._instants, at, side)
        wanted = (group.reshape(-1, len(at)) * self._many + rank).reshape(-1) if len(at) else group
        return np.where(group < 0, self._begin[-1], np.searchsorted(self._key, wanted))

    @cached_property
    def values(self) -> Floats:
        """The values as numbers, of the streams that have some."""
        found = np.zeros(len(self.row))
        for stream, part in self._parts.items():
            numbers = self.rows.numbers(stream.column)
            if numbers is not None:
                found[part] = numbers[self.row[part]]
        return found


def _joined(parts: Sequence[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.empty(0, np.int64)


class _Ties:
    """What orders values that became known at once: effective, resource, code, the value as text.

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

    def _cells(self, name: str, at: Ints) -> Chunks:
        if name not in self.rows.table.column_names:
            return pa.chunked_array([[""] * len(at)], pa.string())
        return _filled(_some(self.rows, name, self.chosen[at]).cast(pa.string()))

    def _codes(self, at: Ints) -> Chunks:
        return compute.binary_join_element_wise(self._cells("code_system", at), self._cells("code", at), "|")

    def _texts(self, at: Ints) -> Ints:
        firsts = np.array([first for _, first in self.columns])
        texts = np.empty(len(at), object)
        stream = np.searchsorted(firsts, at, "right") - 1
        for number in np.unique(stream):
            mine = stream == number
            column = self.rows.column(self.columns[number][0])
            texts[mine] = [repr(cell) for cell in column.take(pa.array(self.chosen[at[mine]])).to_pylist()]
        return _rank(pa.chunked_array([texts], pa.string()), str)


def _rank(texts: Chunks, form: Callable[[Any], str]) -> Ints:
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
