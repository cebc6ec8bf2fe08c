"""Folders of files made unrecognisable, whole or not at all."""

import gzip
import json

import pytest

from vesalius.errors import Conflict, UnreadableInput
from vesalius.privacy.extracts import Extract, Report, files, lines


def test_lines_come_out_in_the_order_of_their_keys_not_of_their_coming(tmp_path):
    with Extract(tmp_path / "out", Report("a", 1)) as extract:
        for key in ("c", "a", "b"):
            extract.line("Patient.ndjson", key, f'"{key}"'.encode(), {"ids": 1})
    assert (tmp_path / "out" / "Patient.ndjson").read_bytes() == b'"a"\n"b"\n"c"\n'
    report = json.loads((tmp_path / "out" / "report.json").read_bytes())
    assert (report["written"], report["changed"]) == (3, {"ids": 3})


def test_what_fails_half_way_leaves_nothing(tmp_path):
    def fail():
        with Extract(tmp_path / "out") as extract:
            extract.line("a.ndjson", "1", b"{}", {})
            extract.hold("in.ndjson", 1, "is not JSON")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not list(tmp_path.iterdir())


def test_what_a_crash_left_is_cleared_and_a_folder_that_is_there_is_kept(tmp_path):
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "old").write_text("x", encoding="utf-8")
    with Extract(tmp_path / "out") as extract:
        extract.file("a.txt", b"1", {})
        extract.file("a.txt", b"2", {})
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-2.txt", "a.txt", "report.json"]
    with pytest.raises(Conflict):
        Extract(tmp_path / "out")


def test_files_are_found_and_a_damaged_one_is_named_by_its_damage(tmp_path):
    with pytest.raises(UnreadableInput):
        files(tmp_path, ".ndjson")
    (tmp_path / "b.ndjson").write_bytes(b"1\n\n2\n")
    (tmp_path / "a.json").write_bytes(b"{\n}")
    (tmp_path / "c.ndjson.gz").write_bytes(gzip.compress(b"1\n" * 100_000)[:-20])
    found = files(tmp_path, ".ndjson", ".ndjson.gz", ".json")
    assert [path.name for path in found] == ["a.json", "b.ndjson", "c.ndjson.gz"]
    assert list(lines(found[0])) == [(0, b"{\n}")]
    assert list(lines(found[1])) == [(1, b"1\n"), (3, b"2\n")]
    with pytest.raises(UnreadableInput, match="to its end"):
        list(lines(found[2]))
