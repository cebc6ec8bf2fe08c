"""The R4 element tables: what each type is made of. All we know of FHIR structure is derived from them.

The tables are ``r4.json.gz``, made by ``tools/generate_fhir.py`` from the FHIR R4 (4.0.1) definitions
(specification content, HL7, CC0 1.0).
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files

import msgspec

from vesalius.errors import NotFound


class Element(msgspec.Struct, frozen=True, array_like=True):
    """One child element of a type.

    Attributes:
        name: its name in the definition; a choice keeps its mark, as in ``value[x]``.
        min: the least number of values, 0 or 1.
        many: whether it is a list (the greatest number of values is ``*``).
        types: the types a value can have. A type that is defined inside a resource has its path for name, as
            in ``Observation.component``, so that ``elements(type)`` lists the children of any type that is
            not primitive, recursive ones too. ``Resource`` means a whole resource of any type.
        codes: the value set that a ``code`` or ``CodeableConcept`` must come from, as the key of
            :func:`value_set`; empty when any code will do.
        targets: the resource types that a ``Reference`` can point to; empty or ``Resource`` for any.
    """

    name: str
    min: int
    many: bool
    types: tuple[str, ...]
    codes: str
    targets: tuple[str, ...]

    @property
    def choice(self) -> bool:
        """Whether it is written with its type's name, as ``valueQuantity`` for ``value[x]``."""
        return self.name.endswith("[x]")

    @property
    def names(self) -> dict[str, str]:
        """The names it can have in JSON, each with the type of its value.

        >>> elements("Patient")[-1].names
        {'link': 'Patient.link'}
        """
        if not self.choice:
            return {self.name: self.types[0]}
        stem = self.name.removesuffix("[x]")
        return {stem + kind[0].upper() + kind[1:]: kind for kind in self.types}


class _Type(msgspec.Struct, frozen=True):
    resource: bool
    elements: tuple[Element, ...]


class _Definitions(msgspec.Struct, frozen=True):
    licence: str
    primitives: dict[str, str]
    types: dict[str, _Type]
    codes: dict[str, tuple[str, ...]]
    compartment: dict[str, tuple[str, ...]]


@cache
def _definitions() -> _Definitions:
    packed = files("vesalius.fhir").joinpath("r4.json.gz").read_bytes()
    return msgspec.json.decode(gzip.decompress(packed), type=_Definitions)


def elements(kind: str) -> tuple[Element, ...]:
    """The children of a type, in the order of the definition, those of its base types included.

    Args:
        kind: a resource (``Observation``), a data type (``Quantity``) or a type inside one
            (``Observation.component``, ``Timing.repeat``).

    Raises:
        NotFound: R4 has no such type, or it is primitive.
    """
    try:
        return _definitions().types[kind].elements
    except KeyError:
        raise NotFound(f"FHIR R4 has no type {kind[:64]!r} with elements") from None


@cache
def resource_types() -> frozenset[str]:
    """The types that a resource can have; the abstract ones are left out.

    >>> sorted({"Observation", "Quantity", "DomainResource"} & resource_types())
    ['Observation']
    """
    names = (name for name, kind in _definitions().types.items() if kind.resource)
    return frozenset(names) - {"Resource", "DomainResource"}


def primitives() -> dict[str, str]:
    """The primitive types, each with the regular expression of the specification (not anchored)."""
    return _definitions().primitives


def value_set(url: str) -> tuple[str, ...]:
    """The codes of a value set that an element must take its code from."""
    return _definitions().codes[url]


def compartment(kind: str) -> tuple[str, ...]:
    """The elements that place a resource in a patient's compartment, whom it is about first.

    >>> compartment("Observation")
    ('subject', 'performer')
    """
    return _definitions().compartment.get(kind, ())
