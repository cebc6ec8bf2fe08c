"""Answers to a report's questions: by those who own them, every version kept, and nobody overwrites unseen."""

import pytest

from vesalius.errors import Conflict, InvalidSetting, NotAllowed, NotFound
from vesalius.evaluation.reporting import QUESTIONS
from vesalius.governance import answers, audit
from vesalius.governance.roles import Role
from vesalius.store import open_store

RUN = "urine-0123456789abcdef"


@pytest.fixture
def engine(database_url):
    opened = open_store(database_url)
    yield opened
    opened.dispose()


def test_an_answer_is_kept_with_who_when_and_on_which_run(engine, staff):
    answers.answer(engine, "urine", "funding", "  The hospital. ", staff["director"], run=RUN)
    said = answers.spoken(engine, "urine")["funding"]
    assert (said.text, said.role, said.run) == ("The hospital.", "director", RUN)
    assert said.by
    assert len(said.at) == 10
    event = audit.events(engine, action="report.answered")[0]
    assert event.object == "urine"
    assert {key: value for key, value in event.detail.items() if key != "content"} == {
        "question": "funding",
        "version": 1,
        "role": "director",
        "run": RUN,
    }
    assert len(event.detail["content"]) == 64
    assert "hospital" not in str(event.detail), "the audit holds nobody's words"


def test_only_the_owner_of_a_question_answers_it(engine, staff):
    with pytest.raises(NotAllowed):
        answers.answer(engine, "urine", "funding", "Me", staff["engineer"])
    with pytest.raises(NotAllowed):
        answers.answer(engine, "urine", "context", "Me", staff["nurse"])
    answers.answer(engine, "urine", "context", "Diagnosis", staff["biologist"])
    assert not answers.may("funding", staff["engineer"])
    assert answers.may("context", staff["doctor"])
    assert answers.spoken(engine, "readmission") == {}


def test_every_owner_of_a_question_is_a_role(engine):
    for question in QUESTIONS:
        assert set(answers.OWNERS[question.owner]) <= set(Role)


def test_an_answer_that_somebody_changed_meanwhile_is_not_overwritten(engine, staff):
    answers.answer(engine, "urine", "ethics", "No 1", staff["dpo"])
    with pytest.raises(Conflict):
        answers.answer(engine, "urine", "ethics", "No 2", staff["dpo"])
    with pytest.raises(Conflict):
        answers.answer(engine, "urine", "ethics", "No 1", staff["dpo"], after=1)
    with pytest.raises(Conflict):
        answers.undo(engine, "urine", "ethics", staff["dpo"], after=7)
    assert answers.current(engine, "urine")["ethics"].version == 1


def test_taking_back_opens_the_question_again_and_deletes_nothing(engine, staff):
    dpo = staff["dpo"]
    answers.answer(engine, "urine", "ethics", "No 1", dpo, run=RUN)
    assert answers.undo(engine, "urine", "ethics", dpo, after=1).text == ""
    assert answers.spoken(engine, "urine") == {}
    assert answers.undo(engine, "urine", "ethics", dpo, after=2).text == "No 1"
    assert [given.text for given in answers.history(engine, "urine", "ethics")] == ["No 1", "", "No 1"]
    assert len(audit.events(engine, action="report.undone")) == 2


@pytest.mark.parametrize("text", ["", "  \n", "x" * (answers.LONGEST + 1)])
def test_an_empty_or_endless_answer_is_refused(engine, staff, text):
    with pytest.raises(InvalidSetting):
        answers.answer(engine, "urine", "ethics", text, staff["dpo"])
    assert answers.current(engine, "urine") == {}


def test_what_is_no_question_or_has_no_answer_is_not_found(engine, staff):
    with pytest.raises(NotFound):
        answers.answer(engine, "urine", "colour", "blue", staff["dpo"])
    with pytest.raises(NotFound):
        answers.undo(engine, "urine", "ethics", staff["dpo"], after=0)
