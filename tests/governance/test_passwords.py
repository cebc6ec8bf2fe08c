"""What may be a password."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.errors import InvalidSetting
from vesalius.governance import passwords

ABOUT = ("cdelforge", "Dr Camille Delforge", "Clinique Sainte-Ode")


@pytest.mark.parametrize("password", [
    "passwordpassword", "Password123456789!", "P@ssw0rdP@ssw0rd", "motdepasse2026!!", "wachtwoord12345", "azertyuiop12345",
    "qwertyuiopasdfgh", "1qaz2wsx3edc4rfv5", "abcdefghijklmnop", "zyxwvutsrqponml", "aaaaaaaaaaaaaaaa", "abcabcabcabcabc",
    "camilledelforge1", "Delforge-1975-Camille", "cdelforge2026!!", "CliniqueSainteOde1", "Bienvenue2026!!!", "123456789012345",
    "letmeinletmein123", "hospitalhospital1", "  \t   \t   \t   \t  ", "Doctor!Doctor!1", "Zomer2026Zomer2026",
])  # fmt: skip
def test_what_is_guessed_first_is_refused(password):
    with pytest.raises(InvalidSetting, match="easily guessed"):
        passwords.check(password, *ABOUT)


@pytest.mark.parametrize("password", [
    "Mailcreated5240", "PolniyPizdec0211", "mailCREATED5240", "chickenwing101", "Màilcreated5240",
])  # fmt: skip
def test_what_was_stolen_and_published_is_refused(password):
    assert not passwords.common(password)
    with pytest.raises(InvalidSetting, match="published"):
        passwords.check(password, *ABOUT, second=True)


def test_the_list_of_the_stolen_has_more_than_what_the_standard_asks_for():
    """OWASP ASVS 5.0, 6.2.4: at least the 3,000 commonest of those that are long enough."""
    kept = (Path(passwords.__file__).parent / passwords.LIST).read_bytes()
    marks = [kept[at : at + 5] for at in range(0, len(kept), 5)]
    assert len(marks) > 50_000
    assert {len(each) for each in marks} == {5}
    assert marks == sorted(set(marks))


@given(st.text(min_size=12, max_size=40))
def test_what_nobody_published_is_not_on_the_list(password):
    # of 2^40 marks 55,000 are taken: once in 20 million by chance
    assert not passwords.published(f"{password} kV7 wq-Zt9 mXr_4Lp")


@pytest.mark.parametrize("password", [
    "correct horse battery", "le zèbre boit du thé vert", "Tr0ub4dor&3-ladder", "🐘🦊🐝🦆🐳🦔🐙🦀🐌🦋🐞🐢🦎🐍🦜",
    "mijn fiets staat scheef", "Schmetterling trinkt Öl", "x9$Lq2!vRt7#mWpz", "patient hospital giraffe tuba",
])  # fmt: skip
def test_what_is_long_and_not_usual_is_taken(password):
    passwords.check(password, *ABOUT)


def test_the_length_is_what_the_page_says():
    for length, second in ((passwords.SHORTEST, False), (passwords.WITH_SECOND, True)):
        good = "kV7 wq-Zt9 mXr_4Lp"[:length]
        passwords.check(good, second=second)
        with pytest.raises(InvalidSetting, match=f"at least {length}"):
            passwords.check(good[:-1], second=second)
    long = "".join(chr(0x4E00 + n) for n in range(passwords.LONGEST))
    passwords.check(long)
    with pytest.raises(InvalidSetting, match="at most"):
        passwords.check(long + "x")


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=200))
def test_no_text_breaks_the_check_and_composing_it_changes_nothing(text):
    answers = set()
    for form in (text, unicodedata.normalize("NFC", text)):
        try:
            passwords.check(form, *ABOUT)
            answers.add("")
        except InvalidSetting as error:
            answers.add(error.message)
    assert len(answers) == 1


def test_an_initial_password_is_random_and_may_be_one():
    made = {passwords.initial() for _ in range(50)}
    assert len(made) == 50
    for each in made:
        passwords.check(each, *ABOUT)
