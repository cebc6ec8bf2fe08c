"""The pictures of counts and of intervals: as long, as many and where the figures say, and without colour too."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.card import LANGUAGES
from vesalius.evaluation import bars, charts, forests
from vesalius.evaluation._svg import Picture, described, wrapped
from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.run import (
    Challenger,
    Coverage,
    Missing,
    Need,
    Plan,
    Proposed,
    SampleSize,
    Side,
    Threshold,
)
from vesalius.evaluation.words import Words

SVG = "{http://www.w3.org/2000/svg}"
WORDS = Words("en")
NONE = Estimate(None)


def at(probability, helped, missed, harmed, rows=1000):
    """What becomes of ``rows`` patients, with counts per 1,000."""
    per = rows / 1000
    return Threshold(
        probability=probability,
        acted=(helped + harmed) * per,
        caught=helped * per,
        missed=missed * per,
        avoided=0,
        avoided_with_outcome=0,
        sensitivity=NONE,
        specificity=NONE,
        ppv=NONE,
        npv=NONE,
        helped=Estimate(helped),
        harmed=Estimate(harmed),
        left=Estimate(missed),
    )


def marks(svg, kind):
    """How many marks of a kind are drawn, those of the key not counted."""
    tree = ET.fromstring(svg)
    return (
        sum(path.get("d").count("M") for path in tree.iter(f"{SVG}path") if path.get("class") == f"c-{kind}")
        - 1
    )


def texts(svg):
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter(f"{SVG}text")]


def boxes(svg, style):
    return [box for box in ET.fromstring(svg).iter(f"{SVG}rect") if box.get("class") == style]


def widths(svg, style):
    return [float(box.get("width")) for box in boxes(svg, style)]


@st.composite
def fates(draw):
    helped = draw(st.integers(0, 1000))
    missed = draw(st.integers(0, 1000 - helped))
    return helped, missed, draw(st.integers(0, 1000 - helped - missed))


@given(fates())
def test_every_one_of_a_thousand_patients_has_a_mark_in_the_look_of_what_becomes_of_them(counts):
    helped, missed, harmed = counts
    svg = bars.consequences([at(0.2, helped, missed, harmed)], (0.2,), WORDS, {})
    drawn = [marks(svg, kind) for kind in bars.KINDS]
    assert drawn == [helped, missed, harmed, 1000 - helped - missed - harmed]
    width = float(ET.fromstring(svg).get("viewBox").split()[2])
    right = max(float(x) for d in re.findall(r' d="([^"]*)"', svg) for x in re.findall(r"M([\d.]+) ", d))
    assert right + 6.2 <= width


@given(fates().map(lambda counts: tuple(count + 0.5 for count in counts)))
def test_marks_are_never_more_than_a_thousand_by_more_than_rounding(counts):
    drawn = bars.fates(at(0.2, *counts))
    assert 1000 <= sum(drawn) <= 1002
    assert min(drawn) >= 0


def test_no_two_patients_share_a_place():
    svg = bars.consequences([at(0.2, 33, 21, 402)], (0.2,), WORDS, {})
    places = [
        place
        for d in re.findall(r'class="c-\w+" d="([^"]*)"', svg)
        for place in re.findall(r"M[\d.]+ [\d.]+", d)
    ]
    assert len(places) == 1004
    assert len(set(places)) == len(places)


def test_only_thresholds_in_force_are_told_and_in_the_words_of_the_card():
    rows = [at(0.1, 90, 10, 300), at(0.3, 60, 40, 100)]
    svg = bars.consequences(rows, (0.3,), WORDS, {"missed": "sepsis seen too late"})
    assert "Acting from 30% on" in texts(svg)
    assert not [text for text in texts(svg) if "10%" in text]
    assert "Sepsis seen too late" in texts(svg)
    assert "Sepsis seen too late: 40" in described(svg)


@given(fates(), st.integers(50, 5000))
def test_the_parts_of_a_bar_are_as_wide_as_the_counts_and_fill_it(counts, rows):
    helped, missed, harmed = counts
    row = at(0.2, helped, missed, harmed, rows)
    svg = bars.fate_bars([row], rows, round((helped + missed) * rows / 1000), (), WORDS)
    scale = (720 - 78 - 24) / 1000
    spared = 1000 - helped - missed - harmed
    for kind, count in (("helped", helped), ("harmed", harmed), ("spared", spared)):
        found = widths(svg, f"c-{kind}")[:-1]  # the last is the legend's
        assert found == (pytest.approx([count * scale], abs=0.05) if count else [])
    hatched = re.findall(r'class="c-hatch s2" d="M[\d.]+ [\d.]+h([\d.]+)', svg)[:-1]
    assert [float(wide) for wide in hatched] == (pytest.approx([missed * scale], abs=0.05) if missed else [])


def test_thresholds_in_force_stand_out_and_others_that_are_not_shown_are_left_out():
    rows = [at(place / 100, 100 - place, place, 300 - place) for place in range(1, 99)]
    svg = bars.fate_bars(rows, 1000, 100, (0.12,), WORDS)
    said = texts(svg)
    assert {f"{100 * value:.0f}%" for value in bars.SHOWN} | {"12%"} <= set(said)
    assert "13%" not in said
    bold = [text.text for text in ET.fromstring(svg).iter(f"{SVG}text") if "c-strong" in text.get("class")]
    assert bold == ["12%"]


@given(st.lists(st.integers(1, 400), min_size=1, max_size=40))
def test_missing_bars_are_ordered_and_as_long_as_their_shares(counts):
    items = [Missing(f"fact {place}", count, count / 400, 0.3, 0.2) for place, count in enumerate(counts)]
    svg = bars.missing(items, 400, WORDS, str)
    found = widths(svg, "c-solid s1")
    expected = sorted(counts, reverse=True)[: bars.MOST]
    assert found == pytest.approx([count / 400 * (720 - 226 - 284) for count in expected], abs=0.02)
    assert found == sorted(found, reverse=True)


def test_the_outcome_beside_what_was_missing_is_drawn_only_where_both_sides_have_ten():
    items = [
        Missing("many", 50, 0.5, 0.4, 0.1),
        Missing("few", 9, 0.09, 0.9, 0.2),
        Missing("most", 95, 0.95, 0.3, 0.9),
    ]
    svg = bars.missing([*items, Missing("never missing", 0, 0.0, None, 0.2)], 100, WORDS, str)
    assert svg.count("<circle") == 2 + 2, "one pair, and the legend"
    assert not [text for text in texts(svg) if "never missing" in text]
    full = float(re.search(r'class="c-full" cx="([\d.]+)"', svg)[1])
    ring = float(re.search(r'class="c-ring" cx="([\d.]+)"', svg)[1])
    scale = (720 - 500 - 24) / (0.4 * 1.1)
    assert full - ring == pytest.approx(0.3 * scale, abs=0.05)


def size(*needs):
    return SampleSize(
        parameters=4,
        events_per_parameter=5,
        r_squared=0.1,
        needs=tuple(
            Need(criterion=name, rows=rows, given=given)
            for name, (rows, given) in zip(
                ("development.shrinkage", "development.optimism", "validation.slope", "validation.auroc"),
                needs,
                strict=False,
            )
        ),
    )


def test_the_sample_is_drawn_as_a_share_of_the_need_and_too_few_is_hatched():
    svg = bars.sample(size((1000, 250), (200, 300), (100, 900), (None, 50)), WORDS)
    unit = (720 - 280 - 160) / 2  # of 100 %
    assert widths(svg, "c-solid s3") == pytest.approx([1.5 * unit, 2 * unit], abs=0.02)
    hatched = [float(wide) for wide in re.findall(r'c-hatch s2" d="M[\d.]+ [\d.]+h([\d.]+)', svg)]
    assert hatched == pytest.approx([0.25 * unit], abs=0.02)
    assert svg.count("l8 8l-8 8z") == 1, "the bar that goes on has a point"
    assert {"250 of 1000", "300 of 200", "900 of 100", "50 of –", "too few", "enough"} <= set(texts(svg))
    assert "250 of 1000, too few" in described(svg)


def test_proposals_are_as_long_as_the_patients_who_got_them():
    svg = bars.proposed([Proposed("act", 40, 30, 1), Proposed("wait", 100, 5, 2)], WORDS, str)
    unit = (720 - 250 - 40) / 100
    assert widths(svg, "c-ill")[:-1] == pytest.approx([30 * unit, 5 * unit], abs=0.02)
    assert widths(svg, "c-spared")[:-1] == pytest.approx([10 * unit, 95 * unit], abs=0.02)
    assert "act: 40, 30 of them with the outcome" in described(svg)


def subgroup(run, level, **changes):
    return msgspec.structs.replace(run.subgroups[0], level=level, **changes)


def test_coverage_has_a_square_for_each_group_the_promise_and_the_zone_around_it(run):
    whole = Coverage(
        level=0.9, overall=0.91, with_outcome=0.85, without_outcome=0.93, single=1, both=0, empty=0,
        interval=Estimate(0.91, 0.88, 0.94),
    )  # fmt: skip
    rows = [
        subgroup(run, "a", coverage=Estimate(0.7, 0.62, 0.79)),
        subgroup(run, "b", coverage=None),
        subgroup(run, "c", coverage=Estimate(1.0, 0.9, 1.0)),
    ]
    svg = forests.coverage(rows, whole, WORDS, lambda row: f"Group {row.level}")
    low, unit = 0.6, (720 - 250 - 190) / 0.4
    squares = [float(box.get("x")) + 4.5 for box in boxes(svg, "c-solid s1")]
    expected = [250 + (value - low) * unit for value in (0.91, 0.85, 0.93, 0.7, 1.0)]
    assert squares == pytest.approx(expected, abs=0.05)
    zone = boxes(svg, "c-zone")[0]
    assert float(zone.get("x")) == pytest.approx(250 + (0.88 - low) * unit, abs=0.02)
    assert float(zone.get("width")) == pytest.approx(0.04 * unit, abs=0.02)
    said = texts(svg)
    assert {
        "Group a",
        "Group b",
        "Group c",
        "too few to say",
        "Promised: 90%",
        "As promised: 88% to 92%",
    } <= set(said)
    assert "Group a: 70.0% (62.0–79.0%)" in described(svg)
    assert "Group b: too few to say" in described(svg)


def test_gains_cross_nothing_where_their_interval_does(run):
    rival = Challenger(
        kind="lightgbm", performance=run.performance, auroc=Estimate(0.01, -0.02, 0.03), brier=NONE,
        benefits=(Estimate(0.002, 0.001, 0.003),), better=False,
    )  # fmt: skip
    svg = forests.gains(rival, (0.1,), WORDS)
    zero = float(re.search(r'class="c-line c-guide" d="M([\d.]+)', svg)[1])
    spans = re.findall(r"M([\d.]+) [\d.]+H([\d.]+)M[\d.]+ [\d.]+v8", svg)
    (low, high), (least, _) = [tuple(map(float, span)) for span in spans]
    assert low < zero < high
    assert least > zero
    assert "Net benefit at 10%" in texts(svg)


def test_a_run_with_everything_has_every_picture(run):
    model = run.performance
    rival = Challenger(
        kind="lightgbm", performance=model, auroc=model.auroc, brier=NONE,
        benefits=(model.auroc,) * len(run.in_force), better=True,
    )  # fmt: skip
    side = Side(
        name="North", plan=Plan(kind="sites"), learned=9, learned_events=3, rows=50, patients=50, events=12,
        left_out=0, auroc=model.auroc, brier=None, slope=None, intercept=None,
    )  # fmt: skip
    whole = msgspec.structs.replace(run, challenger=rival, sides=(side,))
    before = charts.all_of(run, WORDS, str, str)
    pictures = charts.all_of(whole, WORDS, str, str)
    assert pictures.keys() - before.keys() == {"gains", "sides"}
    assert "North" in texts(pictures["sides"])
    assert "Freer model" in texts(pictures["rivals"])
    assert "Freer model" not in texts(before["rivals"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_pictures_of_one_look_are_told_apart_without_colour(run, language):
    """Solid, hatched, pale and empty: each in its own element or class, in every picture of fates."""
    pictures = charts.all_of(run, Words(language), str, str)
    for name in ("fates", "decided"):
        assert all(look in pictures[name] for look in ("c-helped", "c-hatch", "c-harmed", "c-spared")), name
    assert "c-hatch" in pictures["distribution"]


@given(st.lists(st.floats(-0.5, 1.5), min_size=1, max_size=12), st.floats(0, 0.3))
def test_every_interval_of_a_forest_stays_inside_its_plot(values, reach):
    lines = [forests.Line(str(value), Estimate(value, value - reach, value + reach)) for value in values]
    svg = forests._areas(lines, WORDS, 0.5).render("t", "d")
    for left, right in re.findall(r"M([\d.]+) [\d.]+H([\d.]+)M[\d.]+ [\d.]+v8", svg):
        assert 250 <= float(left) <= float(right) <= 720 - 190


@given(st.text(st.characters(codec="utf-8", categories=("L", "Zs")), max_size=90), st.integers(60, 300))
def test_words_are_wrapped_and_none_is_lost(words, width):
    lines = wrapped(words, width)
    assert "".join("".join(lines).split()) == "".join(words.split())
    assert all(len(line) <= max(8, width // 7) for line in lines)


@given(st.floats(1, 300), st.floats(1, 60))
def test_hatching_stays_inside_its_frame(width, height):
    picture = Picture()
    picture.hatch(10, 20, width, height, "s2")
    path = re.search(r' d="([^"]*)"', picture.parts[0])[1]
    for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path):
        assert 9.99 <= float(x) <= 10.01 + width
        assert 19.99 <= float(y) <= 20.01 + height


def test_the_words_for_those_who_cannot_see_are_read_back_as_they_were_written():
    words = 'a < b & "c"'
    assert described(Picture().render("t", words)) == words
    assert all(one < two for one, two in pairwise(bars.SHOWN))
