"""Conditions of the tables as functions."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from vesalius.errors import InvalidMap
from vesalius.ingest.hl7v2._message import DELETE
from vesalius.ingest.hl7v2._run import Run, nth

Condition = Callable[[Run, list[str]], object]
"""It holds where what it gives counts as true."""

Getter = Callable[[Run, list[str]], str]

_SIGNS: dict[str, Callable[[int, int], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq,
}  # fmt: skip


DATATYPES = frozenset(
    [
        "CE", "CF", "CNE", "CNN", "CQ", "CWE", "CX", "DLD", "DLN", "DR", "DTM", "ED", "EI", "EIP", "FN", "FT",
        "HD", "ID", "IS", "MSG", "NA", "NDL", "NM", "NR", "OG", "PLN", "PL", "PT", "RI", "RPT", "RP", "SAD",
        "SN", "SPS", "ST", "TQ", "TS", "XAD", "XCN", "XON", "XPN", "XTN",
    ]
)  # fmt: skip


def getter(ref: str) -> Getter:
    """What gets a field of the message (``OBX.5.3``), or a component of the value at hand (``CWE.3``)."""
    name, *numbers = ref.split(".")
    field, component, part = ([int(number) for number in numbers] + [0, 0, 0])[:3]
    if name not in DATATYPES:
        return lambda run, _: run.value(name, field, component, part)
    if not field:
        return lambda _, parts: _said("".join(parts))
    if not component:
        return lambda _, parts: _said(parts[field - 1]) if field <= len(parts) else ""

    def inside(run: Run, parts: list[str]) -> str:
        return _said(nth(nth(parts, field).split(run.message.delimiters.subcomponent), component))

    return inside


def _said(raw: str) -> str:
    return "" if raw == DELETE else raw


def compiled(tree: list[Any] | None) -> Condition | None:
    """A condition as a function of the message and of the components of one repetition; None for none.

    Raises:
        InvalidMap: it is not of the language.
    """
    if tree is None:
        return None
    word, *rest = tree
    if word in {"and", "or"}:
        parts = [found for each in rest if (found := compiled(each))]
        joined = _all if word == "and" else _any
        return joined(parts) if parts else None
    if word == "not":
        inner = compiled(rest[0])
        return None if inner is None else lambda run, parts: not inner(run, parts)
    return _leaf(word, rest)


def _leaf(word: str, rest: list[Any]) -> Condition:
    name, _, field = rest[0].partition(".")
    if word == "valued" and not field:
        return lambda run, _: run.segment.name == name or run.frame.find(name) is not None
    get = getter(rest[0])
    match word:
        case "valued":
            return get  # a text holds where it is not empty
        case "is":
            return _is(get, rest[1])
        case "longer":
            return lambda run, parts: len(get(run, parts)) > rest[1]
        case "count":
            return _count(rest)
    raise InvalidMap(f"{word!r} is not a condition")


def _is(get: Getter, texts: list[str]) -> Condition:
    others = [getter(text[1:]) for text in texts if text.startswith("@")]
    wanted = frozenset(text for text in texts if not text.startswith("@"))
    if not others:
        return lambda run, parts: get(run, parts) in wanted
    return lambda run, parts: get(run, parts) in {other(run, parts) for other in others}


def _count(rest: list[Any]) -> Condition:
    name, field = rest[0].split(".")[:2]
    compare, number = _SIGNS[rest[1]], rest[2]

    def holds(run: Run, _: list[str]) -> bool:
        here = run.segment if run.segment.name == name else run.frame.find(name)
        raw = here.field(int(field)) if here else ""
        return compare(raw.count(run.message.delimiters.repetition) + 1 if raw else 0, number)

    return holds


def _all(parts: list[Condition]) -> Condition:
    one, *others = parts
    if not others:
        return one
    other = _all(others)
    return lambda run, value: one(run, value) and other(run, value)


def _any(parts: list[Condition]) -> Condition:
    one, *others = parts
    if not others:
        return one
    other = _any(others)
    return lambda run, value: one(run, value) or other(run, value)
