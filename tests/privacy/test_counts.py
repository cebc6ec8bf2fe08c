"""How many people something is about: told as it is, unless they are few."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.privacy.counts import SMALLEST, small, told
from vesalius.privacy.extracts import Extract


@given(st.integers(0, 10_000))
def test_a_few_are_never_told_and_nobody_and_many_are(count):
    assert small(count) == (0 < count < SMALLEST)
    assert told(count) == ("<12" if small(count) else str(count))


@pytest.mark.parametrize(("patients", "said"), [(0, "0"), (1, "<12"), (11, "<12"), (12, "12")])
def test_an_extract_says_how_many_refused_and_not_what_of_theirs(tmp_path, patients, said):
    with Extract(tmp_path / "out") as extract:
        extract.line("Observation.ndjson", "k", b"{}", {})
        for number in range(patients):
            extract.refuse("in.ndjson", 2 * number, [f"Patient/p{number}"])
            extract.refuse("in.ndjson", 2 * number + 1, [f"Patient/p{number}"])
    report = json.loads((tmp_path / "out" / "report.json").read_bytes())
    assert report["left_out"] == said
    assert (report["read"], report["written"], report["held"]) == (1, 1, {})
    listed = tmp_path / "out.held.ndjson"
    assert len(listed.read_bytes().splitlines() if listed.exists() else []) == 2 * patients
    assert "Patient/" not in json.dumps(report), "nothing of a patient in what leaves"
