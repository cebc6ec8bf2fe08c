"""The test bundles of the Belgian laboratory guide: all of them come in, and their local codes are mapped once.

Run with ``-s`` it prints the table of ``docs/engineer/terminology.md``.
"""

import gzip
import io
import json
from collections import Counter

import pytest
from lab import at

from vesalius import fhir, ingest, terminology
from vesalius.fhir import belgium
from vesalius.lake import Lake
from vesalius.store import open_store
from vesalius.terminology import TEXT, Decision, decide, worklist

ENTRIES = {"lab_bundles": 1_485, "ig_examples": 79}
"""How many entries the 46 test bundles and the 4 examples hold."""


@pytest.fixture(scope="module")
def received(shared_data, tmp_path_factory):
    """A lake with all of them, and how many entries each file held."""
    folder = tmp_path_factory.mktemp("be-lab")
    engine = open_store(f"sqlite:///{folder / 'log.sqlite'}")
    lake, read = Lake(engine, folder / "columns"), Counter()
    for name in ENTRIES:
        for line in gzip.decompress(
            (shared_data / "be-lab-fhir" / f"{name}.ndjson.gz").read_bytes()
        ).splitlines():
            kept = json.loads(line)
            body = io.BytesIO(json.dumps(kept["bundle"]).encode())
            done = ingest.receive(
                lake, kept["file"][-80:], body, source="be-lab", format="bundle", received_at=at(24)
            )
            read[name] += done.read
    yield lake, read
    engine.dispose()


def test_every_entry_is_written_or_held_with_its_reason(received):
    lake, read = received
    assert read == ENTRIES
    total = Counter()
    for receipt in ingest.receipts(lake.engine):
        assert receipt.status == "complete"
        total.update({name: getattr(receipt, name) for name in ("written", "unchanged", "quarantined")})
    # two of the test scenarios send one and the same bundle, of 68 entries: the second time it adds nothing
    assert sum(total.values()) == sum(ENTRIES.values()) - 68
    assert len(ingest.receipts(lake.engine)) == 49
    # The guide's examples refer to entries that are in none of its bundles; one patient has two birth dates.
    causes = {"invalid-resource": 1, "unresolved-reference": 10, "birth-date-conflict": 1}
    assert ingest.causes(lake.engine) == causes
    (invalid,) = ingest.held(lake.engine, cause="invalid-resource")
    assert invalid.words.startswith("Media.status: is not one of ")


def test_references_between_entries_lead_to_resources(received):
    lake, _ = received
    assert not [
        name
        for type_ in lake.count()
        for version in lake.resources(type_)
        for name in fhir.references(version.resource)
        if name.startswith("urn:") and type_ != "Bundle"
    ]
    report = next(each for each in lake.resources("DiagnosticReport") if "ex01" in each.id)
    for reference in fhir.references(report.resource):
        assert lake.read(reference), reference


def test_a_number_that_fails_its_check_is_told_apart_and_its_patient_taken_in(received):
    lake, _ = received
    numbers = {
        identifier["value"]: belgium.niss_is_valid(identifier["value"])
        for version in lake.resources("Patient")
        for identifier in version.resource.get("identifier", ())
        if identifier.get("system", "").endswith("/ssin") and "value" in identifier
    }
    assert numbers["11111102504"] is False
    assert sum(numbers.values()) > len(numbers) / 2


def test_mapping_the_most_frequent_codes_once_codes_them_in_all_data(received, capsys):
    lake, _ = received
    terminology.refresh(lake)
    before = worklist(lake.engine, kind="Observation.code")
    count, position = lake.count()["Observation"], lake.position()
    for each in before.open[:20]:
        by = {"by": "vermeulen", "reason": "a test"}
        wanted = {"target_system": "http://loinc.org", "target_code": "26436-6"}
        made = Decision(
            system=each.key.system, code=each.key.code, kind=each.key.kind, unit=each.key.unit, **wanted
        )
        decide(lake.engine, made, **by)
    recoded = terminology.apply(lake)
    after = worklist(lake.engine, kind="Observation.code")
    curve = before.curve()
    assert after.whole.after == pytest.approx(curve[20])
    assert before.whole.before == pytest.approx(0.608, abs=0.001)
    found = Counter(
        bool(terminology.concepts.coded("Observation.code", version.resource["code"].get("coding", [])))
        for version in lake.pinned(lake.position()).resources("Observation")
    )
    assert found[True] / found.total() > before.whole.before
    assert lake.count()["Observation"]["resources"] == count["resources"]
    assert lake.count()["Observation"]["versions"] == count["versions"] + recoded
    assert lake.pinned(position).count()["Observation"] == count
    with capsys.disabled():
        table(lake, before, curve)


def table(lake, before, curve) -> None:
    """The table of the documentation."""
    words = sum(each.count for each in before.entries if each.key.system == TEXT) + before.hidden
    print(f"\n| entries received | {sum(ENTRIES.values()):,} |")
    print(
        f"| held: {', '.join(f'{name} {number}' for name, number in ingest.causes(lake.engine).items())} | {sum(ingest.causes(lake.engine).values())} |"
    )
    print(
        f"| observations in the lake; their codes as they came | {lake.count()['Observation']['resources']}; {before.whole.total} |"
    )
    print(f"| with a standard code | {before.whole.standard} ({before.whole.before:.1%}) |")
    print(f"| with words only | {words} |")
    for number in (20, 50, 100):
        print(f"| with the {number} most frequent local codes mapped | {curve[number]:.1%} |")
