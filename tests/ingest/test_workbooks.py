"""Workbooks and Parquet files through the same map as CSV, and what is refused of them."""

import contextlib
import gzip
import io
import json
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.errors import UnreadableInput
from vesalius.ingest import CsvMap, causes, excel, held, retry, typed

from .conftest import MAP, NOW
from .workbooks import Error, ods, xlsx

HEADER = ["patient", "born", "sex", "sample", "crp", "issued"]
ROWS = [
    HEADER,
    ["p1", date(1993, 5, 18), "F", "s1", 12.5, datetime(2026, 5, 1, 10, 30)],
    [],
    ["p2", date(1950, 2, 1), "M", 7, "<5", datetime(2026, 5, 1, 10, 45)],
]


@pytest.fixture
def csv_map_of_sheets():
    return CsvMap.parse(MAP, "laboratory.toml")


def sent(send, data, name="results.xlsx", text=MAP, **options):
    return send(data, name=name, csv_map=CsvMap.parse(text, "laboratory.toml"), **options)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("results.xlsx", xlsx(("Results", ROWS))),
        ("results.XLSM", xlsx(("Results", ROWS))),
        ("results.xlsx", xlsx(("Results", ROWS), date1904=True)),
        ("results.ods", ods(("Results", ROWS))),
        ("results.xlsx.gz", gzip.compress(xlsx(("Results", ROWS)))),
        ("without-ending", xlsx(("Results", ROWS))),
    ],
)
def test_a_sheet_becomes_what_the_same_csv_file_becomes(send, lake, name, data):
    receipt = sent(send, data, name)
    assert (receipt.format, receipt.read, receipt.written, receipt.quarantined) == ("excel", 2, 4, 0)
    text = (
        ";".join(HEADER)
        + "\np1;18/05/1993;F;s1;12.5;01/05/2026 10:30\np2;01/02/1950;M;7;<5;01/05/2026 10:45\n"
    )
    again = send(text)
    assert (again.written, again.unchanged) == (0, 4)
    assert lake.read("Patient/p1").resource["birthDate"] == "1993-05-18"


def test_a_parquet_file_becomes_what_the_same_csv_file_becomes(send, lake):
    columns = {name: [row[place] for row in (ROWS[1], ROWS[3])] for place, name in enumerate(HEADER)}
    columns["sample"] = ["s1", "7"]
    columns["crp"] = pa.array([Decimal("12.5"), None])
    columns["issued"] = pa.array(
        [moment.replace(tzinfo=UTC) for moment in columns["issued"]], pa.timestamp("ns", "UTC")
    )
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    receipt = sent(send, out.getvalue(), "results.parquet")
    assert (receipt.format, receipt.read, receipt.written, receipt.quarantined) == ("parquet", 2, 3, 0)
    assert lake.read("Observation/p1-s1-crp").resource["issued"] == "2026-05-01T12:30:00+02:00"


def test_numbers_lose_the_noise_of_their_last_bits_and_keep_their_size(send, lake):
    rows = [HEADER, ["p1", None, None, 123456789012, 0.1 + 0.2, datetime(2026, 5, 1)]]
    sent(send, xlsx(("A", rows)))
    assert lake.read("Observation/p1-123456789012-crp").resource["valueQuantity"]["value"] == Decimal("0.3")


def test_an_error_in_a_cell_holds_the_row_and_not_available_says_nothing(send, lake):
    rows = [
        HEADER,
        ["p1", None, None, "s1", Error("#DIV/0!"), None],
        ["p2", None, None, "s2", Error("#N/A"), None],
    ]
    receipt = sent(send, xlsx(("A", rows)))
    assert (receipt.read, receipt.quarantined) == (2, 1)
    (item,) = held(lake.engine)
    assert (item.place, item.words) == ("row 2", "column 'crp' holds an error of the spreadsheet")
    assert json.loads(item.raw)[4] == {"error": "#DIV/0!"}
    assert {kind: count["resources"] for kind, count in lake.count().items()} == {"Patient": 1}


def test_a_held_row_is_tried_again_through_a_map_with_another_form_of_date(send, lake):
    rows = [HEADER, ["p1", date(1993, 5, 18), "X", "s1", 12.5, datetime(2026, 5, 1, 10, 30)]]
    sent(send, xlsx(("A", rows)))
    assert causes(lake.engine) == {"unmapped-value": 1}
    mended = MAP.replace('F = "female"', 'F = "female"\nX = "other"').replace("%d/%m/%Y", "%Y.%m.%d", 1)
    assert retry(lake, given=CsvMap.parse(mended), received_at=NOW).written == 2
    assert lake.read("Patient/p1").resource["birthDate"] == "1993-05-18"


def test_the_map_names_the_sheet_and_the_row_of_the_header(send, lake):
    rows = [["Laboratory of the hospital"], ["printed", date(2026, 5, 2)], *ROWS]
    data = xlsx(("Cover", [["hello"]]), ("Results", rows))
    receipt = sent(send, data, text='sheet = "Results"\nheader_row = 3\n' + MAP)
    assert (receipt.read, receipt.written) == (2, 4)
    with pytest.raises(UnreadableInput, match="no sheet 'Other'") as refused:
        sent(send, data, text='sheet = "Other"\n' + MAP)
    assert "'Cover', 'Results'" in refused.value.hint
    receipt = send(
        "a title\n\n" + ";".join(HEADER) + "\np9;;;;;\n", csv_map=CsvMap.parse("header_row = 2\n" + MAP)
    )
    assert receipt.written == 1


def test_hidden_sheets_are_passed_over(send, lake):
    receipt = sent(send, xlsx(("Codes", [["x"]]), ("Results", ROWS), hidden=["Codes"]))
    assert receipt.read == 2


def with_part(data, name, change):
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as before,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after,
    ):
        for each in before.namelist():
            content = before.read(each)
            after.writestr(each, change(content) if each == name else content)
    return out.getvalue()


def far_cell(xml):
    return xml.replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')


def unplaced_error(xml):
    return xml.replace(b"</sheetData>", b'<row r="9"><c t="e"><v>#DIV/0!</v></c></row></sheetData>')


def before_its_beginning(data):
    """A package whose list of parts points before the first of them."""
    place = data.index(b"PK\x01\x02")
    end = data.rindex(b"PK\x05\x06")
    cut = data[40:place] + data[place:end] + data[end : end + 16] + (place + 17).to_bytes(4, "little")
    return b"PK\x03\x04" + cut[4:] + data[end + 20 :]


WHOLE = xlsx(("A", ROWS))
SHEET = "xl/worksheets/sheet1.xml"
PLACE = WHOLE.index(SHEET.encode()) + len(SHEET) + 40
FLIPPED = WHOLE[:PLACE] + bytes([WHOLE[PLACE] ^ 0xFF]) + WHOLE[PLACE + 1 :]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04 and then nothing", "damaged"),
        (WHOLE[: len(WHOLE) // 2], "damaged"),
        (FLIPPED, "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 2000, "cannot be read"),
        (b"", "cannot be read"),
        (b"just text", "cannot be read"),
        (with_part(WHOLE, SHEET, lambda _: b"<worksheet"), "cannot be read|empty"),
        (with_part(WHOLE, "xl/workbook.xml", lambda _: b"<x"), "damaged"),
        (with_part(WHOLE, SHEET, far_cell), "too large a rectangle"),
        (xlsx(("A", [])), "empty"),
        (xlsx(("A", [["patient"]])), "no column"),
        (xlsx(("A", [[*HEADER, "crp"]])), "two columns"),
        (ods(("A", [])), "empty"),
        (before_its_beginning(WHOLE), "damaged"),
        (with_part(WHOLE, SHEET, unplaced_error), "does not say where"),
    ],
)
def test_a_workbook_that_cannot_be_read_is_refused_whole(send, lake, data, words):
    with pytest.raises(UnreadableInput, match=words):
        sent(send, data)
    assert not lake.count()


def test_a_spreadsheet_of_repeated_rows_is_refused(send):
    def repeated(xml):
        row = b'<table:table-row table:number-rows-repeated="1000000"><table:table-cell table:number-columns-repeated="1000" office:value-type="float" office:value="1"/></table:table-row>'
        return xml.replace(b"</table:table>", row + b"</table:table>")

    with pytest.raises(UnreadableInput, match="too large"):
        sent(send, with_part(ods(("A", ROWS)), "content.xml", repeated), "results.ods")


def test_a_workbook_that_unpacks_to_too_much_is_refused(send, monkeypatch):
    monkeypatch.setattr("vesalius.ingest._workbooks.UNPACKED", 1_000_000)
    bomb = with_part(WHOLE, "xl/styles.xml", lambda xml: xml + b" " * 2_000_000)
    assert len(bomb) < 10_000
    with pytest.raises(UnreadableInput, match="too large"):
        sent(send, bomb)


def test_entities_of_a_workbook_are_not_resolved(send, lake, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("top secret")
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'.encode()

    def change(xml):
        return entity + xml.replace(b"p1", b"&e;")

    try:
        sent(send, with_part(WHOLE, SHEET, change))
    except UnreadableInput:
        return
    assert not any("secret" in str(version.resource) for version in [lake.read("Patient/p2")] if version)


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" + b"\x00" * 100 + b"PAR1", b"a;b\n1;2\n"])
def test_a_parquet_file_that_cannot_be_read_is_refused_whole(send, lake, data):
    with pytest.raises(UnreadableInput, match="not a Parquet file"):
        sent(send, data, "results.parquet")
    assert not lake.count()


def test_a_workbook_without_a_map_is_refused(send):
    with pytest.raises(UnreadableInput, match="needs a map"):
        send(WHOLE, name="results.xlsx")


JSON = (
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.text()
    | st.floats()
    | st.dates()
    | st.datetimes()
    | st.binary()
)


@given(st.lists(JSON, max_size=6))
def test_any_row_becomes_one_line_and_texts(values):
    raw = typed.encode(values)
    assert b"\n" not in raw
    header = [f"c{place}" for place in range(len(values))]
    csv_map = CsvMap.parse('[[resource]]\nbody = { resourceType = "Basic", id = "x" }')
    assert typed.texts(raw, csv_map, header) == [""] * len(values)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(data):
    with contextlib.suppress(UnreadableInput):
        assert isinstance(list(excel.rows(io.BytesIO(data))), list)


@given(st.binary(max_size=100))
def test_any_held_bytes_are_judged(raw):
    csv_map = CsvMap.parse('[[resource]]\nbody = { resourceType = "Basic", id = "{a}" }')
    (item,) = typed.again(raw, "row 1", {"header": ["a"], "row": 1}, csv_map)
    assert item.raw == raw


@pytest.mark.parametrize("raw", [b"[" * 5000, b"[1e99999999]", b"{}", b"null"])
def test_a_file_of_rows_whose_first_line_names_no_columns_is_refused(csv_map_of_sheets, raw):
    with pytest.raises(UnreadableInput):
        list(typed.read(io.BytesIO(raw + b"\n[1]\n"), csv_map_of_sheets))


@pytest.mark.parametrize("moment", ['"2026-13-01"', '"1993-05-18T0:00:00"', "5", "null"])
def test_a_date_that_does_not_exist_holds_the_row(csv_map_of_sheets, moment):
    raw = b'["p1",{"date":' + moment.encode() + b'},"F","s1",1,null]'
    (item,) = typed.again(raw, "row 1", {"header": HEADER, "row": 1}, csv_map_of_sheets)
    assert item.fault.cause == "bad-value"
    assert item.raw == raw
