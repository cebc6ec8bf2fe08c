"""Whatever comes in, every line is written, unchanged or held; nothing crashes, nothing disappears."""

import gzip
import io
import tempfile
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vesalius.errors import UnreadableInput
from vesalius.ingest import CsvMap, held, receive
from vesalius.ingest._lines import lines
from vesalius.lake import Lake
from vesalius.store import open_store

from .conftest import HEADER, MAP, NOW

TEXT_MAP = CsvMap.parse("""
[[resource]]
[resource.body]
resourceType = "Patient"
id = "p{row}"
name = [{ family = "{name}" }]
""")

LAB_MAP = CsvMap.parse(MAP)
FEEDS = count()

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def shared():
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(f"sqlite:///{folder}/hospital.sqlite")
        yield Lake(engine, Path(folder) / "columns")
        engine.dispose()


def received(lake, data, name, csv_map=None):
    """Each example is a feed of its own, so that it is not taken for one received before."""
    source = f"feed-{next(FEEDS)}"
    receipt = receive(lake, name, io.BytesIO(data), source=source, csv_map=csv_map, received_at=NOW)
    found = [item for item in held(lake.engine, limit=1000) if item.source == source]
    assert receipt.quarantined == len(found)
    return receipt, found


def meaningful(data, blank):
    return [line for line in data.split(b"\n") if line.strip(blank)]


@QUICK
@given(data=st.binary(max_size=300))
def test_any_bytes_as_ndjson(shared, data):
    receipt, found = received(shared, data, "any.ndjson")
    body = data.removeprefix(b"\xef\xbb\xbf")
    if not data.startswith(b"\x1f\x8b"):
        assert receipt.read == len([line for line in io.BytesIO(body) if line.strip()])
        assert receipt.read == receipt.quarantined
        assert [item.raw for item in reversed(found)] == [
            line.strip() for line in io.BytesIO(body) if line.strip()
        ]


@QUICK
@given(data=st.binary(max_size=300))
def test_any_bytes_as_a_bundle(shared, data):
    receipt, _ = received(shared, data, "any.json")
    assert receipt.read == receipt.quarantined == bool(data.strip())


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
DIRT = st.sampled_from([b"", b",", b'"', b"\r", b"\xff", b'"x', b" ", b"\t", b'""'])


@QUICK
@given(rows=st.lists(st.tuples(st.integers(0, 99), CELLS, DIRT), max_size=12))
def test_any_rows_of_csv(shared, rows):
    data = b"number,name\n" + b"".join(f"{n},{name}".encode() + dirt + b"\n" for n, name, dirt in rows)
    receipt, found = received(shared, data, "any.csv", TEXT_MAP)
    assert receipt.read == receipt.written + receipt.unchanged + receipt.quarantined
    for item in found:
        assert item.raw in data
    if b'"' not in data:
        assert receipt.read == len(meaningful(data, b"\r")) - 1


@QUICK
@given(data=st.binary(max_size=200))
def test_any_bytes_after_a_header(shared, data):
    receipt, found = received(shared, HEADER.encode() + data, "any.csv", LAB_MAP)
    kept = b"".join(item.raw for item in reversed(found))
    assert receipt.written or kept == b"".join(line for line in io.BytesIO(data) if line.strip(b"\r\n"))


@QUICK
@given(data=st.binary(max_size=200))
def test_any_bytes_as_csv_are_refused_or_taken(shared, data):
    with suppress(UnreadableInput):
        receipt, _ = received(shared, data, "any.csv", LAB_MAP)
        assert receipt.read == receipt.quarantined


@QUICK
@given(cut=st.integers(0, 400), flip=st.integers(0, 400))
def test_a_damaged_gzip_file_never_crashes(shared, cut, flip):
    packed = bytearray(gzip.compress(b'{"resourceType":"Patient","id":"p1"}\n' * 40)[: cut or None])
    if flip < len(packed):
        packed[flip] ^= 0x55
    received(shared, bytes(packed), "any.ndjson.gz")


@given(st.lists(st.binary(max_size=20), max_size=20))
def test_lines_give_back_every_byte(parts):
    data = b"\n".join(parts)
    assert b"".join(line.raw for line in lines(io.BytesIO(data))) == data
