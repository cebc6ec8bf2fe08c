"""What the elements of FHIR R4 are, as far as a view needs to know: types, and if several."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from vesalius import fhir
from vesalius.errors import NotFound

_PARENTS = {
    "id": "string",
    "code": "string",
    "markdown": "string",
    "url": "uri",
    "canonical": "uri",
    "uuid": "uri",
    "oid": "uri",
    "positiveInt": "integer",
    "unsignedInt": "integer",
    "Age": "Quantity",
    "Count": "Quantity",
    "Distance": "Quantity",
    "Duration": "Quantity",
    "MoneyQuantity": "Quantity",
    "SimpleQuantity": "Quantity",
}
PRIMITIVES = frozenset(
    {
        *("base64Binary", "boolean", "canonical", "code", "date", "dateTime", "decimal", "id", "instant"),
        *("integer", "integer64", "markdown", "oid", "positiveInt", "string", "time", "unsignedInt", "uri"),
        *("url", "uuid", "xhtml"),
    }
)
COMPLEX = frozenset(
    {
        *("Address", "Age", "Annotation", "Attachment", "CodeableConcept", "Coding", "ContactDetail"),
        *("ContactPoint", "Contributor", "Count", "DataRequirement", "Distance", "Dosage", "Duration"),
        *("Expression", "HumanName", "Identifier", "Meta", "Money", "ParameterDefinition", "Period"),
        *("Quantity", "Range", "Ratio", "Reference", "RelatedArtifact", "SampledData", "Signature"),
        *("Timing", "TriggerDefinition", "UsageContext"),
    }
)
"""The data types that a choice element can hold (R4, Element.extension.value[x])."""
SUFFIXES = {f"{name[0].upper()}{name[1:]}": name for name in PRIMITIVES | COMPLEX}
MOMENTS = {"date": "Date", "dateTime": "DateTime", "instant": "DateTime", "time": "Time"}
_SYSTEM = {"Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time"}


@dataclass(frozen=True, slots=True)
class Shape:
    """What an expression can give.

    Attributes:
        types: the FHIR types it can have; none where that is not known. A part of a resource that has no
            type of its own is named by its path, as in ``Patient.contact``.
        many: whether there can be more than one.
    """

    types: tuple[str, ...] = ()
    many: bool = True

    @property
    def type(self) -> str:
        """The type, where there is exactly one; else empty."""
        return self.types[0] if len(self.types) == 1 else ""

    def one(self) -> Shape:
        """The same, at most one."""
        return Shape(self.types, many=False)


def scalar(name: str) -> Shape:
    """At most one value of the type."""
    return Shape((name,), many=False)


def plain(name: str) -> str:
    """The FHIR name of a type that may be written as a System type."""
    return name[0].lower() + name[1:] if name in _SYSTEM else name


def is_a(actual: str, wanted: str) -> bool:
    """Whether every ``actual`` is a ``wanted``: the same type or derived from it."""
    wanted = plain(wanted)
    return actual == wanted or (actual in _PARENTS and is_a(_PARENTS[actual], wanted))


def derived(name: str) -> tuple[str, ...]:
    """The type and those derived from it, the type itself first."""
    name = plain(name)
    return (name, *(child for child in _PARENTS if is_a(child, name) and child != name))


def suffix(name: str) -> str:
    """How the type ends the name of a choice element: ``dateTime`` in ``valueDateTime``."""
    return f"{name[0].upper()}{name[1:]}"


def member(shape: Shape, name: str) -> Shape:
    """What ``.name`` of something of this shape is; a shape without types where the type is not known."""
    found: dict[str, None] = {}
    many = shape.many
    for owner in shape.types:
        types, several = element(owner, name)
        found.update(dict.fromkeys(types))
        many = many or (several and bool(types))
    return Shape(tuple(found), many) if found else Shape()


def element(owner: str, name: str) -> tuple[tuple[str, ...], bool]:
    """The types of an element of a type, and whether it repeats; no types where there is no such element."""
    found = _children(owner).get(name)
    return found if found is not None else ((), True)


@cache
def _children(owner: str) -> dict[str, tuple[tuple[str, ...], bool]]:
    if owner in PRIMITIVES or owner == "Resource":
        return {}
    try:
        children = fhir.elements(owner)
    except NotFound:
        return {}
    return {child.name.removesuffix("[x]"): (child.types, child.many) for child in children}


def is_choice(owner: str, name: str) -> bool:
    """Whether the element is written with its type's name, as ``valueQuantity``."""
    try:
        return any(child.name == f"{name}[x]" for child in fhir.elements(owner))
    except NotFound:
        return False
