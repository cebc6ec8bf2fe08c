"""A bought Holter system goes through every gate, speaks, is decided upon, and is silenced by a stop rule."""

import io
import uuid
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
import pytest

from vesalius import bought, loop
from vesalius.bought import reports
from vesalius.card import Card
from vesalius.demo import holter
from vesalius.demo.register import CARE, HOLTER
from vesalius.errors import NotAllowed, NotFound
from vesalius.governance import consent, people, register, uses
from vesalius.hospital import Hospital
from vesalius.ingest import receive
from vesalius.monitoring import refreshing
from vesalius.review.fhir_mirror import mirror
from vesalius.settings import Settings
from vesalius.usecase import find, installed, names

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NAME = "holter"
ROLES = ("engineer", "legal", "dpo", "doctor", "director", "works_council")
GATES = (
    ("dpo",),
    ("engineer", "doctor"),
    ("director",),
    ("director", "dpo", "legal", "works_council", "doctor"),
)


@pytest.fixture
def hospital(tmp_path, database_url):
    opened = Hospital.open(tmp_path / "home", Settings(synthetic=True, database=database_url))
    yield opened
    opened.close()


@pytest.fixture
def staff(hospital):
    found = {role: people.add(hospital.engine, role, name=role, role=role) for role in ROLES}
    entry = msgspec.structs.replace(HOLTER, owner="engineer")
    register.keep_bought(hospital.engine, entry, found["engineer"], at=NOON - 40 * DAY)
    answers = CARE | {"origin": "bought", "ce_class": "IIa", "processor": "yes"}
    uses.answer(hospital.engine, NAME, answers, found["legal"], reason="read", at=NOON - 39 * DAY)
    return found


def sign(hospital, staff, gates=GATES, at=NOON - 30 * DAY):
    for roles in gates:
        for role in roles:
            uses.sign(hospital.engine, NAME, staff[role], reason="read", despite="a test", at=at)


def write(hospital, *resources):
    """As a sender would: each is checked to be FHIR R4."""
    lines = io.BytesIO(b"\n".join(map(msgspec.json.encode, resources)))
    name = f"{uuid.uuid4().hex}.ndjson"
    receipt = receive(hospital.lake, name, lines, source="holter", received_at=NOON + 40 * DAY)
    assert receipt.quarantined == 0


def record(hospital, number, found, at, truth="", late=DAY):
    """A recording, as the system reports it and as a doctor signs it later."""
    subject = f"Patient/{number}"
    write(
        hospital,
        {"resourceType": "Patient", "id": number, "gender": "female", "birthDate": "1950-06-01",
         "meta": {"lastUpdated": "2020-01-01T00:00:00Z"}},
        *holter.report(Random(number), f"h{number}", subject, found, at),
        *([holter.signed(f"h{number}", subject, truth, at + late)] if truth else []),
    )  # fmt: skip


def test_from_idea_to_live_by_each_role_it_speaks_is_decided_and_made_again(hospital, staff):
    write(hospital, holter.device(NOON - 50 * DAY))
    record(hospital, "1", "pause", NOON - HOUR, "pause")
    record(hospital, "2", "normal", NOON - 2 * HOUR, "af")
    for number, roles in enumerate(GATES):
        assert loop.turn(hospital, NAME, NOON).mode == ("off" if number < 3 else "silent")
        sign(hospital, staff, (roles[:-1],))
        assert not uses.speaks(hospital.engine, NAME, NOON)
        sign(hospital, staff, (roles[-1:],))
    assert uses.speaks(hospital.engine, NAME, NOON)
    assert hospital.review.worklist(now=NOON).total == 0  # what it said in silence stays there
    record(hospital, "3", "af", NOON + HOUR, "normal")
    record(hospital, "4", "af", NOON + HOUR, "normal")
    consent.record(hospital.lake, staff["dpo"], "Patient/4", "suggestions", at=NOON)
    turn = loop.turn(hospital, NAME, NOON + 2 * HOUR)
    assert (turn.filed, turn.withheld) == (1, 1)  # it says nothing of who objects, bought or not
    (filed,) = hospital.review.worklist(now=NOON + 2 * HOUR).items
    said = filed.suggestion
    assert (filed.option, filed.probability, filed.focus) == ("abnormal", None, "DiagnosticReport/h3-ai")
    words = [find(NAME).card.say(reason.rule, "fr") for reason in said.reasons if reason.rule]
    assert words[0].startswith("Le système conclut : Fibrillation auriculaire paroxystique")
    assert any(each.startswith("Burden of atrial fibrillation") and each.endswith("%") for each in words)
    assert all("/_history/" in source for reason in said.reasons for source in reason.sources)
    (sure,) = [reason.value for reason in said.reasons if reason.input == "confidence"]
    (given,) = [reason.sources for reason in said.reasons if reason.input == "confidence"]
    assert len(given) == 1, "its own confidence comes from the one result that says it"
    assert 0.71 <= sure <= 0.99
    with pytest.raises(NotAllowed):
        hospital.review.decide(filed.id, "accepted", by="director", role="director")
    hospital.review.decide(
        filed.id, "overridden", by="doctor", role="doctor", reason="artefact", at=NOON + 3 * HOUR
    )
    assert loop.outcomes(hospital, NAME, NOON + 3 * DAY) == 3
    assert hospital.review.get(filed.id).outcome.value is False
    assert hospital.review.agreement(NAME).overridden == 1
    assert loop.replay(hospital, filed.id) == filed.body


def test_its_resources_name_the_maker_the_udi_and_that_an_ai_said_it(hospital, staff):
    write(hospital, holter.device(NOON - 50 * DAY))
    record(hospital, "1", "af", NOON - HOUR)
    sign(hospital, staff)
    loop.turn(hospital, NAME, NOON)
    (filed,) = hospital.review.worklist(now=NOON).items
    made = mirror(filed, find(NAME).card, "en", **bought.maker(hospital.lake, NAME))
    (device,) = [each for each in made if each["resourceType"] == "Device"]
    assert device["manufacturer"] == HOLTER.maker
    assert device["udiCarrier"][0]["deviceIdentifier"] == holter.UDI
    guidance = next(each for each in made if each["resourceType"] == "GuidanceResponse")
    assert "AIAST" in {each["code"] for each in guidance["meta"]["security"]}
    assert not any(each["resourceType"] == "RiskAssessment" for each in made)
    assert bought.maker(hospital.lake, "unknown") == {"manufacturer": "", "udi": ""}


def test_people_who_override_nearly_all_of_it_stop_it(hospital, staff):
    sign(hospital, staff, at=NOON - 2 * DAY)
    for number in range(60):
        record(hospital, str(number), "ectopy", NOON + number * timedelta(minutes=1))
    assert loop.turn(hospital, NAME, NOON + 2 * HOUR).filed == 60
    for filed in hospital.review.worklist(limit=100, now=NOON + 2 * HOUR).items:
        hospital.review.decide(
            filed.id, "overridden", by="doctor", role="doctor", reason="artefact", at=NOON + 3 * HOUR
        )
    done = refreshing.refresh_use(hospital, NAME, NOON + DAY)
    assert "override" in done.silenced
    assert uses.current(hospital.engine, NAME, NOON + DAY).state == "silent"
    record(hospital, "late", "af", NOON + DAY)
    loop.turn(hospital, NAME, NOON + DAY + HOUR)
    assert hospital.review.worklist(now=NOON + DAY + HOUR).total == 0


def test_another_version_of_it_opens_its_gates_again_and_it_falls_silent(hospital, staff):
    sign(hospital, staff)
    newer = msgspec.structs.replace(HOLTER, owner="engineer", version="4.0")
    register.keep_bought(hospital.engine, newer, staff["engineer"], at=NOON)
    assert find(NAME).card.version == "4.0"
    record(hospital, "1", "af", NOON + HOUR)
    assert loop.turn(hospital, NAME, NOON + 2 * HOUR).mode == "silent"
    assert not uses.speaks(hospital.engine, NAME, NOON + 2 * HOUR)


def test_it_comes_with_the_register_survives_a_restart_and_goes_with_its_hospital(tmp_path):
    opened = Hospital.open(tmp_path / "home", Settings(synthetic=True))
    try:
        assert NAME not in names()
        engineer = people.add(opened.engine, "engineer", name="e", role="engineer")
        register.keep_bought(opened.engine, HOLTER, engineer)
        assert NAME in names()
    finally:
        opened.close()
    assert NAME not in names()
    with pytest.raises(NotFound):
        find(NAME)
    again = Hospital.open(tmp_path / "home")
    try:
        assert installed()[NAME].card.version == HOLTER.version
    finally:
        again.close()


def test_the_signed_report_alone_and_reports_of_others_are_no_candidates(hospital, staff):
    use = find(NAME)()
    record(hospital, "1", "af", NOON - HOUR, "af", late=timedelta(minutes=5))
    other = holter.report(Random(1), "x", "Patient/1", "af", NOON - HOUR)
    for each in other:
        each.pop("device", None)
    write(hospital, *other)
    due = use.candidates(hospital.lake, NOON - DAY, NOON)
    assert [each.focus for each in due] == ["DiagnosticReport/h1-ai"]


def test_a_report_that_a_person_signed_in_place_is_still_what_the_system_said_first(hospital, staff):
    record(hospital, "1", "af", NOON - 2 * HOUR)
    own = holter.signed("h1", "Patient/1", "normal", NOON - HOUR) | {"id": "h1-ai"}
    write(hospital, own)
    use = find(NAME)()
    due = use.candidates(hospital.lake, NOON - DAY, NOON)
    assert [each.as_of for each in due] == [NOON - 2 * HOUR]
    assert use.suggest(use.evidence(hospital.lake, due))[0].option == "abnormal"
    (outcome,) = use.outcome(hospital.lake, due, NOON)
    assert (outcome.value, outcome.known_at) == (False, NOON - HOUR)


def test_words_with_braces_and_without_codes_are_said_as_they_stand(hospital, staff):
    entry = msgspec.structs.replace(HOLTER, title="Holter {3}")
    card = bought.card_of(entry)
    assert isinstance(card, Card)
    assert card.missing_texts() == []
    assert card.say("said.unclear", "en").startswith("Holter {3} has given")
    record(hospital, "1", "af", NOON - HOUR)
    plain = {"resourceType": "DiagnosticReport", "id": "p", "status": "preliminary", "code": {"text": "Holter"},
             "subject": {"reference": "Patient/1"}, "issued": "2026-03-02T11:00:00Z",
             "identifier": [{"system": HOLTER.device, "value": "1"}], "conclusion": "{see} tracing"}  # fmt: skip
    write(hospital, plain)
    use = find(NAME)()
    due = [each for each in use.candidates(hospital.lake, NOON - DAY, NOON) if each.focus.endswith("/p")]
    (said,) = use.suggest(use.evidence(hospital.lake, due))
    assert said.option == "unclear"
    assert "{see} tracing" in card.say(said.reasons[1].rule, "de")


@pytest.mark.parametrize(
    ("codes", "marks", "finding"),
    [({"17621005"}, {"A"}, "normal"), ({"17621005", "49436004"}, set(), "abnormal"), (set(), {"HH"}, "abnormal"),
     (set(), {"N"}, "normal"), (set(), {"IND"}, "unclear"), (set(), set(), "unclear")],
)  # fmt: skip
def test_coded_conclusions_speak_before_marks(codes, marks, finding):
    assert reports._finding(codes, marks) == finding
