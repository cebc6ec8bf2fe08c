"""Bundles of requests: a transaction is whole or nothing, a batch is a pile."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from machines import PATIENT, issues, machine, observation, posted, put, transaction

UUID = "urn:uuid:6d6d9b3e-0000-4000-8000-{:012d}"


def test_entries_refer_to_each_other_whatever_their_order(feed, hospital):
    about = observation(subject={"reference": UUID.format(1)}, performer=[{"reference": UUID.format(3)}])
    answer = feed.post(
        "",
        transaction(
            posted(about, full=UUID.format(2)),
            posted({k: v for k, v in PATIENT.items() if k != "id"}, full=UUID.format(1)),
            put({"resourceType": "Organization", "id": "lab"}) | {"fullUrl": UUID.format(3)},
        ),
    )
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    assert bundle["type"] == "transaction-response"
    said = [each["response"] for each in bundle["entry"]]
    assert [each["status"] for each in said] == ["201 Created"] * 3
    assert [each["etag"] for each in said] == ['W/"1"'] * 3
    patient = said[1]["location"].split("/fhir/")[1].partition("/_history")[0]
    stored = feed.get(said[0]["location"]).json()
    assert stored["subject"]["reference"] == patient
    assert stored["performer"] == [{"reference": "Organization/lab"}]
    assert hospital.lake.read(said[0]["location"].split("/fhir/")[1]).subject == patient


def test_the_full_url_of_another_server_counts_as_a_name_too(single):
    answer = single.post(
        "",
        transaction(
            posted(PATIENT, full="http://other.example/fhir/Patient/p1"),
            posted(observation(patient="p1"), full="http://other.example/fhir/Observation/o1"),
        ),
    )
    first, second = (each["response"]["location"] for each in answer.json()["entry"])
    assert single.get(second).json()["subject"]["reference"] in first


def test_only_links_are_rewritten_not_texts_that_look_like_them(single):
    name = UUID.format(1)
    text = f'a "reference": "{name}" in a text'
    note = observation(
        subject={"reference": name},
        note=[{"text": text}],
        identifier=[{"system": "urn:ietf:rfc:3986", "value": name}],
    )
    answer = single.post("", transaction(posted(PATIENT, full=name), posted(note)))
    stored = single.get(answer.json()["entry"][1]["response"]["location"]).json()
    assert stored["note"][0]["text"] == text
    assert stored["identifier"][0]["value"] == name
    assert stored["subject"]["reference"].startswith("Patient/")


def test_the_representation_comes_back_when_it_is_wanted(single):
    answer = single.post("", transaction(posted(PATIENT)), Prefer="return=representation")
    assert answer.json()["entry"][0]["resource"]["meta"]["versionId"] == "1"


def test_a_transaction_that_fails_anywhere_leaves_nothing(feed, hospital):
    feed.put("/Patient/p1", PATIENT)
    before = hospital.lake.position()
    good = posted(observation())
    wrong = [
        posted({"resourceType": "Observation", "status": "zebra"}),
        put(PATIENT | {"gender": "male"}, ifMatch='W/"9"'),
        put(PATIENT | {"gender": "male"}, ifNoneMatch="*"),
        put(PATIENT | {"birthDate": "1999-01-01"}),
        {"request": {"method": "DELETE", "url": "Patient/p1"}},
        {"request": {"method": "PATCH", "url": "Patient/p1"}, "resource": PATIENT},
        {"request": {"method": "POST", "url": "Patient"}},
        {"resource": PATIENT},
        posted(PATIENT, url="Observation"),
        posted(PATIENT, url="Patient/p1"),
        posted(PATIENT, url="Nothing"),
        put(PATIENT) | {"request": {"method": "PUT", "url": "Patient/p2"}},
        put(PATIENT) | {"request": {"method": "PUT", "url": "Patient?identifier=x"}},
        put(PATIENT) | {"request": {"method": "PUT", "url": "Patient/a b"}},
        put(PATIENT, ifMatch="x"),
        put(PATIENT, ifNoneMatch="x"),
        posted(PATIENT) | {"request": {"method": "POST", "url": "Patient", "ifNoneExist": "name=x"}},
        posted(observation(subject={"reference": UUID.format(7)})),
        posted(observation(subject={"reference": "Patient?identifier=x"})),
    ]
    for each in wrong:
        refused = feed.post("", transaction(good, each, good))
        assert 400 <= refused.status_code < 500, (each, refused.text)
        assert issues(refused)[0][0].startswith("Bundle.entry[1]"), (each, refused.text)
        assert hospital.lake.position() == before, each


LAB = {"resourceType": "Organization", "identifier": [{"system": "urn:oid:7", "value": "LAB"}]}


def test_what_is_there_already_is_not_made_again_and_links_lead_to_it(feed, hospital):
    entry = posted(LAB, full=UUID.format(1))
    entry["request"]["ifNoneExist"] = "identifier=urn:oid:7|LAB"
    about = posted(observation(performer=[{"reference": UUID.format(1)}]), full=UUID.format(2))
    first, second = (feed.post("", transaction(entry, about)).json()["entry"] for _ in range(2))
    assert [each["response"]["status"] for each in first] == ["201 Created", "201 Created"]
    assert [each["response"]["status"] for each in second] == ["200 OK", "201 Created"]
    name = first[0]["response"]["location"].split("/fhir/")[1].partition("/_history")[0]
    for each in (first, second):
        assert feed.get(each[1]["response"]["location"]).json()["performer"] == [{"reference": name}]
    assert hospital.lake.count()["Organization"]["resources"] == 1
    assert feed.post("", transaction(entry)).json()["entry"][0]["response"]["etag"] == 'W/"1"'
    assert feed.post("", transaction(entry, entry)).status_code == 400


def test_a_conditional_reference_leads_to_the_one_that_it_finds_or_refuses_the_whole(feed, hospital):
    feed.put("/Organization/lab", LAB | {"id": "lab"})
    entry = posted(observation(performer=[{"reference": "Organization?identifier=urn:oid:7|LAB"}]))
    made = feed.post("", transaction(entry)).json()["entry"][0]["response"]["location"]
    assert feed.get(made).json()["performer"] == [{"reference": "Organization/lab"}]
    feed.put("/Organization/other", LAB | {"id": "other"})
    before = hospital.lake.position()
    refused = feed.post("", transaction(posted(PATIENT), entry))
    assert refused.status_code == 412
    assert issues(refused)[0][0] == "Bundle.entry[1].resource"
    assert hospital.lake.position() == before


def test_a_transaction_that_names_one_resource_twice_is_refused(single, small):
    refused = single.post("", transaction(put(PATIENT), put(PATIENT | {"gender": "male"})))
    assert refused.status_code == 400
    assert small.lake.position() == 0


def test_a_transaction_again_by_id_changes_nothing_and_one_that_is_empty_is_fine(feed, hospital):
    bundle = transaction(put(PATIENT), put(observation()))
    feed.post("", bundle)
    again = feed.post("", bundle).json()
    assert [each["response"]["status"] for each in again["entry"]] == ["200 OK"] * 2
    assert [each["response"]["etag"] for each in again["entry"]] == ['W/"1"'] * 2
    assert hospital.lake.position() == 2
    assert feed.post("", transaction()).json() == {"resourceType": "Bundle", "type": "transaction-response"}


def test_what_a_transaction_reads_is_as_it_left_it(single):
    reading = {"request": {"method": "GET", "url": "Patient/p1"}}
    answer = single.post("", transaction(reading, put(PATIENT))).json()
    assert answer["entry"][0]["resource"]["id"] == "p1"
    assert answer["entry"][1]["response"]["status"] == "201 Created"


def test_each_entry_of_a_batch_stands_for_itself(feed, hospital):
    feed.put("/Patient/p1", PATIENT)
    answer = feed.post(
        "",
        transaction(
            posted(observation()),
            posted({"resourceType": "Observation", "status": "zebra"}),
            put(PATIENT | {"gender": "male"}, ifMatch='W/"9"'),
            put(PATIENT | {"gender": "male"}, ifMatch='W/"1"'),
            {"request": {"method": "GET", "url": "Patient/p1"}},
            {"request": {"method": "GET", "url": "Observation?patient=p1"}},
            {"request": {"method": "GET", "url": "Patient/p1/_history"}},
            {"request": {"method": "GET", "url": "Patient/p1/_history/1"}},
            {"request": {"method": "DELETE", "url": "Patient/p1"}},
            {"resource": PATIENT},
            {"request": {"method": "GET", "url": "x/y/z"}},
            kind="batch",
        ),
    )
    assert answer.status_code == 200
    said = [each["response"]["status"][:3] for each in answer.json()["entry"]]
    assert said == ["201", "422", "412", "200", "200", "200", "200", "200", "405", "400", "405"]
    assert "zebra" not in str(answer.json()["entry"][1])
    assert answer.json()["entry"][5]["resource"]["type"] == "searchset"
    assert hospital.lake.position() == 3


def test_a_client_that_may_not_read_reads_nothing_through_a_bundle_either(small):
    writer = machine(small, "writer", may=("write",))
    entry = {"request": {"method": "GET", "url": "Patient/p1"}}
    writer.post("", transaction(put(PATIENT)))
    for kind in ("batch", "transaction"):
        answer = writer.post("", transaction(entry, kind=kind)).json()
        assert answer["entry"][0]["response"]["status"] == "403"
        assert "resource" not in answer["entry"][0]


@pytest.mark.parametrize("kind", ["searchset", "history", "transaction-response", "zebra", ""])
def test_a_bundle_that_is_no_request_is_refused(single, kind):
    refused = single.post("", {"resourceType": "Bundle", "type": kind})
    assert refused.status_code == 400
    assert "zebra" not in refused.text


def test_a_bundle_posted_to_its_type_is_kept_as_it_is(single):
    document = {"resourceType": "Bundle", "type": "document", "identifier": {"system": "urn:x", "value": "d"}}
    made = single.post("/Bundle", document)
    assert made.status_code == 201
    assert single.get(made.headers["location"]).json()["type"] == "document"


ENTRY = st.one_of(
    st.just(posted(observation())),
    st.just(put(PATIENT)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("Patient/p1"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["request", "resource", "method", "url", "fullUrl", "resourceType", "id", "x"]
                ),
                inner,
            )
        ),
        max_leaves=12,
    ),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["transaction", "batch", "document", "message", "x"]),
    entries=st.lists(ENTRY, max_size=4),
)
def test_no_bundle_whatever_breaks_the_server(single, kind, entries):
    answer = single.post("", {"resourceType": "Bundle", "type": kind, "entry": entries})
    assert answer.status_code < 500, answer.text
    assert answer.json()["resourceType"] in {"Bundle", "OperationOutcome"}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=60)
    | st.text(max_size=60).map(lambda text: f'{{"resourceType":"Patient","id":{text}'.encode())
)
def test_no_body_whatever_breaks_the_server(single, body):
    for method, path in (
        ("POST", ""),
        ("POST", "/Patient"),
        ("PUT", "/Patient/p1"),
        ("POST", "/$process-message"),
    ):
        answer = single(method, path, body)
        assert answer.status_code in {400, 422}, answer.text
