"""The small pictures of how measurements went."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from vesalius.console import pictures
from vesalius.console.languages import languages
from vesalius.console.traces import APART, SPAN, _trace
from vesalius.console.words import Speaker
from vesalius.usecase import Candidate, Course
from vesalius.usecases.early_warning import EarlyWarning

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
CANDIDATE = Candidate("Patient/p", "Encounter/e", AT)


def course(*points, normal=(51.0, 90.0)):
    times = tuple((AT - timedelta(hours=ago), value) for ago, value in points)
    return Course("measured.heart_rate", "/min", normal, times)


def trace(made, language="en"):
    return _trace(Speaker(EarlyWarning.card, languages()[language]), CANDIDATE, made)


def test_a_course_becomes_words_and_parts_of_the_time():
    made = trace(course((48, 80), (24, 112.5), (0, 100)), "fr")
    assert made.name == "Fréquence cardiaque"
    assert (made.last, made.normal.split()) == ("100 /min", ["51", "à", "90"])
    assert made.words == "Fréquence cardiaque : 3 valeurs, de 80 à 112,5, la dernière 100 /min"
    assert [place for place, _ in made.points] == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("normal", "words"), [((96.0, None), "96 or more"), ((None, 5.0), "5 or less"), ((None, None), "")]
)
def test_what_is_normal_may_have_one_end(normal, words):
    assert trace(course((1, 80), normal=normal)).normal == words


def test_what_lies_outside_the_time_is_not_drawn():
    assert trace(course((49, 80), (-1, 90))) is None
    assert len(trace(course((49, 80), (1, 90))).points) == 1


def drawn(points, low=51.0, high=90.0):
    return str(pictures.trace(points, low, high, APART / SPAN, label="pulse <1>"))


def test_the_line_breaks_off_where_nothing_was_measured():
    near, far = (0.5 - hours / 48 for hours in (7.9, 8.0))
    assert len(re.findall("<polyline", drawn([(near, 80.0), (0.5, 90.0)]))) == 1
    assert len(re.findall("<polyline", drawn([(far, 80.0), (0.5, 90.0)]))) == 2
    assert len(re.findall("<circle", drawn([(far, 80.0), (0.5, 90.0)]))) == 2


@pytest.mark.parametrize(
    ("low", "high"), [(51.0, 90.0), (96.0, None), (None, 5.0), (80.0, 80.0), (None, None)]
)
def test_every_number_stays_inside_the_picture(low, high):
    svg = drawn([(0.0, 80.0), (0.6, 80.0), (1.0, 300.0)], low, high)
    assert 'aria-label="pulse &lt;1&gt;"' in svg
    for across, down in re.findall(r'cx="([\d.-]+)" cy="([\d.-]+)"', svg):
        assert 0 <= float(across) <= 280
        assert 0 <= float(down) <= 52
    assert "nan" not in svg
    assert 'height="-' not in svg
