"""The functions whose argument runs on each item: ``where``, ``select``, ``repeat``, ``sort`` and others."""

# ruff: noqa: ARG005 - every compiled step takes the items and the scope, used or not

from __future__ import annotations

from functools import cmp_to_key
from typing import TYPE_CHECKING, Any

from vesalius.errors import InvalidView
from vesalius.views.fhirpath import _nodes as ast
from vesalius.views.fhirpath._compiled import BOOLEAN, Compiled, Run, Scope
from vesalius.views.fhirpath._equality import Seen, compare
from vesalius.views.fhirpath._functions import Items, one, truth
from vesalius.views.fhirpath._special import special
from vesalius.views.fhirpath._types import Shape
from vesalius.views.fhirpath._values import SeveralError, bare

if TYPE_CHECKING:
    from vesalius.views.fhirpath._evaluator import Compiler

_EACH = "item by item"
_MOST_REPEATED = 100_000
"""Items; a repeat that finds more is taken for one that never ends."""


def enumerated(items: Items, scope: Scope) -> list[tuple[Any, Scope]]:
    """Each item with a scope in which ``$index`` is its place."""
    if len(items) == 1 and not scope.index:
        return [(items[0], scope)]
    return [
        (item, Scope(scope.resource, scope.row, at, scope.total, scope.world))
        for at, item in enumerate(items)
    ]


def _each(compiler: Compiler, node: ast.Call, focus: Shape) -> tuple[Compiled, Compiled]:
    target = compiler.target(node.target, focus)
    return target, compiler.argument(node.arguments[0], target.shape.one())


@special("where", _EACH, 1)
def _where(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    target, criterion = _each(compiler, node, focus)
    return Compiled(_filter(target.run, criterion, _indexed(node)), target.shape)


def _indexed(node: ast.Call) -> bool:
    """Whether ``$index`` or ``$total`` occurs in the arguments."""
    return any(
        isinstance(each, ast.Variable) and each.name != "this"
        for argument in node.arguments
        for each in ast.walk(argument)
    )


def _filter(target: Run, criterion: Compiled, indexed: bool) -> Run:
    run, value = criterion.run, criterion.value

    def slow(items: Items, scope: Scope) -> Items:
        return [item for item, inner in enumerated(items, scope) if truth(run([item], inner)) is True]

    def quick(items: Items, scope: Scope) -> Items:
        found = target(items, scope)
        if not found:
            return found
        try:
            return [item for item in found if bare(value(item, scope)) is True]  # type: ignore[misc]
        except SeveralError:
            return slow(found, scope)

    # A criterion that gives no Boolean is true where it gives anything: only Booleans go the quick way.
    if value is not None and criterion.shape == BOOLEAN and not indexed:
        return quick
    return lambda items, scope: slow(target(items, scope), scope)


@special("exists", "existence", 0, 1)
def _exists(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    if node.arguments:
        found = _where(compiler, node, focus).run
        return Compiled(lambda items, scope: [bool(found(items, scope))], BOOLEAN)
    target = compiler.target(node.target, focus)
    run, value = target.run, target.value
    slow: Run = lambda items, scope: [bool(run(items, scope))]  # noqa: E731 - it is one of two forms
    # An element of whole FHIRPath can be there without a value.
    if value is None or compiler.mode.typed:
        return Compiled(slow, BOOLEAN)
    return Compiled(slow, BOOLEAN, lambda item, scope: value(item, scope) is not None)


@special("all", "existence", 1)
def _all(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    target, criterion = _each(compiler, node, focus)

    def run(items: Items, scope: Scope) -> Items:
        each = enumerated(target.run(items, scope), scope)
        return [all(truth(criterion.run([item], inner)) is True for item, inner in each)]

    return Compiled(run, BOOLEAN)


@special("select", _EACH, 1)
def _select(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    target, projection = _each(compiler, node, focus)

    def run(items: Items, scope: Scope) -> Items:
        each = enumerated(target.run(items, scope), scope)
        return [found for item, inner in each for found in projection.run([item], inner)]

    return Compiled(run, Shape(projection.shape.types, target.shape.many or projection.shape.many))


@special("repeat", _EACH, 1)
def _repeat(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    return _repeated(compiler, node, focus, once=True)


@special("repeatAll", _EACH, 1)
def _repeat_all(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    return _repeated(compiler, node, focus, once=False)


def _repeated(compiler: Compiler, node: ast.Call, focus: Shape, once: bool) -> Compiled:
    """``once``: an item equal to one that was found is not looked at again."""
    target, step = _each(compiler, node, focus)

    def run(items: Items, scope: Scope) -> Items:
        found: Items = []
        seen = Seen()
        level = target.run(items, scope)
        while level:
            below = [new for item in level for new in step.run([item], scope)]
            level = [new for new in below if seen.add(new)] if once else below
            found += level
            if len(found) > _MOST_REPEATED:
                raise InvalidView(f"{node.name}() finds more than {_MOST_REPEATED} items: does it ever end?")
        return found

    return Compiled(run, Shape())


@special("aggregate", "totals", 1, 2)
def _aggregate(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    target, step = _each(compiler, node, focus)
    start = compiler.argument(node.arguments[1], focus).run if len(node.arguments) > 1 else None

    def run(items: Items, scope: Scope) -> Items:
        total = start(items, scope) if start else []
        for index, item in enumerate(target.run(items, scope)):
            total = step.run([item], Scope(scope.resource, scope.row, index, total, scope.world))
        return total

    return Compiled(run, Shape())


@special("iif", "logic", 2, 3)
def _iif(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    """Only the branch that is chosen runs."""
    target = compiler.target(node.target, focus)
    test, *branches = [compiler.argument(argument, target.shape) for argument in node.arguments]
    alone = node.target is not None

    def run(items: Items, scope: Scope) -> Items:
        inner = target.run(items, scope)
        if alone:
            one(inner, "the input of iif()")
        criterion = one(test.run(inner, scope), "the criterion of iif()")
        if criterion is not None and not isinstance(criterion, bool):
            raise InvalidView("the criterion of iif() is not true or false")
        chosen = 0 if criterion else 1
        return branches[chosen].run(inner, scope) if chosen < len(branches) else []

    types = tuple(dict.fromkeys(name for branch in branches for name in branch.shape.types))
    return Compiled(run, Shape(types, any(branch.shape.many for branch in branches)))


@special("coalesce", "existence", 1, 20)
def _coalesce(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    """The first argument that gives anything; those after it do not run."""
    target = compiler.target(node.target, focus)
    choices = [compiler.argument(argument, target.shape) for argument in node.arguments]

    def run(items: Items, scope: Scope) -> Items:
        inner = target.run(items, scope)
        return next((found for each in choices if (found := each.run(inner, scope))), [])

    return Compiled(run, Shape(tuple(dict.fromkeys(name for each in choices for name in each.shape.types))))


@special("sort", _EACH, 0, 20)
def _sort(compiler: Compiler, node: ast.Call, focus: Shape) -> Compiled:
    """By keys, each rising or, after a minus, falling; an item without a key comes first either way."""
    target = compiler.target(node.target, focus)
    keys: list[tuple[Run, int]] = []
    for argument in node.arguments:
        falling = isinstance(argument, ast.Unary) and argument.operator == "-"
        inner = argument.operand if isinstance(argument, ast.Unary) and falling else argument
        keys.append((compiler.argument(inner, target.shape.one()).run, -1 if falling else 1))
    if not keys:
        keys.append((lambda items, scope: items, 1))

    def run(items: Items, scope: Scope) -> Items:
        found = target.run(items, scope)
        rows = [([one(key([item], scope), "a key of sort()") for key, _ in keys], item) for item in found]

        def order(left: tuple[Items, Any], right: tuple[Items, Any]) -> int:
            for x, y, (_, sign) in zip(left[0], right[0], keys, strict=True):
                if x is None or y is None:
                    if x is not y:
                        return -1 if x is None else 1
                elif way := compare(x, y):
                    return way * sign
            return 0

        return [item for _, item in sorted(rows, key=cmp_to_key(order))]

    return Compiled(run, target.shape)
