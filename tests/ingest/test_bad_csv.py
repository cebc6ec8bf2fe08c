"""Bad CSV at the boundary: quarantine or a clear message, the good rows land, running again adds nothing."""

import gzip
import resource
import sys

import pytest

from vesalius.errors import UnreadableInput
from vesalius.ingest import Cause, CsvMap, causes, feeds, held, receipts, receive

from .conftest import HEADER, NOW, ROW

GOOD = ROW + "p2;01/01/1950;M;s1;;\n"


def row(patient, **cells):
    values = {
        "born": "18/05/1993",
        "sex": "F",
        "sample": "s1",
        "crp": "5",
        "issued": "01/05/2026 10:30",
    } | cells
    return ";".join([patient, *values.values()]) + "\n"


def test_good_rows_land_with_their_digits(send, lake):
    receipt = send(HEADER + GOOD)
    assert (receipt.read, receipt.written, receipt.unchanged, receipt.quarantined) == (2, 3, 0, 0)
    found = lake.read("Observation/p1-s1-crp")
    assert b'"value":12.50,' in found.body
    assert found.recorded_at.isoformat() == "2026-05-01T08:30:00+00:00"
    assert found.subject == "Patient/p1"
    assert lake.count()["Observation"]["resources"] == 1


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        ("p3;18/05/1993;F;s1\n", Cause.COLUMN_COUNT),
        ("p3;18/05/1993;F;s1;5;01/05/2026 10:30;extra\n", Cause.COLUMN_COUNT),
        (row("p3", crp="5 mg/dL"), Cause.WRONG_UNIT),
        (row("p3", crp="5000"), Cause.OUT_OF_RANGE),
        (row("p3", crp="much"), Cause.BAD_VALUE),
        (row("p3", born="1993-05-18"), Cause.BAD_VALUE),
        (row("p3", born="31/02/1993"), Cause.BAD_VALUE),
        (row("p3", issued="yesterday"), Cause.BAD_VALUE),
        (row("p3", sex="X"), Cause.UNMAPPED_VALUE),
        (row(""), Cause.MISSING_VALUE),
        (row("p 3"), Cause.INVALID_RESOURCE),
        (row("p3", born="18/05/2093"), Cause.FUTURE_DATE),
        (row("p3", issued="01/05/2027 10:30"), Cause.FUTURE_DATE),
        (row("p1", born="19/05/1993", sample="s2"), Cause.BIRTH_DATE_CONFLICT),
        (row("p1", crp="99"), Cause.CONFLICTING_ROW),
        ('p3;"18/05/1993;F;s1;5;01/05/2026 10:30\n', Cause.MALFORMED),
        ('p3;"18/05/1993"x;F;s1;5;01/05/2026 10:30\n', Cause.MALFORMED),
        ("p3;\x00;F;s1;5;01/05/2026 10:30\n", Cause.BAD_VALUE),
        (b"p3;18/05/1993;F;s\xe9;5;01/05/2026 10:30\n", Cause.UNDECODABLE),
    ],
)
def test_a_bad_row_is_held_with_its_bytes_and_the_good_rows_land(send, lake, bad, cause):
    bad = bad if isinstance(bad, bytes) else bad.encode()
    first, second = GOOD.encode().splitlines(keepends=True)
    data = HEADER.encode() + first + bad + second
    receipt = send(data)
    assert (receipt.read, receipt.written, receipt.quarantined) == (3, 3, 1)
    (item,) = held(lake.engine)
    assert (item.cause, item.raw, item.place) == (cause, bad, "line 3")
    assert item.words
    assert causes(lake.engine) == {cause.value: 1}
    position = lake.position()
    again = send(data)
    assert (again.repeated, again.written) == (True, 0)
    assert (lake.position(), len(held(lake.engine))) == (position, 1)


def test_a_truncated_file_loses_its_last_row_only(send, lake):
    receipt = send((HEADER + GOOD)[:-4])
    assert (receipt.read, receipt.written, receipt.quarantined) == (2, 2, 1)
    assert held(lake.engine)[0].cause == Cause.COLUMN_COUNT


def test_each_feed_says_how_much_it_brought_and_when_it_last_did(send, lake):
    receipt = send(HEADER + GOOD)
    send(HEADER + GOOD.splitlines(keepends=True)[0])
    (feed,) = feeds(lake.engine)
    assert (feed.source, feed.files, feed.read, feed.last) == (receipt.source, 2, 3, receipt.received_at)


def test_a_missing_column_refuses_the_whole_file_and_the_receipt_says_so(send, lake):
    data = (HEADER + GOOD).replace("crp", "CRP")
    for _ in range(2):
        with pytest.raises(UnreadableInput, match="no column 'crp', which laboratory"):
            send(data)
    assert lake.position() == 0
    (receipt,) = receipts(lake.engine)
    assert receipt.status == "refused"
    assert "'crp'" in receipt.words


def test_a_column_that_is_there_twice_refuses_the_whole_file(send, lake):
    with pytest.raises(UnreadableInput, match="two columns 'crp'"):
        send("crp;" + HEADER + "1;" + ROW)
    assert lake.position() == 0


@pytest.mark.parametrize("data", ["", "\n\n", "\ufeff"])
def test_an_empty_file_is_refused(send, data):
    with pytest.raises(UnreadableInput, match="empty"):
        send(data)


def test_a_header_alone_is_no_error(send):
    assert send(HEADER).read == 0


def test_the_same_row_twice_is_counted_unchanged(send, lake):
    receipt = send(HEADER + ROW + ROW)
    assert (receipt.read, receipt.written, receipt.unchanged, receipt.quarantined) == (2, 2, 2, 0)
    assert lake.position() == 2


def test_byte_order_mark_carriage_returns_and_quoted_lines_are_understood(send):
    data = "\ufeff" + (HEADER + ROW).replace("\n", "\r\n") + 'p2;01/01/1950;M;"a\r\nb";;\r\n\r\n'
    receipt = send(data)
    assert (receipt.read, receipt.written, receipt.quarantined) == (2, 3, 0)


def test_a_quote_that_never_closes_costs_its_own_line_only(send):
    rows = "".join(row(f"p{number}") for number in range(300))
    receipt = send(HEADER + 'q;"open;F;s1;5;01/05/2026 10:30\n' + rows)
    assert (receipt.read, receipt.written, receipt.quarantined) == (301, 600, 1)


def test_a_patient_keeps_the_first_birth_date(send, lake):
    send(HEADER + ROW)
    receipt = send(HEADER + row("p1", born="19/05/1993", sample="s2", crp="7"), name="later.csv")
    assert (receipt.written, receipt.quarantined) == (0, 1)
    (item,) = held(lake.engine)
    assert item.cause == Cause.BIRTH_DATE_CONFLICT
    assert "1993" not in item.words
    assert lake.read("Patient/p1").resource["birthDate"] == "1993-05-18"


def test_a_line_of_ten_megabytes_is_refused_in_constant_memory(send, lake, csv_map, tmp_path):
    first, second = GOOD.encode().splitlines(keepends=True)
    path = tmp_path / "results.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(HEADER.encode() + first)
        for _ in range(8):
            file.write(b"p3;")
            for _ in range(100):
                file.write(b"x" * 100_000)
            file.write(b";F;s1;5;01/05/2026 10:30\n")
        file.write(second)
    send(HEADER.encode() + first, name="warm.csv")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    receipt = receive(lake, path.name, path, source="laboratory", csv_map=csv_map, received_at=NOW)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert (receipt.read, receipt.quarantined) == (10, 8)
    assert lake.read("Patient/p2")
    assert {item.cause for item in held(lake.engine)} == {Cause.TOO_LONG}
    assert all(len(item.raw) == 65_536 for item in held(lake.engine))
    assert "10000028 bytes" in held(lake.engine)[0].words
    if sys.platform == "linux":
        assert grown < 64 * 1024  # kilobytes: less than the 80 MB that went through


@pytest.mark.parametrize(("cut", "landed"), [(30, False), (-8, True)])
def test_a_damaged_gzip_file_says_so_and_keeps_what_came_before(send, lake, cut, landed):
    rows = "".join(row(f"p{number}") for number in range(2_000))
    receipt = send(gzip.compress((HEADER + rows).encode())[:cut], name="results.csv.gz")
    assert receipt.quarantined == 1
    assert bool(receipt.written) == landed
    assert held(lake.engine)[0].cause == Cause.TRUNCATED


def test_a_file_without_map_or_of_unknown_format_is_refused(send, lake):
    with pytest.raises(UnreadableInput, match="needs a map"):
        send(HEADER + ROW, csv_map=None)
    with pytest.raises(UnreadableInput, match="format"):
        send(HEADER + ROW, name="results")
    assert lake.position() == 0
    (receipt,) = receipts(lake.engine)
    assert (receipt.name, receipt.status) == ("results", "refused")


def test_latin_1_is_read_when_the_map_says_so(send, lake):
    text = """
encoding = "iso-8859-15"
[[resource]]
[resource.body]
resourceType = "Patient"
id = "{id}"
name = [{ family = "{name}" }]
"""
    send("id,name\n1,Noël\n".encode("iso-8859-15"), csv_map=CsvMap.parse(text))
    assert lake.read("Patient/1").resource["name"] == [{"family": "Noël"}]


def test_no_patient_data_reaches_the_log(send, caplog):
    caplog.set_level("DEBUG")
    send(HEADER + row("Vandenberghe", sex="Q") + row("Vandenberghe"))
    assert "Vandenberghe" not in caplog.text
