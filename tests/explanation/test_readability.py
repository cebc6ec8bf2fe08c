"""The reading ease: worked by hand, and it falls as sentences and words grow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.card import LANGUAGES
from vesalius.errors import InvalidSetting
from vesalius.explanation.readability import score, syllables

# Syllables counted by hand.
COUNTED = {
    "en": {"tool": 1, "care": 1, "people": 2, "decided": 3, "hospital": 3, "antibiotic": 5, "more": 1},
    "fr": {"soins": 1, "outil": 2, "médecin": 3, "personne": 2, "hôpital": 3, "décision": 3, "eau": 1},
    "nl": {"zorg": 1, "ziekenhuis": 3, "patiënt": 3, "verpleegkundige": 5, "mensen": 2, "geen": 1},
    "de": {"Pflege": 2, "Krankenhaus": 3, "Ärzte": 2, "Menschen": 2, "Daten": 2, "weiß": 1},
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_syllables_are_those_counted_by_hand(language):
    assert {word: syllables(word, language) for word in COUNTED[language]} == COUNTED[language]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        # 2 sentences, 6 words, 9 syllables
        ("en", "The tool gives advice. You decide.", 206.835 - 1.015 * 3 - 84.6 * 9 / 6),
        ("fr", "Une personne décide.", 207 - 1.015 * 3 - 73.6 * 5 / 3),
        ("nl", "Een mens beslist.", 206.835 - 0.93 * 3 - 77 * 4 / 3),
        ("de", "Ein Mensch wählt.", 180 - 3 - 58.5 * 3 / 3),
    ],
)
def test_the_four_formulas_worked_by_hand(language, text, expected):
    assert score(text, language) == pytest.approx(expected)


@given(st.sampled_from(LANGUAGES), st.integers(2, 12))
def test_one_long_sentence_is_harder_than_the_same_words_in_short_ones(language, count):
    assert score("ga da. " * count, language) > score("ga da " * count + ".", language)


@given(st.sampled_from(LANGUAGES), st.integers(2, 8))
def test_longer_words_are_harder(language, count):
    assert score("ba " * 5, language) > score("ba" * count + " ba" * 4, language)


@pytest.mark.parametrize(("text", "language"), [("", "fr"), ("12 34 …", "en"), ("ciao a tutti", "it")])
def test_what_cannot_be_measured_is_refused(text, language):
    with pytest.raises(InvalidSetting):
        score(text, language)
