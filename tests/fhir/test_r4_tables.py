"""The element tables: complete, recursive, and the same as the tool makes them."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from vesalius import fhir
from vesalius.errors import NotFound
from vesalius.fhir._structs import _struct
from vesalius.fhir.definitions import _definitions

ROOT = Path(__file__).parents[2]


def test_every_type_of_every_element_is_known():
    for kind in _definitions().types.values():
        for element in kind.elements:
            assert all(
                name == "Resource" or name in fhir.primitives() or fhir.elements(name)
                for name in element.types
            )


def test_a_choice_has_one_name_per_type():
    value = next(element for element in fhir.elements("Observation") if element.name == "value[x]")
    assert value.names["valueQuantity"] == "Quantity"
    assert value.names["valueDateTime"] == "dateTime"


def test_recursive_types_lead_back_to_themselves():
    item = next(element for element in fhir.elements("Questionnaire.item") if element.name == "item")
    assert item.types == ("Questionnaire.item",)


def test_an_unknown_type_is_not_found():
    for kind in ("Nothing", "string"):
        with pytest.raises(NotFound):
            fhir.elements(kind)


@pytest.mark.parametrize("full", [False, True])
def test_every_resource_type_can_be_checked(full):
    for kind in sorted(fhir.resource_types()):
        assert _struct(kind, full)


@pytest.mark.data
def test_the_tables_are_what_the_tool_makes_of_the_definitions(shared_data):
    packed = ROOT / "src" / "vesalius" / "fhir" / "r4.json.gz"
    before = gzip.decompress(packed.read_bytes())
    code = (
        "import runpy, sys; from pathlib import Path; tool = runpy.run_path('tools/generate_fhir.py');"
        "sys.stdout.buffer.write(tool['made'](Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(shared_data / "fhir-r4-definitions")]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    assert made.stdout == before
