"""Four languages, complete: nothing untranslated, nothing left over, no words outside the catalogues."""

import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from vesalius.card import LANGUAGES
from vesalius.console.languages import FOLDER, chosen, gaps, languages
from vesalius.console.templating import FOLDER as TEMPLATES

ROOT = Path(__file__).parents[2]
FIELD = re.compile(r"%\(\w+\)s")


def catalog(path):
    with path.open("rb") as file:
        return read_po(file)


def test_the_catalogues_are_in_line_with_the_code_and_the_templates():
    tool = ROOT / "tools" / "console_messages.py"
    made = subprocess.run([sys.executable, tool, "--check"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr


@pytest.mark.parametrize("code", ["fr", "nl", "de"])
def test_every_message_is_translated_and_keeps_its_values(code):
    source, translated = catalog(FOLDER / "console.pot"), catalog(FOLDER / code / "console.po")
    assert gaps(source, translated) == []
    assert {str(message.id) for message in translated} == {str(message.id) for message in source}
    for message in translated:
        if message.id:
            for words in message.string if isinstance(message.string, tuple) else [message.string]:
                wanted = message.id if isinstance(message.id, str) else message.id[0]
                assert sorted(FIELD.findall(words)) == sorted(FIELD.findall(wanted)), message.id


def test_an_incomplete_language_is_not_offered(tmp_path, monkeypatch):
    from vesalius.console import languages as module

    (tmp_path / "console.pot").write_bytes((FOLDER / "console.pot").read_bytes())
    for code in ("fr", "nl", "de"):
        (tmp_path / code).mkdir()
        text = (FOLDER / code / "console.po").read_text(encoding="utf-8")
        if code == "nl":
            text = text.replace('msgid "Worklist"\nmsgstr "Werklijst"', 'msgid "Worklist"\nmsgstr ""')
        (tmp_path / code / "console.po").write_text(text, encoding="utf-8")
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    languages.cache_clear()
    try:
        assert set(languages()) == {"fr", "de", "en"}
        assert chosen(["nl"], "fr") == "fr"
    finally:
        monkeypatch.undo()
        languages.cache_clear()
    assert set(languages()) == set(LANGUAGES)


def test_no_words_are_written_in_templates_outside_the_catalogues():
    """What is left of a template without its expressions and tags has no words, but names."""
    names = {"Vesalius"}
    for path in TEMPLATES.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        text = re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", " ", text, flags=re.DOTALL)
        for attribute in re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', text):
            assert not re.search(r"[A-Za-z]{2}", attribute), (path.name, attribute)
        left = re.sub(r"<[^>]*>|&\w+;|<!doctype html>", " ", text, flags=re.DOTALL)
        words = set(re.findall(r"[A-Za-zÀ-ÿ]{2,}", left)) - names
        assert not words, (path.name, words)


@pytest.mark.parametrize(
    ("code", "day", "half", "percent", "years"),
    [
        ("fr", "13 mars 1982", "0,5", "12 %", "1 an"),
        ("nl", "13 mrt 1982", "0,5", "12%", "1 jaar"),
        ("de", "13. März 1982", "0,5", "12 %", "1 Jahr"),
        ("en", "13 Mar 1982", "0.5", "12%", "1 year"),
    ],
)
def test_dates_numbers_and_plurals_are_those_of_the_language(code, day, half, percent, years):
    language = languages()[code]
    plain = lambda words: words.replace("\u202f", " ").replace("\xa0", " ").replace("mrt.", "mrt")  # noqa: E731
    assert plain(language.day(date(1982, 3, 13))) == day
    assert language.number(0.5) == half
    assert plain(language.percent(0.123)) == percent
    assert language.ngettext("%(num)s year", "%(num)s years", 1) % {"num": 1} == years


def test_times_are_those_of_brussels_in_summer_and_winter():
    language = languages()["fr"]
    assert language.clock(datetime(2026, 7, 1, 12, 0, tzinfo=UTC)) == "14:00"
    assert language.clock(datetime(2026, 12, 1, 12, 0, tzinfo=UTC)) == "13:00"
    now = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    assert language.near(now - timedelta(hours=1), now) == "13:00"
    assert "2025" in language.near(now - timedelta(days=365), now)
