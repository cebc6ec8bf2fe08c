"""The functions and operators that ask for a type: ``is``, ``as``, ``ofType``, ``type``, ``conformsTo``."""

# ruff: noqa: ARG001 - every compiled step takes the items and the scope, used or not

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vesalius import fhir
from vesalius.errors import InvalidResource, InvalidView
from vesalius.views.fhirpath import _nodes as ast
from vesalius.views.fhirpath._compiled import BOOLEAN, Compiled, Run, Scope
from vesalius.views.fhirpath._elements import is_fhir, is_kind, known_type, type_info, type_of
from vesalius.views.fhirpath._functions import Items, one, text
from vesalius.views.fhirpath._members import members, read_choice
from vesalius.views.fhirpath._narrative import is_narrative
from vesalius.views.fhirpath._paths import plain_path
from vesalius.views.fhirpath._special import special, type_of_node
from vesalius.views.fhirpath._types import Shape, derived, is_a, is_choice, member, plain, suffix
from vesalius.views.fhirpath._values import Choice, Moment, bare, is_number

if TYPE_CHECKING:
    from vesalius.views.fhirpath._evaluator import Compiler

_TYPES = "types"
_PROFILES = "http://hl7.org/fhir/StructureDefinition/"


@special("ofType", _TYPES, 1)
def _of_type(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    return typed(compiler, "ofType", node.target, type_of_node(node.arguments[0]), focus)


@special("is", _TYPES, 1)
def _is(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    return typed(compiler, "is", node.target, type_of_node(node.arguments[0]), focus)


@special("as", _TYPES, 1)
def _as(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    return typed(compiler, "as", node.target, type_of_node(node.arguments[0]), focus)


def typed(
    compiler: Compiler, operator: str, node: ast.Node | None, wanted: tuple[str, str], focus: Shape
) -> Compiled:
    """``is``, ``as`` or ``ofType`` of what a node gives; ``wanted`` is a namespace (or empty) and a name."""
    if compiler.mode.typed:
        return _dynamic(compiler, operator, compiler.target(node, focus), wanted)
    return _static(compiler, operator, node, wanted[1], focus)


def _dynamic(compiler: Compiler, operator: str, target: Compiled, wanted: tuple[str, str]) -> Compiled:
    """By the type that each item carries."""
    types = known_type(*wanted)
    if operator == "is":

        def test(items: Items, scope: Scope) -> Items:
            found = target.run(items, scope)
            one(found, "is")
            return [is_kind(found[0], types)] if found else []

        return Compiled(test, BOOLEAN)

    def run(items: Items, scope: Scope) -> Items:
        found = target.run(items, scope)
        if operator == "as":
            one(found, "as")
        return [item for item in found if is_kind(item, types)]

    names = tuple(each.name if each.namespace == "FHIR" else f"System.{each.name}" for each in types)
    return Compiled(run, Shape(names[:1], target.shape.many))


def _static(compiler: Compiler, operator: str, node: ast.Node | None, wanted: str, focus: Shape) -> Compiled:
    """By what the definitions say of the path, on bare values."""
    target = compiler.target(node, focus)
    if operator == "is":
        return Compiled(_is_static(target, wanted), BOOLEAN)
    shape = Shape((plain(wanted),), target.shape.many)
    if isinstance(node, ast.Member) and not (node.target is None and node.name[0].isupper()):
        return _choice(compiler, node, wanted, focus, shape)
    known = target.shape.type

    def run(items: Items, scope: Scope) -> Items:
        return [bare(item) for item in target.run(items, scope) if is_a(_actual(item, known), wanted)]

    return Compiled(run, shape)


def _choice(compiler: Compiler, node: ast.Member, wanted: str, focus: Shape, shape: Shape) -> Compiled:
    """``value.ofType(Quantity)``: JSON has it as ``valueQuantity``, which is read at once."""
    owner = compiler.target(node.target, focus)
    slow = members(owner.run, read_choice(node.name, wanted, owner.shape), node.target is None)
    if owner.path is None or not is_choice(owner.shape.type, node.name):
        return Compiled(slow, shape)
    allowed = member(owner.shape, node.name).types
    keys = [f"{node.name}{suffix(kind)}" for kind in derived(wanted) if kind in allowed]
    return plain_path((*owner.path, keys[0]), shape) if len(keys) == 1 else Compiled(slow, shape)


def _is_static(target: Compiled, wanted: str) -> Run:
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


def named_kind(item: Any, known: str) -> str:
    """The FHIR type of an item of either kind, for what depends on it (boundaries of dates)."""
    return _actual(item, known)


@special("type", _TYPES, refused="a view knows types before it runs; use ofType()")
def _type(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    target = compiler.target(node.target, focus)
    run: Run = lambda items, scope: [type_info(item) for item in target.run(items, scope)]  # noqa: E731
    return Compiled(run, Shape(("System.ClassInfo",), target.shape.many))


@special("conformsTo", "FHIR", 1, refused="a view knows no profiles")
def _conforms_to(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    """Conformance to a type of R4 itself: its structure, as :func:`vesalius.fhir.check` sees it."""
    target = compiler.target(node.target, focus)
    url = compiler.argument(node.arguments[0], focus).run

    def run(items: Items, scope: Scope) -> Items:
        found, profile = target.run(items, scope), text(url(items, scope), "conformsTo()")
        one(found, "conformsTo()")
        if not found or profile is None:
            return []
        name = profile.removeprefix(_PROFILES)
        if name == profile or not is_fhir(name):
            raise InvalidView(
                f"the profile {profile[:128]!r} is not known", hint="only the types of FHIR R4 are"
            )
        return [_conforms(found[0], name)]

    return Compiled(run, BOOLEAN)


def _conforms(item: Any, name: str) -> bool:
    if not is_kind(item, known_type("FHIR", name)):
        return False
    if type_of(item).name not in fhir.resource_types():
        return True
    decoded = item.value
    narrative = decoded.get("text", {})
    if isinstance(narrative, dict) and is_narrative(str(narrative.get("div"))):
        # XHTML with a prefix (html:div) is as good; the quick structure check knows only the usual form.
        decoded = {name: value for name, value in decoded.items() if name != "text"}
    try:
        fhir.check(decoded)
    except InvalidResource:
        return False
    return True
