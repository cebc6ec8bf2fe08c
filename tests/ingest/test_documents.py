"""What holds for every document, KMEHR and C-CDA: valid, whole, the same each time, and never lost."""

import gzip
import io
import json
from base64 import b64decode
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from vesalius import fhir
from vesalius.errors import InvalidResource, UnreadableInput
from vesalius.ingest import Cause, ccda, held, kmehr, receive, retry

from .pairs import READERS, items, paths, resources

NOW = datetime(2025, 3, 5, tzinfo=UTC)
PAIRS = [(reader, path) for reader in READERS for path in paths(reader)]
NAMES = [f"{reader}-{path.stem}" for reader, path in PAIRS]

each = pytest.mark.parametrize(("reader", "path"), PAIRS, ids=NAMES)


@each
def test_a_document_becomes_what_its_pair_says(reader, path):
    assert resources(reader, path) == json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


@each
def test_every_resource_is_valid_and_refers_to_what_is_there(reader, path):
    found = [one.resource for item in items(reader, path) for one in item.found]
    for one in found:
        fhir.check(one)
    there = {f"{one['resourceType']}/{one['id']}" for one in found}
    contained = {f"#{inside['id']}" for one in found for inside in one.get("contained", [])}
    assert {name for one in found for name in fhir.references(one)} <= there | contained


@each
def test_every_resource_says_when_it_was_known_and_never_later_than_its_document(reader, path):
    found = [one.resource for item in items(reader, path) for one in item.found]
    for one in found:
        known = fhir.recorded(one)
        assert known is not None, one["resourceType"]
        assert known <= datetime(2025, 3, 4, 7, 30, tzinfo=UTC)


@each
def test_each_item_can_be_read_again_by_itself(reader, path):
    for item in items(reader, path):
        (again,) = READERS[reader].again(item.raw, item.place, json.loads(json.dumps(dict(item.context))))
        assert again.place == item.place
        assert [one.body for one in again.found] == [one.body for one in item.found]


@each
def test_the_format_is_told_by_the_content(lake, reader, path):
    raw = path.read_bytes()
    for number, sent in enumerate(
        (raw, gzip.compress(raw), raw.decode().replace("UTF-8", "UTF-16").encode("utf-16"))
    ):
        receipt = receive(lake, f"{number}.xml", io.BytesIO(sent), source="hub", received_at=NOW)
        assert (receipt.format, receipt.quarantined) == (reader, 0)


@each
def test_sent_again_it_adds_nothing(lake, reader, path):
    raw = path.read_bytes()
    first = receive(lake, "one.xml", io.BytesIO(raw), source="hub", received_at=NOW)
    other = raw.replace(b"\n", b"\n ", 1)  # the same document in another file
    second = receive(lake, "two.xml", io.BytesIO(other), source="hub", received_at=NOW)
    assert first.written > 0
    # Of C-CDA the original is kept byte for byte: of other bytes, another version.
    assert second.written == (1 if reader == "ccda" else 0)


def test_the_two_formats_speak_of_the_same_patient_by_the_same_id():
    found = {
        one["id"]
        for reader, path in PAIRS
        for one in resources(reader, path)
        if one["resourceType"] == "Patient"
    }
    assert len(found) == 1


def test_another_kind_of_xml_is_not_taken_for_either(lake):
    with pytest.raises(UnreadableInput):
        receive(lake, "note.xml", io.BytesIO(b"<note>hello</note>"), source="hub")


def test_a_document_that_does_not_say_whom_it_is_about_is_held_whole_and_stays_so(lake):
    raw = next(path for reader, path in PAIRS if path.stem == "sumehr_fr").read_bytes()
    broken = raw.replace(b'<id S="INSS" SV="1.0">50010200027</id>', b"")
    receipt = receive(lake, "one.xml", io.BytesIO(broken), source="hub", received_at=NOW)
    (kept,) = held(lake.engine)
    assert (receipt.written, kept.cause, kept.raw) == (0, Cause.NO_ID, broken)
    tried = retry(lake, received_at=NOW)
    assert (tried.items, tried.released) == (1, 0)


# -- mutations: nothing crashes, nothing hangs, nothing is lost

VALUES = (
    "",
    "x",
    "-1",
    "1e400",
    "NaN",
    "9" * 40,
    "2016-13-45",
    "0001-01-01",
    "1850-01-01",
    "é&<",
    "T",
    "1.00",
    "20129999",
)
ATTRIBUTES = (
    "",
    "CD-X",
    "LOCAL",
    "2.16.840.1.113883.6.1",
    "PQ",
    "TS",
    "IVL_PQ",
    "99999999",
    "true",
    "active",
)

moves = st.lists(
    st.tuples(
        st.sampled_from(["drop", "text", "attribute", "copy"]), st.integers(0, 10_000), st.integers(0, 10_000)
    ),
    min_size=1,
    max_size=6,
)
QUICK = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def mutated(raw, changes):
    root = etree.fromstring(raw)
    for move, where, what in changes:
        elements = list(root.iter("{*}*"))
        element = elements[where % len(elements)]
        if move == "drop" and element is not root:
            element.getparent().remove(element)
        elif move == "text":
            element.text = VALUES[what % len(VALUES)]
        elif move == "attribute" and element.attrib:
            name = sorted(element.attrib)[what % len(element.attrib)]
            element.set(name, ATTRIBUTES[where % len(ATTRIBUTES)])
        elif move == "copy":
            target = elements[what % len(elements)]
            target.append(etree.fromstring(etree.tostring(element, with_tail=False)))
    return etree.tostring(root)


def whole(reader, raw):
    """Every part of a document is read or held with its bytes, and each can be read again."""
    found = list(reader.read(io.BytesIO(raw)))
    assert found
    for item in found:
        assert item.raw
        assert item.found or item.fault
        again = reader.again(item.raw, item.place, dict(item.context))
        if not item.fault:
            assert [one.body for one in again[0].found] == [one.body for one in item.found]
        for one in item.found:
            wrong = problem(one.body)
            assert (
                not wrong or "is missing" in wrong
            )  # what the sender left out; nothing that we made wrongly


def problem(body):
    try:
        fhir.check(body)
    except InvalidResource as error:
        return str(error)
    return ""


@each
@QUICK
@given(changes=moves)
def test_a_changed_document_is_read_or_held(reader, path, changes):
    whole(READERS[reader], mutated(path.read_bytes(), changes))


@each
@QUICK
@given(data=st.data())
def test_damaged_bytes_are_read_or_held(reader, path, data):
    raw = bytearray(path.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=5)):
        raw[place] = data.draw(st.integers(0, 255))
    whole(READERS[reader], bytes(raw))


@each
@QUICK
@given(cut=st.integers(1, 100_000))
def test_a_document_that_breaks_off_is_held_whole(reader, path, cut):
    raw = path.read_bytes().rstrip()
    part = raw[: cut % (len(raw) - 1) + 1]
    (item,) = READERS[reader].read(io.BytesIO(part))
    assert item.raw == part
    assert item.fault.cause in {Cause.MALFORMED, Cause.UNDECODABLE}  # in the middle of a letter


@pytest.mark.parametrize("reader", [kmehr, ccda])
@QUICK
@given(raw=st.binary(max_size=200))
def test_any_bytes_are_held(reader, raw):
    found = list(reader.read(io.BytesIO(raw)))
    assert bool(found) == bool(raw.strip())
    assert all(item.fault and item.raw == raw for item in found)


@pytest.mark.data
def test_no_byte_of_a_clinical_document_is_lost(shared_data):
    for path in sorted((shared_data / "ccda-samples").glob("*.xml.gz")):
        raw = gzip.decompress(path.read_bytes())
        (item,) = ccda.read(io.BytesIO(raw))
        (kept,) = [one.resource for one in item.found if one.resource["resourceType"] == "DocumentReference"]
        assert b64decode(kept["content"][0]["attachment"]["data"]) == raw
