"""The functions of FHIRPath as SQL: those that every engine can do as the Python route does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

from vesalius.views.fhirpath import _nodes as ast
from vesalius.views.fhirpath._types import MOMENTS, Shape, scalar
from vesalius.views.sql._moments import edge
from vesalius.views.sql._numbers import NUMBER_CALLS
from vesalius.views.sql._plan import NotCompiledError
from vesalius.views.sql._value import JSON, NOTHING, Open, Place, Sql, boolean, integer, string

if TYPE_CHECKING:
    from vesalius.views.sql._compiler import Compiler

Call: TypeAlias = "Callable[[Compiler, ast.Call, Place], Sql | Open]"
CALLS: dict[str, Call] = {}
_SPACES = "".join(chr(code) for code in range(0x3001) if chr(code).isspace())


def _function(name: str) -> Callable[[Call], Call]:
    def keep(call: Call) -> Call:
        CALLS[name] = call
        return call

    return keep


# --- existence ------------------------------------------------------------------------------------------


@_function("exists")
def _exists(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    if node.arguments:
        return boolean(f"({compiler.exists(_where(compiler, node, place))})")
    return boolean(f"({compiler.exists(compiler.open_target(node.target, place))})")


@_function("empty")
def _empty(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    return boolean(f"(NOT ({compiler.exists(compiler.open_target(node.target, place))}))")


@_function("not")
def _not(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    return boolean(f"(NOT ({compiler.truth(compiler.target(node.target, place))}))")


@_function("count")
def _count(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    target = compiler.open_target(node.target, place)
    if isinstance(target, Sql) and target.many:
        return integer(compiler.dialect.size(target.text))
    if isinstance(target, Open) and target.owner.many:
        raise NotCompiledError("count() of a choice element that may be a list")
    return integer(f"(CASE WHEN {compiler.exists(target)} THEN 1 ELSE 0 END)")


@_function("hasValue")
def _has_value(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    target = compiler.target(node.target, place)
    if target.json or pa.types.is_struct(target.type) or target.nothing:
        return boolean("FALSE")
    one = f"{compiler.dialect.size(target.text)} = 1" if target.many else f"{target.text} IS NOT NULL"
    return boolean(f"({one})")


@_function("all")
def _all(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    target = compiler.target(node.target, place)
    if target.nothing:
        return boolean("TRUE")
    target = compiler.listed(target)
    item = compiler.variable()
    with compiler.guard.inside():
        test = compiler.criterion(node.arguments[0], compiler.at(target, item), place)
    wrong = compiler.dialect.keep(target.text, item, f"NOT coalesce({test}, FALSE)")
    return boolean(f"({compiler.dialect.size(wrong)} = 0)")


def _of_truths(name: str, wanted: str, every: bool) -> None:
    """Declares one of ``allTrue``, ``anyTrue``, ``allFalse`` and ``anyFalse``."""

    def call(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
        target = compiler.target(node.target, place)
        if target.nothing:
            return boolean("TRUE" if every else "FALSE")
        if not pa.types.is_boolean(target.type):
            raise NotCompiledError(f"{name}() of what is not true or false")
        items, item = compiler.listed(target), compiler.variable()
        test = f"{item} {'<>' if every else '='} {wanted}"
        found = compiler.dialect.size(compiler.dialect.keep(items.text, item, test))
        return boolean(f"({found} = 0)" if every else f"({found} > 0)")

    CALLS[name] = call


_of_truths("allTrue", "TRUE", every=True)
_of_truths("anyTrue", "TRUE", every=False)
_of_truths("allFalse", "FALSE", every=True)
_of_truths("anyFalse", "FALSE", every=False)


# --- parts of a collection ------------------------------------------------------------------------------


@_function("where")
def _where(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    return compiler.filtered(compiler.target(node.target, place), node.arguments[0], place)


@_function("select")
def _select(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    target = compiler.target(node.target, place)
    if target.nothing:
        return NOTHING
    item = compiler.variable() if target.many else target.text
    focus = compiler.at(target, item) if target.many else target
    made = compiler.compile(node.arguments[0], replace(place, focus=focus))
    if made.nothing:
        return NOTHING
    if target.many:
        return compiler.mapped(target, made, item)
    return replace(made, text=f"CASE WHEN {target.text} IS NOT NULL THEN {made.text} END", moment=None)


@_function("first")
def _first(compiler: Compiler, node: ast.Call, place: Place) -> Sql | Open:
    target = compiler.open_target(node.target, place)
    if isinstance(target, Open):
        return compiler.closed(target) if target.owner.many else target
    return compiler.first(target)


@_function("last")
def _last(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    target = compiler.target(node.target, place)
    return compiler.at(target, compiler.dialect.last(target.text)) if target.many else target


@_function("single")
def _single(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    return compiler.only(compiler.target(node.target, place), "single()")


def _sliced(compiler: Compiler, node: ast.Call, place: Place, skip: int, take: int | None) -> Sql:
    target = compiler.target(node.target, place)
    if target.nothing or not target.many:
        return target if skip == 0 and take != 0 else NOTHING
    return replace(target, text=compiler.dialect.slice(target.text, skip, take), beside=None)


def _argument(compiler: Compiler, node: ast.Call) -> int:
    number = compiler.number_of(node.arguments[0])
    if number is None:
        raise NotCompiledError(f"{node.name}() of a number that is calculated")
    return max(0, number)


@_function("tail")
def _tail(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    return _sliced(compiler, node, place, 1, None)


@_function("skip")
def _skip(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    return _sliced(compiler, node, place, _argument(compiler, node), None)


@_function("take")
def _take(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    return _sliced(compiler, node, place, 0, _argument(compiler, node))


@_function("trace")
def _trace(compiler: Compiler, node: ast.Call, place: Place) -> Sql | Open:
    """Traces nothing: a view writes no patient data to a log."""
    return compiler.open_target(node.target, place)


@_function("distinct")
def _distinct(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    target = compiler.target(node.target, place)
    return compiler.united(target, NOTHING, distinct=True) if target.many else target


@_function("union")
def _union(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    return _with_other(compiler, node, place, distinct=True)


@_function("combine")
def _combine(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    return _with_other(compiler, node, place, distinct=False)


def _with_other(compiler: Compiler, node: ast.Call, place: Place, *, distinct: bool) -> Sql:
    target = compiler.target(node.target, place)
    return compiler.united(target, compiler.compile(node.arguments[0], place), distinct=distinct)


@_function("iif")
def _iif(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    target = compiler.target(node.target, place)
    if target.many:
        raise NotCompiledError("iif() on a list")
    inner = replace(place, focus=target)
    criterion = compiler.compile(node.arguments[0], inner)
    if not criterion.nothing and not pa.types.is_boolean(criterion.type):
        raise NotCompiledError("a criterion of iif() that may not be true or false")
    test = compiler.truth(criterion, "the criterion of iif()")
    with compiler.guard.inside():
        yes = compiler.compile(node.arguments[1], inner)
        no = compiler.compile(node.arguments[2], inner) if len(node.arguments) > 2 else NOTHING
    if yes.many != no.many and not no.nothing and not yes.nothing:
        yes, no = compiler.listed(yes), compiler.listed(no)
    given = [each for each in (yes, no) if not each.nothing]
    if not given:
        return NOTHING
    if len({each.type for each in given}) > 1:
        raise NotCompiledError("iif() that gives one type or another")
    types = tuple(dict.fromkeys(name for each in given for name in each.shape.types))
    text = f"CASE WHEN coalesce({test}, FALSE) THEN {yes.text} ELSE {no.text} END"
    rounded = any(each.rounded for each in given)
    return Sql(text, given[0].type, Shape(types, given[0].many), rounded=rounded)


# --- types, extensions and keys -------------------------------------------------------------------------


@_function("ofType")
def _of_type(compiler: Compiler, node: ast.Call, place: Place) -> Sql | Open:
    return compiler.narrowed(compiler.open_target(node.target, place), _type_name(node))


@_function("as")
def _as(compiler: Compiler, node: ast.Call, place: Place) -> Sql | Open:
    return _of_type(compiler, node, place)


@_function("is")
def _is(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    return compiler.is_of(compiler.open_target(node.target, place), _type_name(node))


def _type_name(node: ast.Call) -> str:
    argument = node.arguments[0]
    assert isinstance(argument, ast.Member)
    return argument.name


@_function("extension")
def _extension(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    target = compiler.open_target(node.target, place)
    found = compiler.closed(compiler.member(target, "extension"))
    url = compiler.compile(node.arguments[0], place)
    if found.nothing or url.nothing:
        return NOTHING
    if url.many or compiler.kind(url) != "text" or not found.json:
        raise NotCompiledError("extension() of something that is not one text")
    item = compiler.variable()
    test = f"{compiler.dialect.json_text(item, 'url')} = {url.text}"
    return replace(found, text=compiler.dialect.keep(found.text, item, test), beside=None)


@_function("getResourceKey")
def _resource_key(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    target = compiler.target(node.target, place)
    if target.nothing or (not target.json and not pa.types.is_struct(target.type)):
        return NOTHING
    return compiler.closed(compiler.member(target, "id"))


@_function("getReferenceKey")
def _reference_key(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    target = compiler.target(node.target, place)
    wanted = _type_name(node) if node.arguments else ""
    if target.nothing:
        return NOTHING
    if target.shape.type != "Reference":
        raise NotCompiledError("getReferenceKey() of something that is not a Reference")
    if not target.many:
        return string(_key(compiler, target, wanted), "id")
    item = compiler.variable()
    keys = string(_key(compiler, compiler.at(target, item), wanted), "id")
    return compiler.mapped(target, keys, item)


def _key(compiler: Compiler, reference: Sql, wanted: str) -> str:
    text = compiler.closed(compiler.member(reference, "reference")).text
    kind = compiler.closed(compiler.member(reference, "type")).text
    return compiler.dialect.reference_key(text, f"coalesce({kind}, '')", wanted)


# --- text -----------------------------------------------------------------------------------------------


@_function("join")
def _join(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    target = compiler.target(node.target, place)
    between = compiler.compile(node.arguments[0], place) if node.arguments else string("''")
    if target.nothing:
        return NOTHING
    if compiler.kind(target) != "text" or between.many or between.nothing or compiler.kind(between) != "text":
        raise NotCompiledError("join() of something that is not text")
    if not target.many:
        return replace(target, shape=scalar("string"), moment=None)
    text = compiler.dialect.join(target.text, between.text)
    return string(f"CASE WHEN {compiler.exists(target)} THEN {text} END")


def _texts(compiler: Compiler, node: ast.Call, place: Place) -> list[str] | None:
    """The target and the arguments as single texts; None where one of them is always empty."""
    given = [compiler.target(node.target, place)]
    given += [compiler.compile(argument, place) for argument in node.arguments]
    if any(each.nothing for each in given):
        return None
    if any(compiler.kind(each) != "text" for each in given):
        raise NotCompiledError(f"{node.name}() of something that is not text")
    return [compiler.only(each, f"{node.name}()").text for each in given]


def _of_text(name: str, made: Callable[..., str], kind: Callable[[str], Sql] = boolean) -> None:
    """Declares a function of one text and further texts; ``made`` takes the dialect and them."""

    def call(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
        given = _texts(compiler, node, place)
        return NOTHING if given is None else kind(made(compiler.dialect, *given))

    CALLS[name] = call


_of_text("startsWith", lambda dialect, value, part: dialect.starts(value, part))
_of_text("endsWith", lambda dialect, value, part: dialect.ends(value, part))
_of_text("contains", lambda dialect, value, part: dialect.has(value, part))
_of_text("length", lambda dialect, value: dialect.length(value), integer)
_of_text("indexOf", lambda dialect, value, part: dialect.find(value, part), integer)
_of_text("trim", lambda dialect, value: dialect.trim(value, _SPACES), string)


@_function("replace")
def _replace(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    old = node.arguments[0]
    if not isinstance(old, ast.Literal) or not old.value:
        raise NotCompiledError("replace() of what is not written out")
    given = _texts(compiler, node, place)
    return NOTHING if given is None else string(compiler.dialect.replace(*given))


@_function("substring")
def _substring(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    target = compiler.target(node.target, place)
    numbers = [compiler.number_of(argument) for argument in node.arguments]
    start, length = numbers[0], numbers[1] if len(numbers) > 1 else None
    if start is None or (len(numbers) > 1 and length is None):
        raise NotCompiledError("substring() of a number that is calculated")
    if target.nothing:
        return NOTHING
    if compiler.kind(target) != "text":
        raise NotCompiledError("substring() of something that is not text")
    value = compiler.only(target, "substring()").text
    if start < 0:
        return NOTHING
    part = compiler.dialect.substring(value, start, None if length is None else max(0, length))
    return string(f"CASE WHEN {compiler.dialect.length(value)} > {start} THEN {part} END")


@_function("toString")
def _to_string(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
    target = compiler.target(node.target, place)
    if target.nothing:
        return NOTHING
    kind = compiler.kind(target)
    single = compiler.only(target, "toString()")
    if kind == "number":
        return string(compiler.written(single))
    return string(single.text if kind == "text" else compiler.dialect.cast(single.text, "text"))


# --- boundaries -----------------------------------------------------------------------------------------


def _boundary(name: str, *, high: bool) -> None:
    def call(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
        digits = compiler.number_of(node.arguments[0]) if node.arguments else None
        if node.arguments and digits is None:
            raise NotCompiledError(f"{name}() to a precision that is calculated")
        target = compiler.target(node.target, place)
        if target.nothing:
            return NOTHING
        single = compiler.only(target, f"{name}()")
        if target.shape.type == "decimal" and digits is None:
            return _decimal_edge(compiler, single, high=high)
        if target.shape.type not in MOMENTS or single.type == JSON:
            raise NotCompiledError(f"{name}() of a {target.shape.type or 'value of any type'}")
        return string(edge(compiler.dialect, single, high=high, digits=digits), target.shape.type)

    CALLS[name] = call


def _decimal_edge(compiler: Compiler, value: Sql, *, high: bool) -> Sql:
    compiler.guard.check("a boundary of a number in a condition")
    text = compiler.dialect.decimal_edge(compiler.written(value), high=high)
    return Sql(text, pa.float64(), scalar("decimal"))


_boundary("lowBoundary", high=False)
_boundary("highBoundary", high=True)

CALLS |= NUMBER_CALLS
