"""TRIPOD+AI: all 27 items in 52 parts, each filled, asked, answered or not for this study."""

import re

import pytest

from vesalius.card import LANGUAGES
from vesalius.evaluation.reporting import QUESTIONS, Answer, document
from vesalius.evaluation.reporting.document import Asked, Table
from vesalius.evaluation.reporting.names import texts
from vesalius.evaluation.reporting.questions import BY_KEY, question
from vesalius.evaluation.reporting.tripod import ITEMS, applies, items_of, standing

# Collins et al., BMJ 2024;385:e078378, table 2: the parts of each item, and what is for development or evaluation only.
PARTS = {
    1: "", 2: "", 3: "abc", 4: "", 5: "ab", 6: "abc", 7: "", 8: "abc", 9: "abc", 10: "", 11: "", 12: "abcdefg", 13: "",
    14: "", 15: "", 16: "", 17: "", 18: "abcdef", 19: "", 20: "abc", 21: "", 22: "", 23: "ab", 24: "", 25: "", 26: "",
    27: "abc",
}  # fmt: skip
DEVELOPMENT = {"9a", "12a", "12b", "12c", "15", "22", "27a", "27b"}
EVALUATION = {"12f", "12g", "20c", "24"}


def test_the_27_items_have_52_parts_in_the_order_of_the_statement():
    expected = [f"{item}{part}" for item, parts in PARTS.items() for part in parts or [""]]
    assert [item.code for item in ITEMS] == expected
    assert len(expected) == 52


def test_each_part_is_for_what_the_statement_says():
    assert {item.code for item in ITEMS if item.applies == "D"} == DEVELOPMENT
    assert {item.code for item in ITEMS if item.applies == "E"} == EVALUATION


@pytest.mark.parametrize(
    ("kind", "left_out"), [("internal", EVALUATION), ("shipped", DEVELOPMENT), ("external", set())]
)
def test_what_applies_follows_from_the_kind_of_study(kind, left_out):
    assert {item.code for item in ITEMS if not applies(item, kind)} == left_out


def test_every_question_of_an_item_exists_and_names_its_items():
    for item in ITEMS:
        if item.question:
            assert item.code in items_of(question(item.question).key)
    assert len(BY_KEY) == len(QUESTIONS), "a question is asked twice"


def test_a_part_that_a_person_must_complete_is_never_counted_as_filled():
    item = next(item for item in ITEMS if item.code == "17")
    assert standing(item, "internal", (), ()) == "asked"
    assert standing(item, "internal", (), {"ethics"}) == "answered"
    assert standing(item, "internal", {"ethics"}, ()) == "filled"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_checklist_counts_itself(run, toy, language):
    made = document(run, toy.card, language)
    section = made.section("tripod")
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert len(table.rows) == 52
    states = [row.cells[3] for row in table.rows]
    said = texts(language)
    counts = [
        states.count(said[f"standing.{each}"]) for each in ("filled", "asked", "answered", "not_applicable")
    ]
    assert sum(counts) == 52
    opening = "".join(span.text for span in section.blocks[0].spans)
    assert [int(number) for number in re.findall(r"\d+", opening)] == [counts[0], 52, *counts[1:]]
    assert made.filled == counts[0]


def test_an_answer_closes_a_question_and_stands_in_its_place(run, toy):
    before = document(run, toy.card, "en")
    answer = Answer(
        text="By the hospital <itself>", by="M. Marchal", role="director", at="2026-02-01", run=run.id
    )
    after = document(run, toy.card, "en", {"funding": answer})
    assert (after.asked, after.answered) == (before.asked - 1, before.answered + 1)
    assert after.filled == before.filled
    found = [
        item
        for block in after.section("questions").blocks
        if isinstance(block, Asked)
        for item in block.questions
        if item.key == "funding"
    ]
    assert [(item.answer, item.by, item.role, item.at, item.stale) for item in found] == [
        ("By the hospital <itself>", "M. Marchal", "management", "2026-02-01", False)
    ]


def test_an_answer_on_another_run_must_be_confirmed(run, toy):
    answer = Answer(text="Yes", by="X", role="director", at="2025-02-01", run="toy-0000000000000000")
    made = document(run, toy.card, "de", {"funding": answer})
    asked = [item for block in made.blocks() if isinstance(block, Asked) for item in block.questions]
    assert [item.stale for item in asked if item.key == "funding"] == [True]


def test_a_card_may_answer_and_a_person_goes_first(run, toy):
    import msgspec

    said = {
        language: {**words, "report.context": "It is a toy"} for language, words in toy.card.texts.items()
    }
    card = msgspec.structs.replace(toy.card, texts=said)
    by_card = document(run, card, "en")
    assert by_card.answered == 1
    person = document(run, card, "en", {"context": Answer(text="No toy", by="P")})
    answers = {
        item.answer
        for block in person.section("purpose").blocks
        if isinstance(block, Asked)
        for item in block.questions
    }
    assert answers == {"No toy"}
