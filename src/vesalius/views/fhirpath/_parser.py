"""Reads a FHIRPath expression (FHIRPath N1, the whole grammar) into a syntax tree. A Pratt parser."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

from vesalius.errors import InvalidView
from vesalius.views.fhirpath import _nodes as ast
from vesalius.views.fhirpath._tokens import Token, fault, tokens

BINDING = {
    "implies": 1,
    "or": 2,
    "xor": 2,
    "and": 3,
    "in": 4,
    "contains": 4,
    **dict.fromkeys(("=", "!=", "~", "!~"), 5),
    **dict.fromkeys(("<", "<=", ">", ">="), 6),
    "|": 7,
    "is": 8,
    "as": 8,
    **dict.fromkeys(("+", "-", "&"), 9),
    **dict.fromkeys(("*", "/", "div", "mod"), 10),
}
UNARY = 11
WORDS = frozenset({"implies", "or", "xor", "and", "div", "mod", "true", "false"})
"""Words that cannot name an element unless delimited; ``as``, ``is``, ``in`` and ``contains`` can."""
_UNITS = frozenset(
    f"{unit}{plural}"
    for unit in ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
    for plural in ("", "s")
)
_DEEPEST = 60
_LONGEST_CHAIN = 120
"""Steps of one path, or operators in a row: what runs them calls itself once for each."""


@lru_cache(maxsize=4096)
def parse(text: str) -> ast.Node:
    """The tree of a FHIRPath expression.

    Raises:
        InvalidView: it is not one; the message names the character.

    >>> parse("name.given.first()").name
    'first'
    """
    parser = _Parser(text)
    node = parser.expression(0)
    if parser.now.kind != "end":
        raise parser.fault(f"did not expect {parser.now.text!r}")
    if _depth(node) > _LONGEST_CHAIN:
        raise InvalidView(f"the expression has more than {_LONGEST_CHAIN} steps in a row")
    return node


def _depth(node: ast.Node) -> int:
    """The nodes on the longest way down, counted without recursion."""
    deepest, todo = 0, [(node, 1)]
    while todo:
        inner, depth = todo.pop()
        deepest = max(deepest, depth)
        todo += [(child, depth + 1) for child in ast.children(inner)]
    return deepest


class _Parser:
    """One reading of one expression; ``depth`` bounds the recursion."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.position = 0
        self.depth = 0

    @property
    def now(self) -> Token:
        return self.tokens[self.position]

    def fault(self, message: str) -> InvalidView:
        return fault(self.text, self.now.at, message)

    def take(self) -> Token:
        token = self.now
        self.position += 1
        return token

    def at(self, text: str) -> bool:
        return self.now.text == text and self.now.kind in ("symbol", "name")

    def accept(self, text: str) -> bool:
        found = self.at(text)
        self.position += found
        return found

    def expect(self, text: str) -> None:
        if not self.accept(text):
            found = repr(self.now.text) if self.now.text else "the end"
            raise self.fault(f"expected {text!r}, found {found}")

    def expression(self, binding: int) -> ast.Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.fault(f"nested deeper than {_DEEPEST}")
        left = self.prefix()
        while (power := self.power()) > binding:
            left = self.infix(left, power)
        self.depth -= 1
        return left

    def power(self) -> int:
        return BINDING.get(self.now.text, 0) if self.now.kind in ("symbol", "name") else 0

    def infix(self, left: ast.Node, power: int) -> ast.Node:
        operator = self.take()
        if operator.text in ("is", "as"):
            namespace, name = self.type_name()
            return ast.TypeTest(operator.text, left, name, namespace, at=operator.at)
        return ast.Binary(operator.text, left, self.expression(power), at=operator.at)

    def prefix(self) -> ast.Node:
        if self.at("+") or self.at("-"):
            operator = self.take()
            return ast.Unary(operator.text, self.expression(UNARY), at=operator.at)
        return self.postfix(self.term())

    def postfix(self, node: ast.Node) -> ast.Node:
        while self.at(".") or self.at("["):
            token = self.take()
            if token.text == ".":
                node = self.invocation(node)
            else:
                node = ast.Item(node, self.expression(0), at=token.at)
                self.expect("]")
        return node

    def term(self) -> ast.Node:
        token = self.now
        if token.kind in _LITERALS:
            return self.literal(self.take())
        if token.kind == "constant":
            return ast.Constant(self.take().text, at=token.at)
        if self.accept("("):
            node = self.expression(0)
            self.expect(")")
            return node
        if self.accept("{"):
            self.expect("}")
            return ast.Literal(None, "Empty", at=token.at)
        if token.kind == "name" and token.text in ("true", "false"):
            return ast.Literal(self.take().text == "true", "Boolean", at=token.at)
        return self.invocation(None)

    def literal(self, token: Token) -> ast.Node:
        if token.kind == "number":
            return self.number(token)
        kind = _LITERALS[token.kind]
        return ast.Literal(token.text, kind, at=token.at)

    def number(self, token: Token) -> ast.Node:
        unit = ""
        if self.now.kind == "string" or (self.now.kind == "name" and self.now.text in _UNITS):
            unit = self.take().text
        if unit:
            return ast.Literal(Decimal(token.text), "Quantity", unit, at=token.at)
        if token.text.endswith("L"):
            return ast.Literal(int(token.text[:-1]), "Integer", at=token.at)
        if "." in token.text:
            return ast.Literal(Decimal(token.text), "Decimal", at=token.at)
        return ast.Literal(int(token.text), "Integer", at=token.at)

    def invocation(self, target: ast.Node | None) -> ast.Node:
        token = self.now
        if token.kind == "variable":
            if target is not None:
                raise self.fault(f"{token.text} cannot follow a dot")
            return ast.Variable(self.take().text[1:], at=token.at)
        name = self.identifier()
        if self.accept("("):
            return ast.Call(target, name, self.arguments(name == "sort"), at=token.at)
        return ast.Member(target, name, at=token.at)

    def identifier(self) -> str:
        token = self.now
        if token.kind == "delimited" or (token.kind == "name" and token.text not in WORDS):
            return self.take().text
        raise self.fault(
            f"expected a name, found {token.text!r}" if token.text else "the expression ends too soon"
        )

    def arguments(self, directed: bool) -> tuple[ast.Node, ...]:
        if self.accept(")"):
            return ()
        found = [self.argument(directed)]
        while self.accept(","):
            found.append(self.argument(directed))
        self.expect(")")
        return tuple(found)

    def argument(self, directed: bool) -> ast.Node:
        """One argument; one of ``sort`` may say its direction (``desc`` is a minus before it)."""
        node = self.expression(0)
        if directed and self.accept("desc"):
            return ast.Unary("-", node, at=node.at)
        if directed:
            self.accept("asc")
        return node

    def type_name(self) -> tuple[str, str]:
        name = self.identifier()
        return (name, self.identifier()) if self.accept(".") else ("", name)


_LITERALS: dict[str, ast.Kind] = {
    "string": "String",
    "number": "Integer",
    "date": "Date",
    "datetime": "DateTime",
    "time": "Time",
}
