"""Features that are ready to run: beside their view, checked, from rows to one row per moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from vesalius.errors import InvalidView
from vesalius.views._view import View
from vesalius.views.features._columns import batches, columns
from vesalius.views.features._declaration import NUMBERS, Feature, read
from vesalius.views.features._found import Found, Sources
from vesalius.views.features._guard import check, check_kind, may_leave_out
from vesalius.views.features._known import Index, Rows, Stream
from vesalius.views.features._moments import Asked, Moments

if TYPE_CHECKING:
    from vesalius.lake import Lake

VERSION = ("_reference", "_resource", "_recorded_at", "_seq")
_ORIGIN = ("_subject", *VERSION)


class Features:
    """Some features and the view whose rows they are made of.

    Of each resource the version in force at the moment counts: of those recorded by then, the one with the
    greatest ``(_recorded_at, _seq)``. If it is not withdrawn (:data:`WITHDRAWN`, column ``status``), is about
    the patient, has one of the codes and was recorded in the window, its value counts, once. Values are in
    the order of ``_recorded_at``, then ``effective``, then the resource. Nothing recorded after the moment
    has any influence.

    Args:
        view: what gives the rows: columns ``code_system`` and ``code`` if a feature has codes, columns of
            values, and where they are of use ``status``, ``effective`` and references. Every version must
            give a row, at least as far as its elements can change.
        features: the columns to make.
        outcome: columns that hold the answer; no feature may be made of them.
        added: columns that the caller adds to the rows of the view before :meth:`of`.

    Raises:
        Leak: a feature could see past its moment or know the answer; the error names the place.
        InvalidView: a column is not there, or a feature cannot be made of it.
    """

    def __init__(
        self,
        view: View,
        features: Sequence[Feature],
        *,
        outcome: Sequence[str] = (),
        added: Sequence[str] = (),
    ) -> None:
        check(view.definition, view.schema, features, outcome, added)
        self.view = view
        self.features = tuple(features)
        self._pairs = [(feature, Stream.of(feature)) for feature in features]
        self._wanted = _wanted(features)
        self._versions = _every_version(view) if may_leave_out(view.definition) else None
        self._reckoned = [at for at, feature in enumerate(features) if feature.take in NUMBERS]

    @classmethod
    def load(cls, source: Path | str | Mapping[str, Any]) -> Features:
        """Features from a JSON file, or from one that is decoded; its ``view`` lies beside it.

        Raises:
            Leak: a feature could see past its moment or know the answer; the error names the place.
            InvalidView: the declaration or its view is wrong; the error names the place.
        """
        said, folder = read(source)
        view = View.load(folder / said.view if isinstance(said.view, str) else said.view)
        return cls(view, said.features, outcome=said.outcome, added=said.added)

    def table(self, lake: Lake, asked: Sequence[Asked] | pa.Table) -> Found:
        """The features at each moment, from a lake.

        Args:
            lake: the lake, pinned or not.
            asked: N candidates, each with ``subject`` (``Patient/ID``), ``focus`` (``Type/ID``) and
                ``as_of``; or a table with such columns, in which ``focus`` may be missing.
        """
        moments = Moments.of(asked)
        subjects = sorted(moments.subject.unique().drop_null().to_pylist())
        lake = lake.pinned()
        every = self._versions
        versions = None if every is None else every.table(lake, subjects, origin=VERSION)
        return self._found(self.view.table(lake, subjects), moments, versions)

    def of(self, rows: pa.Table, asked: Sequence[Asked] | pa.Table) -> Found:
        """The features at each moment, from the rows that :meth:`View.table` gave, in any order.

        Raises:
            InvalidView: the rows lack a column, or the moments cannot be read.
        """
        return self._found(rows, Moments.of(asked))

    def _found(self, table: pa.Table, moments: Moments, versions: pa.Table | None = None) -> Found:
        self._check(table, moments)
        index = Index(Rows(table, versions), moments, dict.fromkeys(stream for _, stream in self._pairs))
        made = {
            feature.name: column
            for batch in batches(self._pairs, len(moments.at))
            for (feature, _), column in zip(batch, columns(index, batch), strict=True)
        }
        names = [feature.name for feature in self.features]
        return Found(
            pa.Table.from_arrays([made[name][0] for name in names], names=names),
            Sources(index, {name: made[name][1] for name in names}),
        )

    def _check(self, table: pa.Table, moments: Moments) -> None:
        missing = sorted(self._wanted.difference(table.column_names))
        if missing:
            raise InvalidView(f"the rows lack the columns {', '.join(missing)}", hint="add them to the view")
        for at in self._reckoned:
            check_kind(self.features[at], table.schema, f"features[{at}]")
        if moments.focus is None and any(feature.link for feature in self.features):
            raise InvalidView("the moments lack the column focus, which a link needs")


def _every_version(view: View) -> View:
    """A view with a row for each version of the same type of resource."""
    column = {"name": "id", "path": "id"}
    return View.load({"resource": view.definition.resource, "select": [{"column": [column]}]})


def _wanted(features: Sequence[Feature]) -> frozenset[str]:
    """The columns that rows must have."""
    names = {feature.column for feature in features} | {feature.link for feature in features if feature.link}
    coded = any(feature.codes for feature in features)
    return frozenset({*_ORIGIN, *names, *(("code", "code_system") if coded else ())})
