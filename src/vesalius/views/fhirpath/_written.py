"""A syntax tree as text again: what it says, with brackets only where they are needed to read it back."""

from __future__ import annotations

import re

from vesalius.views.fhirpath import _nodes as ast
from vesalius.views.fhirpath._parser import BINDING, UNARY, WORDS
from vesalius.views.fhirpath._values import CALENDAR, digits

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f"}
_STEP = UNARY + 1
"""How tightly a step of a path binds: tighter than any operator."""


def written(node: ast.Node) -> str:
    """The text of a tree; :func:`~vesalius.views.fhirpath._parser.parse` of it gives the same tree.

    >>> from vesalius.views.fhirpath._parser import parse
    >>> written(parse("( a+b ) * c.where( d=1 )"))
    '(a + b) * c.where(d = 1)'
    """
    return _write(node)[0]


def _write(node: ast.Node) -> tuple[str, int]:
    """The text, and how tightly its outermost operator binds."""
    match node:
        case ast.Binary(operator, left, right):
            power = BINDING[operator]
            return f"{_inside(left, power)} {operator} {_inside(right, power + 1)}", power
        case ast.TypeTest(operator, operand, name, namespace):
            power = BINDING[operator]
            kind = f"{_name(namespace)}.{_name(name)}" if namespace else _name(name)
            return f"{_inside(operand, power)} {operator} {kind}", power
        case ast.Unary(operator, operand):
            return f"{operator}{_inside(operand, UNARY)}", UNARY
        case ast.Member(target, name):
            return f"{_before(target)}{_name(name)}", _STEP
        case ast.Call(target, name, arguments):
            return f"{_before(target)}{_name(name)}({', '.join(map(written, arguments))})", _STEP
        case ast.Item(target, index):
            return f"{_inside(target, _STEP)}[{written(index)}]", _STEP
        case ast.Constant(name):
            return f"%{name if _NAME.fullmatch(name) else _quoted(name, '`')}", _STEP
        case ast.Variable(name):
            return f"${name}", _STEP
        case ast.Literal(value, kind, unit):
            return _literal(value, kind, unit), _STEP
    raise TypeError(type(node).__name__)


def _inside(node: ast.Node, power: int) -> str:
    text, own = _write(node)
    return text if own >= power else f"({text})"


def _before(target: ast.Node | None) -> str:
    return "" if target is None else f"{_inside(target, _STEP)}."


def _literal(value: ast.Value, kind: ast.Kind, unit: str) -> str:
    match kind:
        case "Empty":
            return "{}"
        case "Boolean":
            return "true" if value else "false"
        case "String":
            return _quoted(str(value), "'")
        case "Date" | "DateTime" | "Time":
            return f"@{value}"
        case "Quantity":
            return f"{digits(value)} {unit if unit in CALENDAR else _quoted(unit, chr(39))}"  # type: ignore[arg-type]
        case "Integer" | "Decimal":
            return digits(value)  # type: ignore[arg-type]


def _name(name: str) -> str:
    return name if _NAME.fullmatch(name) and name not in WORDS else _quoted(name, "`")


def _quoted(text: str, mark: str) -> str:
    escaped = "".join(_ESCAPES.get(char, char) for char in text).replace(mark, f"\\{mark}")
    return f"{mark}{escaped}{mark}"
