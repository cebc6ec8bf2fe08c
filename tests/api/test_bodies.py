"""Bodies: compressed, too large, too slow; and answers in gzip."""

import asyncio
import gzip
import json
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from machines import PATIENT, observation, posted, transaction
from starlette.requests import Request

from vesalius.api import calls
from vesalius.api.outcomes import Refusal

BODY = json.dumps(PATIENT).encode()


def test_a_compressed_body_is_read_and_an_answer_compressed(single):
    made = single.put("/Patient/p1", gzip.compress(BODY), Content_Encoding="gzip")
    assert made.status_code == 201
    many = transaction(*(posted(observation()) for _ in range(20)))
    answer = single.post("", many, Accept_Encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.json()["entry"]) == 20


def test_a_body_of_several_gzip_members_is_read_whole(single):
    packed = gzip.compress(BODY[:30]) + gzip.compress(BODY[30:])
    assert single.put("/Patient/p1", packed, Content_Encoding="gzip").status_code == 201


@pytest.mark.parametrize(
    "packed", [BODY, gzip.compress(BODY)[:-9], gzip.compress(BODY)[:-1] + b"x", b"\x1f\x8b", b""]
)
def test_a_body_that_is_not_whole_gzip_is_refused(single, small, packed):
    assert single.put("/Patient/p1", packed, Content_Encoding="gzip").status_code == 400
    assert small.lake.position() == 0


def test_a_bomb_is_refused_long_before_it_is_unpacked(single, monkeypatch):
    monkeypatch.setattr(calls, "MAX_BODY", 100_000)
    packed = zlib.compressobj(9, wbits=31)
    bomb = packed.compress(bytes(50_000_000)) + packed.flush()
    assert len(bomb) < 60_000
    assert single.put("/Patient/p1", bomb, Content_Encoding="gzip").status_code == 413


def test_a_body_that_is_too_large_is_refused(single, monkeypatch):
    monkeypatch.setattr(calls, "MAX_BODY", 1_000)
    assert single.put("/Patient/p1", b" " * 1_001).status_code == 413


def received(chunks, encoding="gzip", pause=0.0):
    """What :func:`calls.read_body` makes of a body that comes in pieces."""
    pieces = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    pieces.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive():
        await asyncio.sleep(pause)
        return pieces.pop(0)

    scope = {"type": "http", "headers": [(b"content-encoding", encoding.encode())]}
    return asyncio.run(calls.read_body(Request(scope, receive)))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(parts=st.lists(st.binary(max_size=300), min_size=1, max_size=4), size=st.integers(1, 50))
def test_a_compressed_body_in_any_pieces_is_what_went_in(parts, size):
    packed = b"".join(gzip.compress(part) for part in parts)
    pieces = [packed[start : start + size] for start in range(0, len(packed), size)]
    assert received(pieces) == b"".join(parts)


def test_a_body_that_comes_too_slowly_is_refused(monkeypatch):
    monkeypatch.setattr(calls, "BODY_SECONDS", 0.05)
    with pytest.raises(Refusal) as refused:
        received([b"{"] * 20, "identity", pause=0.02)
    assert refused.value.status == 408
