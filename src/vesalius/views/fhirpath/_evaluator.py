"""FHIRPath on decoded resources: a syntax tree becomes one Python function, made once and run per resource.

There is one compiler and there are two ways to read elements. A view reads what JSON decoding gives (dicts,
strings, numbers, Booleans), because the definitions tell the type of each path before it runs. Whole FHIRPath
(:mod:`vesalius.views.fhirpath`) reads :class:`~vesalius.views.fhirpath._values.Element`: it knows its type.
"""

# ruff: noqa: ARG001, ARG002, ARG005 - every compiled step takes the items and the scope, used or not

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from vesalius.errors import InvalidView
from vesalius.views.fhirpath import _arithmetic, _conversions, _loops, _outside, _texts
from vesalius.views.fhirpath import _nodes as ast
from vesalius.views.fhirpath._compiled import BOOLEAN, NOTHING, Compiled, Run, Scope, Value, single
from vesalius.views.fhirpath._elements import chained, is_fhir, lineage, quick_value, reader
from vesalius.views.fhirpath._equality import distinct
from vesalius.views.fhirpath._functions import FUNCTIONS, Function, Items, whole
from vesalius.views.fhirpath._members import members, read_member
from vesalius.views.fhirpath._operators import LOGIC, arithmetic, comparison, logic, negation
from vesalius.views.fhirpath._paths import first, plain_path
from vesalius.views.fhirpath._special import SPECIAL
from vesalius.views.fhirpath._typed import typed
from vesalius.views.fhirpath._types import PRIMITIVES, Shape, member, plain, scalar
from vesalius.views.fhirpath._values import Element, Moment, Quantity, bare, moment

CHAPTERS = (_arithmetic, _conversions, _loops, _outside, _texts)
"""The modules that declare functions besides those imported by name."""
CODE_SYSTEMS = {
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "ucum": "http://unitsofmeasure.org",
}
_FOLDERS = {"vs-": "http://hl7.org/fhir/ValueSet/", "ext-": "http://hl7.org/fhir/StructureDefinition/"}
_OWN = frozenset({*CODE_SYSTEMS, "resource", "rootResource", "context", "rowIndex"})
_UNORDERED = frozenset({"children", "descendants"})
_IN_ORDER = frozenset({"first", "last", "tail", "skip", "take"})
_RESULTS = {
    name: f"System.{name[0].upper()}{name[1:]}" for name in ("boolean", "integer", "string", "decimal")
}
_RESULTS |= {"date": "System.Date", "dateTime": "System.DateTime", "time": "System.Time"}


@dataclass(frozen=True, slots=True)
class Mode:
    """How an expression is compiled.

    Attributes:
        typed: elements carry their type (whole FHIRPath), or are bare JSON (a view).
        strict: a path that FHIR R4 does not have is an error.
    """

    typed: bool = False
    strict: bool = False


VIEW = Mode()


def compile_expression(
    node: ast.Node, focus: Shape, constants: Mapping[str, tuple[Any, str]], mode: Mode = VIEW, text: str = ""
) -> Compiled:
    """The function of an expression.

    Args:
        node: the expression.
        focus: the shape of what it will run on.
        constants: the value and the FHIR type of each constant of the view.
        mode: for a view, or whole FHIRPath.
        text: the expression as it was written, so that an error can name the place.

    Raises:
        InvalidView: an unknown function, constant or type, or a wrong number of arguments.
    """
    compiler = Compiler(constants, mode)
    try:
        return compiler.compile(node, focus)
    except InvalidView as error:
        if not text or compiler.failed is None:
            raise
        place = f"{error.message}, at character {compiler.failed + 1} of {text!r}"
        raise InvalidView(place, hint=error.hint) from None


class Compiler:
    """Makes the functions; one method per kind of node.

    Attributes:
        mode: for a view, or whole FHIRPath.
        failed: where in the text the innermost node stands that could not be compiled.
    """

    def __init__(self, constants: Mapping[str, tuple[Any, str]], mode: Mode) -> None:
        self.constants = constants
        self.mode = mode
        self.failed: int | None = None
        self._variables: dict[str, tuple[str, Shape]] = {}
        self._slots = 0

    def compile(self, node: ast.Node, focus: Shape) -> Compiled:
        """The function of a node."""
        try:
            made: Compiled = getattr(self, f"_{type(node).__name__.lower()}")(node, focus)
        except InvalidView:
            self.failed = node.at if self.failed is None else self.failed
            raise
        return made

    def target(self, node: ast.Node | None, focus: Shape) -> Compiled:
        """The function of what a step starts from: the focus, where nothing is written before it."""
        if node is None:
            return Compiled(lambda items, scope: items, focus, None if focus.many else _itself, ())
        return self.compile(node, focus)

    def argument(self, node: ast.Node, focus: Shape) -> Compiled:
        """The function of an argument; variables that it defines end with it."""
        with self._branch():
            return self.compile(node, focus)

    def define(self, name: str, shape: Shape) -> str:
        """The slot of a new variable, which is known from here on in the path.

        Raises:
            InvalidView: the name is taken.
        """
        if name in self._variables or name in self.constants or name in _OWN:
            raise InvalidView(f"the variable %{name} is defined already")
        self._slots += 1
        slot = f"{name} {self._slots}"
        self._variables = {**self._variables, name: (slot, shape)}
        return slot

    @contextmanager
    def _branch(self) -> Iterator[None]:
        before = self._variables
        yield
        self._variables = before

    # --- leaves ------------------------------------------------------------------------------------------

    def _literal(self, node: ast.Literal, focus: Shape) -> Compiled:
        if node.kind == "Empty":
            return Compiled(lambda items, scope: [], NOTHING, lambda item, scope: None)
        kind = f"System.{node.kind}" if self.mode.typed else plain(node.kind)
        if node.kind in ("Date", "DateTime", "Time"):
            return _always(_literal_moment(str(node.value), node.kind), kind)
        if node.kind == "Quantity":
            assert isinstance(node.value, Decimal)
            return _always(Quantity(node.value, node.unit), kind)
        return _always(node.value, kind)

    def _constant(self, node: ast.Constant, focus: Shape) -> Compiled:
        name = node.name
        if name in self._variables:
            slot, shape = self._variables[name]
            return Compiled(lambda items, scope: (_world(scope).variables or {})[slot], shape)
        if name in self.constants:
            return _always(*self.constants[name])
        if name == "rowIndex" and not self.mode.typed:
            return Compiled(
                lambda items, scope: [scope.row], scalar("integer"), lambda item, scope: scope.row
            )
        if name in ("resource", "context", "rootResource"):
            return self._resource()
        if name in CODE_SYSTEMS:
            return _always(CODE_SYSTEMS[name], "System.String" if self.mode.typed else "uri")
        if self.mode.typed:
            return _given(name)
        raise InvalidView(f"there is no constant %{name}")

    def _resource(self) -> Compiled:
        """The outermost resource; where one runs on a whole resource, the three are the same."""
        if self.mode.typed:
            return Compiled(lambda items, scope: [] if scope.resource is None else [scope.resource], NOTHING)
        return Compiled(lambda items, scope: [scope.resource], NOTHING, lambda item, scope: scope.resource)

    def _variable(self, node: ast.Variable, focus: Shape) -> Compiled:
        if node.name == "index":
            kind = "System.Integer" if self.mode.typed else "integer"
            return Compiled(lambda items, scope: [scope.index], scalar(kind), lambda item, scope: scope.index)
        if node.name == "total":
            return Compiled(lambda items, scope: scope.total or [], Shape())
        return self.target(None, focus)

    # --- paths -------------------------------------------------------------------------------------------

    def _member(self, node: ast.Member, focus: Shape) -> Compiled:
        if node.target is None and node.name[0].isupper():
            return self._named(node.name, focus)
        target = self.target(node.target, focus)
        shape = member(target.shape, node.name)
        if self.mode.strict:
            _check_element(node.name, target.shape, shape)
        if self.mode.typed:
            return _typed_member(node, target, shape, focus)
        if node.name == "extension" and isinstance(node.target, ast.Member):
            return Compiled(self._shadow(node.target, focus), Shape(("Extension",)))
        if target.path is not None and len(shape.types) == 1:
            return plain_path((*target.path, node.name), shape)
        slow = members(target.run, read_member(node.name, shape), node.target is None)
        return Compiled(slow, shape)

    def _named(self, name: str, focus: Shape) -> Compiled:
        """A type at the start of a path (``Patient.name``): the focus, where it is of that type."""
        known = bool(focus.type) and not focus.type.startswith("System.") and is_fhir(focus.type)
        same = known and name in lineage(focus.type)
        if self.mode.strict and known and not same:
            raise InvalidView(f"the path starts from {name}, on a {focus.type}")
        if not self.mode.typed:
            return Compiled(_named_json(name), Shape((name,), focus.many))

        def run(items: Items, scope: Scope) -> Items:
            return [each for each in items if each.__class__ is Element and name in lineage(each.type)]

        return Compiled(run, focus, path=()) if same else Compiled(run, Shape((name,), focus.many))

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
        self._check_order(node.target, "an index")
        target, index = self.compile(node.target, focus), self.argument(node.index, focus)

        def run(items: Items, scope: Scope) -> Items:
            at = whole(index.run(items, scope), "an index")
            return target.run(items, scope)[at : at + 1] if at >= 0 else []

        return Compiled(run, target.shape.one())

    def _check_order(self, node: ast.Node | None, what: str) -> None:
        if self.mode.strict and isinstance(node, ast.Call) and node.name in _UNORDERED:
            raise InvalidView(f"{what} needs an order, and {node.name}() has none")

    # --- operators ---------------------------------------------------------------------------------------

    def _unary(self, node: ast.Unary, focus: Shape) -> Compiled:
        return negation(node.operator, self.compile(node.operand, focus))

    def _typetest(self, node: ast.TypeTest, focus: Shape) -> Compiled:
        return typed(self, node.operator, node.operand, (node.namespace, node.type), focus)

    def _binary(self, node: ast.Binary, focus: Shape) -> Compiled:
        left, right = self.argument(node.left, focus), self.argument(node.right, focus)
        if node.operator in LOGIC:
            return logic(node.operator, left, right)
        if node.operator in ("+", "-", "*", "/", "div", "mod", "&"):
            return arithmetic(node.operator, left, right)
        if node.operator == "|":
            return Compiled(
                lambda items, scope: distinct([*left.run(items, scope), *right.run(items, scope)]),
                Shape(_both(left, right)),
            )
        return comparison(node.operator, left, right)

    # --- functions ---------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, focus: Shape) -> Compiled:
        if node.name in _IN_ORDER:
            self._check_order(node.target, f"{node.name}()")
        special = SPECIAL.get(node.name)
        if special is not None:
            if special.refused and not self.mode.typed:
                raise InvalidView(f"{node.name}() is not supported: {special.refused}")
            _count_arguments(node, special.least, special.most)
            return special.make(self, node, focus)
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise InvalidView(f"there is no function {node.name}()")
        _count_arguments(node, function.least, function.most)
        return self._plain(function, node, focus)

    def _plain(self, function: Function, node: ast.Call, focus: Shape) -> Compiled:
        target = self.target(node.target, focus)
        arguments = [self.argument(each, focus).run for each in node.arguments]
        many = target.shape.many if function.many is None else function.many
        result = _RESULTS.get(function.result, function.result) if self.mode.typed else function.result
        types = target.shape.types if result == "=" else (result,) if result else ()
        shape = Shape(types, many)
        if node.name == "getResourceKey" and target.path is not None and not self.mode.typed:
            return plain_path((*target.path, "id"), shape)
        if node.name == "first" and target.path and not self.mode.typed:
            slow = _applied(function.run, target.run, arguments)
            return single(first(target.path), shape, slow, scoped=False)
        if node.name in ("empty", "not") and target.value is not None and not self.mode.typed:
            return Compiled(_applied(function.run, target.run, arguments), shape, _quick(node.name, target))
        return Compiled(_applied(function.run, target.run, arguments), shape)


def _itself(item: Any, _scope: Scope) -> Any:
    return item


def _applied(function: Callable[..., Items], target: Run, arguments: list[Run]) -> Run:
    """A function on its input and its arguments."""
    if not arguments:
        return lambda items, scope: function(target(items, scope))
    if len(arguments) == 1:
        first = arguments[0]
        return lambda items, scope: function(target(items, scope), first(items, scope))
    return lambda items, scope: function(target(items, scope), *[each(items, scope) for each in arguments])


def _quick(name: str, target: Compiled) -> Value | None:
    """``empty()`` and ``not()`` of at most one value."""
    value = target.value
    assert value is not None
    if name == "empty":
        return lambda item, scope: value(item, scope) is None
    if target.shape != BOOLEAN:
        return None

    def negated(item: Any, scope: Scope) -> Any:
        found = bare(value(item, scope))
        return None if found is None else found is False

    return negated


def _typed_member(node: ast.Member, target: Compiled, shape: Shape, focus: Shape) -> Compiled:
    """Reads elements with their types; step by step, or in one go where R4 leaves nothing open."""
    step, run = reader(node.name), target.run
    if target.path is None or not focus.type:
        return Compiled(lambda items, scope: step(run(items, scope)), shape)
    path = (*target.path, node.name)
    read = chained(focus.type, path)
    if read is None:
        return Compiled(lambda items, scope: step(run(items, scope)), shape)
    value = quick_value(focus.type, node.name) if len(path) == 1 and not focus.many else None
    return Compiled(lambda items, scope: read(items), shape, value, path)


def _check_element(name: str, owner: Shape, found: Shape) -> None:
    """Strict: an element that none of the types has is a mistake; of an unknown type nobody can say."""
    if not owner.types or found.types or not all(map(_closed, owner.types)):
        return
    if name in ("id", "extension") and any(each in PRIMITIVES for each in owner.types):
        return
    kinds = " or ".join(each.removeprefix("System.") for each in owner.types[:4])
    raise InvalidView(f"a {kinds} has no element {name}")


def _closed(kind: str) -> bool:
    """Whether we know every element of the type."""
    if kind.startswith("System."):
        return kind != "System.ClassInfo"
    return kind != "Resource" and is_fhir(kind)


def _both(left: Compiled, right: Compiled) -> tuple[str, ...]:
    """The types of a union; none where one side's are not known."""
    if not left.shape.types or not right.shape.types:
        return ()
    return tuple(dict.fromkeys((*left.shape.types, *right.shape.types)))


def _world(scope: Scope) -> Any:
    if scope.world is None:
        raise InvalidView("the expression needs what only whole FHIRPath has")
    return scope.world


def _given(name: str) -> Compiled:
    """A constant that the caller gives when it runs, or that FHIR defines by its beginning."""
    for start, folder in _FOLDERS.items():
        if name.startswith(start):
            return _always(folder + name.removeprefix(start), "System.String")

    def run(items: Items, scope: Scope) -> Items:
        found: Items | None = _world(scope).constants.get(name)
        if found is None:
            raise InvalidView(f"there is no constant %{name}")
        return found

    return Compiled(run, Shape())


def _count_arguments(node: ast.Call, least: int, most: int) -> None:
    if not least <= len(node.arguments) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise InvalidView(f"{node.name}() takes {wanted} arguments, not {len(node.arguments)}")


def _always(value: Any, kind: str) -> Compiled:
    items = [value]
    return Compiled(lambda _focus, _scope: items, scalar(kind), lambda _item, _scope: value)


def _literal_moment(written: str, kind: str) -> Moment:
    text_ = written.removeprefix("T") if kind == "Time" else written
    found = moment(text_, kind)
    if found is None:
        raise InvalidView(f"@{written} is no {kind}")
    return found


def _named_json(name: str) -> Run:
    def run(items: Items, scope: Scope) -> Items:
        return [item for item in items if isinstance(item, dict) and item.get("resourceType", name) == name]

    return run
