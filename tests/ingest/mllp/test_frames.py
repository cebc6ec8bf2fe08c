"""Frames: whatever pieces a stream arrives in, the same messages come out of it."""

from hypothesis import given
from hypothesis import strategies as st

from vesalius.ingest.mllp import Frame, Frames, framed
from vesalius.ingest.mllp._frames import KEPT

LIMIT = 1000

contents = st.binary(max_size=60).map(lambda raw: raw.replace(b"\x1c", b"").replace(b"\x0bMSH", b""))


def all_of(data, pieces=(), limit=LIMIT):
    frames, found, at = Frames(limit), [], 0
    for size in (*pieces, len(data)):
        found += frames.feed(data[at : at + size])
        at += size
    return frames, [frame.raw for frame in found]


@given(st.lists(contents), st.lists(st.integers(0, 40)), st.sampled_from([b"", b"\r", b"\r\n", b"\n", b" "]))
def test_the_same_messages_come_out_whatever_pieces_they_arrive_in(messages, pieces, between):
    data = between.join(framed(each) for each in messages)
    frames, found = all_of(data, pieces)
    assert found == messages
    assert (frames.garbage, frames.broken, frames.inside) == (0, 0, False)


@given(st.binary(max_size=200), st.lists(st.integers(0, 40)))
def test_any_bytes_at_all_give_the_same_in_pieces_as_at_once(data, pieces):
    one, whole = all_of(data)
    other, parts = all_of(data, pieces)
    assert whole == parts
    assert (one.garbage, one.broken, one.inside) == (other.garbage, other.broken, other.inside)


@given(st.lists(contents, min_size=1))
def test_a_sender_that_forgets_the_carriage_return_is_understood(messages):
    data = b"".join(b"\x0b" + each + b"\x1c" for each in messages)
    assert all_of(data)[1] == messages


def test_what_stands_between_frames_is_counted_and_left_out():
    frames, found = all_of(b"GET / HTTP/1.1\r\n" + framed(b"MSH|") + b"\r\nxyz" + framed(b"MSH|2"))
    assert found == [b"MSH|", b"MSH|2"]
    assert frames.garbage == len(b"GET/HTTP/1.1xyz")


def test_a_message_that_is_broken_off_by_the_next_leaves_only_the_next():
    frames, found = all_of(b"\x0bMSH|^~\\&|first" + framed(b"MSH|^~\\&|second"))
    assert found == [b"MSH|^~\\&|second"]
    assert frames.broken == 1


def test_a_frame_that_is_too_long_is_cut_and_takes_no_room():
    frames = Frames(2 * KEPT)
    assert not frames.feed(b"\x0b")
    for _ in range(40):
        assert not frames.feed(b"x" * KEPT)
        assert len(frames._held) <= 2 * KEPT
    assert frames.length == 40 * KEPT
    (frame,) = frames.feed(b"\x1c\r")
    assert (len(frame.raw), frame.length, frame.whole) == (KEPT, 40 * KEPT, False)
    assert frames.feed(framed(b"next")) == [Frame(b"next", 4)]


def test_a_frame_as_long_as_the_limit_is_whole():
    assert all_of(framed(b"x" * LIMIT))[1] == [b"x" * LIMIT]
