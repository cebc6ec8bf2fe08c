"""Which duties follow from what a system is, and what people say of each."""

import csv
import hashlib
from collections import Counter
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from test_gates import CARE, put

from vesalius.card import LANGUAGES
from vesalius.errors import Conflict, InvalidSetting, NotAllowed, NotFound
from vesalius.governance import audit, classifying, register, rulebook, uses
from vesalius.governance.register import obligations
from vesalius.store import reading, writing

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
RULES = obligations.read_rules(rulebook.own("obligations"))
QUESTIONS = classifying.read_questions(rulebook.own("questions"))


def ids(answers):
    known = classifying.Classification(answers, QUESTIONS.regime(answers), 1, "", "", NOW, "", 1)
    return {duty.id for duty in obligations.applying(RULES.duties, known)}


@pytest.mark.parametrize(
    ("change", "regime", "high_risk"),
    [
        ({}, "in_house", True),
        ({"purpose": "triage"}, "triage", True),
        ({"origin": "bought", "ce_class": "IIa"}, "ce_high", True),
        ({"origin": "bought", "ce_class": "III"}, "ce_high", True),
        ({"origin": "bought", "ce_class": "I"}, "ce_one", False),
        ({"origin": "bought", "ce_class": "IIb", "purpose": "triage"}, "triage", True),
        ({"origin": "bought"}, "unmarked", True),
        ({"purpose": "logistics"}, "logistics", False),
        ({"purpose": "research"}, "research", False),
        ({"purpose": "logistics", "prohibited": "yes"}, "prohibited", True),
    ],
)
def test_the_answers_decide_the_regime(change, regime, high_risk):
    found = QUESTIONS.regime(CARE | change)
    assert (found.key, found.high_risk, found.blocked) == (
        regime,
        high_risk,
        regime in ("unmarked", "prohibited"),
    )


def test_every_set_of_answers_has_a_regime():
    from itertools import product

    deciding = [
        each for each in QUESTIONS.questions if each.key in ("origin", "purpose", "ce_class", "prohibited")
    ]
    for choices in product(*(each.choices for each in deciding)):
        answers = CARE | dict(zip((each.key for each in deciding), choices, strict=True))
        assert QUESTIONS.regime(answers) is not None


def test_duties_follow_from_the_regime_and_the_answers():
    ours, bought = ids(CARE), ids(CARE | {"origin": "bought", "ce_class": "IIa", "processor": "yes"})
    assert {"MDR-5-5", "AIA-11", "AIA-26-7", "GDPR-35", "BE-QUAL"} <= ours
    assert not {"AIA-27", "AIA-86", "GDPR-28", "EHDS-51", "AIA-25"} & ours
    assert {"AIA-25", "AIA-26-1", "GDPR-28"} <= bought
    assert not {"MDR-5-5", "AIA-11"} & bought
    assert {"AIA-27", "AIA-86", "AIA-26-11"} <= ids(CARE | {"purpose": "triage"})
    assert "AIA-26-7" not in ids(CARE | {"workers": "no"})
    assert ids(CARE | {"purpose": "logistics", "personal_data": "no", "workers": "no"}) == {
        "AIA-4", "AIA-5", "AIA-6", "BE-NIS2",
    }  # fmt: skip


def test_every_duty_can_apply_and_names_what_exists():
    keys = {each.key for each in QUESTIONS.regimes}
    choices = {each.key: set(each.choices) for each in QUESTIONS.questions}
    for duty in RULES.duties:
        assert set(duty.regimes) <= keys
        for question, wanted in duty.when.items():
            assert set(wanted) <= choices[question]


def test_the_rules_are_the_58_of_the_shared_table(shared_data):
    with (shared_data / "legal-obligations" / "obligations.csv").open(encoding="utf-8") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert {duty.id for duty in RULES.duties} == set(rows)
    for duty in RULES.duties:
        row = rows[duty.id]
        assert (duty.filled, duty.article, duty.applies_from, duty.holder) == (
            row["software_production"], row["article"], row["applies_from"], row["duty_holder"],
        )  # fmt: skip
    assert Counter(duty.filled for duty in RULES.duties) == {"auto": 29, "assisted": 25, "manual": 4}


@pytest.fixture
def answered(engine, staff):
    uses.answer(engine, "urine", CARE, staff["legal"], reason="read", at=NOW)


def say(engine, staff, duty="GDPR-35", who="dpo", **what):
    return obligations.say(
        engine, "urine", duty, staff[who], at=NOW, **{"state": "done", "note": "written"} | what
    )


def test_what_is_said_of_a_duty_is_kept_with_the_hash_of_its_words(engine, staff, answered):
    made = say(engine, staff, due=date(2026, 9, 1), document="A" * 64)
    (found,) = [
        each for each in register.system(engine, "urine", NOW).obligations if each.duty.id == "GDPR-35"
    ]
    assert found == made
    assert (found.state, found.due, found.owner, found.said.by) == ("done", date(2026, 9, 1), "dpo", "dpo")
    event = audit.events(engine, action="obligation.changed")[0]
    assert event.seq == found.event
    with reading(engine) as connection:
        body = connection.execute(sa.text("SELECT body FROM system_obligation")).scalar_one()
    assert event.detail["content"] == hashlib.sha256(body.encode()).hexdigest()
    assert "written" not in str(event.detail)
    with pytest.raises(Conflict):
        say(engine, staff, due=date(2026, 9, 1), document="a" * 64)
    with writing(engine) as connection:
        connection.execute(sa.text("UPDATE system_obligation SET body = replace(body, 'written', 'skipped')"))
    (found,) = [
        each for each in register.system(engine, "urine", NOW).obligations if each.duty.id == "GDPR-35"
    ]
    assert found.state == "open"


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ({"note": " "}, InvalidSetting),
        ({"state": "not_applicable", "note": "", "document": "a" * 64}, InvalidSetting),
        ({"state": "finished"}, InvalidSetting),
        ({"document": "a hash"}, InvalidSetting),
        ({"note": "x" * 5000}, InvalidSetting),
        ({"duty": "EHDS-51"}, NotFound),
        ({"duty": "nothing"}, NotFound),
        ({"who": "doctor"}, NotAllowed),
        ({"who": "works_council"}, NotAllowed),
    ],
)
def test_what_cannot_be_said_changes_nothing(engine, staff, answered, what, error):
    with pytest.raises(error):
        say(engine, staff, **what)
    assert audit.events(engine, action="obligation.changed") == []


@pytest.mark.parametrize(
    ("answers", "error"),
    [({"origin": "found"}, InvalidSetting), ({"purpose": ""}, InvalidSetting), ({}, Conflict)],
)
def test_answers_are_whole_and_new(engine, staff, answered, answers, error):
    with pytest.raises(error):
        uses.answer(engine, "urine", CARE | answers, staff["legal"], reason="again", at=NOW)
    with pytest.raises(NotAllowed):
        uses.answer(engine, "urine", CARE | {"workers": "no"}, staff["works_council"], reason="x", at=NOW)
    assert len(audit.events(engine, action="system.answered")) == 1


def test_the_lawyer_can_put_another_file_in_force(engine, staff, answered, tmp_path):
    text = rulebook.own("obligations").decode()
    put(tmp_path, text.replace('id = "GDPR-35"', 'id = "OURS-1"'), "obligations")
    assert rulebook.adopt(engine, tmp_path, NOW) == ["obligations"]
    found = {each.duty.id for each in register.system(engine, "urine", NOW).obligations}
    assert "OURS-1" in found
    assert "GDPR-35" not in found
    kept = audit.events(engine, action="rules.adopted")[0].detail["content"]
    assert say(engine, staff, "OURS-1").said.rules == kept


def test_a_record_is_said_in_each_language_or_once_for_all(tmp_path, engine):
    text = rulebook.own("obligations").decode()
    assert all(len({duty.kept(code) for code in LANGUAGES}) > 1 for duty in RULES.duties)
    table = text.index("[duties.record]")
    end = text.index("\n\n", table)
    lacking = text[:table] + text[table:end].replace("\nnl = ", "\nnl_ = ") + text[end:]
    put(tmp_path, lacking, "obligations")
    with pytest.raises(InvalidSetting, match="AIA-4 has no record in nl"):
        rulebook.adopt(engine, tmp_path, NOW)
    once = (text[:table].rstrip() + text[end:]).replace("\nlaw =", '\nrecord = "The plan"\nlaw =', 1)
    put(tmp_path, once, "obligations")
    assert rulebook.adopt(engine, tmp_path, NOW) == ["obligations"]
    with reading(engine) as connection:
        first = obligations.rules(connection).duties[0]
    assert {first.kept(code) for code in LANGUAGES} == {"The plan"}
    empty = once.replace('record = "The plan"', 'record = " "')
    with pytest.raises(InvalidSetting, match="AIA-4 has no record"):
        obligations.read_rules(empty.encode())


@pytest.mark.parametrize("kind", ["obligations", "questions"])
@pytest.mark.parametrize(
    ("old", "new"), [("fr = ", "fr_ = "), ('\nnl = "', '\nnl = "" #'), ("\narticle", "\nartikel")]
)
def test_a_wrong_file_is_told(engine, tmp_path, kind, old, new):
    put(tmp_path, rulebook.own(kind).decode().replace(old, new, 1), kind)
    with pytest.raises(InvalidSetting, match=kind):
        rulebook.adopt(engine, tmp_path, NOW)


def test_the_facts_of_a_dossier_name_their_events(engine, staff, answered):
    say(engine, staff)
    uses.sign(engine, "urine", staff["dpo"], reason="agreed", despite="a test", at=NOW)
    found = register.facts(engine, "urine", NOW)
    known = {event.seq: event.action for event in audit.events(engine, thing="urine", limit=100)}
    assert set(found.events) == set(known)
    assert known[found.classification.event] == "system.answered"
    assert known[found.signatures["data_approved"]["dpo"].event] == "use.signed"
    assert {known[each.event] for each in found.obligations if each.event} == {"obligation.changed"}
    assert (found.state, found.speaks) == ("data_approved", False)
