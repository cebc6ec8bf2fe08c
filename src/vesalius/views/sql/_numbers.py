"""Arithmetic in SQL, exact or not at all.

Whole numbers are calculated as such. A decimal is a DOUBLE in the columns, and binary arithmetic would make
0.1 + 0.2 something else than 0.3. So each operand is read as a whole number of millionths, which a DOUBLE
holds to the letter, and the result is brought back in one division, which rounds to the nearest DOUBLE: the
same number that exact arithmetic gives. For numbers of more digits the dialect calculates with their digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from vesalius.views.fhirpath import _nodes as ast
from vesalius.views.fhirpath._types import scalar
from vesalius.views.sql._plan import NotCompiledError
from vesalius.views.sql._value import NOTHING, Place, Sql, integer, let, string

if TYPE_CHECKING:
    from vesalius.views.sql._compiler import Compiler

_MILLION = "1000000"


def calculated(compiler: Compiler, operator: str, left: Sql, right: Sql) -> Sql:
    """``left operator right``; joining of texts too."""
    what = f"one side of {operator!r}"
    if operator == "&":
        return _joined(compiler, left, right, what)
    if left.nothing or right.nothing:
        return NOTHING
    kinds = {compiler.kind(left), compiler.kind(right)}
    a, b = compiler.only(left, what).text, compiler.only(right, what).text
    if kinds == {"text"} and operator == "+" and not (left.moment or right.moment):
        return string(f"({a} || {b})")
    if not kinds <= {"integer", "number"}:
        raise NotCompiledError(f"{operator} of something that is not a number")
    if kinds == {"integer"} and operator != "/":
        return _whole(compiler, operator, a, b)
    if operator not in ("+", "-", "*", "/"):
        raise NotCompiledError(f"{operator} of decimals")
    if left.rounded or right.rounded:
        # Python rounds once, at the end.
        raise NotCompiledError(f"{operator} of what was calculated from decimals")
    return _exact(compiler, operator, a, b)


def negated(compiler: Compiler, operator: str, value: Sql) -> Sql:
    """``-value`` or ``+value``."""
    if value.nothing:
        return NOTHING
    if compiler.kind(value) not in ("integer", "number"):
        raise NotCompiledError("a sign before something that is not a number")
    single = compiler.only(value, f"unary {operator}")
    text = f"(-({single.text}))" if operator == "-" else single.text
    return replace(single, text=text, beside=None)


def _joined(compiler: Compiler, left: Sql, right: Sql, what: str) -> Sql:
    """``&``: what is empty counts as an empty text."""
    given = [each for each in (left, right) if not each.nothing]
    if not {compiler.kind(each) for each in given} <= {"text", "integer"}:
        raise NotCompiledError("& of something that is not text")
    texts = [compiler.dialect.cast(compiler.only(each, what).text, "text") for each in given]
    parts = [f"coalesce({text}, '')" for text in texts]
    return string(f"({' || '.join(parts)})" if parts else "''")


def _whole(compiler: Compiler, operator: str, a: str, b: str) -> Sql:
    a, b = compiler.dialect.cast(a, "integer"), compiler.dialect.cast(b, "integer")
    if operator not in ("div", "mod"):
        return integer(f"({a} {operator} {b})")
    made = compiler.dialect.quotient(a, b) if operator == "div" else f"({a} % {b})"
    return integer(f"(CASE WHEN {b} <> 0 THEN {made} END)")


def _exact(compiler: Compiler, operator: str, a: str, b: str) -> Sql:
    dialect = compiler.dialect
    if not dialect.total:
        compiler.guard.check("arithmetic on decimals in a condition")
    x, y = _millionths(compiler, "_p"), _millionths(compiler, "_q")
    short = {
        "+": f"(({x} + {y}) / {_million(compiler)})",
        "-": f"(({x} - {y}) / {_million(compiler)})",
        "*": dialect.product(x, y, 12),
        "/": f"({x} / {y})",
    }[operator]
    few = f"{_is_short(compiler, '_p')} AND {_is_short(compiler, '_q')}"
    text = f"CASE WHEN {few} THEN {short} ELSE {dialect.calculated(operator, '_p', '_q')} END"
    there = "_q <> 0" if operator == "/" else "_q IS NOT NULL"
    text = f"CASE WHEN _p IS NOT NULL AND {there} THEN {text} END"
    for name, value in (("_q", b), ("_p", a)):
        text = let(dialect, name, dialect.cast(value, "number"), text)
    return Sql(text, pa.float64(), scalar("decimal"), rounded=True)


def _million(compiler: Compiler) -> str:
    return compiler.dialect.cast(_MILLION, "number")


def _millionths(compiler: Compiler, value: str) -> str:
    """A number in millionths, as a DOUBLE that holds a whole number."""
    return f"round({value} * {_million(compiler)})"


def _is_short(compiler: Compiler, value: str) -> str:
    """Whether a number has at most six digits after the point, and not too many before it."""
    scaled = _millionths(compiler, value)
    return f"abs({scaled}) < 4503599627370496 AND {scaled} / {_million(compiler)} = {value}"


def _of_whole(name: str, made: Callable[[str], str]) -> Callable[..., Sql]:
    def call(compiler: Compiler, node: ast.Call, place: Place) -> Sql:
        target = compiler.target(node.target, place)
        if target.nothing:
            return NOTHING
        if compiler.kind(target) not in ("integer", "number"):
            raise NotCompiledError(f"{name}() of something that is not a number")
        single = compiler.only(target, f"{name}()")
        text = made(single.text)
        return (
            replace(single, text=text, beside=None)
            if name == "abs"
            else integer(compiler.dialect.cast(text, "integer"))
        )

    return call


NUMBER_CALLS: dict[str, Callable[..., Any]] = {
    "abs": _of_whole("abs", lambda value: f"abs({value})"),
    "ceiling": _of_whole("ceiling", lambda value: f"ceil({value})"),
    "floor": _of_whole("floor", lambda value: f"floor({value})"),
    "truncate": _of_whole(
        "truncate", lambda value: f"(CASE WHEN {value} < 0 THEN ceil({value}) ELSE floor({value}) END)"
    ),
}
