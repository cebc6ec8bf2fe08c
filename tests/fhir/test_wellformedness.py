"""fhir.check: what is well formed by R4, and where exactly it is not."""

import gzip
import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius import fhir
from vesalius.errors import InvalidResource
from vesalius.fhir._structs import _Memory, decoder, may_hold_blank, pattern

OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "a"}}


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ({"resourceType": "Patient", "gender": "f"}, "Patient.gender"),
        ({"resourceType": "Patient", "contact": [{}, {"gender": "f"}]}, "Patient.contact[1].gender"),
        ({"resourceType": "Patient", "birthDate": "17-05-2020"}, "Patient.birthDate"),
        ({"resourceType": "Patient", "active": "yes"}, "Patient.active"),
        ({"resourceType": "Patient", "active": None}, "Patient.active"),
        ({"resourceType": "Patient", "name": []}, "Patient.name"),
        ({"resourceType": "Patient", "name": {"family": "A"}}, "Patient.name"),
        ({"resourceType": "Patient", "name": [{"family": " "}]}, "Patient.name[0].family"),
        ({"resourceType": "Patient", "name": [{"given": ["A", None]}]}, "Patient.name[0].given"),
        ({"resourceType": "Patient", "nickname": "A"}, "Patient.nickname"),
        ({"resourceType": "Patient", "id": "a b"}, "Patient.id"),
        ({"resourceType": "Patient", "id": "a\n"}, "Patient.id"),
        ({"resourceType": "Patient", "meta": {"project": "x"}}, "Patient.meta.project"),
        ({"resourceType": "Observation", "code": {"text": "a"}}, "Observation.status"),
        ({"resourceType": "Observation", "status": "final"}, "Observation.code"),
        (OBSERVATION | {"valueString": "a", "valueBoolean": True}, "Observation.value[x]"),
        (OBSERVATION | {"valueQuantity": {"value": "5"}}, "Observation.valueQuantity.value"),
        (OBSERVATION | {"valueInteger": 2**31}, "Observation.valueInteger"),
        (
            OBSERVATION | {"component": [{"code": {}, "referenceRange": [{"low": 5}]}]},
            "Observation.component[0].referenceRange[0].low",
        ),
        (
            {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": {}},
            "MedicationRequest.medication[x]",
        ),
        (
            {"resourceType": "Condition", "subject": {}, "clinicalStatus": {"coding": [{"code": "ill"}]}},
            "Condition.clinicalStatus",
        ),
        (
            {"resourceType": "Patient", "contained": [OBSERVATION | {"status": "x"}]},
            "Patient.contained[0].status",
        ),
        (
            {
                "resourceType": "Bundle",
                "type": "batch",
                "entry": [{"resource": {"resourceType": "Patient", "a": 1}}],
            },
            "Bundle.entry[0].resource.a",
        ),
        (
            {
                "resourceType": "Questionnaire",
                "status": "draft",
                "item": [{"linkId": "1", "type": "group", "item": [{}]}],
            },
            "Questionnaire.item[0].item[0].linkId",
        ),
        ({"resourceType": "Quantity"}, "resourceType"),
        ({"resourceType": "DomainResource"}, "resourceType"),
    ],
)
def test_an_error_names_the_element(resource, path):
    with pytest.raises(InvalidResource) as caught:
        fhir.check(resource)
    assert caught.value.path == path


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Patient", "_birthDate": {"extension": [{"url": "a", "valueString": "unknown"}]}},
        {"resourceType": "Patient", "name": [{"given": ["A", None], "_given": [None, {"id": "x"}]}]},
        {"resourceType": "Patient", "name": [{"family": "de\u202fSmet"}]},
        {
            "resourceType": "Observation",
            "_status": {"extension": [{"url": "a", "valueCode": "x"}]},
            "code": {"text": "a"},
        },
        OBSERVATION | {"valueQuantity": {"value": 5}},
        OBSERVATION | {"_valueString": {"id": "a"}},
        {"resourceType": "Patient", "contained": [{"resourceType": "Organization", "id": "o"}]},
        {
            "resourceType": "Parameters",
            "parameter": [{"name": "a", "part": [{"name": "b", "resource": OBSERVATION}]}],
        },
    ],
)
def test_what_is_rare_but_right_is_accepted(resource):
    fhir.check(resource)


def test_no_value_of_the_patient_is_repeated():
    for element, value in {
        "gender": "Vandenberghe",
        "birthDate": "Vandenberghe",
        "Van den Berghe": "Vandenberghe",
    }.items():
        with pytest.raises(InvalidResource) as caught:
            fhir.check({"resourceType": "Patient", element: value})
        assert "Berghe" not in str(caught.value)
        assert "Vandenberghe" not in str(caught.value)


@given(st.lists(st.sampled_from(["AAAA", "b+/=", "A" * 60, "A" * 64, " ", "\n", "A", "=", "!"]), max_size=8))
def test_base64_is_groups_of_four_with_white_space_between_them(pieces):
    text = "".join(pieces)
    right = re.fullmatch(r"(?:\s*[0-9A-Za-z+/=]{4})+\s*", text) is not None
    assert (re.search(pattern("base64Binary"), text) is not None) == right


def test_base64_is_checked_in_linear_time():
    data = "abcd" + "   abcd" * 5_000
    attachment = {"resourceType": "Patient", "photo": [{"data": data}]}
    fhir.check(attachment)
    attachment["photo"][0]["data"] += " %"
    with pytest.raises(InvalidResource):
        fhir.check(attachment)


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{", b'{"resourceType": 1}', b"\xff", b'{"a":"\xff"}'])
def test_what_is_not_a_resource_is_refused(raw):
    with pytest.raises(InvalidResource):
        fhir.check(raw)


def test_deep_nesting_is_refused_not_a_crash():
    raw = b'{"resourceType":"Patient","extension":' + b'[{"url":"a","extension":' * 50_000
    for read in (fhir.check, fhir.load):
        with pytest.raises(InvalidResource):
            read(raw)


@given(st.binary())
def test_any_bytes_are_valid_or_refused(raw):
    try:
        fhir.check(raw)
    except InvalidResource:
        return
    assert fhir.load(raw)["resourceType"] in fhir.resource_types()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "name", "value", "_x"]), inner)
    ),
    max_leaves=10,
)


@given(
    st.sampled_from(sorted(fhir.resource_types())),
    st.dictionaries(st.sampled_from(["id", "name", "status", "text"]), JSON),
)
def test_any_object_of_any_type_is_valid_or_refused_with_its_type_in_the_path(kind, elements):
    path = kind
    try:
        fhir.check({"resourceType": kind} | elements)
    except InvalidResource as error:
        path = error.path
    assert path.startswith(kind)


@pytest.mark.data
def test_every_type_of_synthea_is_well_formed(shared_data):
    for path in sorted((shared_data / "synthea-r4").glob("*.ndjson.gz")):
        with gzip.open(path) as lines:
            for _, line in zip(range(200), lines, strict=False):
                fhir.check(line)


BLANKS = ["", " ", "\t\n", "\u00a0", "\u2003 \u3000", "\x85", "\x1c"]
TEXTS = [*BLANKS, "a", " a", "\n a", "\u00a0a", "é", '"', '" "', "\\ ", '\\" "', "a\\"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": "), (" , ", " : ")])
def test_a_blank_text_is_refused_however_it_is_written(text, ascii_only, separators):
    name = {"resourceType": "Patient", "name": [{"family": text, "given": ["A", text]}]}
    raw = json.dumps(name, ensure_ascii=ascii_only, separators=separators).encode()
    if text in BLANKS:
        with pytest.raises(InvalidResource, match=r"name\[0\]\.(family|given)"):
            fhir.check(raw)
    else:
        fhir.check(raw)


FORMS = {
    "uri": st.sampled_from(["http://loinc.org", "", "a b", " a", "a\n", "urn:oid:1.2"]),
    "code": st.sampled_from(["a", "a b", "a  b", " a", "a ", "", "a\n", "8302-2"]),
    "dateTime": st.sampled_from(
        ["2024", "2024-02-31", "2024-01-01T10:00:00Z", "2024-01-01T10:00:00", "2024-01-01t10:00:00z", ""]
    ),
    "instant": st.sampled_from(["2024-01-01T10:00:00Z", "2024-01-01", "2024-01-01T10:00:00.1+14:00", " "]),
}


@given(st.fixed_dictionaries(FORMS), st.integers(1, 3))
def test_no_shorter_form_accepts_what_the_full_form_refuses(words, times):
    resource = OBSERVATION | {
        "code": {"coding": [{"system": words["uri"], "code": words["code"]}]},
        "valueQuantity": {"value": 1, "system": words["uri"], "code": words["code"]},
        "effectiveDateTime": words["dateTime"],
        "issued": words["instant"],
    }
    raw = json.dumps(resource).encode()
    for _ in range(times):  # what was remembered the first time is as right or wrong the next
        quick, wide, full = (accepted(raw, form) for form in ("Quick", "Wide", "Full"))
        assert full or may_hold_blank(raw) or not (quick or wide)


def accepted(raw, form):
    try:
        decoder("Observation", form)(raw)
    except msgspec.ValidationError:
        return False
    return True


def test_what_is_remembered_does_not_grow_without_end(monkeypatch):
    monkeypatch.setattr(_Memory, "MOST", 10)
    memory = _Memory("uri", "code")
    for number in range(100):
        memory.add(f"word-{number}")
        assert len(memory.known) <= 12
    memory.add("two  spaces")
    assert "two  spaces" not in memory.known
