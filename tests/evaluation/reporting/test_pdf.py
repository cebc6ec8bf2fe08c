"""The PDF: tagged, archivable, the same bytes each time, and no text is ever markup."""

import logging
import re
import zlib

import msgspec
import pytest

from vesalius.card import LANGUAGES
from vesalius.errors import InvalidSetting
from vesalius.evaluation import charts
from vesalius.evaluation.reporting import FORMATS, Answer, document, page, pdf, render
from vesalius.evaluation.reporting.names import group_name, naming, words
from vesalius.evaluation.reporting.pdf import images, styled

EVIL = '#panic("x") $a$ *b* _c_ `d` <e> @f \\ // /* [ ] { } "quote" #include "/etc/passwd" = Heading\n- list\n#sys'


def parts(data):
    """The PDF with its streams unpacked, as text."""
    found = [data]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL):
        try:
            found.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"\n".join(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_is_tagged_archivable_and_says_its_language(run, toy, language):
    data = parts(pdf(document(run, toy.card, language)))
    assert data.startswith(b"%PDF-1.7")
    assert b"/StructTreeRoot" in data
    assert b"/Marked true" in data
    assert re.search(rb"/Lang\s*\(" + language.encode(), data)
    assert re.search(rb"pdfuaid:part[>=\"]+1", data)
    assert re.search(rb"pdfaid:part[>=\"]+2", data)
    assert re.search(rb"pdfaid:conformance[>=\"]+A", data)
    assert data.count(b"/Alt") >= 16, "every picture says what it shows"


def test_the_same_run_gives_the_same_bytes(run, toy):
    made = document(run, toy.card, "fr")
    assert pdf(made) == pdf(made)


def test_no_text_is_read_as_markup(run, toy):
    card_evil = EVIL.replace("{", "{{").replace("}", "}}")  # a card's texts take values in braces
    texts = {
        language: {**said, "purpose": card_evil, "title": card_evil}
        for language, said in toy.card.texts.items()
    }
    card = msgspec.structs.replace(toy.card, texts=texts)
    made = document(run, card, "en", {"funding": Answer(text=EVIL, by=EVIL)})
    assert pdf(made).startswith(b"%PDF")
    html = page(made)
    assert "<e>" not in html
    assert "&lt;e&gt;" in html


def test_a_letter_that_no_font_has_costs_the_archive_not_the_report(run, toy, caplog):
    made = document(run, toy.card, "en", {"funding": Answer(text="\U0001f600 漢字", by="M")})
    with caplog.at_level(logging.WARNING):
        data = parts(pdf(made))
    assert data.startswith(b"%PDF")
    assert "ua-1 and a-2a" in caplog.text
    assert not re.search(rb"pdfaid:part", data)


def test_synthetic_data_is_said_on_every_page(run, toy):
    made = document(run, toy.card, "de", synthetic=True)
    assert made.banner == "Synthetische Daten: keinen dieser Patienten gibt es."
    assert made.banner in page(made)
    assert pdf(made) != pdf(document(run, toy.card, "de"))


def test_the_first_page_is_one_page_and_the_rest_follows(run, toy):
    assert 6 < len(images(document(run, toy.card, "en"), 20)) < 40


def test_pictures_for_paper_bring_their_colours(run, toy):
    said = words("en")
    for svg in charts.all_of(run, said, naming(toy.card, said), group_name(toy.card, said)).values():
        inside = styled(svg)
        assert "var(" not in inside
        assert "#0067a5" in inside
        assert 'font-family: "Libertinus Serif"' in inside


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_is_bytes_and_the_same_each_time(run, toy, kind):
    made = render(kind, run, toy.card, "nl")
    assert made
    assert made == render(kind, run, toy.card, "nl")


def test_another_format_or_language_is_refused(run, toy):
    with pytest.raises(InvalidSetting):
        render("docx", run, toy.card, "nl")
    with pytest.raises(InvalidSetting):
        render("pdf", run, toy.card, "la")
