"""The shortest way over typed columns: a view that only picks elements, read with Arrow and without SQL.

Parquet keeps each element of the lists in a resource (``code.coding.code``) as a column of its own, and most
texts once per group of rows. Arrow reads just those columns and keeps the texts so until the end; DuckDB
makes lists of structures of all that is in them. Views that do more than pick go to SQL.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vesalius.errors import InvalidView, UnreadableInput
from vesalius.lake import is_json
from vesalius.views._definition import Definition
from vesalius.views._table import in_order
from vesalius.views.fhirpath import _nodes as ast
from vesalius.views.fhirpath._types import Shape, derived, is_choice, member, suffix
from vesalius.views.sql._plan import Cell, Loop, NotCompiledError, chains

if TYPE_CHECKING:
    import pyarrow.parquet as pq

    from vesalius.views._duckdb import Limits, Progress

Array: TypeAlias = "pa.Array[Any]"
Field: TypeAlias = "pa.Field[Any]"
FIRST = "first()"
"""The step that keeps the first of several; a name of an element has no brackets."""
_FILES = 64
_MADE_OF = {"_reference": ("_id", "_version"), "_resource": ("_id",)}
"""Of which columns of the lake those of the origin are made, where they are none themselves."""
_ITEM = re.compile(r"\.list\.item(?=\.|$)")
_UNIQUE = ("id", "_id")
"""Texts that a dictionary makes no shorter."""


@dataclass(frozen=True)
class Pick:
    """A path that only picks: names of elements, and :data:`FIRST`.

    Attributes:
        outer: the loop on whose item it starts; 0 is the resource.
        steps: in order.
        type: the Arrow type of what it leads to (of an item, for a list).
        shape: its FHIR type.
        leaf: where it leads in the columns, from the resource.
    """

    outer: int
    steps: tuple[str, ...]
    type: pa.DataType
    shape: Shape
    leaf: tuple[str, ...]


class Projection:
    """A view that only picks elements.

    Args:
        definition: the view.
        columns: the schema of its columns, the origin of the rows left out.
        kept: the schema of what is read.

    Raises:
        NotCompiledError: it does more.
    """

    def __init__(self, definition: Definition, columns: pa.Schema, kept: pa.Schema) -> None:
        self.definition = definition
        self.columns = columns
        self._kept = kept
        found = chains(definition.select)
        if len(found) > 1 or definition.where:
            raise NotCompiledError("a union or a criterion")
        root = Pick(0, (), pa.struct(list(kept)), Shape((definition.resource,), many=False), ())
        self._items = {0: root}
        self._steps = [self._step(step) for step in found[0]]
        self.leaves = [pick.leaf for name, _, pick in self._steps if name]
        for name, _, pick in self._steps:
            if not name and not any(leaf[: len(pick.leaf)] == pick.leaf for leaf in self.leaves):
                raise NotCompiledError("a loop of whose items nothing is read")

    @property
    def text(self) -> str:
        """What is read of the columns, for people."""
        return ", ".join(".".join(_named(leaf)) for leaf in dict.fromkeys(self.leaves))

    def _step(self, step: Loop | Cell) -> tuple[str, int, Pick]:
        """A column and where its value is; or no column, the number of a loop and what it loops over."""
        outer = self._items[step.outer]
        if isinstance(step, Loop):
            if step.or_null or step.repeat:
                raise NotCompiledError("forEachOrNull or repeat")
            found = self._pick(step.path, outer, step.outer)
            self._items[step.number] = Pick(
                step.number, (), found.type, Shape(found.shape.types, many=False), found.leaf
            )
            return "", step.number, found
        found = self._pick(step.path, outer, step.outer)
        wanted = self.columns.field(step.column.name).type
        if step.column.collection or not _casts(found.type, wanted):
            raise NotCompiledError("a column that is a list, a structure or of another type")
        return step.column.name, 0, found

    def _pick(self, node: ast.Node, item: Pick, outer: int) -> Pick:
        match node:
            case ast.Member(target=None, name=name) if name[0].isupper():
                if outer or name != self.definition.resource:
                    raise NotCompiledError("a type")
                return item
            case ast.Member(target, name):
                return self._element(self._target(target, item, outer), name, outer)
            case ast.Call(ast.Member(target, name), "ofType", (ast.Member(_, wanted),)):
                owner = self._target(target, item, outer)
                if is_choice(owner.shape.type, name):
                    return self._choice(owner, name, wanted, outer)
            case ast.Call(target, "first", ()) if target is not None:
                return self._first(self._pick(target, item, outer))
            case ast.Item(target, ast.Literal(0, "Integer")):
                return self._first(self._pick(target, item, outer))
            case ast.Call(None, "getResourceKey", ()) if not outer:
                return self._element(item, "id", outer)
        raise NotCompiledError("a path that does more than pick")

    def _target(self, node: ast.Node | None, item: Pick, outer: int) -> Pick:
        return (
            Pick(outer, (), item.type, item.shape, item.leaf)
            if node is None
            else self._pick(node, item, outer)
        )

    def _first(self, found: Pick) -> Pick:
        shape = Shape(found.shape.types, many=False)
        return Pick(found.outer, (*found.steps, FIRST), found.type, shape, found.leaf)

    def _choice(self, owner: Pick, name: str, wanted: str, outer: int) -> Pick:
        allowed = member(owner.shape, name).types
        kinds = [kind for kind in derived(wanted) if kind in allowed]
        if len(kinds) != 1:
            raise NotCompiledError("a choice of several types or of none")
        return self._field(owner, f"{name}{suffix(kinds[0])}", (kinds[0],), outer)

    def _element(self, owner: Pick, name: str, outer: int) -> Pick:
        shape = member(owner.shape, name)
        if len(shape.types) != 1 or is_choice(owner.shape.type, name):
            raise NotCompiledError("an element whose type is not known")
        return self._field(owner, name, shape.types, outer)

    def _field(self, owner: Pick, name: str, types: tuple[str, ...], outer: int) -> Pick:
        at = owner.type.get_field_index(name) if pa.types.is_struct(owner.type) else -1
        if at < 0 or is_json(owner.type.field(at)):
            raise NotCompiledError("an element that the columns do not hold as such")
        kept = owner.type.field(at).type
        several = bool(pa.types.is_list(kept))
        leaf = (*owner.leaf, name, "list", "element") if several else (*owner.leaf, name)
        shape = Shape(types, owner.shape.many or several)
        return Pick(outer, (*owner.steps, name), kept.value_type if several else kept, shape, leaf)

    # --- running -----------------------------------------------------------------------------------------

    def batch(self, resources: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
        """The rows of resources of which the used columns were read: the view's columns, then the origin.

        Raises:
            InvalidView: a column has several values in one row.
        """
        items: dict[int, Array] = {0: resources.to_struct_array()}
        cells: dict[str, Array] = {}
        for name, number, pick in self._steps:
            values, rows = _walk(items[pick.outer], pick.steps)
            if name:
                cells[name] = _single(values, rows, len(items[0]), name)
                continue
            if rows is None and values.null_count:
                rows = np.flatnonzero(values.is_valid().to_numpy(zero_copy_only=False))
                values = values.take(_indices(rows))
            if rows is not None:
                taken = _indices(rows)
                items = {at: each.take(taken) for at, each in items.items()}
                cells = {at: each.take(taken) for at, each in cells.items()}
            items[number] = values
        origin = schema.names[len(self.columns) :]
        cells |= {name: _origin(name, items[0], self.definition.resource) for name in origin}
        arrays = [_cast(cells[field.name], field.type) for field in schema]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _named(leaf: Sequence[str]) -> Iterator[str]:
    """The elements that a column is in, without the names that Parquet gives to what is in a list."""
    names = iter(leaf)
    for name in names:
        if name == "list":
            next(names)
        else:
            yield name


def _walk(values: Array, steps: Sequence[str]) -> tuple[Array, Any]:
    """What a path leads to, and for each the row where it started; no rows where each has exactly one."""
    many, rows = len(values), None
    for step in steps:
        if step == FIRST:
            values, rows = _first(values, rows, many), None
            continue
        values = pc.struct_field(values, step)
        if pa.types.is_list(values.type):
            parents = pc.list_parent_indices(values).to_numpy()
            values, rows = pc.list_flatten(values), parents if rows is None else rows[parents]
        if rows is not None and values.null_count:
            valid = values.is_valid()
            values, rows = values.filter(valid), rows[valid.to_numpy(zero_copy_only=False)]
        if rows is not None and len(rows) == many and np.array_equal(rows, np.arange(many)):
            rows = None
    return values, rows


def _first(values: Array, rows: Any, many: int) -> Array:
    """The first value of each row; null where it has none."""
    if rows is None:
        return values
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    at = np.full(many, -1, dtype=np.int64)
    at[rows[starts]] = starts
    return values.take(_indices(at, at < 0))


def _indices(at: Any, mask: Any = None) -> pa.Int64Array:
    found: pa.Int64Array = pa.array(at, pa.int64(), mask=mask)
    return found


def _single(values: Array, rows: Any, many: int, name: str) -> Array:
    if rows is not None and len(rows) > 1 and not np.diff(rows).all():
        raise InvalidView(
            f"the column {name} has several values where one is allowed",
            hint="use first(), join() or collection: true",
        )
    return _first(values, rows, many)


def _casts(have: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether a value of the columns is written in a column of the view as it is."""
    if pa.types.is_integer(have):
        return bool(pa.types.is_integer(wanted) or pa.types.is_floating(wanted))
    return bool(have == wanted)


def _cast(values: Array, wanted: pa.DataType) -> Array:
    return values if values.type == wanted else values.cast(wanted)


def _origin(name: str, resources: Array, kind: str) -> Array:
    found: Array
    if name not in _MADE_OF:
        found = pc.struct_field(resources, name)
        return found
    found = pc.binary_join_element_wise(f"{kind}/", pc.struct_field(resources, "_id"), "")
    if name == "_reference":
        version = pc.struct_field(resources, "_version").cast(pa.string())
        found = pc.binary_join_element_wise(found, "/_history/", version, "")
    return found


@dataclass(frozen=True)
class Run:
    """A projection that is ready to run over Parquet files of typed columns.

    Attributes:
        projection: the view.
        paths: the files.
        position: rows with a greater ``_seq`` are not read; None for all.
        schema: of what it gives: the columns of the view, then those of the origin.
        origin: the names of the latter.
    """

    projection: Projection
    paths: tuple[str, ...]
    position: int | None
    schema: pa.Schema
    origin: tuple[str, ...]
    limits: Limits
    progress: Progress | None = None

    def table(self) -> pa.Table:
        """All rows; see :meth:`batches`."""
        found = pa.Table.from_batches(self.batches(), self.schema)
        return in_order(found) if "_seq" in self.origin else found

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All rows, a group of the files at a time.

        Raises:
            InvalidView: the view does not fit a resource.
            UnreadableInput: a file cannot be read.
        """
        for at, path in enumerate(self.paths):
            try:
                for read in self._groups(path):
                    yield self.projection.batch(read, self.schema)
            except (OSError, pa.ArrowException):
                raise UnreadableInput(f"{Path(path).name} cannot be read: gone, or damaged") from None
            if self.progress is not None:
                self.progress((at + 1) / len(self.paths))

    def _groups(self, path: str) -> Iterator[pa.RecordBatch]:
        """The groups of rows of a file, up to the position."""
        threads = self.limits.threads != 1
        known = _known(path, Path(path).stat().st_mtime_ns)
        added = [each for name in self.origin for each in _MADE_OF.get(name, (name,))]
        names = list(dict.fromkeys([known.names[leaf] for leaf in self.projection.leaves] + added))
        texts = [name for name in names if name not in _UNIQUE]
        file = known.opened(path, texts)
        for at, last in enumerate(known.last):
            late = self.position is not None and last > self.position
            columns = [*names, "_seq"] if late else names
            try:
                read = file.read_row_group(at, columns=columns, use_threads=threads)
            except pa.ArrowNotImplementedError:  # texts of a list that do not fit in one dictionary
                read = known.opened(path, []).read_row_group(at, columns=columns, use_threads=threads)
            if late:
                read = read.filter(pc.less_equal(read["_seq"], pa.scalar(int(self.position or 0))))
            yield from read.combine_chunks().to_batches()
        known.idle.append((texts, file))


@dataclass(frozen=True)
class _File:
    """What stands at the end of a file, which takes long to read: some 750 columns.

    Attributes:
        metadata: all of it.
        names: of each column, its name in the file, by where it is in the resource.
        last: of each group of rows the greatest ``_seq``; infinite if the file does not say.
        idle: the file as it was opened before, for those who read it next.
    """

    metadata: pq.FileMetaData
    names: dict[tuple[str, ...], str]
    last: tuple[float, ...]
    idle: deque[tuple[list[str], pq.ParquetFile]] = field(default_factory=lambda: deque(maxlen=2))

    def opened(self, path: str, texts: list[str]) -> pq.ParquetFile:
        """The file, ready to read and for one reader alone; these texts are kept in dictionaries."""
        import pyarrow.parquet as pq

        with suppress(IndexError):
            before, file = self.idle.popleft()
            if before == texts:
                return file
        return pq.ParquetFile(path, metadata=self.metadata, read_dictionary=texts)


@lru_cache(_FILES)
def _known(path: str, changed: int) -> _File:
    import pyarrow.parquet as pq

    del changed  # another file of that name is read again
    metadata = pq.read_metadata(path)
    schema = metadata.schema
    names = (schema.column(at).path for at in range(len(schema)))
    # The items of a list have one of two names, also within one table.
    leaves = {tuple(_ITEM.sub(".list.element", name).split(".")): name for name in names}
    return _File(metadata, leaves, tuple(_last(metadata, at) for at in range(metadata.num_row_groups)))


def _last(metadata: pq.FileMetaData, group: int) -> float:
    first = metadata.row_group(group).column(0)
    found = first.statistics
    if first.path_in_schema != "_seq" or found is None or not found.has_min_max:
        return float("inf")
    return float(found.max or 0)
