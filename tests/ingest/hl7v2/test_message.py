"""What hospitals really send is read; what is no message says so; no byte is lost."""

import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.ingest import hl7v2
from vesalius.ingest._causes import Cause, FaultError
from vesalius.ingest._files import unpacked
from vesalius.ingest.hl7v2._batches import parts
from vesalius.ingest.hl7v2._message import Delimiters, parse, unescaped

MSH = b"MSH|^~\\&|HIS|AZ Voorbeeld|LAB|LAB|20260301101500+0100||ADT^A01^ADT_A01|0001|P|2.5|||AL|NE||8859/1"
USUAL = Delimiters("|", "^", "~", "\\", "&")


def test_the_header_says_what_msh_says():
    head = hl7v2.header(b"\x0b" + MSH + b"\rPID|1\r\x1c\r")
    assert (head.code, head.trigger, head.structure, head.type) == ("ADT", "A01", "ADT_A01", "ADT^A01")
    assert (head.control_id, head.processing_id, head.version) == ("0001", "P", "2.5")
    assert (head.sending_application, head.sending_facility) == ("HIS", "AZ Voorbeeld")
    assert (head.receiving_application, head.receiving_facility) == ("LAB", "LAB")
    assert (head.sent_at, head.encoding) == ("20260301101500+0100", "iso8859_1")
    assert (head.accept_acknowledgement, head.application_acknowledgement) == ("AL", "NE")


@pytest.mark.parametrize(
    "raw",
    [b"", b"PID|1", b"MSH", b"MSH|^~", b"MSH|^^^^|", b"MSHA^~\\&|HIS", b"<xml/>", b"\x00" * 9, b"MSH|AB12|x"],
)
def test_what_is_no_message_is_a_fault_and_repeats_no_byte_of_it(raw):
    with pytest.raises(FaultError) as found:
        hl7v2.header(raw)
    assert found.value.cause is Cause.MALFORMED


def test_delimiters_are_those_of_the_message():
    message = parse(b"MSH$@%\\#$HIS\rPID$1$$12@@@AZ#1.2#ISO%13\r")
    assert message.delimiters == Delimiters("$", "@", "%", "\\", "#")
    assert message.segments[1].field(3) == "12@@@AZ#1.2#ISO%13"


def test_a_fifth_delimiter_is_the_truncation_mark_and_changes_nothing():
    assert parse(b"MSH|^~\\&#|HIS||||||ADT^A01\r").delimiters == USUAL


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\r\r\n", b"\n  "])
def test_segments_end_in_any_line_end(end):
    message = parse(b"\xef\xbb\xbf" + end.join([MSH, b"PID|1||12", b"PV1|1|I"]) + end)
    assert [segment.name for segment in message.segments] == ["MSH", "PID", "PV1"]
    assert message.segments[1].field(3) == "12"
    assert message.segments[1].field(30) == ""


def test_a_line_that_begins_no_segment_belongs_to_the_field_before_it():
    message = parse(MSH + b"\rOBX|1|TX|||first line\nsecond line\nEND\nOBR is a word|F\rPV2\rNTE|1\r")
    assert message.segments[1].field(5) == "first line\nsecond line\nEND\nOBR is a word"
    assert message.segments[1].field(6) == "F"
    assert [segment.name for segment in message.segments] == ["MSH", "OBX", "PV2", "NTE"]


def test_fields_of_msh_keep_their_numbers():
    assert parse(MSH).segments[0].fields[:4] == ["MSH", "|", "^~\\&", "HIS"]


@pytest.mark.parametrize(
    ("announced", "encoding"),
    [
        ("8859/1", "latin-1"),
        ("8859/15", "iso8859-15"),
        ("ISO-8859-1", "latin-1"),
        ("UNICODE UTF-8", "utf-8"),
        ("UNICODE", "utf-8"),
        ("", "utf-8"),
        ("", "latin-1"),
        ("ASCII", "latin-1"),
        ("WINDOWS-1252", "cp1252"),
        ("no such set", "utf-8"),
    ],
)
def test_characters_are_read_in_the_set_that_is_announced_else_found_out(announced, encoding):
    raw = f"MSH|^~\\&|HIS||||||ADT^A01|||||||||{announced}\rPID|1||||D\xe9sir\xe9^Zo\xeb".encode(encoding)
    assert parse(raw).segments[1].field(5) == "D\xe9sir\xe9^Zo\xeb"


def test_typographic_signs_that_iso_8859_1_does_not_hold_are_those_of_windows():
    assert parse(MSH + "\rNTE|1||l’hôpital €".encode("cp1252")).segments[1].field(3) == "l’hôpital €"


def test_bytes_of_another_set_than_announced_are_undecodable():
    with pytest.raises(FaultError) as found:
        parse(b"MSH|^~\\&|HIS||||||ADT^A01|||||||||UNICODE UTF-8\rPID|1||||D\xe9sir\xe9")
    assert found.value.cause is Cause.UNDECODABLE


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"A \F\ B \S\ C \T\ D \R\ E \E\ F", "A | B ^ C & D ~ E \\ F"),
        (r"first\.br\second\.sp2\third", "first\nsecond\nthird"),
        (r"\H\important\N\ word", "important word"),
        (r"\.in+4\text", "text"),
        (r"caf\XC3A9\ cr\XC3A8\me", None),
        (r"\Zown\text", "text"),
        (r"C:\temp", r"C:\temp"),
        (r"a\b\c", r"a\b\c"),
        ("\\", "\\"),
        (r"\F", r"\F"),
        (r"\E\F\E", "\\F\\E"),
    ],
)
def test_escape_sequences_are_replaced_and_lone_marks_stand(written, meant):
    if meant is not None:
        assert unescaped(written, USUAL) == meant
    else:
        assert unescaped(written, USUAL).startswith("café")


def test_hexadecimal_escapes_are_of_the_character_set_of_the_message():
    assert unescaped(r"D\XE9\sir\XE9\e", USUAL, "latin-1") == "Désirée"


def kinds(raw: bytes) -> list[str]:
    return [part.kind for part in parts(io.BytesIO(raw))]


def test_a_file_holds_one_message_or_many_with_or_without_frame():
    assert kinds(MSH + b"\r") == ["MSH"]
    assert kinds(MSH + b"\rPID|1\r" + MSH + b"\r\n\r\n" + MSH) == ["MSH"] * 3
    assert kinds(b"\x0b" + MSH + b"\r\x1c\r\x0b" + MSH + b"\r\x1c\r") == ["MSH"] * 2
    assert kinds(b"") == kinds(b"\r\n \n") == []


def test_a_batch_is_its_messages_and_a_count_that_agrees_holds_nothing():
    raw = b"FHS|^~\\&\rBHS|^~\\&\r" + MSH + b"\r" + MSH + b"\rBTS|2\rFTS|1\r"
    items = list(hl7v2.read(io.BytesIO(raw)))
    assert [item.place for item in items] == ["message 1", "message 2"]
    assert [item.raw for item in items] == [MSH, MSH]


def test_a_batch_that_announces_more_than_came_is_taken_in_and_says_so():
    raw = b"BHS|^~\\&\r" + MSH + b"\rBTS|3\r"
    message, trailer = hl7v2.read(io.BytesIO(raw))
    assert message.place == "message 1"
    assert trailer.raw == b"BTS|3"
    assert trailer.fault.cause is Cause.TRUNCATED
    assert "announces 3 messages, and 1 came" in trailer.fault.words


def test_what_belongs_to_no_message_is_held():
    before, message, after = hl7v2.read(io.BytesIO(b"PID|1||12\r" + MSH + b"\rBTS|1\rPID|1||13\r"))
    assert before.raw == b"PID|1||12"
    assert before.fault.cause is after.fault.cause is Cause.MALFORMED
    assert after.raw == b"BTS|1\rPID|1||13"
    assert message.raw == MSH


def test_a_message_in_which_the_compressed_file_breaks_off_is_held():
    packed = gzip.compress(MSH + b"\r" + MSH + b"\rPID|1||12\r" * 2000, mtime=0)[:-20]
    seen = []
    with pytest.raises(FaultError):
        seen.extend(seen.append(part) or part for part in parts(unpacked(io.BytesIO(packed))))
    assert seen[-1].fault.cause is Cause.TRUNCATED


def test_a_message_that_is_too_long_keeps_its_beginning_and_the_next_one_is_read(monkeypatch):
    monkeypatch.setattr("vesalius.ingest.hl7v2._batches.LIMIT", 200_000)
    monkeypatch.setattr("vesalius.ingest.hl7v2._batches._BLOCK", 4096)
    raw = MSH + b"\rOBX|1|ED|||" + b"A" * 300_000 + b"\r" + MSH
    long, short = parts(io.BytesIO(raw))
    assert long.fault.cause is Cause.TOO_LONG
    assert long.raw.startswith(MSH)
    assert short == ("MSH", MSH, None)


pieces = st.sampled_from(
    [MSH, b"\r", b"\n", b"\r\n", b"\x0b", b"\x1c\r", b"BHS|^~\\&", b"BTS|2", b"FTS|x", b"PID|1||12", b"MSH", b"MSH|",
     b"\xef\xbb\xbf", b" ", b"word", b"\x00"]
)  # fmt: skip


def only_blank(raw):
    return not raw.replace(b"\xef\xbb\xbf", b"").strip(b"\x0b\x1c \t\r\n")


@given(st.lists(pieces | st.binary(max_size=6), max_size=24).map(b"".join))
def test_every_byte_belongs_to_a_part_or_is_blank_and_all_but_envelopes_are_items(raw):
    rest, wanted = raw, []
    for part in parts(io.BytesIO(raw)):
        before, found, rest = rest.partition(part.raw)
        assert found, "changed"
        assert only_blank(before), "lost"
        wanted += [part.raw] if part.kind in ("MSH", "") or part.fault else []
    assert only_blank(rest)
    items = [item.raw for item in hl7v2.read(io.BytesIO(raw))]
    assert [item for item in items if item in wanted] == wanted


@given(st.binary(max_size=400) | st.binary(max_size=300).map(lambda tail: MSH + b"\r" + tail))
def test_arbitrary_bytes_never_crash_the_parser(raw):
    for item in hl7v2.read(io.BytesIO(raw)):
        assert item.fault or item.found
