"""Every figure of a report stands where its link says, in the run that was stored."""

import json
import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vesalius.card import LANGUAGES
from vesalius.errors import NotFound
from vesalius.evaluation.reporting import document, page
from vesalius.evaluation.reporting.document import Table, anchor, paths, spans
from vesalius.evaluation.reporting.figures import Figures, fill, find, size, stored
from vesalius.evaluation.reporting.names import words

NUMBER = re.compile(r"−?\d+(?:\.\d+)?")


def by_json(run, path):
    """What stands at a path of the file, found without any code of ours; None where the file leaves it out."""
    value = json.loads(run.to_bytes())
    for name, index in re.findall(r"([A-Za-z_]\w*)|\[(\d+)\]", path):
        value = value.get(name) if name else value[int(index)]
    return value


def same(stored, said):
    """Equal; or left out of the file because it is nothing."""
    return stored == said or (stored is None and not said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_path_of_the_report_is_in_the_stored_file(run, toy, language):
    made = document(run, toy.card, language)
    found = paths(made)
    assert len(found) > 60
    assert len(found) == len(set(found))
    for path in found:
        assert same(by_json(run, path), json.loads(msgspec.json.encode(find(run, path)))), path


def test_a_figure_says_what_stands_at_its_path(run, toy):
    """The value of each estimate, read from the JSON, is the first number of its words."""
    checked = 0
    for block in document(run, toy.card, "en").blocks():
        for span in spans(block):
            value = by_json(run, span.at) if span.at else None
            if not isinstance(value, dict) or "low" not in value:
                continue
            said = float(NUMBER.search(span.text)[0].replace("−", "-"))
            shown = value["value"] * (100 if "%" in span.text else 1)
            decimals = len(NUMBER.search(span.text)[0].partition(".")[2])
            assert said == pytest.approx(round(shown, decimals), abs=10**-decimals), span
            checked += 1
    assert checked >= 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_link_leads_to_something_on_the_page(run, toy, language):
    html = page(document(run, toy.card, language))
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    targets = set(re.findall(r'href="#([^"]+)"', html))
    assert targets
    assert targets <= set(ids)


def test_every_line_of_the_last_annex_is_the_stored_value(run, toy):
    annex = document(run, toy.card, "en").section("origins").blocks[1]
    assert isinstance(annex, Table)
    for row in annex.rows:
        path, value = row.cells
        if not value.endswith("numbers"):
            assert same(by_json(run, path), json.loads(value))
        else:
            assert int(value.split()[0]) == size(run, path)


@pytest.mark.parametrize(
    "path", ["nothing", "performances[99].auroc", "performances[0]auroc[", "rows.x", "a b"]
)
def test_a_path_that_is_none_is_refused(run, path):
    with pytest.raises(NotFound):
        find(run, path)


def test_a_figure_without_a_value_is_a_dash_and_a_long_one_is_counted(run):
    bare = msgspec.structs.replace(
        run, performances=(msgspec.structs.replace(run.performances[0], slope=None), *run.performances[1:])
    )
    figures = Figures(bare, words("en"))
    assert figures.estimate("performances[0].slope").text == "–"
    assert stored(run, "calibration") == ""
    assert size(run, "calibration") == 240
    assert figures.thousand("events").text == f"{run.events * 1000 / run.rows:.0f}"


@settings(max_examples=40)
@given(st.lists(st.text().filter(lambda text: "{" not in text and "}" not in text), min_size=1, max_size=5))
def test_filling_a_text_loses_no_letter(parts):
    template = "{a}".join(parts)
    said = fill(template, {"a": "<x>"})
    assert "".join(span.text for span in said) == template.replace("{a}", "<x>")


@given(st.text())
def test_an_anchor_is_always_a_plain_name(text):
    assert re.fullmatch(r"f-[A-Za-z0-9-]*", anchor(text))


def test_the_same_run_gives_the_same_bytes_and_another_answer_others(run, toy):
    from vesalius.evaluation.reporting import Answer

    first = document(run, toy.card, "nl")
    assert first.to_bytes() == document(run, toy.card, "nl").to_bytes()
    told = document(run, toy.card, "nl", {"funding": Answer(text="Us", by="A")})
    assert told.to_bytes() != first.to_bytes()
