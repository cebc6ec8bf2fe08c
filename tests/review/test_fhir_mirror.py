"""The mirror is valid R4, says that a machine asserted it, and links to its sources."""

import pytest
from reviewed_card import CARD, MINUTE, NOON

from vesalius import fhir
from vesalius.review import mirror
from vesalius.review.fhir_mirror import AIAST
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


def test_what_the_machine_made_is_labelled_and_what_the_person_decided_is_not(review, filed):
    review.decide(filed, "accepted", by="anna", role="doctor", at=NOON)
    for resource in mirror(review.get(filed), CARD):
        kinds = {"GuidanceResponse", "RiskAssessment"}
        asserted = resource["resourceType"] in kinds or resource["id"].startswith("made-")
        assert (resource.get("meta", {}).get("security") == [AIAST]) == asserted, resource["id"]


def test_references_between_the_resources_lead_somewhere_and_sources_are_versioned(review, filed):
    review.decide(filed, "accepted", by="anna", role="doctor", at=NOON)
    resources = mirror(review.get(filed), CARD)
    names = {f"{item['resourceType']}/{item['id']}" for item in resources}
    made = next(item for item in resources if item["id"].startswith("made-"))
    assert {target["reference"] for target in made["target"]} <= names
    assert made["agent"][0]["who"]["reference"] in names
    assert made["entity"][0]["what"]["reference"].endswith("/_history/1")


def test_the_words_are_in_the_readers_language(review, filed):
    for language in ("fr", "nl", "de", "en"):
        said = {item["resourceType"]: item for item in mirror(review.get(filed), CARD, language)}
        assert said["GuidanceResponse"]["note"] == [{"text": "Start, 81 %"}]
