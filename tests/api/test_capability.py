"""The CapabilityStatement says what is there; the documentation too."""

import re
from pathlib import Path

from vesalius import fhir
from vesalius.api import OPERATIONS
from vesalius.api.searching import RESULT, parameters
from vesalius.api.views import PARAMETERS

PAGE = Path(__file__).parents[2] / "docs" / "engineer" / "fhir-api.md"


def test_the_capability_statement_is_valid_fhir_and_names_every_type(single):
    answer = single.get("/metadata")
    fhir.check(answer.content)
    types = [each["type"] for each in answer.json()["rest"][0]["resource"]]
    assert set(types) == fhir.resource_types()


def test_what_it_says_can_be_searched_by_is_what_the_search_knows(single):
    for each in single.get("/metadata").json()["rest"][0]["resource"]:
        for parameter in each["searchParam"]:
            value = "2024" if parameter["type"] == "date" else "x"
            answer = single.get(f"/{each['type']}?{parameter['name']}={value}", Prefer="handling=strict")
            assert answer.status_code == 200, (each["type"], parameter)


def test_every_route_is_documented_and_every_documented_route_exists():
    documented = set(
        re.findall(r"^\| `([A-Z]+ /fhir[^`]*)`", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    assert documented == {f"{each.method} {each.path}" for each in OPERATIONS}


def test_every_parameter_is_documented_and_every_documented_one_exists():
    documented = set(
        re.findall(r"^\| `([A-Za-z_]+)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    known = {name for kind in fhir.resource_types() for name in parameters(kind)}
    assert documented == known | set(RESULT) | set(PARAMETERS) | {"_type", "_since", "_outputFormat"}
