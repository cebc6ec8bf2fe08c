"""Real-sized FHIR: what comes out equals what went in, decimals keep their digits, again adds nothing."""

import gzip
import io
import re

import pytest

from vesalius import fhir
from vesalius.ingest import receive

pytestmark = pytest.mark.data


@pytest.mark.parametrize(
    ("kind", "count"), [("Patient", 615), ("Observation", 3_000), ("Immunization", 2_000)]
)
def test_what_comes_out_is_what_went_in(lake, shared_data, kind, count):
    with gzip.open(shared_data / "synthea-r4" / f"{kind}.ndjson.gz") as file:
        given = [line for _, line in zip(range(count), file, strict=False)]
    receipt = receive(lake, f"{kind}.ndjson", io.BytesIO(b"".join(given)), source="synthea")
    assert (receipt.read, receipt.written, receipt.quarantined) == (count, count, 0)
    kept = {version.id: version.body for version in lake.resources(kind)}
    assert len(kept) == count
    for line in given:
        assert kept[fhir.load(line)["id"]] == line.rstrip()
        numbers = re.findall(rb'"value":(-?[\d.eE+-]+)', line)
        assert re.findall(rb'"value":(-?[\d.eE+-]+)', fhir.dump(fhir.load(line))) == numbers
    again = receive(lake, f"{kind}-again.ndjson", io.BytesIO(b"".join(given) + b"\n"), source="synthea")
    assert (again.written, again.unchanged, again.repeated) == (0, count, False)


def test_a_resource_that_is_repeated_in_a_file_is_kept_once_per_content(lake, shared_data):
    receipt = receive(
        lake, "o.ndjson.gz", shared_data / "synthea-r4" / "Organization.ndjson.gz", source="synthea"
    )
    assert receipt.read == 1093
    assert lake.count()["Organization"]["resources"] == 102
    assert receipt.written + receipt.unchanged == 1093
