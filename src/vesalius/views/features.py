"""From long rows to one row per candidate: the last value known at its moment.

The rows come from a view with one row per value: columns ``code_system`` and ``code``, one or more columns
of values, and where they are of use ``status``, ``effective`` and a reference such as ``specimen``. The view
must keep every version: one that leaves out a version (``where`` on a status, say) makes the version before
it look as if it were still in force.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from vesalius.errors import InvalidView
from vesalius.views._values import moment

WITHDRAWN = frozenset({"entered-in-error", "cancelled"})
"""A resource whose version in force has one of these statuses says nothing."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FOREVER = 2**63


@dataclass(frozen=True)
class Feature:
    """One column to make.

    Attributes:
        name: of the column.
        codes: what to look for, each as ``SYSTEM|CODE``; any code, if none is given.
        column: the column of the rows that holds the value; a row without a value is passed over.
        within: how long before the moment the value may have been recorded; None for any time.
        link: a column of references; only rows that point to the candidate's focus count.
    """

    name: str
    codes: tuple[str, ...] = ()
    column: str = "value"
    within: timedelta | None = None
    link: str | None = None


class Asked(Protocol):
    """What is asked about: a candidate of a use case."""

    @property
    def subject(self) -> str:
        """The patient, as ``Patient/ID``."""

    @property
    def focus(self) -> str:
        """What makes the question arise, as ``Type/ID``."""

    @property
    def as_of(self) -> datetime:
        """The moment, with a time zone."""


class _Known(NamedTuple):
    """One value, in force from ``start`` until before ``end`` (microseconds); greater is chosen first."""

    start: int
    effective: str
    resource: str
    code: str
    text: str
    end: int
    value: Any
    reference: str


Index = dict[tuple[str, str], list[_Known]]
"""By subject and focus (empty without a link), in order."""


def latest(
    rows: pa.Table, candidates: Sequence[Asked], features: Sequence[Feature]
) -> tuple[pa.Table, tuple[dict[str, tuple[str, ...]], ...]]:
    """The last value of each feature that was known at each candidate's moment.

    Of each resource the version in force at ``as_of`` counts: of those recorded by then, the one with the
    greatest ``(_recorded_at, _seq)``. If it is not withdrawn (:data:`WITHDRAWN`), is about the subject and
    has the code, its value counts. Of the values of all resources the newest is taken, by ``_recorded_at``,
    then ``effective``, then the resource. Nothing recorded after ``as_of`` has any influence.

    Args:
        rows: what :meth:`vesalius.views.View.table` gives, in any order.
        candidates: N candidates, each with ``subject`` (``Patient/ID``), ``focus`` (``Type/ID``), ``as_of``.
        features: the columns to make.

    Returns:
        A table of N rows with a column per feature, null where nothing was known, and N mappings from the
        names of the features that have a value to the versioned references it came from.

    Raises:
        InvalidView: the rows lack a column that a feature names.
    """
    _check(rows, features)
    prepared = _prepare(rows, candidates)
    codes = _by_code(prepared) if any(feature.codes for feature in features) else {}
    moments = [_micros(candidate.as_of) for candidate in candidates]
    sources: tuple[dict[str, tuple[str, ...]], ...] = tuple({} for _ in candidates)
    columns = []
    for feature in features:
        places = [at for code in feature.codes for at in codes.get(code, ())]
        index = _index(prepared, feature, places if feature.codes else range(len(prepared["_seq"])))
        found = [_find(index, feature, asked, at) for asked, at in zip(candidates, moments, strict=True)]
        for known, source in zip(found, sources, strict=True):
            if known:
                source[feature.name] = (known.reference,)
        values = [known.value if known else None for known in found]
        columns.append(pa.array(values, rows.schema.field(feature.column).type))
    return pa.Table.from_arrays(columns, names=[feature.name for feature in features]), sources


def _check(rows: pa.Table, features: Sequence[Feature]) -> None:
    wanted = {"_reference", "_resource", "_subject", "_recorded_at", "_seq"}
    for feature in features:
        wanted.add(feature.column)
        wanted.update(filter(None, (feature.link,)))
        wanted.update(("code", "code_system") if feature.codes else ())
    missing = sorted(wanted - set(rows.column_names))
    if missing:
        raise InvalidView(f"the rows lack the columns {', '.join(missing)}", hint="add them to the view")


def _prepare(rows: pa.Table, candidates: Sequence[Asked]) -> dict[str, list[Any]]:
    """The columns as lists, with ``start`` and ``end``, of the resources that were ever about a candidate."""
    subjects = pa.array(sorted({candidate.subject for candidate in candidates}), pa.string())
    about = pc.unique(rows.filter(pc.is_in(rows["_subject"], subjects))["_resource"])
    kept = rows.filter(pc.is_in(rows["_resource"], about))
    lists: dict[str, list[Any]] = {
        name: kept[name].to_pylist() for name in kept.column_names if name != "_recorded_at"
    }
    lists["start"] = kept["_recorded_at"].cast(pa.int64()).to_pylist()
    lists["end"] = _ends(lists["_resource"], lists["start"], lists["_seq"])
    return lists


def _by_code(lists: Mapping[str, list[Any]]) -> dict[str, list[int]]:
    """The numbers of the rows of each ``SYSTEM|CODE``, so that a feature looks at its own rows only."""
    found: dict[str, list[int]] = {}
    for at, (system, code) in enumerate(zip(lists["code_system"], lists["code"], strict=True)):
        found.setdefault(f"{system}|{code}", []).append(at)
    return found


def _ends(resources: Sequence[str], starts: Sequence[int], seqs: Sequence[int]) -> list[int]:
    """When the version of each row was replaced by the next version of its resource."""
    versions = list(zip(resources, starts, seqs, strict=True))
    ends: dict[tuple[str, int, int], int] = {}
    ordered = sorted(set(versions))
    for at, version in enumerate(ordered):
        following = ordered[at + 1] if at + 1 < len(ordered) else ("", 0, 0)
        ends[version] = following[1] if following[0] == version[0] else _FOREVER
    return [ends[version] for version in versions]


def _index(lists: Mapping[str, list[Any]], feature: Feature, places: Iterable[int]) -> Index:
    index: Index = {}
    for at in _matching(lists, feature, places):
        known = _known(lists, feature, at)
        focus = _focus(lists[feature.link][at]) if feature.link else ""
        index.setdefault((lists["_subject"][at], focus), []).append(known)
    for each in index.values():
        each.sort(key=lambda known: known[:5])
    return index


def _matching(lists: Mapping[str, list[Any]], feature: Feature, places: Iterable[int]) -> Iterable[int]:
    """Those of ``places`` that have a value of the feature, are not withdrawn and were ever in force."""
    values = lists[feature.column]
    statuses = lists.get("status") or [None] * len(values)
    for at in places:
        in_force = lists["start"][at] != lists["end"][at]
        if in_force and values[at] is not None and statuses[at] not in WITHDRAWN:
            yield at


def _known(lists: Mapping[str, list[Any]], feature: Feature, at: int) -> _Known:
    def cell(name: str) -> str:
        return str(lists[name][at]) if name in lists and lists[name][at] is not None else ""

    value = lists[feature.column][at]
    return _Known(
        start=lists["start"][at],
        effective=_instant(cell("effective")),
        resource=lists["_resource"][at],
        code=f"{cell('code_system')}|{cell('code')}",
        text=repr(value),
        end=lists["end"][at],
        value=value,
        reference=lists["_reference"][at],
    )


def _find(index: Index, feature: Feature, asked: Asked, at: int) -> _Known | None:
    if feature.link is None:
        return _newest(index.get((asked.subject, ""), ()), feature, at)
    places = (asked.focus, asked.focus.rpartition("/")[2])
    found = [_newest(index.get((asked.subject, place), ()), feature, at) for place in places]
    return max((known for known in found if known), key=lambda known: known[:5], default=None)


def _newest(known: Sequence[_Known], feature: Feature, at: int) -> _Known | None:
    """The last in order that was recorded by ``at`` and not yet replaced; its start bounds ``within``."""
    for place in range(bisect_right(known, at, key=lambda each: each.start) - 1, -1, -1):
        each = known[place]
        if feature.within is not None and at - each.start > feature.within // _MICROSECOND:
            return None
        if each.end > at:
            return each
    return None


def _focus(reference: str | None) -> str:
    """``Type/ID`` (or the bare id) that a reference points to, without server and version."""
    parts = (reference or "").partition("/_history/")[0].split("/")
    return "/".join(parts[-2:])


def _instant(text: str) -> str:
    """A FHIR dateTime in a form whose order is the order in time: UTC; a partial one is its first instant."""
    if "T" not in text or moment(text) is None:
        return text
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return text


def _micros(when: datetime) -> int:
    return (when - _EPOCH) // _MICROSECOND
