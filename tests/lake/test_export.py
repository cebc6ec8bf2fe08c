"""What the lake writes out is what came in, as it was received."""

import gzip
import json

import pytest
from lake_records import at, observation

from vesalius.errors import Conflict, NotAllowed, NotFound, Unavailable
from vesalius.lake import Arrival


def lines(path):
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return raw.splitlines()


def values(path):
    return [json.loads(line)["valueQuantity"]["value"] for line in lines(path)]


@pytest.fixture
def filled(lake):
    lake.write([observation("a", 1, 1), observation("a", 2, 5), observation("b", 3, 2)], "x", at(9))
    lake.write([Arrival.of(b'{"resourceType":"Patient","id":"p1"}')], "x", at(9))
    return lake


def test_the_versions_in_force_are_written_one_file_per_type(filled, tmp_path):
    assert filled.export(tmp_path / "out") == {"Observation": 2, "Patient": 1}
    assert values(tmp_path / "out" / "Observation.ndjson") == [3, 2]
    assert lines(tmp_path / "out" / "Patient.ndjson") == [b'{"resourceType":"Patient","id":"p1"}']
    assert (tmp_path / "out" / "Patient.ndjson").stat().st_mode & 0o077 == 0


def test_what_was_in_force_at_a_moment_or_every_version_is_written_when_asked(filled, tmp_path):
    assert filled.export(tmp_path / "then", ["Observation"], as_of=at(3)) == {"Observation": 2}
    assert values(tmp_path / "then" / "Observation.ndjson") == [1, 3]
    assert filled.export(tmp_path / "all", ["Observation"], versions=True, gzip=True) == {"Observation": 3}
    assert values(tmp_path / "all" / "Observation.ndjson.gz") == [1, 2, 3]
    with pytest.raises(NotAllowed):
        filled.export(tmp_path / "both", as_of=at(3), versions=True)


def test_a_resource_of_several_lines_becomes_one_line_of_the_same_json(lake, tmp_path):
    pretty = b'{\r\n "resourceType": "Patient",\n "id": "p1", "name": [{"text": "a\\nb  c"}]\n}'
    lake.write([Arrival.of(pretty)], "x", at(1))
    lake.export(tmp_path / "out")
    (line,) = lines(tmp_path / "out" / "Patient.ndjson")
    assert json.loads(line) == json.loads(pretty)


def test_nothing_is_overwritten_and_nothing_half_written_stays(filled, tmp_path):
    (tmp_path / "Patient.ndjson").write_text("mine")
    with pytest.raises(Conflict, match="already"):
        filled.export(tmp_path, ["Patient"])
    assert (tmp_path / "Patient.ndjson").read_text() == "mine"
    with pytest.raises(NotFound, match="Condition"):
        filled.export(tmp_path / "none", ["Condition"])
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable):
        filled.export(tmp_path / "file")

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        filled.export(tmp_path / "broken", ["Observation"], progress=stop)
    assert not list((tmp_path / "broken").glob(".*"))
