"""Who may say what a code means, and that nothing of it escapes the audit."""

import pytest

from vesalius import terminology
from vesalius.errors import InvalidMap, NotAllowed
from vesalius.governance import audit, codes, people
from vesalius.terminology import TEXT, Decision
from vesalius.terminology.conceptmap import export

LAB = "https://lab.example/codes"
K = Decision(system=LAB, code="K", target_system="http://loinc.org", target_code="2823-3")


def person(engine, role: str):
    return people.add(engine, f"a-{role}", name=role, role=role, language="en")


def noted(engine, action: str):
    return audit.events(engine, action=action)


@pytest.mark.parametrize("role", ["doctor", "nurse", "pharmacist", "dpo", "director", "legal"])
def test_others_than_biologists_and_engineers_decide_nothing(engine, role):
    who = person(engine, role)
    for attempt in (
        lambda: codes.map_code(engine, K, who, reason="x"),
        lambda: codes.withdraw_code(engine, "x", who, reason="x"),
        lambda: codes.import_codes(engine, b"{}", who, reason="x"),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert not terminology.decisions(engine)


def test_a_decision_and_its_withdrawal_are_events(engine):
    made = codes.map_code(engine, K, person(engine, "biologist"), reason="our list")
    codes.withdraw_code(engine, made.uid, person(engine, "engineer"), reason="no")
    (first,), (second,) = noted(engine, "code.mapped"), noted(engine, "code.withdrawn")
    assert (first.actor, first.object, first.detail["code"]) == ("a-biologist", made.uid, "K")
    assert (second.actor, second.object) == ("a-engineer", made.uid)
    assert "our list" not in str(first.detail)


def test_words_do_not_enter_the_audit(engine):
    made = Decision(system=TEXT, code="jan peeters", kind="Observation.code", equivalence="unmatched")
    codes.map_code(engine, made, person(engine, "engineer"), reason="x")
    assert "jan" not in str(noted(engine, "code.mapped")[0].detail)


def test_what_is_refused_leaves_no_event(engine):
    who = person(engine, "engineer")
    with pytest.raises(InvalidMap):
        codes.map_code(engine, K, who, reason=" ")
    with pytest.raises(InvalidMap):
        codes.import_codes(engine, b"nonsense", who, reason="x")
    assert not noted(engine, "code.mapped")


def test_each_mapping_of_a_file_is_an_event(engine):
    from vesalius import fhir

    who = person(engine, "engineer")
    made = codes.map_code(engine, K, who, reason="x")
    file = fhir.dump(export(engine))
    codes.withdraw_code(engine, made.uid, who, reason="x")
    assert codes.import_codes(engine, file, who, reason="y").added == 1
    assert len(noted(engine, "code.mapped")) == 2
