"""The vocabulary of FHIR R4: what types are made of, whether a resource is well formed, whom it is about and
when it was known, codes, references, times and Belgian identifiers. It reads nothing but its own tables.
"""

from vesalius.fhir.definitions import Element, compartment, elements, primitives, resource_types, value_set

__all__ = ["Element", "compartment", "elements", "primitives", "resource_types", "value_set"]
