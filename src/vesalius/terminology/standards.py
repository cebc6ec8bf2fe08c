"""Which code systems are standard, and for which elements: ``standards.toml`` as data."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from vesalius.errors import InvalidMap
from vesalius.terminology._checks import CHECKS

QUANTITY = "Quantity"
"""The element kind of units; all others are kinds of codeable concepts."""


class System(msgspec.Struct, frozen=True):
    """A standard code system.

    Attributes:
        url: as FHIR names it.
        name: as people do.
        check: what can be told of a code by its form, a key of ``_checks.CHECKS``.
    """

    url: str
    name: str
    check: str


class Kind(msgspec.Struct, frozen=True):
    """A kind of element that holds codes of one sort.

    Attributes:
        name: its own name, such as ``Observation.code``.
        paths: the elements of this kind.
        systems: the names of the systems that are standard for it, the preferred one first.
        units: whether what a code means can depend on the unit of the result beside it.
    """

    name: str
    paths: tuple[str, ...]
    systems: tuple[str, ...]
    units: bool = False


class _Tables(msgspec.Struct, frozen=True):
    system: tuple[System, ...]
    element: tuple[Kind, ...]


@cache
def _tables() -> _Tables:
    text = files("vesalius.terminology").joinpath("standards.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Tables)


@cache
def systems() -> dict[str, System]:
    """Every standard system, by its URL."""
    return {each.url: each for each in _tables().system}


@cache
def kinds() -> dict[str, Kind]:
    """Every kind of element that is looked at, by its name."""
    return {each.name: each for each in _tables().element}


@cache
def standard_for(kind: str) -> frozenset[str]:
    """The URLs of the systems that are standard for a kind of element."""
    names = {each.name: each.url for each in _tables().system}
    return frozenset(names[name] for name in kinds()[kind].systems)


def kind_of(name: str) -> Kind:
    """The kind of element called ``name``.

    Raises:
        InvalidMap: there is none.
    """
    if name not in kinds():
        raise InvalidMap(f"there is no kind of element {name[:64]!r}", hint=", ".join(kinds()))
    return kinds()[name]


def system_of(text: str) -> System:
    """The standard system with this URL or this name (``LOINC``, ``snomed ct``).

    Raises:
        InvalidMap: it is none of the standard systems.
    """
    for each in _tables().system:
        if text == each.url or text.casefold() == each.name.casefold():
            return each
    names = ", ".join(each.name for each in _tables().system)
    raise InvalidMap(f"{text[:80]!r} is not a standard code system", hint=f"one of {names}")


def check_code(system: System, code: str) -> None:
    """Passes when a code has the form that its system prescribes; that it exists is not looked up.

    Raises:
        InvalidMap: it has another form, or its check digit is wrong.
    """
    if not CHECKS[system.check](code):
        raise InvalidMap(
            f"{code[:40]!r} has not the form of a code of {system.name}", hint="was a digit mistyped?"
        )
