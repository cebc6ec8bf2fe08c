"""The whole API under requests that nobody thought of: schemathesis makes them from the OpenAPI document.

With every right and without a token: no error of the server, no answer that is not described, and not a byte of
a resource for who has no right. VESALIUS_FULL asks for twenty times as many (``make security``).
"""

import json
import os
from collections import Counter

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from machines import PATIENT, machine, observation, opened
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from vesalius.api import OPERATIONS
from vesalius.api.application import OPEN
from vesalius.api.openapi import document
from vesalius.governance.clients import May

MARK = "Marked-of-the-contract"
EXAMPLES = 300 if "VESALIUS_FULL" in os.environ else 5
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
schemathesis.serializer.alias("application/fhir+json", "application/json")
schemathesis.serializer.alias("application/fhir+ndjson", "text/plain")

SCHEMA = schemathesis.openapi.from_dict(document())
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="VESALIUS_FULL" not in os.environ,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


seen: Counter[tuple[str, int]] = Counter()
"""How often each route was answered with each status, with every right."""


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    hospital = opened(tmp_path_factory.mktemp("contract") / "home")
    made = machine(hospital, "contract", tuple(May))
    assert made.put("/Patient/p1", PATIENT | {"name": [{"family": MARK}]}).status_code == 201
    assert made.put("/Observation/o1", observation()).status_code == 201
    yield made
    hospital.close()


def each_operation():
    return [result.ok() for result in SCHEMA.get_all_operations()]


def name(operation) -> str:
    return f"{operation.method.upper()} {operation.path}"


def towards(case) -> dict[str, str]:
    """Names what is there in a request that was made at random, so that it gets further."""
    there = {"type": "Patient", "id": "p1", "version": "1"}
    case.path_parameters.update({key: there[key] for key in case.path_parameters if key in there})
    if isinstance(case.body, dict) and "{type}" in case.path:
        case.body.update(resourceType="Patient", **({"id": "p1"} if "{id}" in case.path else {}))
    elif isinstance(case.body, dict):
        case.body["entry"] = []
    return {"Prefer": "respond-async"}


def test_the_document_has_every_route_and_no_other():
    assert {name(each) for each in each_operation()} == {f"{each.method} {each.path}" for each in OPERATIONS}
    made = document()
    assert json.loads(json.dumps(made)) == made
    for each in OPERATIONS:
        said = made["paths"][each.path][each.method.lower()]
        assert ("security" in said) == (each.needs == OPEN)
        assert "500" not in said["responses"]


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("operation", each_operation(), ids=name)
def test_with_every_right_no_request_breaks_the_server_and_every_answer_is_described(client, operation, mode):
    if mode == GenerationMode.NEGATIVE and not (
        operation.body or operation.query or operation.path_parameters
    ):
        pytest.skip("nothing in this request can be wrong")

    @FUZZ
    @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
    def fuzz(case, real):
        headers = {"Authorization": f"Bearer {client.token}"}
        headers |= towards(case) if real and mode == GenerationMode.POSITIVE else {}
        answer = case.call(headers=headers, app=client.http.app)
        case.validate_response(answer, checks=CHECKS)
        seen[name(operation), answer.status_code] += 1

    fuzz()


@pytest.mark.parametrize("operation", each_operation(), ids=name)
def test_without_a_token_there_is_no_data(client, operation):
    @settings(FUZZ, max_examples=max(2, EXAMPLES // 5))
    @given(case=operation.as_strategy())
    def fuzz(case):
        answer = case.call(headers={"Authorization": ""}, app=client.http.app)
        case.validate_response(answer, checks=CHECKS)
        assert MARK not in answer.text
        if operation.path != "/fhir/metadata":
            assert answer.status_code >= 400

    fuzz()


def test_the_requests_got_further_than_the_door(client):
    assert len({status for _, status in seen}) >= 7, "they met too few kinds of answers to say much"
    assert sum(200 <= status < 300 for _, status in seen) > 5
    assert client.get("/Patient/p1").status_code == 200
    assert client.get("/Patient/p1").status_code == 200
