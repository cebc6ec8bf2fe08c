"""Which versions are in force at a moment, from the lake's columns alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from vesalius import fhir

if TYPE_CHECKING:
    from vesalius.lake import ColumnFiles

_INSTANT = pa.timestamp("us", tz="UTC")


class Force:
    """The places in the log (``_seq``) of the versions in force, one per resource.

    Of each resource the version that was recorded last, up to the moment; of equals the one that arrived
    last, as the lake itself reads.

    Args:
        columns: the files; versions after their position are not read.
        as_of: what was known then; all, if not given.
        since: only those that were received after this moment.
        subjects: only those that are about these patients (``Patient/ID``).
        without: none that concern one of these patients (``Patient/ID``).

    Attributes:
        whole: whether that is every version, so that nothing need be dropped.
    """

    def __init__(
        self,
        columns: ColumnFiles,
        as_of: datetime | None = None,
        since: datetime | None = None,
        subjects: Sequence[str] | None = None,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self.whole = not columns.files
        self._places: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        if self.whole:
            return
        needed = ["_id", "_seq", "_recorded_at"]
        needed += ["_received_at"] if since is not None else []
        named = bool(without) and fhir.shared(columns.type)
        needed += ["_subject"] if subjects is not None or without else []
        needed += ["_body"] if named else []
        known = _read(columns, needed, as_of)
        last = _last(known)
        rest = [name for name in needed if name not in ("_id", "_recorded_at")]
        kept = _narrowed(last.select(rest), since, subjects, without)
        if named:
            free = [without.isdisjoint(_named(body)) for body in kept["_body"]]
            kept = kept.filter(pa.array(free, pa.bool_()))
        self.whole = as_of is None and kept.num_rows == known.num_rows
        self._places = np.sort(kept["_seq"].to_numpy())

    def keep(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The rows of a batch that come from versions in force."""
        if self.whole:
            return batch
        if not len(self._places):
            return batch.slice(0, 0)
        places = batch["_seq"].to_numpy()
        at = np.minimum(np.searchsorted(self._places, places), len(self._places) - 1)
        return batch.filter(pa.array(self._places[at] == places))


def _read(columns: ColumnFiles, needed: list[str], as_of: datetime | None) -> pa.Table:
    import pyarrow.dataset as ds

    wanted = ds.field("_seq") <= columns.position
    if as_of is not None:
        wanted &= ds.field("_recorded_at") <= pa.scalar(as_of, _INSTANT)
    return ds.dataset(list(columns.files), format="parquet").to_table(columns=needed, filter=wanted)


def _last(known: pa.Table) -> pa.Table:
    """The last version of each resource."""
    if pc.count_distinct(known["_id"]).as_py() == known.num_rows:
        return known  # mostly: nothing was corrected, and nothing need be sorted
    ordered = known.sort_by([("_recorded_at", "ascending"), ("_seq", "ascending")])
    rest = [name for name in known.column_names if name != "_id"]
    # One thread: only then is the last of a group the last in order. And nulls count: a version about nobody
    # is the last one too.
    nulls = pc.ScalarAggregateOptions(skip_nulls=False)
    asked: Any = [(name, "last", nulls) for name in rest]
    found = ordered.group_by("_id", use_threads=False).aggregate(asked)
    return found.rename_columns([name.removesuffix("_last") for name in found.column_names])


def _named(body: Any) -> frozenset[str]:
    return fhir.named(body.as_py().encode())


def _narrowed(
    last: pa.Table,
    since: datetime | None,
    subjects: Sequence[str] | None,
    without: frozenset[str] = frozenset(),
) -> pa.Table:
    if since is not None:
        last = last.filter(pc.greater(last["_received_at"].cast(_INSTANT), pa.scalar(since, _INSTANT)))
    if subjects is not None:
        last = last.filter(pc.is_in(last["_subject"], pa.array(list(subjects), pa.string())))
    if without:  # nobody's rows stay: whom a null is in, or not, Arrow says with false
        last = last.filter(pc.invert(pc.is_in(last["_subject"], pa.array(sorted(without), pa.string()))))
    return last
