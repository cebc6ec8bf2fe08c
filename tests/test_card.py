"""The card: what it must hold, what it says, what it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.card import LANGUAGES, Card, Text
from vesalius.errors import InvalidCard
from vesalius.usecases.early_warning import EarlyWarning

CARD = """
name = "small"
version = "1"
risk_class = "none"
reviewers = ["doctor"]
inputs = [{ name = "weight", kind = "number" }]
options = [{ code = "yes", indicator = "warning" }]
override_reasons = ["other"]
settings = [{ name = "from", default = 2.0, minimum = 1.0, maximum = 3.0 }]
limits = ["far"]
"""
WORDS = """
title = "T {n}"
purpose = "P"
population = "P"
not_for = "N"
action = "A"
target = "T"
input.weight = "Weight"
option.yes = "Yes"
reason.other = "Other"
setting.from = { "" = "From", help = "Help" }
limit.far = "Far"
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "card.toml").write_text(CARD)
    (tmp_path / "texts").mkdir()
    for language in LANGUAGES:
        (tmp_path / "texts" / f"{language}.toml").write_text(WORDS)
    return tmp_path


def test_a_complete_card_loads_and_speaks(folder):
    card = Card.load(folder)
    assert card.say(Text("title", {"n": 3}), "fr") == "T 3"
    assert card.say("setting.from", "nl") == "From"
    assert card.say("setting.from.help", "nl") == "Help"
    assert card.option("yes").indicator == "warning"


def test_a_card_says_what_becomes_of_patients_where_it_has_words_for_it(folder):
    assert Card.load(folder).consequences("fr") == {}
    for language in LANGUAGES:
        path = folder / "texts" / f"{language}.toml"
        path.write_text(path.read_text() + f'consequence.missed = "Missed {language}"\n')
    card = Card.load(folder)
    assert card.consequences("fr") == {"missed": "Missed fr"}
    assert card.consequences("it") == {"missed": "Missed en"}
    assert card.subgroups == ("sex", "age")


def test_a_value_that_is_a_key_is_said_in_the_same_language(folder):
    path = folder / "texts" / "de.toml"
    path.write_text(path.read_text().replace('option.yes = "Yes"', 'option.yes = "Ja"'))
    assert Card.load(folder).say(Text("title", {"n": "option.yes"}), "de") == "T Ja"


def test_an_unknown_language_falls_back_to_english(folder):
    assert Card.load(folder).say("purpose", "it") == "P"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("line", ['limit.far = "Far"', 'purpose = "P"', 'option.yes = "Yes"'])
def test_a_text_that_one_language_lacks_is_named(folder, language, line):
    path = folder / "texts" / f"{language}.toml"
    path.write_text(path.read_text().replace(line, ""))
    with pytest.raises(InvalidCard, match=f"{language}:{line.split(' =')[0]}"):
        Card.load(folder)


def test_a_text_that_drops_a_value_is_named(folder):
    path = folder / "texts" / "nl.toml"
    path.write_text(path.read_text().replace("T {n}", "T"))
    with pytest.raises(InvalidCard, match="nl:title"):
        Card.load(folder)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('version = "1"', ""),
        ('kind = "number"', 'kind = "colour"'),
        ('indicator = "warning"', 'indicator = "loud"'),
        ('name = "small"', 'name = "small"\nunknown = 1'),
        ('name = "small"', "name = "),
    ],
)
def test_a_wrong_card_is_refused_with_its_place(folder, old, new):
    (folder / "card.toml").write_text(CARD.replace(old, new))
    with pytest.raises(InvalidCard, match=r"card\.toml"):
        Card.load(folder)


def test_a_folder_without_a_card_is_refused(tmp_path):
    with pytest.raises(InvalidCard):
        Card.load(tmp_path)


def test_an_unknown_key_or_option_is_an_error_never_an_empty_line(folder):
    card = Card.load(folder)
    with pytest.raises(InvalidCard, match="no text"):
        card.say("nothing", "en")
    with pytest.raises(InvalidCard, match="no option"):
        card.option("no")


def test_settings_have_defaults_bounds_and_no_unknown_names(folder):
    card = Card.load(folder)
    assert card.fill({}) == {"from": 2.0}
    assert card.fill({"from": 3}) == {"from": 3.0}
    with pytest.raises(InvalidCard, match="unknown"):
        card.fill({"form": 2})


@given(value=st.floats(allow_nan=True, allow_infinity=True))
def test_a_setting_is_within_its_bounds_or_refused(tmp_path_factory, value):
    card = Card(
        name="c",
        version="1",
        risk_class="",
        reviewers=(),
        inputs=(),
        options=(),
        override_reasons=(),
        settings=SETTINGS,
    )
    if 1 <= value <= 3:
        assert card.fill({"from": value}) == {"from": value}
    else:
        with pytest.raises(InvalidCard, match="outside"):
            card.fill({"from": value})


def _settings():
    from vesalius.card import Setting

    return (Setting("from", 2.0, 1.0, 3.0),)


SETTINGS = _settings()


def test_what_is_measured_stands_for_several_inputs_with_words_of_two_parts():
    card = EarlyWarning.card
    measured = next(item for item in card.measured if item.name == "creatinine")
    assert [item.name for item in measured.inputs] == [
        "creatinine_last",
        "creatinine_max",
        "creatinine_delta",
    ]
    assert {item.name for item in measured.inputs} <= {item.name for item in card.inputs}
    assert card.say("input.creatinine_max", "de") == "Kreatinin: höchster in 48 h"


def test_a_number_in_a_text_has_the_decimal_sign_of_the_language():
    part = Text("rule.part", {"what": "input.now_temperature", "value": 38.5, "points": 1, "source": "x"})
    assert EarlyWarning.card.say(part, "nl") == "Temperatuur 38,5: 1 (x)."
    assert EarlyWarning.card.say(part, "en") == "Temperature 38.5: 1 (x)."
