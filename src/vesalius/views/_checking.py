"""Looks through a view before it runs: paths that lead nowhere, types that clash, loops without end.

The specification lets a path that leads nowhere give null, and the official suite asks for that, so such a
view loads and runs. It is still a mistake nearly always: ``check`` says it. What can never work (a criterion
that is no Boolean, a ``repeat`` that comes back to where it was) is refused as soon as the view is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from vesalius import fhir
from vesalius.errors import InvalidView, NotFound
from vesalius.views._definition import Column, Definition, Select
from vesalius.views.fhirpath import _nodes as ast
from vesalius.views.fhirpath._functions import FUNCTIONS
from vesalius.views.fhirpath._parser import parse
from vesalius.views.fhirpath._types import (
    COMPLEX,
    PRIMITIVES,
    SUFFIXES,
    Shape,
    element,
    is_a,
    is_choice,
    member,
    plain,
    scalar,
)

Severity = Literal["error", "warning"]
_BOOLEAN = scalar("boolean")
_NUMBERS = frozenset({"integer", "integer64", "positiveInt", "unsignedInt", "decimal"})
_OWN_FOCUS = frozenset({"where", "exists", "all", "select", "repeat", "aggregate", "sort"})
"""The functions whose first argument runs on each item."""
_SAME = frozenset(
    {"where", "first", "last", "single", "tail", "skip", "take", "distinct", "trace", "intersect", "exclude"}
)
_SINGLE = frozenset({"first", "last", "single"})
_SYSTEMS = frozenset({"sct", "loinc", "ucum"})


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with a view, or probably wrong.

    Attributes:
        place: where in the view: ``select[0].column[2]``.
        message: what is wrong.
        severity: ``error``: the view is refused, or a part of it can never be what was meant; ``warning``: it
            depends on the resources.
        hint: what to do about it; can be empty.
        at: the character of the path where it is, from 0; None where it is not in a path.
    """

    place: str
    message: str
    severity: Severity = "error"
    hint: str = ""
    at: int | None = None

    def __str__(self) -> str:
        where = self.place if self.at is None else f"{self.place}, at character {self.at + 1}"
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.severity}: {where}: {self.message}{hint}"


def check(source: Path | str | Mapping[str, Any]) -> list[Problem]:
    """All that is wrong, or probably wrong, with a view; nothing for a good one.

    Args:
        source: as for :meth:`View.load`. Nothing is raised: what that would raise is the only problem.

    >>> view = {"resource": "Patient", "select": [{"column": [{"name": "born", "path": "birthDat"}]}]}
    >>> print(*check(view))
    error: select[0].column[0], at character 1: Patient has no element birthDat (did you mean birthDate?)
    """
    from vesalius.views._view import View

    try:
        definition = View.load(source).definition
    except InvalidView as error:
        message = error.message.removeprefix(f"{error.place}: ") if error.place else error.message
        return [Problem(error.place, message, hint=error.hint)]
    return list(problems(definition))


def refuse(definition: Definition) -> None:
    """Refuses what can never work.

    Raises:
        InvalidView: with the place in the view and in the path.
    """
    checker = _Checker(definition)
    for found in (*checker.criteria(), *checker.select(definition.select, checker.root, "")):
        if isinstance(found, _Fatal):
            where = "" if found.at is None else f", at character {found.at + 1}"
            raise InvalidView(f"{found.message}{where}", place=found.place, hint=found.hint)


def problems(definition: Definition) -> Iterator[Problem]:
    """The problems of a view that loads, in the order of its parts."""
    if definition.resource not in fhir.resource_types():
        hint = _nearest(definition.resource, fhir.resource_types())
        yield Problem("resource", f"R4 has no resource type {definition.resource}", hint=hint)
        return
    checker = _Checker(definition)
    yield from checker.criteria()
    yield from checker.select(definition.select, checker.root, "")
    for at, name in enumerate(definition.constants):
        if name not in checker.constants_used:
            yield Problem(f"constant[{at}]", f"the constant {name} is not used", "warning")


class _Fatal(Problem):
    """A problem that refuses the view."""


class _Checker:
    """Follows the shapes of a view's paths."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.root = scalar(definition.resource)
        self.constants_used: set[str] = set()

    def criteria(self) -> Iterator[Problem]:
        """The problems of ``where``."""
        for at, path in enumerate(self.definition.where):
            walk = _Walk(self, f"where[{at}]")
            found = walk.shape(parse(path), self.root)
            yield from walk.found
            if found.types and not any(is_a(kind, "boolean") for kind in found.types):
                yield _Fatal(
                    f"where[{at}]",
                    f"is not true or false, but {_a(found.types)}",
                    hint="compare it, or add exists()",
                )

    def select(self, select: Select, focus: Shape, place: str) -> Iterator[Problem]:
        """The problems of a select and of all inside."""
        dot = f"{place}." if place else ""
        loop = _Walk(self, f"{dot}forEach" if select.for_each is not None else f"{dot}forEachOrNull")
        path = select.for_each if select.for_each is not None else select.for_each_or_null
        if path is not None:
            focus = loop.shape(parse(path), focus).one()
            yield from loop.found
        if select.repeat:
            yield from self._repeat(select, focus, dot)
            focus = Shape(self._found_by(select, focus), many=False)
        for at, column in enumerate(select.column):
            yield from self._column(column, focus, f"{dot}column[{at}]")
        for field, within in (("select", select.select), ("unionAll", select.union_all)):
            for at, each in enumerate(within):
                yield from self.select(each, focus, f"{dot}{field}[{at}]")
        yield from self._union(select, dot)

    def _repeat(self, select: Select, focus: Shape, dot: str) -> Iterator[Problem]:
        """A path of ``repeat`` starts on the item outside, and on all that the paths find."""
        inside = Shape((*focus.types, *self._found_by(select, focus)), many=False)
        for at, path in enumerate(select.repeat):
            walk = _Walk(self, f"{dot}repeat[{at}]")
            yield from _endless(path, walk.place)
            walk.shape(parse(path), inside)
            yield from walk.found

    def _found_by(self, select: Select, focus: Shape) -> tuple[str, ...]:
        """The types that ``repeat`` finds, on every level."""
        found: tuple[str, ...] = ()
        while True:
            start = Shape((*focus.types, *found), many=False)
            shapes = [_Walk(self, "").shape(parse(path), start) for path in select.repeat]
            more = tuple(dict.fromkeys(kind for each in shapes for kind in each.types))
            if set(more) <= set(found):
                return found
            found = tuple(dict.fromkeys((*found, *more)))

    def _column(self, column: Column, focus: Shape, place: str) -> Iterator[Problem]:
        walk = _Walk(self, place)
        found = walk.shape(parse(column.path), focus)
        yield from walk.found
        if walk.found:
            return
        if found.many and not column.collection:
            message = "can give several values, and fails on a resource where it does"
            yield Problem(place, message, "warning", "use first(), join() or collection: true")
        declared = column.type.rpartition("/")[2]
        if declared and declared not in PRIMITIVES | COMPLEX and declared[:1].islower():
            yield Problem(
                f"{place}.type", f"there is no type {declared}", hint=_nearest(declared, PRIMITIVES)
            )
        elif declared in PRIMITIVES and found.types and all(_clash(declared, kind) for kind in found.types):
            message = f"says {declared}, but the path gives {_a(found.types)}"
            yield Problem(f"{place}.type", message)

    def _union(self, select: Select, dot: str) -> Iterator[Problem]:
        """Branches whose columns have types that do not go together."""
        kinds = [[column.type.rpartition("/")[2] for column in branch.columns] for branch in select.union_all]
        for at, branch in enumerate(kinds[1:], 1):
            for column, first, own in zip(select.union_all[0].columns, kinds[0], branch, strict=True):
                if first and own and _clash(first, own):
                    message = (
                        f"the column {column.name} is {_a([own])} here and {_a([first])} in the first branch"
                    )
                    yield Problem(f"{dot}unionAll[{at}]", message)


class _Walk:
    """Follows one path.

    Attributes:
        found: what is wrong with it.
    """

    def __init__(self, checker: _Checker, place: str) -> None:
        self.checker = checker
        self.place = place
        self.found: list[Problem] = []

    def shape(self, node: ast.Node, focus: Shape) -> Shape:
        """What the node gives on something of the shape of the focus."""
        made: Shape = getattr(self, f"_{type(node).__name__.lower()}")(node, focus)
        return made

    def _problem(self, node: ast.Node, message: str, hint: str = "") -> None:
        self.found.append(Problem(self.place, message, "error", hint, node.at))

    def _fatal(self, node: ast.Node, message: str, hint: str = "") -> None:
        self.found.append(_Fatal(self.place, message, "error", hint, node.at))

    def _target(self, node: ast.Node | None, focus: Shape) -> Shape:
        return focus if node is None else self.shape(node, focus)

    def _literal(self, node: ast.Literal, _focus: Shape) -> Shape:
        return Shape((), many=False) if node.kind == "Empty" else scalar(plain(node.kind))

    def _constant(self, node: ast.Constant, _focus: Shape) -> Shape:
        constants = self.checker.definition.constants
        self.checker.constants_used.add(node.name)
        if node.name in constants:
            return scalar(constants[node.name][1])
        if node.name in ("resource", "rootResource", "context"):
            return self.checker.root
        if node.name == "rowIndex":
            return scalar("integer")
        return scalar("uri") if node.name in _SYSTEMS else Shape((), many=False)

    def _variable(self, node: ast.Variable, focus: Shape) -> Shape:
        if node.name == "index":
            return scalar("integer")
        return focus.one() if node.name == "this" else Shape()

    def _member(self, node: ast.Member, focus: Shape) -> Shape:
        if node.target is None and node.name[0].isupper():
            if focus.types and node.name not in focus.types and node.name not in _BASES:
                self._problem(node, f"the path starts on {_a(focus.types)}, not on {_a([node.name])}")
            return Shape((node.name,), focus.many)
        owner = self._target(node.target, focus)
        found = member(owner, node.name)
        if found.types or not owner.types or "Resource" in owner.types:
            return found
        if node.name == "extension" or (node.name == "id" and set(owner.types) & PRIMITIVES):
            return Shape(("Extension",) if node.name == "extension" else ("string",))
        if node.name != "resourceType":
            kinds = " or ".join(owner.types[:3])
            self._problem(node, f"{kinds} has no element {node.name}", _meant(owner, node.name))
        return Shape((), owner.many)

    def _item(self, node: ast.Item, focus: Shape) -> Shape:
        index = self.shape(node.index, focus)
        if index.types and not set(index.types) & _NUMBERS:
            self._fatal(node.index, "an index must be a whole number")
        return self.shape(node.target, focus).one()

    def _unary(self, node: ast.Unary, focus: Shape) -> Shape:
        return self.shape(node.operand, focus).one()

    def _typetest(self, node: ast.TypeTest, focus: Shape) -> Shape:
        target = self.shape(node.operand, focus)
        return _BOOLEAN if node.operator == "is" else self._narrowed(node, target, node.type)

    def _narrowed(self, node: ast.Node, target: Shape, wanted: str) -> Shape:
        wanted = plain(wanted)
        known = target.types and "Resource" not in target.types
        if known and not any(is_a(kind, wanted) or is_a(wanted, kind) for kind in target.types):
            hint = f"it can be {', '.join(target.types[:12])}"
            self._problem(node, f"it is never {_a([wanted])}", _nearest(wanted, target.types) or hint)
        return Shape((wanted,), target.many)

    def _binary(self, node: ast.Binary, focus: Shape) -> Shape:
        left, right = self.shape(node.left, focus), self.shape(node.right, focus)
        if node.operator in ("and", "or", "xor", "implies", "in", "contains", "~", "!~"):
            return _BOOLEAN
        if node.operator == "|":
            both = left.types and right.types
            return Shape(tuple(dict.fromkeys((*left.types, *right.types))) if both else ())
        if node.operator in ("=", "!=", "<", "<=", ">", ">="):
            self._compared(node, left, right)
            return _BOOLEAN
        return self._calculated(node, left, right)

    def _compared(self, node: ast.Binary, left: Shape, right: Shape) -> None:
        pairs = [(_family(a), _family(b)) for a in left.types for b in right.types]
        if not pairs or any(a == b or "" in (a, b) for a, b in pairs):
            return
        message = f"compares {_a(left.types)} with {_a(right.types)}"
        together = {kind for pair in pairs for kind in pair}
        if node.operator in ("=", "!=") or together <= {"text", "moment"} or "structure" in together:
            self._problem(node, message)
        else:
            self._fatal(node, message)

    def _calculated(self, node: ast.Binary, left: Shape, right: Shape) -> Shape:
        kinds = {*left.types, *right.types}
        if node.operator == "&" or (node.operator == "+" and "string" in kinds):
            return scalar("string")
        if kinds and kinds <= _NUMBERS:
            whole = "decimal" not in kinds and node.operator != "/"
            return scalar("integer" if whole else "decimal")
        if {_family(kind) for kind in kinds} in ({"number", "text"}, {"boolean"}, {"boolean", "number"}):
            named = " and ".join(_a([kind]) for kind in sorted(kinds))
            self._fatal(node, f"cannot calculate with {node.operator} on {named}")
        return Shape((), many=False)

    def _call(self, node: ast.Call, focus: Shape) -> Shape:
        target = self._target(node.target, focus)
        if node.name in ("ofType", "as", "is"):
            wanted = node.arguments[0].name if isinstance(node.arguments[0], ast.Member) else ""
            return _BOOLEAN if node.name == "is" else self._narrowed(node, target, wanted)
        given = self._arguments(node, target, focus)
        if node.name == "extension":
            return Shape(("Extension",))
        if node.name == "getReferenceKey":
            return self._key(node, target)
        if node.name == "select":
            return Shape(given[0].types, target.many or given[0].many)
        if node.name == "iif":
            branches = given[1:]
            known = all(branch.types for branch in branches)
            types = (
                tuple(dict.fromkeys(kind for branch in branches for kind in branch.types)) if known else ()
            )
            return Shape(types, any(branch.many for branch in branches))
        if node.name in _SAME:
            return target.one() if node.name in _SINGLE else target
        return self._result(node, target)

    def _arguments(self, node: ast.Call, target: Shape, focus: Shape) -> list[Shape]:
        if node.name in ("getReferenceKey", "getResourceKey", "defineVariable"):
            return []
        inner = target.one() if node.name in _OWN_FOCUS or node.name == "iif" else focus
        return [self.shape(argument, inner) for argument in node.arguments]

    def _key(self, node: ast.Call, target: Shape) -> Shape:
        if target.types and "Reference" not in target.types:
            self._problem(node, f"{node.name}() of {_a(target.types)}, which is no Reference")
        wanted = node.arguments[0] if node.arguments else None
        if isinstance(wanted, ast.Member) and wanted.name not in fhir.resource_types():
            hint = _nearest(wanted.name, fhir.resource_types())
            self._problem(wanted, f"R4 has no resource type {wanted.name}", hint)
        return Shape(("id",), target.many)

    def _result(self, node: ast.Call, target: Shape) -> Shape:
        if node.name in ("exists", "all"):
            return _BOOLEAN
        if node.name in ("lowBoundary", "highBoundary", "abs", "getValue"):
            return target.one()
        function = FUNCTIONS.get(node.name)
        if function is None:
            return Shape()
        many = target.many if function.many is None else function.many
        if function.result == "=":
            return Shape(target.types, many)
        return Shape((function.result,) if function.result else (), many)


_BASES = ("Resource", "DomainResource")


def _endless(path: str, place: str) -> Iterator[Problem]:
    """A ``repeat`` whose path gives the item that it starts on finds it for ever."""
    node = parse(path)
    first: ast.Node | None = node
    step = False
    while first is not None:
        if isinstance(first, ast.Member) and not (first.target is None and first.name[0].isupper()):
            step = True
        first, last = _before(first), first
    anew = isinstance(last, ast.Constant)
    if anew or not step:
        hint = "name an element of the item, as in item"
        yield _Fatal(place, "repeats what it starts from, without end", hint=hint, at=node.at)


def _before(node: ast.Node) -> ast.Node | None:
    """What a node is a step from; None for the first of a path."""
    if isinstance(node, ast.Member | ast.Call | ast.Item):
        return node.target
    return node.operand if isinstance(node, ast.TypeTest) else None


def _family(kind: str) -> str:
    """What a type compares as; empty for one that we do not know."""
    if kind in _NUMBERS:
        return "number"
    if kind == "boolean":
        return "boolean"
    if kind in ("date", "dateTime", "instant", "time"):
        return "moment"
    if kind in PRIMITIVES:
        return "text"
    if kind in ("Quantity", "Age", "Count", "Distance", "Duration", "SimpleQuantity", "MoneyQuantity"):
        return ""
    return "structure" if kind else ""


def _clash(declared: str, kind: str) -> bool:
    """Whether a column of the declared type cannot hold the values of a type."""
    a, b = _family(declared), _family(kind)
    return bool(a and b) and a != b and {a, b} != {"text", "moment"} and a != "text"


def _meant(owner: Shape, name: str) -> str:
    """The element that was probably meant."""
    for kind in owner.types:
        for at in range(1, len(name)):
            if (
                name[at:] in SUFFIXES
                and is_choice(kind, name[:at])
                and SUFFIXES[name[at:]] in element(kind, name[:at])[0]
            ):
                return f"write {name[:at]}.ofType({SUFFIXES[name[at:]]})"
    return _nearest(name, (child for kind in owner.types for child in _children(kind)))


def _children(kind: str) -> list[str]:
    try:
        return [child.name.removesuffix("[x]") for child in fhir.elements(kind)]
    except NotFound:
        return []


def _a(kinds: Sequence[str]) -> str:
    """The types with their article, as in "an integer or string"."""
    named = " or ".join(kinds[:3]) or "value"
    return f"an {named}" if named[0] in "AEIOaeio" else f"a {named}"


def _nearest(name: str, names: Iterable[str]) -> str:
    close = get_close_matches(name, sorted(set(names)), n=1)
    return f"did you mean {close[0]}?" if close else ""
