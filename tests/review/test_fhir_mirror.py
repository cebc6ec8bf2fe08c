"""The mirror is valid R4, says that a machine asserted it, and links to its sources."""

import pytest
from reviewed_card import CARD, MINUTE, NOON

from vesalius import fhir
from vesalius.review import mirror
from vesalius.review.transparency import AIAST, CLINAST
from vesalius.store import open_store


@pytest.fixture
def engine(tmp_path):
    opened = open_store(f"sqlite:///{tmp_path / 'review.sqlite'}")
    yield opened
    opened.dispose()


DECISIONS = {
    "open": None,
    "accepted": {},
    "modified": {"option": "wait"},
    "overridden": {"reason": "known", "words": "seen before"},
    "deferred": {"until": NOON + MINUTE},
}


@pytest.mark.parametrize("status", DECISIONS)
@pytest.mark.parametrize("model", ["a" * 64, ""])
def test_every_state_of_a_review_mirrors_as_valid_r4(review, suggest, status, model):
    made = suggest(model=model, probability=0.81 if model else None)
    review.file([made], "live", NOON)
    if DECISIONS[status] is not None:
        review.decide(made.id, status, by="anna", role="doctor", at=NOON, **DECISIONS[status])
    resources = mirror(review.get(made.id), CARD)
    for resource in resources:
        fhir.check(fhir.load(fhir.dump(resource)))
    kinds = [resource["resourceType"] for resource in resources]
    assert kinds.count("RiskAssessment") == bool(model)
    assert kinds.count("Provenance") == (1 if status == "open" else 2)


@pytest.mark.parametrize("status", DECISIONS)
def test_what_the_machine_influenced_is_labelled_and_a_clinician_stands_beside_it_once_taken_over(
    review, filed, status
):
    if DECISIONS[status] is not None:
        review.decide(filed, status, by="anna", role="doctor", at=NOON, **DECISIONS[status])
    taken_over = status in ("accepted", "modified")
    for resource in mirror(review.get(filed), CARD):
        labels = resource.get("meta", {}).get("security", [])
        if resource["resourceType"] in ("Device", "DocumentReference"):
            assert labels == []  # people wrote what the machine is
        else:
            by_the_machine_alone = resource["id"].startswith("made-")
            assert AIAST in labels
            assert (CLINAST in labels) == (taken_over and not by_the_machine_alone), resource["id"]


def test_a_mirror_comes_out_the_same_byte_for_byte(review, filed):
    review.decide(filed, "accepted", by="anna", role="doctor", at=NOON)
    first, second = (fhir.dump(mirror(review.get(filed), CARD)) for _ in range(2))
    assert first == second


def test_a_decision_taken_later_leaves_what_the_machine_made_as_it_was(review, filed):
    before = {item["id"]: fhir.dump(item) for item in mirror(review.get(filed), CARD)}
    review.decide(filed, "overridden", by="anna", role="doctor", at=NOON, reason="known")
    after = {item["id"]: fhir.dump(item) for item in mirror(review.get(filed), CARD)}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {f"review-{filed}"}


def test_references_between_the_resources_lead_somewhere_and_sources_are_versioned(review, filed):
    review.decide(filed, "accepted", by="anna", role="doctor", at=NOON)
    resources = mirror(review.get(filed), CARD)
    names = {f"{item['resourceType']}/{item['id']}" for item in resources}
    made = next(item for item in resources if item["id"].startswith("made-"))
    assert {target["reference"] for target in made["target"]} <= names
    assert made["agent"][0]["who"]["reference"] in names
    assert made["entity"][0]["what"]["reference"].endswith("/_history/1")
    assert made["entity"][-1]["what"]["reference"] in names


def test_the_words_are_in_the_readers_language(review, filed):
    for language in ("fr", "nl", "de", "en"):
        said = {item["resourceType"]: item for item in mirror(review.get(filed), CARD, language)}
        assert said["GuidanceResponse"]["note"] == [{"text": "Start, 81 %"}]


def test_what_is_proposed_for_the_record_is_mirrored_labelled_with_an_id_of_its_own_and_a_provenance(
    review, suggest
):
    draft = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "proposal",
        "subject": {"reference": "Patient/1"},
    }
    made = suggest(resources=(draft, draft))
    review.file([made], "live", NOON)
    resources = mirror(review.get(made.id), CARD)
    proposed = [item for item in resources if item["resourceType"] == "ServiceRequest"]
    assert [item["meta"]["security"] for item in proposed] == [[AIAST], [AIAST]]
    assert len({item["id"] for item in proposed}) == 2
    targets = {each["reference"] for each in resources[-1]["target"]}
    assert {f"ServiceRequest/{item['id']}" for item in proposed} <= targets
    for resource in resources:
        fhir.check(fhir.load(fhir.dump(resource)))
