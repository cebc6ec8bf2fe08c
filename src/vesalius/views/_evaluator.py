"""FHIRPath on decoded resources: a syntax tree becomes one Python function, made once and run per resource.

Items are what JSON decoding gives (dicts, strings, numbers, Booleans); a value of a choice element that is
not narrowed at once by ``ofType`` carries its type as a :class:`~vesalius.views._values.Choice`.
"""

# ruff: noqa: ARG001, ARG002, ARG005 - every compiled step takes the items and the scope, used or not

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from vesalius.errors import InvalidView
from vesalius.views import _nodes as ast
from vesalius.views._compiled import BOOLEAN, Compiled, Run, Scope
from vesalius.views._functions import (
    FUNCTIONS,
    Function,
    Items,
    contains,
    distinct,
    number,
    one,
    reference_key,
    text,
    truth,
    whole,
)
from vesalius.views._members import members, read_choice, read_member
from vesalius.views._operators import LOGIC, arithmetic, comparison, logic, timed
from vesalius.views._types import MOMENTS, Shape, is_a, member, plain, scalar
from vesalius.views._values import (
    Choice,
    Moment,
    Quantity,
    bare,
    boundary,
    is_number,
    moment,
)

CODE_SYSTEMS = {
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "ucum": "http://unitsofmeasure.org",
}


def compile_expression(node: ast.Node, focus: Shape, constants: Mapping[str, tuple[Any, str]]) -> Compiled:
    """The function of an expression.

    Args:
        node: the expression.
        focus: the shape of what it will run on.
        constants: the value and the FHIR type of each constant of the view.

    Raises:
        InvalidView: an unknown function, constant or type, or a wrong number of arguments.
    """
    return _Compiler(constants).compile(node, focus)


class _Compiler:
    """Makes the functions; one method per kind of node."""

    def __init__(self, constants: Mapping[str, tuple[Any, str]]) -> None:
        self.constants = constants

    def compile(self, node: ast.Node, focus: Shape) -> Compiled:
        made: Compiled = getattr(self, f"_{type(node).__name__.lower()}")(node, focus)
        return made

    def target(self, node: ast.Node | None, focus: Shape) -> Compiled:
        return Compiled(lambda items, scope: items, focus) if node is None else self.compile(node, focus)

    def _literal(self, node: ast.Literal, focus: Shape) -> Compiled:
        if node.kind == "Empty":
            return Compiled(lambda items, scope: [], Shape((), many=False))
        if node.kind in ("Date", "DateTime", "Time"):
            return _always(_literal_moment(str(node.value), node.kind), plain(node.kind))
        if node.kind == "Quantity":
            assert isinstance(node.value, Decimal)
            return _always(Quantity(node.value, node.unit), "Quantity")
        return _always(node.value, plain(node.kind))

    def _constant(self, node: ast.Constant, focus: Shape) -> Compiled:
        if node.name in self.constants:
            return _always(*self.constants[node.name])
        if node.name == "rowIndex":
            return Compiled(lambda items, scope: [scope.row], scalar("integer"))
        if node.name in ("resource", "context", "rootResource"):
            return Compiled(lambda items, scope: [scope.resource], Shape((), many=False))
        if node.name in CODE_SYSTEMS:
            return _always(CODE_SYSTEMS[node.name], "uri")
        raise InvalidView(f"there is no constant %{node.name}")

    def _variable(self, node: ast.Variable, focus: Shape) -> Compiled:
        if node.name == "index":
            return Compiled(lambda items, scope: [scope.index], scalar("integer"))
        if node.name == "total":
            return Compiled(lambda items, scope: scope.total or [], Shape())
        return Compiled(lambda items, scope: items, focus)

    def _member(self, node: ast.Member, focus: Shape) -> Compiled:
        if node.target is None and node.name[0].isupper():
            return _named(node.name, focus)
        target = self.target(node.target, focus)
        shape = member(target.shape, node.name)
        if node.name == "extension" and isinstance(node.target, ast.Member):
            return Compiled(self._shadow(node.target, focus), Shape(("Extension",)))
        return Compiled(members(target.run, read_member(node.name, shape), node.target is None), shape)

    def _shadow(self, node: ast.Member, focus: Shape) -> Run:
        """The extensions of an element, or of a primitive: JSON keeps those beside it, under ``_name``."""
        owner = self.target(node.target, focus).run
        own, beside = read_member(node.name, Shape()), read_member(f"_{node.name}", Shape(("Element",)))
        extension = read_member("extension", Shape(("Extension",)))

        def run(items: Items, scope: Scope) -> Items:
            owners = owner(items, scope)
            return [*extension(own(owners)), *extension(beside(owners))]

        return run

    def _item(self, node: ast.Item, focus: Shape) -> Compiled:
        target, index = self.compile(node.target, focus), self.compile(node.index, focus)

        def run(items: Items, scope: Scope) -> Items:
            at = whole(index.run(items, scope), "an index")
            return target.run(items, scope)[at : at + 1] if at >= 0 else []

        return Compiled(run, target.shape.one())

    def _unary(self, node: ast.Unary, focus: Shape) -> Compiled:
        operand = self.compile(node.operand, focus)

        def run(items: Items, scope: Scope) -> Items:
            value = number(operand.run(items, scope), f"unary {node.operator}")
            return [] if value is None else [-value if node.operator == "-" else value]

        return Compiled(run, operand.shape.one())

    def _typetest(self, node: ast.TypeTest, focus: Shape) -> Compiled:
        return self._typed(node.operator, node.operand, node.type, focus)

    def _binary(self, node: ast.Binary, focus: Shape) -> Compiled:
        left, right = self.compile(node.left, focus), self.compile(node.right, focus)
        if node.operator in LOGIC:
            return logic(node.operator, left, right)
        if node.operator in ("+", "-", "*", "/", "div", "mod", "&"):
            return arithmetic(node.operator, left, right)
        if node.operator == "|":
            return Compiled(
                lambda items, scope: distinct([*left.run(items, scope), *right.run(items, scope)]),
                Shape(tuple(dict.fromkeys((*left.shape.types, *right.shape.types)))),
            )
        return Compiled(comparison(node.operator, timed(left, right), timed(right, left)), BOOLEAN)

    def _call(self, node: ast.Call, focus: Shape) -> Compiled:
        special = getattr(self, f"_call_{node.name.lower()}", None) if node.name in _SPECIAL else None
        if special is not None:
            least, most = _SPECIAL[node.name]
            _count_arguments(node, least, most)
            made: Compiled = special(node, focus)
            return made
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise InvalidView(_unknown(node.name))
        _count_arguments(node, function.least, function.most)
        return self._plain(function, node, focus)

    def _plain(self, function: Function, node: ast.Call, focus: Shape) -> Compiled:
        target = self.target(node.target, focus)
        arguments = [self.compile(argument, focus).run for argument in node.arguments]

        def run(items: Items, scope: Scope) -> Items:
            return function.run(target.run(items, scope), *(each(items, scope) for each in arguments))

        many = target.shape.many if function.many is None else function.many
        types = (
            target.shape.types if function.result == "=" else (function.result,) if function.result else ()
        )
        return Compiled(run, Shape(types, many))

    # --- functions whose argument runs on each item ------------------------------------------------------

    def _each(self, node: ast.Call, focus: Shape) -> tuple[Compiled, Compiled]:
        target = self.target(node.target, focus)
        return target, self.compile(node.arguments[0], target.shape.one())

    def _call_where(self, node: ast.Call, focus: Shape) -> Compiled:
        target, criterion = self._each(node, focus)
        return Compiled(_filter(target.run, criterion.run), target.shape)

    def _call_exists(self, node: ast.Call, focus: Shape) -> Compiled:
        target = self.target(node.target, focus)
        found = self._call_where(node, focus).run if node.arguments else target.run
        return Compiled(lambda items, scope: [bool(found(items, scope))], BOOLEAN)

    def _call_all(self, node: ast.Call, focus: Shape) -> Compiled:
        target, criterion = self._each(node, focus)

        def run(items: Items, scope: Scope) -> Items:
            each = _enumerated(target.run(items, scope), scope)
            return [all(truth(criterion.run([item], inner)) is True for item, inner in each)]

        return Compiled(run, BOOLEAN)

    def _call_select(self, node: ast.Call, focus: Shape) -> Compiled:
        target, projection = self._each(node, focus)

        def run(items: Items, scope: Scope) -> Items:
            each = _enumerated(target.run(items, scope), scope)
            return [found for item, inner in each for found in projection.run([item], inner)]

        return Compiled(run, Shape(projection.shape.types, target.shape.many or projection.shape.many))

    def _call_repeat(self, node: ast.Call, focus: Shape) -> Compiled:
        target, projection = self._each(node, focus)

        def run(items: Items, scope: Scope) -> Items:
            found: Items = []
            level = target.run(items, scope)
            while level:
                below = [new for item in level for new in projection.run([item], scope)]
                level = [new for new in distinct(below) if not contains(found, new)]
                found += level
            return found

        return Compiled(run, Shape())

    def _call_aggregate(self, node: ast.Call, focus: Shape) -> Compiled:
        target, step = self._each(node, focus)
        start = self.compile(node.arguments[1], focus).run if len(node.arguments) > 1 else None

        def run(items: Items, scope: Scope) -> Items:
            total = start(items, scope) if start else []
            for index, item in enumerate(target.run(items, scope)):
                total = step.run([item], Scope(scope.resource, scope.row, index, total))
            return total

        return Compiled(run, Shape())

    def _call_iif(self, node: ast.Call, focus: Shape) -> Compiled:
        target = self.target(node.target, focus)
        test, *branches = [self.compile(argument, target.shape) for argument in node.arguments]

        def run(items: Items, scope: Scope) -> Items:
            inner = target.run(items, scope)
            chosen = 0 if truth(test.run(inner, scope), "the criterion of iif()") else 1
            return branches[chosen].run(inner, scope) if chosen < len(branches) else []

        types = tuple(dict.fromkeys(name for branch in branches for name in branch.shape.types))
        return Compiled(run, Shape(types, any(branch.shape.many for branch in branches)))

    # --- functions that take a type ----------------------------------------------------------------------

    def _call_oftype(self, node: ast.Call, focus: Shape) -> Compiled:
        return self._typed("ofType", node.target, _type_of(node.arguments[0]), focus)

    def _call_is(self, node: ast.Call, focus: Shape) -> Compiled:
        return self._typed("is", node.target, _type_of(node.arguments[0]), focus)

    def _call_as(self, node: ast.Call, focus: Shape) -> Compiled:
        return self._typed("as", node.target, _type_of(node.arguments[0]), focus)

    def _typed(self, operator: str, node: ast.Node | None, wanted: str, focus: Shape) -> Compiled:
        target = self.target(node, focus)
        if operator == "is":
            return Compiled(_is(target, wanted), BOOLEAN)
        shape = Shape((plain(wanted),), target.shape.many)
        if isinstance(node, ast.Member) and not (node.target is None and node.name[0].isupper()):
            owner = self.target(node.target, focus)
            return Compiled(
                members(owner.run, read_choice(node.name, wanted, owner.shape), node.target is None), shape
            )
        known = target.shape.type

        def run(items: Items, scope: Scope) -> Items:
            return [bare(item) for item in target.run(items, scope) if is_a(_actual(item, known), wanted)]

        return Compiled(run, shape)

    # --- FHIR and SQL on FHIR ----------------------------------------------------------------------------

    def _call_extension(self, node: ast.Call, focus: Shape) -> Compiled:
        url = self.compile(node.arguments[0], focus)
        found = self._member(ast.Member(node.target, "extension"), focus)

        def run(items: Items, scope: Scope) -> Items:
            wanted = text(url.run(items, scope), "extension()")
            return [item for item in found.run(items, scope) if item.get("url") == wanted]

        return Compiled(run, Shape(("Extension",)))

    def _call_getreferencekey(self, node: ast.Call, focus: Shape) -> Compiled:
        target = self.target(node.target, focus)
        wanted = _type_of(node.arguments[0]) if node.arguments else ""

        def run(items: Items, scope: Scope) -> Items:
            keys = (reference_key(bare(item), wanted) for item in target.run(items, scope))
            return [key for key in keys if key is not None]

        return Compiled(run, Shape(("id",), target.shape.many))

    def _call_lowboundary(self, node: ast.Call, focus: Shape) -> Compiled:
        return self._boundary(node, focus, high=False)

    def _call_highboundary(self, node: ast.Call, focus: Shape) -> Compiled:
        return self._boundary(node, focus, high=True)

    def _boundary(self, node: ast.Call, focus: Shape, high: bool) -> Compiled:
        target = self.target(node.target, focus)
        kind = MOMENTS.get(target.shape.type, "")

        def run(items: Items, scope: Scope) -> Items:
            found = target.run(items, scope)
            one(found, node.name)
            named = kind or (MOMENTS.get(_actual(found[0], ""), "") if found else "")
            edge = boundary(bare(found[0]), high, named) if found else None
            return [] if edge is None else [edge]

        return Compiled(run, target.shape.one())

    def _call_trace(self, node: ast.Call, focus: Shape) -> Compiled:
        """Traces nothing: a view writes no patient data to a log."""
        return self.target(node.target, focus)


_SPECIAL = {
    "where": (1, 1),
    "exists": (0, 1),
    "all": (1, 1),
    "select": (1, 1),
    "repeat": (1, 1),
    "aggregate": (1, 2),
    "iif": (2, 3),
    "ofType": (1, 1),
    "is": (1, 1),
    "as": (1, 1),
    "extension": (1, 1),
    "getReferenceKey": (0, 1),
    "lowBoundary": (0, 0),
    "highBoundary": (0, 0),
    "trace": (1, 2),
}
_REFUSED = {
    "now": "a view gives the same rows each time it runs",
    "today": "a view gives the same rows each time it runs",
    "timeOfDay": "a view gives the same rows each time it runs",
    "resolve": "a view reads one resource at a time; join two views instead",
    "memberOf": "no terminology server is asked",
}


def _unknown(name: str) -> str:
    return (
        f"{name}() is not supported: {_REFUSED[name]}"
        if name in _REFUSED
        else f"there is no function {name}()"
    )


def _count_arguments(node: ast.Call, least: int, most: int) -> None:
    if not least <= len(node.arguments) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise InvalidView(f"{node.name}() takes {wanted} arguments, not {len(node.arguments)}")


def _always(value: Any, kind: str) -> Compiled:
    items = [value]
    return Compiled(lambda _focus, _scope: items, scalar(kind))


def _literal_moment(written: str, kind: str) -> Moment:
    text_ = written.removeprefix("T") if kind == "Time" else written
    found = moment(text_, kind)
    if found is None:
        raise InvalidView(f"@{written} is no {kind}")
    return found


def _named(name: str, focus: Shape) -> Compiled:
    """A type at the start of a path (``Patient.name``): the focus, where it is of that type."""

    def run(items: Items, scope: Scope) -> Items:
        return [item for item in items if isinstance(item, dict) and item.get("resourceType", name) == name]

    return Compiled(run, Shape((name,), focus.many))


def _filter(target: Run, criterion: Run) -> Run:
    def run(items: Items, scope: Scope) -> Items:
        found = target(items, scope)
        if not found:
            return found
        return [item for item, inner in _enumerated(found, scope) if truth(criterion([item], inner)) is True]

    return run


def _enumerated(items: Items, scope: Scope) -> list[tuple[Any, Scope]]:
    if len(items) == 1 and not scope.index:
        return [(items[0], scope)]
    return [(item, Scope(scope.resource, scope.row, at, scope.total)) for at, item in enumerate(items)]


def _type_of(node: ast.Node) -> str:
    if isinstance(node, ast.Member) and (node.target is None or isinstance(node.target, ast.Member)):
        return node.name
    raise InvalidView("expected the name of a type")


def _is(target: Compiled, wanted: str) -> Run:
    known = target.shape.type

    def run(items: Items, scope: Scope) -> Items:
        found = target.run(items, scope)
        one(found, "is")
        return [is_a(_actual(found[0], known), wanted)] if found else []

    return run


def _actual(item: Any, known: str) -> str:
    """The FHIR type of an item: what its name said, what its path says, or what JSON shows."""
    if isinstance(item, Choice):
        return item.type
    if isinstance(item, dict):
        return str(item.get("resourceType", known))
    if isinstance(item, Moment):
        return plain(item.kind)
    if known:
        return known
    if isinstance(item, bool):
        return "boolean"
    if is_number(item):
        return "integer" if isinstance(item, int) else "decimal"
    return "string" if isinstance(item, str) else "Quantity"
