"""What a password must be: long, and not what everybody tries first.

No rule asks for a digit or a sign, and none asks for a new one every so often: NIST SP 800-63B-4, section
3.1.1.2, and OWASP ASVS 5.0, 6.2.1 to 6.2.12. Common ones are known by how they are made (the name of the
account or of the house, a word that everybody takes, a run along the keyboard or the alphabet, one piece over
and over), and from a list of those that were stolen and published, which lies here: no service is asked.
"""

from __future__ import annotations

import functools
import hashlib
import re
import secrets
import unicodedata
from pathlib import Path

from vesalius.errors import InvalidSetting

SHORTEST = 15
"""The fewest characters of a password that stands alone (NIST SP 800-63B-4, 3.1.1.2)."""

WITH_SECOND = 12
"""The fewest characters beside a second factor: more than the 8 that NIST SP 800-63B-4 asks for."""

LONGEST = 128
"""The most characters; ASVS 5.0, 6.2.9 asks for at least 64."""

LIST = "common_passwords.bin"
"""The file beside this module with the stolen ones; ``tools/common_passwords.py`` makes it."""

_MARK = 5
"""Bytes of a hash by which one is looked up: a good password is taken for one once in 20 million."""

_DISTINCT = 6
_LEFT = 5
"""What is left of a password without what is guessed first must have as many characters."""

_ALPHABET = "bcdfghjkmnpqrstvwxz23456789"  # no vowels, hence no words; nothing that is read for another

_LEET = str.maketrans("01345789@$!€+", "oieastbgasiet")
_RUNS = (
    "abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "azertyuiop", "qwertyuiop", "qwertzuiop",
    "qsdfghjklm", "asdfghjkl", "wxcvbn", "zxcvbnm", "yxcvbnm", "1qaz2wsx3edc4rfv", "1a2z3e4r5t6y7u8i",
)  # fmt: skip
_WORDS = (
    "password", "passwort", "passphrase", "motdepasse", "wachtwoord", "kennwort", "welcome", "bienvenue",
    "welkom", "willkommen", "bonjour", "hello", "hallo", "iloveyou", "jetaime", "ichliebedich",
    "ikhouvanjou", "letmein", "administrator", "administrateur", "admin", "changeme", "secret", "geheim",
    "hospital", "hopital", "ziekenhuis", "krankenhaus", "clinique", "kliniek", "klinik", "vesalius",
    "doctor", "docteur", "dokter", "nurse", "infirmiere", "monday", "lundi", "maandag", "montag",
    "january", "janvier", "januari", "januar", "summer", "winter", "spring", "autumn", "printemps",
    "automne", "zomer", "sommer", "herfst", "lente", "princess", "sunshine", "football", "dragon",
    "monkey", "master", "superman", "batman", "chocolat", "soleil", "doudou", "loulou", "marseille",
    "bruxelles", "brussel", "brussels", "belgique", "belgie", "belgien", "belgium", "liege", "antwerpen",
    "gent",
)  # fmt: skip


def normal(password: str) -> str:
    """The password as it is hashed: composed (NFC), since keyboards differ in how they send an accent."""
    return unicodedata.normalize("NFC", password)


def check(password: str, *about: str, second: bool = False) -> None:
    """Passes if it may be somebody's password.

    Args:
        password: what they chose.
        about: words that a stranger would try: the account, the name of the person, of the hospital.
        second: whether the account has a second factor.

    Raises:
        InvalidSetting: too short, too long, stolen and published, or one of those that are guessed first.
    """
    shortest, length = WITH_SECOND if second else SHORTEST, len(normal(password))
    if length < shortest:
        raise InvalidSetting(f"a password has at least {shortest} characters")
    if length > LONGEST:
        raise InvalidSetting(f"a password has at most {LONGEST} characters")
    if common(password, *about):
        raise InvalidSetting(
            "this password is easily guessed", hint="take several words that do not belong together"
        )
    if published(password):
        raise InvalidSetting("this password was stolen somewhere and published", hint="take another")


def common(password: str, *about: str) -> bool:
    """Whether it is made of what is guessed first, and of hardly anything else."""
    plain = _plain(password)
    if len(set(plain)) < _DISTINCT or _repeats(plain):
        return True
    words = {part for each in about for part in re.findall(r"[^\W_]{3,}", _plain(each))} | set(_WORDS)
    for form in {plain, plain.translate(_LEET)}:
        rest = form
        for word in sorted(words, key=len, reverse=True):
            rest = rest.replace(word, "")
        rest = re.sub(r"(19|20)\d\d", "", rest)
        rest = re.sub(r"[\s!-/:-@\[-`{-~]", "", _without_runs(rest))
        if len(set(rest)) < _LEFT or _repeats(rest):
            return True
    return False


def published(password: str) -> bool:
    """Whether it is on the list of those that were stolen and published, in any capitals and accents."""
    return mark(password) in _published()


def mark(password: str) -> bytes:
    """By what it is looked up in the list."""
    return hashlib.sha256(_plain(password).encode("utf-8", "surrogatepass")).digest()[:_MARK]


@functools.cache
def _published() -> frozenset[bytes]:
    kept = (Path(__file__).parent / LIST).read_bytes()
    return frozenset(kept[at : at + _MARK] for at in range(0, len(kept), _MARK))


def initial() -> str:
    """A password made at random, to be changed at the first sign-in: 20 characters of 27, some 95 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(4))


def _plain(text: str) -> str:
    """Without capitals and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in apart if not unicodedata.combining(each))


def _repeats(text: str) -> bool:
    """Whether it is one piece over and over."""
    return bool(text) and re.fullmatch(r"(.{1,8}?)\1+", text, re.DOTALL) is not None


def _without_runs(text: str) -> str:
    """Without what follows a row of the keyboard, the alphabet or the digits for four characters or more."""
    kept, at = [], 0
    while at < len(text):
        length = max(_run(text, at, row) for each in _RUNS for row in (each, each[::-1]))
        kept.append("" if length >= 4 else text[at])
        at += length if length >= 4 else 1
    return "".join(kept)


def _run(text: str, at: int, row: str) -> int:
    length = 0
    while at + length < len(text) and text[at : at + length + 1] in row:
        length += 1
    return length
