"""Which code a sender gets, and the bytes that say so."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.ingest import Cause, Message
from vesalius.ingest.hl7v2 import header
from vesalius.ingest.mllp._answers import answer, incoming
from vesalius.ingest.mllp._frames import Frame

from .conftest import message

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def became(status="taken", cause="", words=""):
    return Message(
        source="adt", control_id="M1", sha256="", received_at=NOW, status=status, cause=cause, words=words
    )


def answered(raw, what=None, processing=("P",)):
    sent, head = incoming(Frame(raw, len(raw)), processing)
    if what is None:
        what = became("refused", sent.refusal.cause, sent.refusal.words) if sent.refusal else became()
    said = answer(raw, head, sent, what)
    return None if said is None else said.decode("latin-1").split("\r")[:-1]


def code(raw, what=None):
    said = answered(raw, what)
    return said and said[1].split("|")[1]


HELD = became("held", "invalid-resource", "Patient.gender: not a code")
TOO_LONG = became("held", "too-long", "the message is too long")
REFUSED = became("refused", "unsupported", "not here")


def test_an_acknowledgement_mirrors_what_it_answers():
    raw = message(7, f6="HOSP^1.2.3^ISO", f18="8859/1")
    msh, msa = answered(raw)
    fields = msh.split("|")
    assert fields[1:6] == ["^~\\&", "VES", "HOSP^1.2.3^ISO"[:4] and "HOSP^1.2.3^ISO", "LAB", "SITE"]
    assert fields[8] == "ACK^A01^ACK"
    assert len(fields[9]) == 20
    assert fields[10:12] == ["P", "2.5.1"]
    assert fields[17] == "8859/1"
    assert msa == "MSA|AA|M7"
    assert header(msh.encode()).control_id == fields[9]


def test_every_acknowledgement_has_a_name_of_its_own():
    names = {answered(message())[0].split("|")[9] for _ in range(50)}
    assert len(names) == 50


def test_delimiters_of_ones_own_are_kept():
    raw = message().replace(b"|", b"#").replace(b"^", b":").replace(b"&", b"@")
    said = answered(raw, HELD)
    assert said[0].startswith("MSH#:~\\@#VES#HOSP#LAB#SITE#")
    assert "#ACK:A01:ACK#" in said[0]
    assert said[1] == "MSA#AE#M1"
    assert said[2].startswith("ERR###102:Data type error:HL70357#E####Patient.gender")


def test_what_a_sender_wrote_in_latin_1_comes_back_in_latin_1():
    raw = message(f3="Gériatrie", f18="8859/1").decode().encode("latin-1")
    said = answered(raw)
    assert said[0].split("|")[4] == "Gériatrie"


@pytest.mark.parametrize(
    ("accept", "application", "codes"),
    [
        ("", "", ["AA", "AE", "AR", "AR"]),
        ("AL", "", ["CA", "CA", "CR", "CE"]),
        ("AL", "AL", ["CA", "CA", "CR", "CE"]),
        ("ER", "NE", [None, None, "CR", "CE"]),
        ("SU", "NE", ["CA", "CA", None, None]),
        ("NE", "AL", ["AA", "AE", "AR", "AR"]),
        ("NE", "ER", [None, "AE", "AR", "AR"]),
        ("NE", "SU", ["AA", None, None, None]),
        ("", "AL", ["AA", "AE", "AR", "AR"]),
        ("NE", "NE", [None] * 4),
        ("ER", "AL", ["AA", "AE", "CR", "CE"]),
        ("SU", "ER", ["CA", "CA", "AR", "AR"]),
        ("??", "", ["CA", "CA", "CR", "CE"]),
    ],
)
def test_the_code_says_what_became_of_it_and_only_where_the_sender_asked(accept, application, codes):
    raw = message(f15=accept, f16=application)
    assert [code(raw, what) for what in (became(), HELD, REFUSED, TOO_LONG)] == codes


def test_an_error_says_its_reason_in_the_form_of_the_version():
    said = answered(message(version="2.3"), HELD)
    assert said[0].split("|")[8] == "ACK^A01"
    assert said[1] == "MSA|AE|M1|Patient.gender: not a code"
    assert said[2] == "ERR|^^^102&Data type error&HL70357"
    said = answered(message(version="2.6"), HELD)
    assert said[2] == "ERR|||102^Data type error^HL70357|E||||Patient.gender: not a code"


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        (message(processing="T"), "202"),
        (message(version="3.0"), "203"),
        (b"hello", "100"),
        (b"", "100"),
        (b"MSH", "100"),
        (b"MSH|^~\\&".ljust(9) + b"\xff\xfe", None),
    ],
)
def test_what_is_no_message_for_this_listener_is_refused_with_the_reason(raw, number):
    said = answered(raw)
    if number is None:
        assert said[1].split("|")[1] == "AA"  # its header is one; the converter will say the rest
        return
    assert said[0].startswith("MSH|^~\\&|")
    assert said[1].split("|")[1] == "AR"
    assert said[2].startswith(f"ERR|||{number}^")


def test_other_processing_is_welcome_where_the_hospital_says_so():
    raw = message(processing="T")
    assert incoming(Frame(raw, len(raw)), ("P", "T"))[0].refusal is None


@given(st.binary(max_size=120), st.sampled_from([b"", b"MSH|", b"MSH|^~\\&|", b"MSH#:~\\@#"]))
def test_any_bytes_get_an_answer_that_reads_as_one(tail, head):
    raw = head + tail
    said = answered(raw)
    if said is None:  # its MSH-15 or MSH-16 happens to ask for none
        return
    again = header("\r".join(said).encode("latin-1"))
    assert again.code == "ACK"
    assert said[1].startswith("MSA")


@given(st.text(max_size=300), st.sampled_from(list(Cause)))
def test_whatever_the_reason_it_breaks_no_segment(words, cause):
    said = answered(message(), became("held", cause.value, words))
    assert [line[:3] for line in said] == ["MSH", "MSA", "ERR"]
    assert len(said[2].split("|")) <= 9
