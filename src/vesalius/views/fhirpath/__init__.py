"""Whole FHIRPath on decoded resources, for the online path and for checks.

FHIRPath N1 (2.0) with the functions of 3.0 (STU) and what FHIR R4 adds, on the types of FHIR R4:

>>> patient = {"resourceType": "Patient", "name": [{"given": ["An", "Els"]}]}
>>> evaluate("name.given.first()", patient)
[Item(value='An', type='FHIR.string')]
>>> expression = compile("name.given.count() > 1", on="Patient")
>>> expression(patient)
[Item(value=True, type='System.Boolean')]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from vesalius.errors import InvalidView
from vesalius.views.fhirpath._compiled import Scope, World
from vesalius.views.fhirpath._elements import resource as as_element
from vesalius.views.fhirpath._elements import shown, type_of
from vesalius.views.fhirpath._evaluator import Mode, compile_expression
from vesalius.views.fhirpath._parser import parse
from vesalius.views.fhirpath._types import Shape
from vesalius.views.fhirpath._values import Element, Moment, Quantity

__all__ = ["Expression", "Item", "Moment", "Quantity", "compile", "evaluate"]


class Item(NamedTuple):
    """One item of a result.

    Attributes:
        value: a Boolean, a whole number, a ``Decimal``, a text, a :class:`Moment`, a :class:`Quantity`, or
            the decoded JSON of an element of FHIR; None for a primitive that has only extensions.
        type: its type with its namespace, as ``FHIR.code`` or ``System.Integer``.
    """

    value: Any
    type: str


class Expression:
    """A compiled expression: safe to keep, and to run on many resources.

    Attributes:
        text: as it was written.
        on: the type of resource it was compiled for; empty for any.
        strict: whether a path that FHIR R4 does not have is an error.
    """

    def __init__(self, text: str, on: str, strict: bool) -> None:
        self.text = text
        self.on = on
        self.strict = strict
        focus = Shape((on,) if on else (), many=False)
        self._run = compile_expression(parse(text), focus, {}, Mode(typed=True, strict=strict), text).run

    def __call__(
        self,
        resource: Mapping[str, Any] | None,
        *,
        constants: Mapping[str, Any] | None = None,
        resolve: Callable[[str], Mapping[str, Any] | None] | None = None,
        now: datetime | None = None,
        trace: Callable[[str, list[Item]], None] | None = None,
    ) -> list[Item]:
        """The result on one resource: see :func:`evaluate`."""
        root = None if resource is None else as_element(resource)
        given = {name: _items(value) for name, value in constants.items()} if constants else {}
        told = None if trace is None else (lambda name, items: trace(name, list(map(_item, items))))
        world = World(root, given, now, resolve, told)
        try:
            found = self._run([] if root is None else [root], Scope(root, world=world))
        except InvalidView as error:
            raise InvalidView(f"{error.message}, in {self.text!r}", hint=error.hint) from None
        return list(map(_item, found))


def compile(text: str, *, on: str = "", strict: bool = False) -> Expression:  # noqa: A001 - fhirpath.compile reads best
    """An expression, ready to run on many resources.

    Args:
        text: the expression, at most 10,000 characters.
        on: the type of resource it will run on, as ``Patient``; what it is empty for, strict cannot check.
        strict: a path that FHIR R4 does not have is an error, as is an order that nothing has; else such a
            path gives nothing, as FHIRPath says.

    Raises:
        InvalidView: it is not FHIRPath, or names a function, a type or (strict) an element that there is not;
            the message names the character.
    """
    return _compiled(text, on, strict)


def evaluate(
    text: str,
    resource: Mapping[str, Any] | None,
    *,
    constants: Mapping[str, Any] | None = None,
    resolve: Callable[[str], Mapping[str, Any] | None] | None = None,
    now: datetime | None = None,
    trace: Callable[[str, list[Item]], None] | None = None,
    strict: bool = False,
) -> list[Item]:
    """The result of an expression on a resource. Compiled expressions are kept and used again.

    Args:
        text: the expression.
        resource: the decoded resource, best with :func:`vesalius.fhir.load`, which keeps a decimal's digits;
            None for an expression without any.
        constants: the value of each ``%name``: a Boolean, number, text, ``Decimal``, :class:`Moment`,
            :class:`Quantity`, a decoded resource, or a list of these.
        resolve: from a reference to the decoded resource, for ``resolve()`` of what is neither contained nor
            in the same Bundle.
        now: what ``now()``, ``today()`` and ``timeOfDay()`` tell, with its time zone; they fail without.
        trace: told the name and the items of each ``trace()``, which else says nothing.
        strict: see :func:`compile`.

    Raises:
        InvalidView: the expression is wrong, or does not fit the resource.
    """
    on = str(resource.get("resourceType", "")) if resource is not None else ""
    return _compiled(text, on, strict)(resource, constants=constants, resolve=resolve, now=now, trace=trace)


@lru_cache(maxsize=1024)
def _compiled(text: str, on: str, strict: bool) -> Expression:
    return Expression(text, on, strict)


def _items(value: Any) -> list[Any]:
    if isinstance(value, list | tuple):
        return [item for each in value for item in _items(each)]
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [as_element(value)]
    return [Decimal(repr(value)) if isinstance(value, float) else value]


def _item(item: Any) -> Item:
    if item.__class__ is Element and not item.type.startswith("System."):
        return Item(item.value, f"FHIR.{shown(item.type)}")
    return Item(item.value if item.__class__ is Element else item, ".".join(type_of(item)))
