"""What FHIR adds to FHIRPath and what the caller gives: extensions, references, codes, clock, variables."""

# ruff: noqa: ARG001, ARG005 - every compiled step takes the items and the scope, used or not

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from vesalius import fhir
from vesalius.errors import InvalidView
from vesalius.views.fhirpath import _nodes as ast
from vesalius.views.fhirpath._boundaries import boundary
from vesalius.views.fhirpath._compiled import BOOLEAN, Compiled, Run, Scope, World, single
from vesalius.views.fhirpath._elements import children, descendants, resource
from vesalius.views.fhirpath._functions import Items, function, one, text, whole
from vesalius.views.fhirpath._narrative import is_narrative
from vesalius.views.fhirpath._quantities import quantity
from vesalius.views.fhirpath._special import special, type_of_node
from vesalius.views.fhirpath._typed import named_kind
from vesalius.views.fhirpath._types import MOMENTS, Shape, scalar
from vesalius.views.fhirpath._values import bare, moment

if TYPE_CHECKING:
    from vesalius.views.fhirpath._evaluator import Compiler

_FHIR = "FHIR"
_CLOCK = "dates and times"
_SAME_ROWS = "a view gives the same rows each time it runs"
_NO_SERVER = "no terminology server is asked"


# --- extensions and references --------------------------------------------------------------------------


@special("extension", _FHIR, 1)
def _extension(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    url = compiler.argument(node.arguments[0], focus)
    found = compiler.compile(ast.Member(node.target, "extension", at=node.at), focus)

    def run(items: Items, scope: Scope) -> Items:
        wanted = text(url.run(items, scope), "extension()")
        return [item for item in found.run(items, scope) if bare(item).get("url") == wanted]

    return Compiled(run, Shape(("Extension",)))


@function("getResourceKey", _FHIR, result="id")
def _resource_key(items: Items) -> Items:
    return [item["id"] for item in map(bare, items) if isinstance(item, dict) and item.get("id") is not None]


@special("getReferenceKey", _FHIR, 0, 1)
def _get_reference_key(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    target = compiler.target(node.target, focus)
    wanted = type_of_node(node.arguments[0])[1] if node.arguments else ""

    def run(items: Items, scope: Scope) -> Items:
        keys = (reference_key(bare(item), wanted) for item in target.run(items, scope))
        return [key for key in keys if key is not None]

    shape = Shape(("id",), target.shape.many)
    value = target.value
    if value is None:
        return Compiled(run, shape)
    return single(lambda item, scope: reference_key(bare(value(item, scope)), wanted), shape, run)


def reference_key(reference: Any, wanted: str = "") -> str | None:
    """The key of the resource that a Reference points to; None for another type or for one contained.

    Args:
        reference: a FHIR Reference.
        wanted: the type it must point to, or empty for any.
    """
    target = reference.get("reference") if isinstance(reference, dict) else None
    if not isinstance(target, str) or not target or target[0] == "#":
        return None
    parts = target.split("/_history/", maxsplit=1)[0].rstrip("/").split("/")
    if len(parts) > 1:
        kind, key = parts[-2], parts[-1]
    else:
        kind, key = str(reference.get("type", "")), parts[0].rpartition(":")[2]
    return key if not wanted or kind == wanted else None


@special("resolve", _FHIR, refused="a view reads one resource at a time; join two views instead")
def _resolve(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    """Contained resources, entries of the same Bundle, then what the caller knows; the rest is left out."""
    target = compiler.target(node.target, focus)

    def run(items: Items, scope: Scope) -> Items:
        world = scope.world or World(None, {})
        found = (_resolved(bare(item), scope, world) for item in target.run(items, scope))
        return [resource(each) for each in found if isinstance(each, dict)]

    return Compiled(run, Shape(("Resource",), target.shape.many))


def _resolved(item: Any, scope: Scope, world: World) -> Any:
    reference = item.get("reference") if isinstance(item, dict) else item
    if not isinstance(reference, str) or not reference:
        return None
    whole_ = [bare(each) for each in (scope.resource, world.root)]
    if reference[0] == "#":
        return _contained(whole_, reference[1:])
    for holder in whole_:
        for entry in holder.get("entry", ()) if isinstance(holder, dict) else ():
            inside = entry.get("resource", {})
            names = (entry.get("fullUrl"), f"{inside.get('resourceType')}/{inside.get('id')}")
            if reference in names:
                return inside
    return world.resolve(reference) if world.resolve else None


def _contained(holders: list[Any], name: str) -> Any:
    for holder in holders:
        if not isinstance(holder, dict):
            continue
        if not name:
            return holder
        for each in holder.get("contained", ()):
            if each.get("id") == name:
                return each
    return None


# --- structure ------------------------------------------------------------------------------------------


@special("children", "structure")
def _children(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    return _below(compiler, node, focus, children, _bare_children)


@special("descendants", "structure")
def _descendants(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    return _below(compiler, node, focus, descendants, _bare_descendants)


def _below(
    compiler: Compiler,
    node: ast.Call,
    focus: Shape,
    of_elements: Callable[[Items], Items],
    of_json: Callable[[Items], Items],
) -> Compiled:
    target = compiler.target(node.target, focus)
    read = of_elements if compiler.mode.typed else of_json
    return Compiled(lambda items, scope: read(target.run(items, scope)), Shape())


def _bare_children(items: Items) -> Items:
    return [child for item in items for child in _leaves(bare(item))]


def _bare_descendants(items: Items) -> Items:
    found, level = [], _bare_children(items)
    while level:
        found += level
        level = _bare_children(level)
    return found


def _leaves(item: Any) -> Items:
    if not isinstance(item, dict):
        return []
    parts = (value for key, value in item.items() if key != "resourceType" and not key.startswith("_"))
    return [
        leaf for part in parts for leaf in (part if isinstance(part, list) else [part]) if leaf is not None
    ]


@special("htmlChecks", _FHIR, refused="a view makes tables, it checks nothing")
def _html_checks(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    target = compiler.target(node.target, focus)

    def run(items: Items, scope: Scope) -> Items:
        found = target.run(items, scope)
        return [all(is_narrative(str(bare(item))) for item in found)] if found else []

    return Compiled(run, BOOLEAN)


@special("checkModifiers", _FHIR, 1, 20, refused="a view makes tables, it checks nothing")
def _check_modifiers(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    """The input, if it has no modifier extension but these."""
    target = compiler.target(node.target, focus)
    known = [compiler.argument(argument, focus).run for argument in node.arguments]

    def run(items: Items, scope: Scope) -> Items:
        found = target.run(items, scope)
        allowed = {text(each(items, scope), "checkModifiers()") for each in known}
        for item in map(bare, found):
            for each in item.get("modifierExtension", ()) if isinstance(item, dict) else ():
                if each.get("url") not in allowed:
                    raise InvalidView("checkModifiers() finds a modifier that is not known")
        return found

    return Compiled(run, target.shape)


# --- codes ----------------------------------------------------------------------------------------------


@special("memberOf", _FHIR, 1, refused=_NO_SERVER)
def _member_of(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    """Membership of a value set that R4 binds with strength required and HL7 defines itself."""
    target = compiler.target(node.target, focus)
    url = compiler.argument(node.arguments[0], focus).run

    def run(items: Items, scope: Scope) -> Items:
        value, name = one(target.run(items, scope), "memberOf()"), text(url(items, scope), "memberOf()")
        if value is None or name is None:
            return []
        try:
            codes = fhir.value_set(name.partition("|")[0])
        except KeyError:
            raise InvalidView(f"the value set {name[:128]!r} is not known here", hint=_NO_SERVER) from None
        return [any(code in codes for code in _codes(value))]

    return Compiled(run, BOOLEAN)


def _codes(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [each.get("code") for each in value.get("coding", [value])]
    return [value]


@special("subsumes", _FHIR, 1, refused=_NO_SERVER)
@special("subsumedBy", _FHIR, 1, refused=_NO_SERVER)
@special("slice", _FHIR, 2, refused="a view knows no profiles")
@special("elementDefinition", _FHIR, refused="a view knows no profiles")
def _elsewhere(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    raise InvalidView(f"{node.name}() is not supported: it needs a terminology server or profiles")


# --- clock ----------------------------------------------------------------------------------------------


def _clock(name: str, kind: str, write: Callable[[datetime], str]) -> None:
    def make(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
        def run(items: Items, scope: Scope) -> Items:
            now = scope.world.now if scope.world else None
            if now is None:
                raise InvalidView(f"{name}() needs the moment that counts as now", hint="give now=…")
            found = moment(write(now), kind)
            return [] if found is None else [found]

        return Compiled(run, scalar(f"System.{kind}"))

    special(name, _CLOCK, refused=_SAME_ROWS)(make)


_clock("now", "DateTime", lambda now: now.isoformat(timespec="milliseconds"))
_clock("today", "Date", lambda now: now.date().isoformat())
_clock("timeOfDay", "Time", lambda now: now.time().isoformat(timespec="milliseconds"))


# --- boundaries -----------------------------------------------------------------------------------------


@special("lowBoundary", "numbers", 0, 1)
def _low_boundary(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    return _boundary(compiler, node, focus, high=False)


@special("highBoundary", "numbers", 0, 1)
def _high_boundary(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    return _boundary(compiler, node, focus, high=True)


def _boundary(compiler: Compiler, node: ast.Call, focus: Shape, high: bool) -> Compiled:
    target = compiler.target(node.target, focus)
    places = compiler.argument(node.arguments[0], focus).run if node.arguments else None
    kind = MOMENTS.get(target.shape.type, "")

    def run(items: Items, scope: Scope) -> Items:
        found = target.run(items, scope)
        value = one(found, f"{node.name}()")
        if value is None:
            return []
        value = quantity(value) if isinstance(value, dict) else value
        wanted = whole(places(items, scope), f"{node.name}()") if places else None
        named = kind or MOMENTS.get(named_kind(found[0], ""), "")
        edge = boundary(value, high, named, wanted)
        return [] if edge is None else [edge]

    return Compiled(run, target.shape.one())


# --- trace and variables --------------------------------------------------------------------------------


@special("trace", "utility", 1, 2)
def _trace(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    """Tells the caller who asked to be told; nothing goes to a log."""
    target = compiler.target(node.target, focus)
    if not compiler.mode.typed:
        return target
    name = compiler.argument(node.arguments[0], focus).run
    shown = compiler.argument(node.arguments[1], target.shape).run if len(node.arguments) > 1 else None

    def run(items: Items, scope: Scope) -> Items:
        found = target.run(items, scope)
        if scope.world and scope.world.trace:
            label = text(name(items, scope), "trace()") or ""
            scope.world.trace(label, shown(found, scope) if shown else found)
        return found

    return Compiled(run, target.shape)


@special("defineVariable", "utility", 1, 2, refused="a view has constants")
def _define_variable(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    """Gives what comes after it in the same path a name for a collection; the input goes on as it is."""
    target = compiler.target(node.target, focus)
    name = node.arguments[0]
    if not isinstance(name, ast.Literal) or not isinstance(name.value, str):
        raise InvalidView("the name of a variable must be written out")
    given: Run = lambda items, scope: items  # noqa: E731
    kept = (
        compiler.argument(node.arguments[1], target.shape)
        if len(node.arguments) > 1
        else Compiled(given, target.shape)
    )
    slot = compiler.define(name.value, kept.shape)

    def run(items: Items, scope: Scope) -> Items:
        found = target.run(items, scope)
        if scope.world is not None:
            if scope.world.variables is None:
                scope.world.variables = {}
            scope.world.variables[slot] = kept.run(found, scope)
        return found

    return Compiled(run, target.shape)
