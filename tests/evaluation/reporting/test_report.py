"""The report is complete in four languages, safe, and its pictures are well formed."""

import itertools
import re
import string
import xml.etree.ElementTree as ET

import msgspec
import pytest

from vesalius.card import LANGUAGES
from vesalius.errors import InvalidSetting
from vesalius.evaluation import bars, charts, forests, report
from vesalius.evaluation._svg import Picture, ticks
from vesalius.evaluation.metrics import Estimate
from vesalius.evaluation.reporting import document, fragment, group_name, naming, stylesheet
from vesalius.evaluation.reporting.names import texts
from vesalius.evaluation.words import Words, catalogue

SVG = "{http://www.w3.org/2000/svg}"

PICTURES = {
    "roc", "calibration", "distribution", "decision", "thresholds", "fates", "consequences", "forest", "ratios",
    "coverage", "importance", "proposed", "rivals", "missing", "sample", "decided",
}  # fmt: skip
"""Of a run that has no challenger and no other side."""


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there_in_every_language_with_the_same_values(language):
    ours, english = catalogue(language) | texts(language), catalogue("en") | texts("en")
    assert ours.keys() == english.keys()
    for key, text in ours.items():
        assert text.strip()
        assert fields(text) == fields(english[key]), key


def test_no_language_is_a_copy_of_another():
    for language in ("fr", "nl", "de"):
        english = catalogue("en") | texts("en")
        ours = catalogue(language) | texts(language)
        same = [key for key, text in ours.items() if text == english[key] and len(text) > 30]
        assert same == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_whole(run, toy, language):
    page = report(run, toy.card, language)
    assert f'<html lang="{language}">' in page
    assert page.count("<svg") == page.count("</svg>") == len(PICTURES)
    assert run.id in page
    assert run.model in page
    for key, text in texts(language).items():
        if key.startswith(("section.", "table.", "tripod.")) and "{" not in text and "study" not in key:
            if key in ("section.challenger", "table.challenger", "table.sides"):
                continue  # a run that has them is below
            assert text in page.replace("&#39;", "'"), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_script_no_inline_style_and_nothing_fetched(run, toy, language):
    page = report(run, toy.card, language)
    assert "<script" not in page
    assert not re.search(r"\sstyle=", page)
    assert not re.search(r"\ssrc=", page)
    assert not re.search(r'\shref="(?!#)', page)
    assert not re.search(r"\son\w+=", page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_figure_is_broken(run, toy, language):
    text = re.sub(r"<style>.*?</style>", "", report(run, toy.card, language), flags=re.DOTALL)
    text = text.partition('id="s-origins"')[0]  # the stored values stand there as JSON
    for word in ("nan", "None", "inf ", "undefined", "{", "}"):
        assert not re.search(rf"\b{word}\b" if word.isalpha() else re.escape(word), text), word


def test_words_of_the_card_are_escaped(run, toy):
    page = report(run, toy.card, "en")
    assert "To &lt;test&gt; &amp; see" in page
    assert "<test>" not in page


def test_the_fragment_is_the_body_alone(run, toy):
    part = fragment(document(run, toy.card, "nl"))
    assert part.lstrip().startswith("<article")
    assert "<style" not in part
    assert "<html" not in part
    assert part.strip() in report(run, toy.card, "nl")
    few = fragment(document(run, toy.card, "nl"), "summary", "calibration")
    assert few.count("<section") == 2
    assert 'href="#f-' not in few  # what the links lead to is not there


def test_another_language_is_refused(run, toy):
    with pytest.raises(InvalidSetting):
        report(run, toy.card, "la")


@pytest.mark.parametrize("language", LANGUAGES)
def test_pictures_are_well_formed_named_and_inside_their_frame(run, toy, language):
    words = Words(language)
    pictures = charts.all_of(run, words, naming(toy.card, words), group_name(toy.card, words))
    assert pictures.keys() == PICTURES
    for name, svg in pictures.items():
        tree = ET.fromstring(svg)
        assert tree.get("role") == "img"
        assert tree.find(f"{SVG}title").text
        assert tree.find(f"{SVG}desc").text
        assert "nan" not in svg.lower().replace("finan", "")
        width, height = map(float, tree.get("viewBox").split()[2:])
        for text in tree.iter(f"{SVG}text"):
            if text.get("x"):
                assert 0 <= float(text.get("x")) <= width, name
                assert 0 <= float(text.get("y")) <= height, name


def test_numbers_on_one_axis_do_not_overlap(run, toy):
    words = Words("fr")
    for name, svg in charts.all_of(run, words, str, lambda row: row.level).items():
        rows = {}
        for text in ET.fromstring(svg).iter(f"{SVG}text"):
            if text.get("class") == "c-tick c-middle":
                rows.setdefault(text.get("y"), []).append((float(text.get("x")), len(text.text)))
        for places in rows.values():
            places.sort()
            for (left, first), (right, second) in itertools.pairwise(places):
                assert right - left >= (first + second) / 2 * 6, name


def test_every_class_of_the_pictures_has_a_rule(run, toy):
    css = stylesheet()
    words = Words("en")
    for svg in charts.all_of(run, words, str, lambda row: row.level).values():
        for names in re.findall(r'class="([^"]+)"', svg):
            for name in names.split():
                assert f".{name}" in css, name


def test_the_style_sheet_stays_inside_the_report():
    bare = re.sub(r"@media[^{]*\{", "", stylesheet())
    for selectors in re.findall(r"([^{}]+)\{", bare):
        for selector in selectors.split(","):
            assert selector.strip().startswith((".report", "svg.chart")), selector


def test_a_picture_of_nothing_is_still_a_picture(run):
    words = Words("en")
    ET.fromstring(charts.contributions([], words, str))
    ET.fromstring(forests.forest([], run.performance, words, lambda row: row.level))
    ET.fromstring(charts.decision([], words, str))
    ET.fromstring(charts.contributions([("a", -1.0), ("b", 0.5)], words, str))
    ET.fromstring(bars.consequences([], (), words, {}))
    ET.fromstring(bars.fate_bars([], 1, 0, (), words))
    ET.fromstring(bars.proposed([], words, str))
    ET.fromstring(bars.missing([], 1, words, str))
    ET.fromstring(bars.decided([], words, str))
    ET.fromstring(forests.coverage([], run.coverage, words, lambda row: row.level))
    ET.fromstring(forests.ratios([], words, lambda row: row.level))


def test_a_page_without_practice_subgroups_or_rivals(run, toy):
    bare = msgspec.structs.replace(
        run,
        decided=(),
        subgroups=(),
        performances=run.performances[:1],
        proposed=tuple(msgspec.structs.replace(item, acted=None) for item in run.proposed),
        reference="all",
    )
    page = report(bare, toy.card, "de")
    assert texts("de")["section.decided"] not in page
    assert texts("de")["subgroups.none"] in page
    assert texts("de")["summary.no_rule"] in page


def test_names_are_escaped_in_pictures(run):
    svg = charts.contributions([("a<b>&\"c'", 1.0)], Words("en"), str)
    assert "a<b>&\"c'" in "".join(ET.fromstring(svg).itertext())


@pytest.mark.parametrize(
    ("language", "number", "percent"),
    [
        ("en", "−0.25", "4.5%"),
        ("nl", "−0,25", "4,5%"),
        ("fr", "−0,25", "4,5\u202f%"),
        ("de", "−0,25", "4,5\u00a0%"),
    ],
)
def test_numbers_are_written_as_people_write_them(language, number, percent):
    words = Words(language)
    assert words.number(-0.25, 2) == number
    assert words.percent(0.045, 1) == percent
    assert words.number(-0.0001, 2).startswith("0")
    assert words.number(None) == "–"
    assert words.estimate(None) == words.share(Estimate(None)) == "–"


@pytest.mark.parametrize(
    ("language", "number"),
    [("en", "−101,766.5"), ("nl", "−101.766,5"), ("de", "−101.766,5"), ("fr", "−101\u202f766,5")],
)
def test_large_numbers_have_marks_between_their_thousands(language, number):
    assert Words(language).number(-101766.5, 1) == number
    assert Words(language).number(4720) == "4720"


def test_an_interval_with_a_negative_end_has_no_dash():
    assert Words("en").estimate(Estimate(0.1, -0.1, 0.3), 1) == "0.1 (−0.1 to 0.3)"
    assert Words("en").estimate(Estimate(0.2, 0.1, 0.3), 1) == "0.2 (0.1–0.3)"


def test_ticks_are_round_and_inside():
    assert ticks(0, 1, 5) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(-0.3, 23, 6) == [0, 5, 10, 15, 20]
    assert ticks(3, 3) == [3]


def test_a_long_legend_is_wrapped():
    picture = Picture()
    picture.legend("line", "s1", "word " * 40)
    tree = ET.fromstring(picture.render("t", "d"))
    assert len(list(tree.iter(f"{SVG}text"))) > 2
