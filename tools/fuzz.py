"""Feeds damaged files to the readers: no crash, no hang, no lost byte.

    .venv/bin/python tools/fuzz.py [FORMAT …] [--seconds 600] [--seed N] [--samples FOLDER]

For each format it takes small seeds of its own and, where FOLDER holds any (``VESALIUS_DATA``), real samples;
it damages them (bits, bytes, cuts, repeats, splices of two, tokens of the format) and checks what the reader
makes of each:

- only ``UnreadableInput`` (the file is refused whole) may leave it, or a fault that says where it breaks off;
- it ends within :data:`LIMIT` seconds;
- every byte of the input is blank, lies in the original bytes of an item, or belongs to what the format calls
  its frame (a header line, the envelope of a bundle); of workbooks and Parquet files, whose bytes are packed,
  what is kept of each row gives the same resources, or the same fault, when it is read again;
- each resource that it found either passes the structural check or is refused by it in words;
- one case in fifty goes the whole way into a lake, twice: the second time nothing is new.

Workbooks are damaged as they are, and in their parts (unpacked, damaged, packed again). What libraries in
other languages read is kept in a file beforehand: a crash of theirs ends the process.

It prints how many cases were tried and exits with 1 at the first that fails, after it has written the input
to a file.
"""

from __future__ import annotations

import argparse
import gzip
import io
import os
import random
import signal
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from vesalius import fhir
from vesalius.errors import InvalidResource, UnreadableInput
from vesalius.ingest import CsvMap, receive
from vesalius.ingest._causes import FaultError
from vesalius.ingest._formats import CSV, FORMATS, TABLES, Format, format_of
from vesalius.lake import Lake
from vesalius.store import open_store

LIMIT = 10
"""How long one case may take, in seconds; the largest sample takes a tenth of it."""

LARGEST = 200_000
"""Larger samples are cut to this many bytes: small ones are damaged more often in the same time."""

PARTS = frozenset({"bundle", "kmehr"})
"""Formats whose items are parts of one envelope; those of KMEHR are kept as messages of their own."""

PACKED = frozenset({"excel", "parquet"})
"""Formats whose rows do not stand in the file byte for byte."""

WHOLE_WAY = 50
"""One case in this many is received."""

MAP = CsvMap.parse(
    """
[[resource]]
[resource.body]
resourceType = "Patient"
id = "{patient}"
birthDate = { column = "born", as = "date", format = "%d/%m/%Y" }
gender = { column = "sex", values = "sex" }
[values.sex]
F = "female"
"""
)

PATIENT = b'{"resourceType":"Patient","id":"p1","birthDate":"1950-03-02"}'
MESSAGE = (
    b"MSH|^~\\&|LAB|HOSP|V|H|20260504120000||ORU^R01|1|P|2.5\rPID|1||12^^^HOSP^PI||Peeters^An\r"
    b"OBR|1|||718-7^Hb^LN|||20260504\rOBX|1|NM|718-7^Hb^LN||13.2|g/dL|12-16|N|||F\r"
)
BUNDLE = (
    b'{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":'
    b'{"resourceType":"Patient","id":"p1"},"request":{"method":"POST","url":"Patient"}}]}'
)
KMEHR = (
    b'<?xml version="1.0"?><kmehrmessage xmlns="http://www.ehealth.fgov.be/standards/kmehr/schema/v1">'
    b'<header/><folder><id S="ID-KMEHR" SV="1.0">1</id><patient/></folder></kmehrmessage>'
)
HEADER = ("patient", "born", "sex")
ROWS = (("p1", "18/05/1993", "F"), ("p,2", "01/01/2000", "F"), ('p"3', None, "x"), ("p4", "1.5.1990", None))


def workbook() -> bytes:
    """A small workbook, with a number, a date, a truth and an error among its cells."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    cells = [
        "".join(f'<c t="inlineStr"><is><t>{cell or ""}</t></is></c>' for cell in row)
        for row in (HEADER, *ROWS)
    ]
    cells.append('<c><v>5</v></c><c s="1"><v>34107</v></c><c r="C6" t="e"><v>#DIV/0!</v></c>')
    cells.append('<c t="b"><v>1</v></c><c t="s"><v>0</v></c><c t="s"><v>1</v></c>')
    rows = "".join(f'<row r="{number}">{row}</row>' for number, row in enumerate(cells, 1))
    links = f"{package}/relationships"
    places = {"worksheet": "worksheets/sheet1", "styles": "styles", "sharedStrings": "sharedStrings"}
    related = "".join(
        f'<Relationship Id="r{number}" Type="{office}/{kind}" Target="{place}.xml"/>'
        for number, (kind, place) in enumerate(places.items(), 1)
    )
    styles = '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
    types = '<Default Extension="xml" ContentType="application/xml"/>'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">{types}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{links}"><Relationship Id="r1" Type="{office}/officeDocument"'
        ' Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{office}"><sheets>'
        '<sheet name="A" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{links}">{related}</Relationships>',
        "xl/styles.xml": f"<styleSheet {main}>{styles}</styleSheet>",
        "xl/sharedStrings.xml": f"<sst {main}><si><t>18/05/1993</t></si><si><t>F</t></si></sst>",
        "xl/worksheets/sheet1.xml": f"<worksheet {main}><sheetData>{rows}</sheetData></worksheet>",
    }
    return packed({name: text.encode() for name, text in parts.items()})


def packed(parts: dict[str, bytes]) -> bytes:
    """Parts as one packed file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return out.getvalue()


def parquet() -> Iterator[bytes]:
    """Parquet files of a few hundred rows, packed and not."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: [row[at] for row in ROWS] * 60 for at, name in enumerate(HEADER)}
    columns |= {"many": [[1, None], [], None, [2.5]] * 60, "raw": [b"a", b"\xff", None, b""] * 60}
    for compression in ("none", "snappy", "zstd"):
        out = io.BytesIO()
        pq.write_table(pa.table(columns), out, compression=compression, row_group_size=100)
        yield out.getvalue()


SEEDS: dict[str, list[bytes]] = {
    "excel": [workbook()],
    "parquet": list(parquet()),
    "rows": [
        b'["patient","born","sex"]\n["p1","18/05/1993","F"]\n',
        b'["patient","born","sex"]\n["p2",{"date":"1993-05-18"},{"error":"#N/A"}]\n[4,1.50,true]\n',
        b'["patient","born","sex"]\n["p3",{"dateTime":"1993-05-18T00:00:00"},null]\n[9,{"base64":"/w=="},0]\n',
    ],
    CSV: [b'patient,born,sex\np1,18/05/1993,F\n"p,2",01/01/2000,F\n"p\n3",,F\n'],
    "ndjson": [PATIENT + b'\n{"resourceType":"Patient"}\n'],
    "bundle": [BUNDLE],
    "hl7v2": [MESSAGE],
    "kmehr": [KMEHR],
    "ccda": [
        b'<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><title>x</title></ClinicalDocument>'
    ],
}
TOKENS = (
    *(b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n", b"\r\n", b"\x0b", b"\x1c\r", b"\xc3", b"\xed\xa0\x80"),
    *(b"'", b'"', b"\\", b"\\X", b"{", b"}", b"[", b"]", b":", b",", b"null", b"1e999", b"-0", b"\\ud800"),
    *(b"<", b">", b"&", b"</", b"]]>", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"<!--"),
    *(b"|", b"^", b"~", b"MSH|", b"FHS|", b"BTS|9", b"OBX|", b"9999-99-99", b"20261301"),
    *(b"0" * 400, b"[" * 2000, b"\t", b";" * 50),
)
SAMPLES = {
    "hl7v2": ("hl7v2-samples/messages/*",),
    "kmehr": ("kmehr-samples/*/*.kmehr.xml.gz",),
    "ccda": ("ccda-samples/*.xml.gz",),
}


class HangError(Exception):
    """A case took too long."""


def damaged(chance: random.Random, seeds: list[bytes]) -> bytes:
    """A seed with a few things wrong with it."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        place, more = chance.randrange(len(data) + 1), chance.randrange(1, 40)
        match chance.randrange(7):
            case 0 if data:
                data[place % len(data)] = chance.randrange(256)
            case 1:
                del data[place : place + more]
            case 2:
                data[place:place] = data[place : place + more]
            case 3:
                del data[place:]
            case 4:
                other = chance.choice(seeds)
                start = chance.randrange(len(other) + 1)
                data[place:place] = other[start : start + more * 10]
            case 5:
                data[place : place + chance.randrange(3)] = chance.choice(TOKENS)
            case _:
                data[place:place] = bytes(chance.randrange(256) for _ in range(more))
    return bytes(data)


def damaged_within(chance: random.Random, seeds: list[bytes]) -> bytes:
    """A packed seed, one of whose parts is damaged."""
    with zipfile.ZipFile(io.BytesIO(chance.choice(seeds))) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    name = chance.choice(sorted(parts))
    return packed(parts | {name: damaged(chance, [parts[name]])})


def blank(kind: str, gap: bytes) -> bool:
    """Whether bytes between two items hold nothing: blanks, marks of order, frames of the network."""
    if kind in PARTS:
        return True  # what stands around the parts
    return not gap.strip(b" \t\r\n\x00\x0b\x0c\x1c\xef\xbb\xbf")


def check(kind: Format, data: bytes) -> int:
    """Reads one damaged file; how many items it has.

    Raises:
        AssertionError: a byte was lost, or something else is not as it should be.
    """
    if kind.name in PACKED:
        return check_packed(kind, data)
    position, count = _header(data) if kind.name in (CSV, "rows") else 0, 0
    exact = kind.name not in PARTS and b'"' not in data[:position]  # a quoted header can take several lines
    try:
        for item in kind.read(io.BytesIO(data)):
            count += 1
            assert item.fault or item.found or kind.name in (CSV, "rows", "kmehr", "ccda", "hl7v2"), (
                item.place
            )
            raw = item.raw.strip(b"\r\n") if kind.name == CSV else item.raw
            found = data.find(raw, position)
            if exact:
                assert found >= 0, f"{item.place}: its bytes are not those of the file"
                header = kind.name == CSV and count == 1
                assert header or blank(kind.name, data[position:found]), (
                    f"before {item.place}: bytes were lost"
                )
                position = found + len(raw)
            for each in item.found:
                with suppress(InvalidResource):  # in words; whatever else it raises is a defect
                    fhir.check(each.body)
    except UnreadableInput:
        return count
    except FaultError:
        return count
    assert not exact or blank(kind.name, data[position:]) or not count, "the end was lost"
    tabular = kind.name in (CSV, "rows")  # a header alone is a table without rows
    assert count or not data.strip() or tabular or blank(kind.name, data), "everything was lost"
    return count


def check_packed(kind: Format, data: bytes) -> int:
    """Reads one damaged file whose rows are packed; how many it has.

    Raises:
        AssertionError: what is kept of a row does not give what the row gave.
    """
    count = 0
    try:
        for item in kind.read(io.BytesIO(data)):
            count += 1
            (again,) = kind.again(item.raw, item.place, dict(item.context))
            assert [each.body for each in again.found] == [each.body for each in item.found], item.place
            assert str(again.fault) == str(item.fault), item.place
            for each in item.found:
                with suppress(InvalidResource):
                    fhir.check(each.body)
    except (UnreadableInput, FaultError):
        pass
    return count


def _header(data: bytes) -> int:
    """Where the header line of a CSV file ends."""
    start = len(data) - len(data.lstrip(b"\r\n\xef\xbb\xbf"))
    return data.find(b"\n", start) + 1 or len(data)


def whole_way(lake: Lake, kind: str, data: bytes) -> None:
    """Receives one damaged file twice: the second time adds nothing."""
    options = {"csv_map": MAP} if kind in TABLES else {}
    try:
        first = receive(lake, "fuzz", io.BytesIO(data), source=kind, format=kind, **options)
        again = receive(lake, "fuzz", io.BytesIO(data), source=kind, format=kind, **options)
    except UnreadableInput:
        return
    assert first.read >= first.quarantined
    assert again.repeated, "the same file was received twice"
    assert not again.written


def seeds_of(kind: str, folder: Path) -> list[bytes]:
    """The seeds of a format."""
    found = list(SEEDS.get(kind, [b"x"]))
    for pattern in SAMPLES.get(kind, ()):
        for path in sorted(folder.glob(pattern)):
            raw = path.read_bytes()
            found.append((gzip.decompress(raw) if path.suffix == ".gz" else raw)[:LARGEST])
    return found


def cases(kind: str, seeds: list[bytes], seconds: float, seed: int) -> Iterator[bytes]:
    """Damaged files until the time is over."""
    chance, end = random.Random(f"{seed}/{kind}"), time.monotonic() + seconds
    while time.monotonic() < end:
        within = kind == "excel" and chance.randrange(4)
        yield damaged_within(chance, seeds) if within else damaged(chance, seeds)


def hang(*_: object) -> None:
    """Called when a case takes too long."""
    raise HangError


def run(names: Iterable[str], seconds: float, seed: int, folder: Path) -> bool:
    """Tries each format; whether all went well."""
    signal.signal(signal.SIGALRM, hang)
    with tempfile.TemporaryDirectory() as home:
        lake = Lake(open_store(f"sqlite:///{home}/fuzz.sqlite"), Path(home) / "columns")
        for name in names:
            kind, tried, items, data = format_of(name, MAP), 0, 0, b""
            try:
                for data in cases(name, seeds_of(name, folder), seconds, seed):
                    if name in PACKED:
                        Path(f"fuzz-{name}.bin").write_bytes(data)
                    signal.alarm(LIMIT)
                    items += check(kind, data)
                    if tried % WHOLE_WAY == 0:
                        whole_way(lake, name, data)
                    signal.alarm(0)
                    tried += 1
            except BaseException as error:
                signal.alarm(0)
                kept = Path(f"fuzz-{name}.bin")
                kept.write_bytes(data)
                print(
                    f"{name}: case {tried} fails with {type(error).__name__}: {error}; it is kept in {kept}"
                )
                if not isinstance(error, (AssertionError, HangError)):
                    raise
                return False
            Path(f"fuzz-{name}.bin").unlink(missing_ok=True)
            print(
                f"{name}: {tried} damaged files, {items} items, no crash, no hang, no lost byte", flush=True
            )
    return True


def main() -> int:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description="Feeds damaged files to the readers.")
    names = [*TABLES, *(each.name for each in FORMATS)]
    parser.add_argument("format", nargs="*", help=f"one of {', '.join(names)}; all of them when left out")
    parser.add_argument("--seconds", type=float, default=600, help="for each format")
    parser.add_argument("--seed", type=int, default=1514)
    root = Path(os.environ.get("VESALIUS_DATA", Path(__file__).parents[2] / "shared" / "data"))
    parser.add_argument("--samples", type=Path, default=root)
    asked = parser.parse_args()
    return 0 if run(asked.format or names, asked.seconds, asked.seed, asked.samples) else 1


if __name__ == "__main__":
    sys.exit(main())
