"""The register: a bought system is added, answered, and signed; duties are kept by those who may."""

import re

import pytest

from vesalius.console.register import HOLDERS
from vesalius.governance import audit, register, rulebook, uses
from vesalius.governance.register import obligations

HOLTER = {
    "name": "holter", "title": "Holter 3", "maker": "Maker", "purpose": "Finds fibrillation",
    "ce_class": "IIa", "version": "3.2", "device": "Device/holter", "instructions": "https://example.org/ifu",
}  # fmt: skip
ANSWERS = {
    "origin": "bought", "purpose": "care", "ce_class": "IIa", "prohibited": "no", "persons": "yes",
    "personal_data": "yes", "workers": "yes", "public": "yes", "generates": "no", "processor": "yes",
    "secondary": "no", "legacy": "no", "reason": "Read with the contract.",
}  # fmt: skip


def test_a_bought_system_is_registered_answered_and_signed(reader, hospital):
    engineer = reader("segers")
    engineer.get("/register")
    wrong = engineer.submit("/register", **{**HOLTER, "instructions": "javascript:alert(1)"})
    assert wrong.status_code == 400
    assert 'value="Holter 3"' in wrong.text  # nothing that was typed is lost
    page = engineer.submit("/register", **HOLTER)
    assert page.status_code == 200
    assert "Holter 3" in page.text
    assert engineer.submit("/register", **HOLTER).status_code == 409

    lawyer = reader("wauters")
    lawyer.get("/register/holter")
    assert lawyer.submit("/register/holter/answers", **{**ANSWERS, "origin": ""}).status_code == 400
    page = lawyer.submit("/register/holter/answers", **ANSWERS)
    assert "class IIa or higher: high-risk" in page.text
    assert lawyer.submit("/register/holter/duties", duty="GDPR-28", state="done").status_code == 400
    page = lawyer.submit("/register/holter/duties", duty="GDPR-28", state="done", note="Contract signed.")
    assert "Contract signed." in page.text

    dpo = reader("theissen")
    code = re.search(r'name="gate" value="([^"]+)"', dpo.get("/register/holter").text).group(1)
    assert dpo.submit("/register/holter/sign", act="sign", reason="x", gate="another").status_code == 409
    given = {"act": "sign", "reason": "The data is clear.", "gate": code}
    held = dpo.get("/register/holter").text
    assert 'href="/register/holter#duty-GDPR-35"' in held
    assert 'id="duty-GDPR-35"' in held
    assert "a duty that holds this gate is open" in held
    assert dpo.submit("/register/holter/sign", **given).status_code == 400
    page = dpo.submit("/register/holter/sign", **given, despite="The assessment is under way.")
    assert str(page.url).endswith("/register/holter")
    assert uses.current(hospital.engine, "holter").state == "data_approved"
    assert register.system(hospital.engine, "holter").obligations
    assert "Holter 3" in dpo.get("/register").text


def test_those_who_do_not_keep_the_register_read_it_and_change_nothing(reader, hospital):
    browser = reader("lambrecht")
    page = browser.get("/register").text
    assert "Register a bought system" not in page
    assert browser.get("/register/urine").status_code == 200
    before = audit.events(hospital.engine, action="system.added")
    assert browser.submit("/register", **{**HOLTER, "name": "other"}).status_code == 403
    assert browser.submit("/register/urine/answers", **ANSWERS).status_code == 403
    assert browser.submit("/register/urine/duties", duty="AIA-4", state="done", note="x").status_code == 403
    assert audit.events(hospital.engine, action="system.added") == before
    assert browser.get("/register/nothing").status_code == 404


def test_every_holder_of_the_rules_has_words():
    rules = obligations.read_rules(rulebook.own("obligations"))
    assert {duty.holder for duty in rules.duties} == set(HOLDERS)


@pytest.mark.parametrize(
    ("code", "holder", "record"),
    [
        ("fr", "fournisseur et déployeur", "Plan de formation"),
        ("nl", "aanbieder en gebruiksverantwoordelijke", "Opleidingsplan"),
        ("de", "Anbieter und Betreiber", "Schulungsplan"),
    ],
)
def test_duties_are_read_in_the_language_of_the_reader(reader, code, holder, record):
    browser = reader("wauters", code)
    browser.get("/register/urine")
    browser.submit("/register/urine/answers", **ANSWERS | {"origin": "in_house", "ce_class": "none"})
    page = browser.get("/register/urine").text
    assert holder in page
    assert record in page
    assert "provider+deployer" not in page
    assert "Plan of training" not in page
