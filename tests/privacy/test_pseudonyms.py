"""Pseudonyms, one domain for each permit, and the file of their secrets."""

import stat
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.errors import InvalidIdentifier, InvalidSetting, NotFound
from vesalius.fhir import belgium
from vesalius.privacy.pseudonyms import FILE, Pseudonyms, Secrets, hkdf

SECRET = bytes(range(32))
IDENTIFIERS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)


# RFC 5869, appendix A, test cases 1 to 3.
@pytest.mark.parametrize(
    ("secret", "salt", "info", "length", "made"),
    [
        (
            "0b" * 22,
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            42,
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            bytes(range(0x50)).hex(),
            bytes(range(0x60, 0xB0)).hex(),
            bytes(range(0xB0, 0x100)).hex(),
            82,
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
        ),
        (
            "0b" * 22,
            "",
            "",
            42,
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ],
)
def test_keys_are_derived_as_the_rfc_says(secret, salt, info, length, made):
    assert hkdf(bytes.fromhex(secret), bytes.fromhex(info), length, salt=bytes.fromhex(salt)).hex() == made


def test_a_key_of_no_length_is_refused():
    for length in (0, -1, 8161):
        with pytest.raises(ValueError, match="1 to 8160"):
            hkdf(SECRET, b"", length)


@given(IDENTIFIERS, IDENTIFIERS)
def test_a_pseudonym_is_the_same_in_a_permit_and_another_in_every_other_domain(kind, value):
    made = Pseudonyms(SECRET, "study-a").of(kind, value)
    assert made == Pseudonyms(SECRET, "study-a").of(kind, value)
    others = {
        Pseudonyms(SECRET, "study-b").of(kind, value),
        Pseudonyms(SECRET[::-1], "study-a").of(kind, value),
        Pseudonyms(SECRET, "study-a").of(f"{kind}x", value),
        Pseudonyms(SECRET, "study-a").of(kind, f"{value}x"),
    }
    assert made not in others
    assert len(others) == 4
    assert len(made) == 32
    assert int(made, 16) < 1 << 128


def test_kind_and_value_do_not_run_together():
    made = Pseudonyms(SECRET, "a")
    assert made.of("ab", "c") != made.of("a", "bc")


def test_a_letter_in_one_part_or_in_two_is_one_letter():
    made = Pseudonyms(SECRET, "a")
    assert made.of("name", "Andr\u00e9") == made.of("name", "Andre\u0301")


def test_a_hundred_thousand_pseudonyms_are_all_different():
    made = Pseudonyms(SECRET, "a")
    assert len({made.of("Patient", str(number)) for number in range(100_000)}) == 100_000


@pytest.mark.parametrize("bad", ["", " ", " 12", "12\n", "a\x1fb", "a\x00", "x" * 1001, "\ud800"])
def test_what_is_no_identifier_gets_no_pseudonym_and_is_not_told(bad):
    with pytest.raises(InvalidIdentifier) as raised:
        Pseudonyms(SECRET, "a").of("Patient", bad)
    assert not bad.strip() or bad not in str(raised.value)


@pytest.mark.parametrize("permit", ["", "a b", "../a", "é", "x" * 101, ".a"])
def test_a_permit_has_a_plain_name(permit):
    with pytest.raises(InvalidIdentifier):
        Pseudonyms(SECRET, permit)


def test_a_short_secret_is_refused():
    with pytest.raises(InvalidSetting):
        Pseudonyms(SECRET[:31], "a")


@given(st.dates(date(1900, 1, 1), date(2026, 1, 1)), st.sampled_from(["female", "male"]))
def test_a_national_number_has_one_pseudonym_however_it_is_written(birth, sex):
    number = belgium.made_up_niss(birth, sex)
    made = Pseudonyms(SECRET, "a")
    written = {number, belgium.niss_formatted(number), f"{number[:6]} {number[6:9]} {number[9:]}"}
    assert len({made.of_niss(form) for form in written}) == 1
    old = "urn:oid:2.16.840.1.113883.3.6777.5.1"
    assert made.identifier(old, belgium.niss_formatted(number)) == made.of_niss(number)
    wrong = number[:-2] + f"{(int(number[-2:]) + 1) % 100:02}"
    if not belgium.niss_is_valid(wrong):
        with pytest.raises(InvalidIdentifier):
            made.of_niss(wrong)


@given(st.from_regex(r"[0-9]{1,8}(\.[0-9]{1,8}){0,5}", fullmatch=True))
def test_a_uid_becomes_a_uid_of_the_standard_s_own_root(uid):
    made = Pseudonyms(SECRET, "a").uid(uid)
    assert made == Pseudonyms(SECRET, "a").uid(uid) != Pseudonyms(SECRET, "b").uid(uid)
    assert made.startswith("2.25.")
    assert len(made) <= 64
    bits = int(made.removeprefix("2.25."))
    assert (bits >> 76 & 0xF, bits >> 62 & 3) == (8, 2)


def test_what_is_no_uid_is_refused():
    for bad in ("", "1..2", "a", "1." * 40 + "1"):
        with pytest.raises(InvalidIdentifier):
            Pseudonyms(SECRET, "a").uid(bad)


def test_the_secret_is_made_once_and_is_its_owner_s_alone(tmp_path):
    first = Secrets(tmp_path).pseudonyms("a")
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert Secrets(tmp_path).pseudonyms("a").of("Patient", "1") == first.of("Patient", "1")
    assert not list(tmp_path.glob(f".{FILE}.?*[0-9a-f]"))


def test_a_permit_keeps_its_secret_when_a_new_one_is_made(tmp_path):
    kept = Secrets(tmp_path)
    before = kept.pseudonyms("a").of("Patient", "1")
    assert kept.rotate() == 2
    assert kept.pseudonyms("a").of("Patient", "1") == before
    assert (kept.pseudonyms("a").version, kept.pseudonyms("b").version) == (1, 2)


def test_a_destroyed_secret_ends_its_permits(tmp_path):
    kept = Secrets(tmp_path)
    kept.pseudonyms("a")
    with pytest.raises(InvalidSetting, match="newest"):
        kept.destroy(1)
    kept.rotate()
    kept.destroy(1)
    with pytest.raises(NotFound):
        kept.pseudonyms("a")
    with pytest.raises(NotFound):
        kept.destroy(1)
    assert kept.rotate() == 3, "a version is never given twice"


def test_a_file_that_others_may_read_is_refused(tmp_path):
    Secrets(tmp_path).pseudonyms("a")
    (tmp_path / FILE).chmod(0o640)
    with pytest.raises(InvalidSetting, match="others may read"):
        Secrets(tmp_path).pseudonyms("a")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"current":1,"secrets":{"1":"00"}}',
        b'{"current":2,"secrets":{}}',
        b'{"current":1,"secrets":{"1":"zz"}}',
    ],
)
def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path, body):
    (tmp_path / FILE).write_bytes(body)
    (tmp_path / FILE).chmod(0o600)
    with pytest.raises(InvalidSetting, match="damaged"):
        Secrets(tmp_path).pseudonyms("a")
    assert (tmp_path / FILE).read_bytes() == body


def test_a_bad_permit_leaves_no_trace_in_the_file(tmp_path):
    with pytest.raises(InvalidIdentifier):
        Secrets(tmp_path).pseudonyms("no good")
    assert not (tmp_path / FILE).exists()
