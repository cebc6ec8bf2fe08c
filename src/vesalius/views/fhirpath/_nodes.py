"""The syntax tree of a FHIRPath expression (FHIRPath N1, grammar), and nothing about what it means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Literal as OneOf

Value = str | bool | int | Decimal | None
Kind = OneOf["Empty", "String", "Boolean", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity"]


@dataclass(frozen=True, slots=True)
class Node:
    """One node; ``at`` is the offset in the text where it was read, for messages."""

    at: int = field(default=0, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A value written out: its System type, and the unit of a Quantity; ``{}`` is Empty."""

    value: Value
    kind: Kind
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """``%name``: a constant of the view, or one that FHIRPath or SQL on FHIR defines."""

    name: str


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """``$this``, ``$index`` or ``$total``."""

    name: str


@dataclass(frozen=True, slots=True)
class Member(Node):
    """``target.name``, or ``name`` of the focus where there is no target."""

    target: Node | None
    name: str


@dataclass(frozen=True, slots=True)
class Call(Node):
    """``target.name(arguments)``; the focus is the target where there is none."""

    target: Node | None
    name: str
    arguments: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Item(Node):
    """``target[index]``, counted from 0."""

    target: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """``+operand`` or ``-operand``."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """``left operator right``."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class TypeTest(Node):
    """``operand is type`` or ``operand as type``; the namespace (``FHIR``, ``System``) is mostly left out."""

    operator: str
    operand: Node
    type: str
    namespace: str = ""


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below a node, in the order in which they are written."""
    for part in fields(node):
        value = getattr(node, part.name)
        for child in value if isinstance(value, tuple) else (value,):
            if isinstance(child, Node):
                yield child


def walk(node: Node) -> Iterator[Node]:
    """The node and every node below it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)
