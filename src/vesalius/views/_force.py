"""Which versions are in force at a moment, from the lake's columns alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from vesalius.lake import ColumnFiles

_READ = ["_id", "_seq", "_recorded_at", "_received_at", "_subject"]


def in_force(
    columns: ColumnFiles,
    as_of: datetime | None = None,
    since: datetime | None = None,
    subjects: Sequence[str] | None = None,
) -> pa.Array[Any]:
    """The places in the log (``_seq``) of the versions in force, one per resource.

    Of each resource the version that was recorded last, up to the moment; of equals the one that arrived
    last, as the lake itself reads.

    Args:
        columns: the files; versions after their position are not read.
        as_of: what was known then; all, if not given.
        since: only those that were received after this moment.
        subjects: only those that are about these patients (``Patient/ID``).
    """
    import pyarrow.dataset as ds

    if not columns.files:
        return pa.array([], pa.int64())
    wanted = ds.field("_seq") <= columns.position
    if as_of is not None:
        wanted &= ds.field("_recorded_at") <= pa.scalar(as_of, pa.timestamp("us", tz="UTC"))
    found = ds.dataset(list(columns.files), format="parquet").to_table(columns=_READ, filter=wanted)
    ordered = found.sort_by([("_recorded_at", "ascending"), ("_seq", "ascending")])
    # One thread: only then is the last of a group the last in order.
    # And nulls count: a version about nobody is the last one too.
    whole = pc.ScalarAggregateOptions(skip_nulls=False)
    kept: Any = [(name, "last", whole) for name in ("_seq", "_received_at", "_subject")]
    last = ordered.group_by("_id", use_threads=False).aggregate(kept)
    if since is not None:
        moment = pa.scalar(since, pa.timestamp("us", tz="UTC"))
        last = last.filter(pc.greater(last["_received_at_last"].cast(moment.type), moment))
    if subjects is not None:
        last = last.filter(pc.is_in(last["_subject_last"], pa.array(list(subjects), pa.string())))
    return last["_seq_last"].combine_chunks()
