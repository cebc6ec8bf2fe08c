"""Reads a plain path (``encounter.reference``) from JSON in one go, instead of step by step."""

# ruff: noqa: ARG001 - every compiled step takes the items and the scope, used or not

from __future__ import annotations

from typing import Any

from vesalius.views.fhirpath._compiled import Compiled, Run, Scope, Value, single
from vesalius.views.fhirpath._functions import Items
from vesalius.views.fhirpath._types import Shape
from vesalius.views.fhirpath._values import SeveralError, bare

Path = tuple[str, ...]
"""The properties of JSON objects that lead from the focus to the values, in order."""


def gather(path: Path) -> Run:
    """Every value at the end of the path, lists on the way laid out."""

    def run(items: Items, scope: Scope) -> Items:
        value: Any = items[0] if len(items) == 1 else items
        for name in path:
            if value.__class__ is dict:
                value = value.get(name)
                if value is None:
                    return []
            else:
                value = _spread(value if value.__class__ is list else [value], name)
        if value.__class__ is not list:
            return [value]
        return value if None not in value else [each for each in value if each is not None]

    return run


def _spread(items: Items, name: str) -> Items:
    """One step of the path on several items."""
    found: Items = []
    for item in items:
        value = item.get(name) if item.__class__ is dict else _inside(item, name)
        if value.__class__ is list:
            found += value
        elif value is not None:
            found.append(value)
    return found


def plain_path(path: Path, shape: Shape) -> Compiled:
    """The expression that follows a path; on one item and without lists, where R4 has none."""
    if shape.many:
        return Compiled(gather(path), shape, path=path, scoped=False)
    return single(walk(path), shape, gather(path), path, scoped=False)


def _inside(item: Any, name: str) -> Any:
    value = bare(item)
    return value.get(name) if isinstance(value, dict) else None


def walk(path: Path) -> Value:
    """The value at the end of a path on which R4 has no list."""
    if len(path) == 1:
        return _one_step(path[0])

    def value(item: Any, scope: Scope) -> Any:
        for name in path:
            if item.__class__ is not dict:
                raise SeveralError
            item = item.get(name)
            if item is None:
                return None
        if item.__class__ is list:
            raise SeveralError
        return item

    return value


def _one_step(name: str) -> Value:
    def value(item: Any, scope: Scope) -> Any:
        if item.__class__ is not dict:
            raise SeveralError
        found = item.get(name)
        if found.__class__ is list:
            raise SeveralError
        return found

    return value


def first(path: Path) -> Value:
    """The first value at the end of the path, without looking at the others."""
    last = len(path) - 1

    def value(item: Any, scope: Scope, start: int = 0) -> Any:
        if item.__class__ is not dict:
            if start or item is None:
                return None
            raise SeveralError
        for step in range(start, last + 1):
            item = item.get(path[step])
            if item.__class__ is dict and step != last:
                continue
            if item.__class__ is list:
                for each in item:
                    found = each if step == last else value(each, scope, step + 1)
                    if found is not None:
                        return found
                return None
            return item if step == last else None
        return None

    return value
