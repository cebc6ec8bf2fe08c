"""From codes to words, and small pictures."""

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from vesalius.console import pictures
from vesalius.console.audits import LABELS
from vesalius.console.languages import languages
from vesalius.console.sources import page_of
from vesalius.console.suggestion import _until
from vesalius.console.words import age, speaker
from vesalius.governance.audit import Action

ENGLISH = languages()["en"]


def test_ages():
    today = date(2026, 11, 23)
    assert age(ENGLISH, "1980-11-23", today) == "46 years"
    assert age(ENGLISH, "1980-11-24", today) == "45 years"
    assert age(ENGLISH, "1980", today) == "± 46 years"
    assert age(ENGLISH, "", today) == ""


def test_values_are_said_with_their_unit():
    said = speaker("urine", ENGLISH)
    assert said.value("leukocytes_count", 1200.0) == "1,200 /µL"
    assert said.value("age", 78.0) == "78 years"
    assert said.value("fever", True) == "yes"
    assert said.value("leukocytes_strip", "large") == "+++"
    assert said.value("fever", None) == ""


def test_the_page_of_a_reference():
    assert page_of("Observation/1/_history/2") == "/resources/Observation/1/2"


def test_tomorrow_morning_is_eight_in_brussels():
    until = _until("morning", datetime(2026, 11, 23, 23, 30, tzinfo=UTC))  # already the 24th in Brussels
    assert until == datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
    assert _until("nonsense", datetime.now(UTC)) is None


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_an_interval_stays_inside_its_picture(probability, low, high):
    low, high = min(low, high), max(low, high)
    svg = pictures.interval(probability, low, high, (0.1, 0.5))
    assert "style" not in svg
    import re

    for value in re.findall(r'(?:x|cx|x1)="([\d.]+)"', svg):
        assert 0 <= float(value) <= pictures.WIDTH


@given(st.floats(-20, 20), st.floats(0, 20))
def test_a_weight_stays_inside_its_picture(contribution, most):
    import re

    svg = pictures.weight(contribution, most)
    width = float(re.search(r'rect class="[\w-]+" x="[\d.]+" y="3" width="([\d.]+)"', svg).group(1))
    x = float(re.search(r'rect class="[\w-]+" x="([\d.]+)"', svg).group(1))
    assert x >= 0
    assert x + width <= pictures.BAR
    assert ("p-for" in svg) == (contribution >= 0)


def test_every_action_of_the_audit_has_a_name_to_be_read_and_chosen_by():
    assert set(LABELS) == set(Action)
