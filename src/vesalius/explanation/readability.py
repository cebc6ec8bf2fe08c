"""How easy a text is to read: the Flesch reading ease, in the form that was fitted to each language.

All four are 206.835 or near it, less so much for long sentences and so much for long words; higher is easier.

- English: Flesch R. A new readability yardstick. J Appl Psychol 1948;32(3):221-233.
- French: Kandel L, Moles A. Application de l'indice de Flesch à la langue française. Cahiers d'Études de
  Radio-Télévision 1958;19:253-274.
- Dutch: Douma WH. De leesbaarheid van landbouwbladen. Landbouwhogeschool Wageningen, Bulletin 17, 1960.
- German: Amstad T. Wie verständlich sind unsere Zeitungen? Dissertation, Universität Zürich, 1978.

Syllables are counted as groups of vowels, which is what the formulas need: an average, not a dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from vesalius.errors import InvalidSetting

PLAIN = 70.0
"""What our sheets must reach in every language: from here on a text is "fairly easy"; 60 to 70 is "standard"
(Flesch 1948, table 5). No formula measures level B1 of the Common European Framework; this stands for it.
"""

_FORMULAS: Mapping[str, tuple[float, float, float]] = {
    "en": (206.835, 1.015, 84.6),
    "fr": (207.0, 1.015, 73.6),
    "nl": (206.835, 0.93, 77.0),
    "de": (180.0, 1.0, 58.5),
}
"""The start; what a word more in each sentence takes off; what a syllable more in each word takes off."""

_VOWELS = {
    "en": re.compile(r"i(?=o(?![nu]))|[aeiouy]+"),
    "fr": re.compile(r"(?:eau|oeu|œu|[aeo]u|[aoe]i|ui|oi|io|ie|[aeiouyàâäéèêëîïôöùûüœæ])"),
    "nl": re.compile(r"(?:aai|ooi|oei|eeu|ieu|aa|ee|oo|uu|ie|oe|eu|ui|ij|ei|au|ou|[aeiouyäëïöüéè])"),
    "de": re.compile(r"(?:aa|ee|oo|ie|ei|ai|au|eu|äu|[aeiouyäöüé])"),
}
_WORD = re.compile(r"[^\W\d_]+(?:[’'-][^\W\d_]+)*")
_END = re.compile(r"[.!?…]+(?=\s|$|”|»)|\n+")


def syllables(word: str, language: str) -> int:
    """How many syllables a word has, at least one.

    Examples:
        >>> [syllables(each, "en") for each in ("care", "doctor", "antibiotic")]
        [1, 2, 5]
        >>> syllables("personne", "fr"), syllables("ziekenhuis", "nl"), syllables("Krankenhaus", "de")
        (2, 3, 3)
    """
    low = word.lower()
    count = len(_VOWELS[language].findall(low))
    if language == "en" and low.endswith("e") and not low.endswith(("le", "ee", "ie", "oe", "ye", "ue")):
        count -= 1  # a silent e: care, more
    if language == "fr" and re.search(r"[^aeiouyàâäéèêëîïôöùûü](e|es)$", low):
        count -= 1  # an e that is not said: personne, signes
    return max(count, 1)


def score(text: str, language: str) -> float:
    """The reading ease of a text; higher is easier, about 0 to 100.

    Args:
        text: sentences.
        language: fr, nl, de or en.

    Raises:
        InvalidSetting: there is no formula for the language, or no word in the text.
    """
    if language not in _FORMULAS:
        raise InvalidSetting(f"there is no formula for {language!r}", hint=", ".join(_FORMULAS))
    words = _WORD.findall(text)
    if not words:
        raise InvalidSetting("there is no word to measure")
    sentences = sum(bool(_WORD.search(part)) for part in _END.split(text))
    start, long_sentences, long_words = _FORMULAS[language]
    per_word = sum(syllables(word, language) for word in words) / len(words)
    return start - long_sentences * len(words) / sentences - long_words * per_word
