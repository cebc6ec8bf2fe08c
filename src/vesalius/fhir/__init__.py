"""The vocabulary of FHIR R4, without any input or output but its own tables.

What types are made of, whether a resource is well formed, whom it is about and when it was known, codes,
references, times, results and Belgian identifiers.
"""

from vesalius.fhir import belgium, codes
from vesalius.fhir._usual import Usual, usual
from vesalius.fhir.antibiograms import Susceptibility, antibiogram
from vesalius.fhir.definitions import Element, compartment, elements, primitives, resource_types, value_set
from vesalius.fhir.ids import made_id
from vesalius.fhir.json import canonical, digest, dump, load
from vesalius.fhir.references import named, patient_of, references, shared, subject, with_references
from vesalius.fhir.results import Result, result, text_result
from vesalius.fhir.times import parse_time, recorded
from vesalius.fhir.validation import check

__all__ = [
    "Element",
    "Result",
    "Susceptibility",
    "Usual",
    "antibiogram",
    "belgium",
    "canonical",
    "check",
    "codes",
    "compartment",
    "digest",
    "dump",
    "elements",
    "load",
    "made_id",
    "named",
    "parse_time",
    "patient_of",
    "primitives",
    "recorded",
    "references",
    "resource_types",
    "result",
    "shared",
    "subject",
    "text_result",
    "usual",
    "value_set",
    "with_references",
]
