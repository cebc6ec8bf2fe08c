"""The key of a Reference: DuckDB finds it as Python does, whatever the reference looks like."""

import duckdb
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vesalius.views.fhirpath._outside import reference_key
from vesalius.views.sql._dialect import Dialect

PARTS = [
    "Patient",
    "Group",
    "1",
    "a-b.c",
    "",
    "_history",
    "2",
    "http:",
    "example.org",
    "#p",
    "urn:uuid:7",
    "é",
]
REFERENCES = st.lists(st.sampled_from(PARTS), min_size=1, max_size=6).map("/".join)


@settings(max_examples=120, deadline=None)
@given(st.lists(REFERENCES, min_size=1, max_size=8), st.sampled_from(["", "Patient", "Group"]))
@example(
    ["Patient/1", "Patient/1/", "/Patient/1", "Patient/1/_history/2", "Patient/", "#Patient/1"], "Patient"
)
@example(["Patient/1", "Group/1", "http://example.org/fhir/Patient/1", "urn:uuid:7", "Patientx/1"], "Patient")
@example(["Patient/1", "Group/1", "#p", "", "/", "//", "1", "urn:uuid:7", "http://example.org/Group/2"], "")
def test_duckdb_finds_the_key_that_python_finds(references, wanted):
    text = Dialect().reference_key("reference", "''", wanted)
    found = duckdb.execute(f"SELECT {text} FROM (SELECT unnest($1::VARCHAR[]) AS reference)", [references])
    keys = [key for (key,) in found.fetchall()]
    assert keys == [reference_key({"reference": each}, wanted) for each in references]
