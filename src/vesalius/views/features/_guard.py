"""The leakage guard: what could see past its moment, or let the answer in, does not compile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pyarrow as pa

from vesalius.errors import InvalidView, Leak
from vesalius.views._definition import Definition, Select, places
from vesalius.views.features._declaration import KNOWN, NUMBERS, Feature, is_number
from vesalius.views.fhirpath import _nodes as ast
from vesalius.views.fhirpath._parser import parse

STEADY = frozenset(
    {
        "category",
        "class",
        "code",
        "id",
        "identifier",
        "intent",
        "medication",
        "patient",
        "resourceType",
        "subject",
        "type",
        "vaccineCode",
    }
)
"""Elements that say what a resource is: a view of features may filter on them, and on no others."""

_NOTHING = timedelta(0)
_WHOLE = frozenset({"resource", "rootResource", "context"})
_EVERYTHING = frozenset({"children", "descendants", "extension", "repeat", "trace"})


def check(
    definition: Definition,
    schema: pa.Schema,
    features: Sequence[Feature],
    outcome: Sequence[str],
    added: Sequence[str],
) -> None:
    """Refuses a view or a feature that could see past its moment, and what makes no sense.

    Raises:
        Leak: it could; the error names the place and says why.
        InvalidView: a column is not there, or a feature cannot be made of it.
    """
    _check_view(definition)
    columns = {*schema.names, *added}
    for at, name in enumerate(outcome):
        if name not in columns:
            raise InvalidView(f"the rows have no column {name}", place=f"outcome[{at}]")
    seen: set[str] = set()
    for at, feature in enumerate(features):
        place = f"features[{at}]"
        if not feature.name or feature.name in seen:
            raise InvalidView(f"the name {feature.name!r} is empty or comes twice", place=f"{place}.name")
        seen.add(feature.name)
        _check_time(feature, place)
        _check_outcome(feature, outcome, place)
        _check_columns(feature, schema, columns, place)


def _check_time(feature: Feature, place: str) -> None:
    if feature.time != KNOWN:
        raise Leak(
            f"{feature.time} says when something happened, not when it was known: a result counts from "
            "when it was recorded",
            place=f"{place}.time",
            hint=f"leave it out; values are placed by {KNOWN}",
        )
    if feature.ending < _NOTHING:
        raise Leak(
            f"the window ends {-feature.ending} after the moment, and would see what was not known yet",
            place=f"{place}.ending",
            hint="zero, or a length of time before the moment",
        )
    if feature.within is not None and feature.within < _NOTHING:
        raise Leak(
            f"the window begins {-feature.within} after the moment, and would see what was not known yet",
            place=f"{place}.within",
            hint="a length of time before the moment",
        )
    if feature.within is not None and feature.within < feature.ending:
        raise InvalidView(f"the window ends before it begins ({feature.within} ago)", place=f"{place}.ending")
    if feature.per <= _NOTHING:
        raise InvalidView("needs a length of time above zero", place=f"{place}.per")


def _check_outcome(feature: Feature, outcome: Sequence[str], place: str) -> None:
    for name, field in ((feature.column, "column"), (feature.link, "link")):
        if name in outcome:
            raise Leak(
                f"{name} is declared as the outcome: a feature made of it would know the answer",
                place=f"{place}.{field}",
                hint="take another column, or make the outcome with features of its own",
            )


def _check_columns(feature: Feature, schema: pa.Schema, columns: set[str], place: str) -> None:
    wanted = [(feature.column, "column")]
    wanted += [(feature.link, "link")] if feature.link is not None else []
    wanted += [("code", "codes"), ("code_system", "codes")] if feature.codes else []
    for name, field in wanted:
        if name not in columns:
            raise InvalidView(
                f"the rows have no column {name}", place=f"{place}.{field}", hint="add it to the view"
            )
    for at, code in enumerate(feature.codes):
        if "|" not in code:
            raise InvalidView("a code is written SYSTEM|CODE", place=f"{place}.codes[{at}]")
    if feature.column in schema.names:
        check_kind(feature, schema, place)


def check_kind(feature: Feature, schema: pa.Schema, place: str) -> None:
    """Refuses arithmetic on what is no number.

    Raises:
        InvalidView: it is.
    """
    kind = schema.field(feature.column).type
    if feature.take in NUMBERS and not is_number(kind):
        raise InvalidView(f"{feature.take} needs numbers, and {feature.column} is {kind}", place=place)


def may_leave_out(definition: Definition) -> bool:
    """Whether a view that compiles may give no row for a version, once what the resource is was corrected."""
    loops = (select.for_each is not None for _, select in places(definition.select, ""))
    return bool(definition.where) or any(loops)


def _check_view(definition: Definition) -> None:
    """Every version must give a row: one that is left out could not replace the one before it."""
    for at, path in enumerate(definition.where):
        _refuse(_moving(path, definition.resource), f"view.where[{at}]")
    for at, select in enumerate(definition.select.select):
        for place, moving in _losses(select, f"view.select[{at}]", definition.resource):
            _refuse(moving, place)


def _refuse(moving: Sequence[str], place: str) -> None:
    if moving:
        raise Leak(
            f"leaves out versions by {', '.join(moving)}, which can change: a version that is left out "
            "cannot replace the one before it, which would look as if it were still in force",
            place=place,
            hint="make it a column, or use forEachOrNull",
        )


def _losses(select: Select, place: str, resource: str, firm: bool = False) -> Iterator[tuple[str, list[str]]]:
    """Where a select may give no row at all for a version, and by what.

    Args:
        select: the select.
        place: where it is.
        resource: the type of resource that paths start from; empty inside a loop over a part of it.
        firm: whether the select is inside a loop over a steady element, where nothing can get lost.
    """
    if firm:
        return
    inside, inner_firm = resource, False
    if select.for_each is not None:
        moving = _moving(select.for_each, resource) if resource else ["a part of the resource"]
        if moving:
            yield f"{place}.forEach", moving
        inside, inner_firm = "", not moving
    elif select.repeat:
        yield f"{place}.repeat", ["a part of the resource"]
        inside = ""
    elif select.for_each_or_null is not None:
        inside, inner_firm = "", bool(resource) and not _moving(select.for_each_or_null, resource)
    for at, each in enumerate(select.select):
        yield from _losses(each, f"{place}.select[{at}]", inside, inner_firm)
    branches = [
        list(_losses(each, f"{place}.unionAll[{at}]", inside, inner_firm))
        for at, each in enumerate(select.union_all)
    ]
    if branches and all(branches):
        yield from branches[0]


def _moving(path: str, resource: str) -> list[str]:
    """The elements of the resource that a path reads and that can change."""
    return sorted(_Reading(resource).names(parse(path)) - STEADY)


class _Reading:
    """Which elements of a resource a path reads."""

    def __init__(self, resource: str) -> None:
        self.resource = resource
        self.found: set[str] = set()

    def names(self, node: ast.Node) -> set[str]:
        self._read(node, True)
        return self.found

    def _read(self, node: ast.Node | None, focus: bool) -> bool:
        """Notes what a node reads; says whether the node is the resource itself.

        Args:
            node: the node; None for the focus.
            focus: whether the focus is the resource.
        """
        if node is None:
            return focus
        if isinstance(node, ast.Constant):
            return node.name in _WHOLE
        if isinstance(node, ast.Variable):
            return focus and node.name == "this"
        if isinstance(node, ast.Member):
            return self._member(node, self._read(node.target, focus))
        if isinstance(node, ast.Call):
            return self._call(node, self._read(node.target, focus), focus)
        if isinstance(node, ast.Item):
            self._read(node.index, focus)
            return self._read(node.target, focus)
        for part in self._parts(node):
            self._read(part, focus)
        return False

    def _member(self, node: ast.Member, whole: bool) -> bool:
        if not whole or node.name == self.resource:
            return whole
        self.found.add(node.name)
        return False

    def _call(self, node: ast.Call, whole: bool, focus: bool) -> bool:
        if whole and node.name in _EVERYTHING:
            self.found.add(f"{node.name}()")
        # The focus of an argument is the target, or an item of it; in iif() it is the focus outside.
        inside = whole or (focus and node.name == "iif")
        for argument in node.arguments:
            self._read(argument, inside)
        return whole

    @staticmethod
    def _parts(node: ast.Node) -> tuple[ast.Node, ...]:
        if isinstance(node, ast.Binary):
            return (node.left, node.right)
        if isinstance(node, ast.Unary | ast.TypeTest):
            return (node.operand,)
        return ()
