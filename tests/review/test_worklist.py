"""What waits for a person: filed once, most urgent first, found by what people know."""

from hypothesis import given
from hypothesis import strategies as st
from reviewed_card import MINUTE, NOON

from vesalius.review import FACETS, Display
from vesalius.review._rows import fold


def focuses(page):
    return [item.focus for item in page.items]


def test_the_most_urgent_comes_first_then_the_greater_priority_then_the_longest_waiting(review, suggest):
    made = [
        suggest(focus="Specimen/info", indicator="info", priority=0.9),
        suggest(focus="Specimen/low", indicator="warning", priority=0.2),
        suggest(focus="Specimen/new", indicator="warning", priority=0.7, as_of=NOON),
        suggest(focus="Specimen/old", indicator="warning", priority=0.7, as_of=NOON - MINUTE),
        suggest(focus="Specimen/critical", indicator="critical", priority=0.1),
    ]
    review.file(made, "live", NOON)
    order = ["critical", "old", "new", "low", "info"]
    assert focuses(review.worklist(now=NOON)) == [f"Specimen/{name}" for name in order]


def test_a_focus_gets_one_suggestion_of_a_use_and_the_first_stays(review, suggest):
    first, again = suggest(focus="Specimen/1"), suggest(focus="Specimen/1", option="none", position=8)
    other = suggest(focus="Specimen/1", usecase="sepsis")
    assert review.file([first], "silent", NOON) == 1
    assert review.file([first, again, other], "live", NOON) == 1
    assert review.get(first.id).mode == "silent"
    assert review.filed_foci("urine", ["Specimen/1", "Specimen/2"]) == {"Specimen/1"}


def test_the_same_focus_twice_in_one_call_is_filed_once(review, suggest):
    pair = [suggest(focus="Specimen/1"), suggest(focus="Specimen/1", option="none")]
    assert review.file(pair, "live", NOON) == 1
    assert review.worklist(now=NOON).total == 1


def test_filing_nothing_is_nothing(review):
    assert review.file([], "live", NOON) == 0


def test_a_suggestion_made_in_silence_is_on_no_worklist(review, suggest):
    review.file([suggest()], "silent", NOON)
    assert review.worklist(now=NOON).total == 0
    assert review.worklist(mode="silent", now=NOON).total == 1


def test_what_is_kept_is_what_was_suggested(review, suggest):
    made = suggest()
    review.file([made], "live", NOON, [Display("Peeters, Anna", "1950", "C3", "S-1")])
    kept = review.get(made.id)
    assert kept.suggestion == made
    assert (kept.display.patient, kept.as_of, kept.probability) == ("Peeters, Anna", NOON, 0.81)


def test_names_are_found_without_accents_and_case_and_in_any_order(review, filed):
    for text in ("peeters", "HELENE", "hélène peet", "s-12", ""):
        assert review.worklist(text=text, now=NOON).total == 1, text
    for text in ("janssens", "peeters anna", "%", "_"):
        assert review.worklist(text=text, now=NOON).total == 0, text


def test_filters_narrow_and_facets_count_what_each_would_leave(review, suggest):
    shown = [("C3", "start"), ("C3", "none"), ("B1", "start"), ("B1", "wait")]
    urgency = {"start": "warning", "wait": "info", "none": "info"}
    made = [suggest(option=option, indicator=urgency[option]) for _, option in shown]
    review.file(made, "live", NOON, [Display(ward=ward) for ward, _ in shown])
    page = review.worklist(ward="C3", option="start", now=NOON)
    assert page.total == len(page.items) == 1
    assert page.facets["ward"] == {"C3": 1, "B1": 1}
    assert page.facets["option"] == {"start": 1, "none": 1}
    assert page.facets["indicator"] == {"warning": 1}
    assert page.facets["usecase"] == {"urine": 1}


def test_every_facet_of_an_unfiltered_list_sums_to_its_total(review, suggest):
    review.file([suggest(option=option) for option in ("start", "wait", "none", "start")], "live", NOON)
    page = review.worklist(now=NOON)
    assert {name: sum(page.facets[name].values()) for name in FACETS} == dict.fromkeys(FACETS, page.total)


def test_pages_do_not_overlap_and_hold_everything(review, suggest):
    review.file([suggest() for _ in range(25)], "live", NOON)
    pages = [review.worklist(limit=10, offset=offset, now=NOON) for offset in (0, 10, 20, 30)]
    assert [len(page.items) for page in pages] == [10, 10, 5, 0]
    assert len({item.id for page in pages for item in page.items}) == 25
    assert {page.total for page in pages} == {25}


def test_a_patients_suggestions_can_be_asked_for(review, suggest):
    review.file([suggest(subject="Patient/9"), suggest(subject="Patient/9"), suggest()], "live", NOON)
    assert review.worklist(subject="Patient/9", status="all", now=NOON).total == 2


def test_statuses_are_tabs_of_the_same_list(review, suggest):
    made = [suggest() for _ in range(3)]
    review.file(made, "live", NOON)
    review.decide(made[0].id, "accepted", by="anna", role="doctor", at=NOON)
    review.decide(made[1].id, "deferred", by="anna", role="doctor", until=NOON + MINUTE, at=NOON)
    totals = {
        status: review.worklist(status=status, now=NOON).total
        for status in ("open", "deferred", "decided", "accepted", "expired", "all")
    }
    assert totals == {"open": 1, "deferred": 1, "decided": 1, "accepted": 1, "expired": 0, "all": 3}


@given(st.text())
def test_folding_twice_is_folding_once(words):
    assert fold(fold(words)) == fold(words)
