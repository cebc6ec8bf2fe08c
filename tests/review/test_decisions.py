"""A person decides, once, with what each action needs; and can take it back for a while."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from reviewed_card import MINUTE, NOON

from vesalius.errors import Conflict, InvalidDecision, NotAllowed, NotFound
from vesalius.governance import audit
from vesalius.review import Review
from vesalius.usecase import Outcome

LATER = NOON + 60 * MINUTE


def decide(review, identifier, action="accepted", **given):
    return review.decide(identifier, action, **{"by": "anna", "role": "doctor", "at": NOON, **given})


@pytest.mark.parametrize(
    ("action", "given", "option"),
    [
        ("accepted", {}, "start"),
        ("modified", {"option": "wait"}, "wait"),
        ("overridden", {"reason": "known"}, ""),
        ("overridden", {"words": "allergic to everything"}, ""),
        ("overridden", {"reason": "other", "option": "none"}, "none"),
        ("deferred", {"until": LATER}, ""),
    ],
)
def test_each_action_with_what_it_needs_is_kept(review, filed, action, given, option):
    made = decide(review, filed, action, **given)
    kept = review.get(filed)
    assert kept.status == action
    assert kept.decision == made
    assert (made.action, made.option, made.by, made.role, made.at) == (action, option, "anna", "doctor", NOON)


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("accepted", {"option": "none"}),
        ("accepted", {"until": LATER}),
        ("modified", {}),
        ("modified", {"option": "start"}),
        ("modified", {"option": "surgery"}),
        ("overridden", {}),
        ("overridden", {"words": "  "}),
        ("overridden", {"reason": "mood"}),
        ("overridden", {"words": "x" * 2001}),
        ("deferred", {}),
        ("deferred", {"until": NOON}),
        ("eaten", {}),
    ],
)
def test_an_action_without_what_it_needs_is_refused_and_nothing_is_kept(review, filed, action, given):
    with pytest.raises(InvalidDecision):
        decide(review, filed, action, **given)
    assert review.get(filed).status == "open"
    assert review.get(filed).decisions == ()


def test_only_the_cards_reviewers_decide(review, filed):
    with pytest.raises(NotAllowed, match="nurse"):
        decide(review, filed, role="nurse")
    assert decide(review, filed, role="biologist").role == "biologist"


def test_nobody_decides_on_what_was_made_in_silence(review, suggest):
    made = suggest()
    review.file([made], "silent", NOON)
    with pytest.raises(NotAllowed, match="silence"):
        decide(review, made.id)


def test_an_unknown_suggestion_is_not_found(review):
    with pytest.raises(NotFound):
        decide(review, "0" * 20)
    with pytest.raises(NotFound):
        review.undo(99, "anna", NOON, minutes=10)


def test_what_is_decided_is_not_decided_again(review, filed):
    decide(review, filed)
    with pytest.raises(Conflict, match="already accepted"):
        decide(review, filed, "overridden", reason="known", by="bart")


def test_what_changed_since_it_was_read_is_not_decided_unseen(review, filed):
    seen = review.get(filed).revision
    decide(review, filed, "deferred", until=LATER, by="bart")
    with pytest.raises(Conflict, match="changed"):
        decide(review, filed, seen=seen)
    assert decide(review, filed, seen=review.get(filed).revision).action == "accepted"


def test_of_two_people_who_decide_at_once_exactly_one_wins(review, engine, filed):
    def attempt(person):
        try:
            return decide(Review(engine, cards=review._card), filed, by=person).by
        except Conflict:
            return None

    people = [f"person-{number}" for number in range(8)]
    with ThreadPoolExecutor(len(people)) as pool:
        winners = [name for name in pool.map(attempt, people) if name]
    assert len(winners) == 1
    assert [decision.by for decision in review.get(filed).decisions] == winners


def test_a_deferred_suggestion_comes_back_when_its_time_has_come(review, filed):
    decide(review, filed, "deferred", until=LATER)
    assert review.worklist(now=LATER - MINUTE).total == 0
    assert review.worklist(status="deferred", now=LATER - MINUTE).total == 1
    assert review.worklist(now=LATER).total == 1
    assert review.get(filed).status == "open"
    assert review.wake(LATER) == 0


def test_a_deferred_suggestion_can_be_decided_before_its_time(review, filed):
    decide(review, filed, "deferred", until=LATER)
    assert decide(review, filed, by="bart").action == "accepted"
    assert review.get(filed).deferred_until is None


def test_a_decision_can_be_undone_in_time_by_who_took_it(review, filed):
    made = decide(review, filed)
    undone = review.undo(made.id, "anna", NOON + 9 * MINUTE, minutes=10)
    assert (undone.status, undone.decision) == ("open", None)
    assert undone.decisions[0].undone_by == "anna"
    assert decide(review, filed, "overridden", reason="known", at=NOON + 10 * MINUTE).id != made.id


def test_undo_is_refused_too_late_by_another_or_twice(review, filed):
    made = decide(review, filed)
    with pytest.raises(Conflict, match="too late"):
        review.undo(made.id, "anna", NOON + 11 * MINUTE, minutes=10)
    with pytest.raises(NotAllowed):
        review.undo(made.id, "bart", NOON, minutes=10)
    review.undo(made.id, "anna", NOON, minutes=10)
    with pytest.raises(Conflict):
        review.undo(made.id, "anna", NOON, minutes=10)


def test_undo_is_refused_once_another_decision_followed(review, filed):
    made = decide(review, filed, "deferred", until=LATER)
    decide(review, filed, by="bart")
    with pytest.raises(Conflict, match="followed"):
        review.undo(made.id, "anna", NOON, minutes=10)


def test_undoing_a_decision_on_a_deferred_suggestion_defers_it_again(review, filed):
    decide(review, filed, "deferred", until=LATER)
    made = decide(review, filed)
    undone = review.undo(made.id, "anna", NOON + MINUTE, minutes=10)
    assert (undone.status, undone.deferred_until) == ("deferred", LATER)


def test_undoing_after_the_outcome_is_known_leaves_nothing_to_decide(review, filed):
    made = decide(review, filed)
    review.record_outcomes([(filed, Outcome(True, NOON + MINUTE))], NOON + MINUTE)
    assert review.undo(made.id, "anna", NOON + 2 * MINUTE, minutes=10).status == "expired"


def test_a_known_outcome_takes_what_still_waits_off_the_worklist(review, suggest):
    made = [suggest() for _ in range(3)]
    review.file(made, "live", NOON)
    decide(review, made[0].id)
    decide(review, made[1].id, "deferred", until=LATER)
    known = [(item.id, Outcome(True, NOON, ("Observation/9/_history/1",), "E. coli")) for item in made]
    assert review.record_outcomes(known, LATER) == 3
    assert review.record_outcomes(known, LATER) == 0
    assert review.record_outcomes([], LATER) == 0
    assert [review.get(item.id).status for item in made] == ["accepted", "expired", "expired"]
    outcome = review.get(made[0].id).outcome
    assert (outcome.value, outcome.label, outcome.sources) == (True, "E. coli", ("Observation/9/_history/1",))
    with pytest.raises(Conflict, match="expired"):
        decide(review, made[2].id)


def test_only_what_has_no_outcome_yet_awaits_one(review, suggest):
    old, silent, known = suggest(as_of=NOON - timedelta(days=400)), suggest(), suggest()
    review.file([old, known], "live", NOON)
    review.file([silent], "silent", NOON)
    review.record_outcomes([(known.id, Outcome(False, NOON))], NOON)
    waiting = review.awaiting_outcome("urine", NOON - timedelta(days=180), NOON)
    assert [item.id for item in waiting] == [silent.id]


def test_a_use_that_stops_speaking_leaves_nothing_on_the_worklist(review, suggest):
    made = [suggest() for _ in range(3)]
    review.file([*made, suggest(usecase="sepsis")], "live", NOON)
    decision = decide(review, made[0].id)
    assert review.withdraw("urine", NOON) == 2
    assert [item.usecase for item in review.worklist(now=NOON).items] == ["sepsis"]
    assert review.undo(decision.id, "anna", NOON, minutes=10).status == "expired"


def test_my_decisions_are_the_latest_first_with_their_suggestions(review, suggest):
    made = [suggest() for _ in range(3)]
    review.file(made, "live", NOON)
    taken = [decide(review, item.id, at=NOON + n * MINUTE) for n, item in enumerate(made)]
    review.undo(taken[0].id, "anna", NOON, minutes=10)
    decide(review, made[0].id, by="bart", at=LATER)
    mine = review.decisions(by="anna")
    assert [item.decision.id for item in mine] == [taken[2].id, taken[1].id, taken[0].id]
    assert [item.filed.id for item in mine] == [made[2].id, made[1].id, made[0].id]
    assert len(review.decisions(by="anna", undone=False)) == 2
    assert len(review.decisions(usecase="urine")) == 4
    assert review.decisions(usecase="sepsis") == []


def test_each_decision_and_undo_is_in_the_audit_without_words_or_values(review, engine, filed):
    made = decide(review, filed, "overridden", reason="known", words="a secret about the patient")
    review.undo(made.id, "anna", NOON, minutes=10)
    events = audit.events(engine, thing=filed)
    assert [(item.action, item.actor) for item in events] == [
        ("suggestion.undone", "anna"),
        ("suggestion.decided", "anna"),
    ]
    assert "secret" not in str(events)
    assert audit.verify(engine) == 2


def test_a_refused_decision_leaves_no_event(review, engine, filed):
    with pytest.raises(InvalidDecision):
        decide(review, filed, "modified")
    assert audit.events(engine) == []


def test_a_decision_whose_audit_fails_is_not_kept(engine, review, filed):
    def broken(*_):
        raise RuntimeError("the audit is full")

    with pytest.raises(RuntimeError):
        decide(Review(engine, witness=broken, cards=review._card), filed)
    assert review.get(filed).status == "open"
