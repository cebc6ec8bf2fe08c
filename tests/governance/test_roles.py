"""Every cell of the matrix, against the page that people read."""

import re
from pathlib import Path

import pytest

from vesalius.errors import InvalidSetting, NotAllowed
from vesalius.governance import may, require
from vesalius.governance.people import Person
from vesalius.governance.roles import MATRIX, Right, Role

PAGE = Path(__file__).parents[2] / "docs" / "governance" / "roles.md"

# Written by hand, apart from the code: who may do what.
EXPECTED = """
                  doctor biologist nurse pharmacist dpo director engineer legal records works_council
see_worklist        x        x       x       x       .     .        .       .      .      .
decide              x        x       x       x       .     .        .       .      .      .
explain             x        x       x       x       x     .        .       .      x      .
see_decisions       x        x       x       x       .     .        .       .      .      .
take_on             x        x       x       x       .     .        .       .      .      .
break_glass         x        x       x       x       .     .        .       .      .      .
review_access       .        .       .       .       x     .        .       .      .      .
see_evidence        x        x       x       x       x     x        x       x      x      x
see_figures         x        x       x       x       x     x        x       x      x      x
see_monitoring      x        x       x       x       x     x        x       x      .      .
acknowledge         x        x       .       .       x     x        x       .      .      .
see_received        .        x       .       .       x     x        x       .      .      .
see_quarantine      .        .       .       .       x     .        x       .      .      .
retry_quarantine    .        .       .       .       .     .        x       .      .      .
see_identity        .        .       .       .       x     .        .       .      x      .
merge_patients      .        .       .       .       .     .        .       .      x      .
record_consent      .        .       .       .       x     .        .       .      x      .
change_settings     .        x       .       .       .     x        .       .      .      .
change_model        .        .       .       .       .     .        x       .      .      .
see_gates           x        x       x       x       x     x        x       x      x      x
sign_gates          x        x       .       .       x     x        x       x      .      x
keep_register       .        .       .       .       x     x        x       x      .      .
plan_trial          x        x       .       .       .     .        x       .      .      .
see_silent          x        x       .       .       .     .        .       .      .      .
suspend             x        x       .       .       x     x        .       x      .      .
retire              .        .       .       .       .     x        .       .      .      .
see_codes           x        x       x       x       x     x        x       x      x      x
map_codes           .        x       .       .       .     .        x       .      .      .
switch_feeds        .        .       .       .       .     .        x       .      .      .
erase               .        .       .       .       x     .        .       .      .      .
see_views           .        x       .       .       x     .        x       .      .      .
run_views           .        .       .       .       .     .        x       .      .      .
write_views         .        .       .       .       .     .        x       .      .      .
answer_questions    x        x       .       .       x     x        x       x      .      .
keep_dossier        .        .       .       .       x     x        x       x      .      .
see_audit           .        .       .       .       x     x        .       x      .      .
manage_people       .        .       .       .       .     x        .       .      .      .
"""


def expected_cells():
    header, *lines = [line.split() for line in EXPECTED.strip().splitlines()]
    return [
        (right, role, mark == "x")
        for right, *marks in lines
        for role, mark in zip(header, marks, strict=True)
    ]


CELLS = expected_cells()


@pytest.mark.parametrize(("right", "role", "allowed"), CELLS)
def test_each_cell_of_the_matrix(right, role, allowed):
    assert may(role, right) is allowed
    if allowed:
        require(role, right)
    else:
        with pytest.raises(NotAllowed, match=role):
            require(role, right)


def test_no_cell_is_forgotten():
    assert {(right, role) for right, role, _ in CELLS} == {(right, role) for right in Right for role in Role}
    assert set(MATRIX) == set(Right)


def test_the_page_for_people_shows_the_same_matrix():
    rows = re.findall(r"^\| `([a-z_]+)` \|(.*)\|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    shown = {
        (right, role): mark.strip() == "yes"
        for right, marks in rows
        for role, mark in zip(Role, marks.split("|"), strict=True)
    }
    assert shown == {(right, role): allowed for right, role, allowed in CELLS}


def test_several_roles_have_the_rights_of_each():
    assert may(["nurse", "dpo"], "see_audit")
    assert not may([], "see_evidence")
    assert not may("visitor", "see_evidence")


def test_a_mistyped_right_is_an_error_not_a_refusal():
    with pytest.raises(InvalidSetting, match="see_everything"):
        may("doctor", "see_everything")


def test_a_person_may_what_their_roles_may():
    person = Person("anna", "Anna", ("doctor", "director"), "fr")
    assert person.may("decide")
    assert person.may("retire")
    assert not person.may("change_model")
    assert person.role == "doctor"
    assert person.role_among(("director", "dpo")) == "director"
    assert person.role_among(("legal",)) == ""
