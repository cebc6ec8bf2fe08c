"""How fast the rows of tables become resources, per CPU-second of one core.

Data: ``readmission-diabetes130`` (101,766 stays, CC BY 4.0) through the map that is shipped for it, 18
resources per row; laboratory results of ``mimic-iv-demo`` as Parquet, through the map that is proposed from
them, one resource per row. "map" is reading, mapping and writing JSON; "receive" is the whole way into a
SQLite lake on disk, durable; "propose" is from the file to its map. Each figure is per second of process CPU
time.

    .venv/bin/python benchmarks/maps.py [ROWS]
"""

import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from vesalius.ingest import CsvMap, maps, receive
from vesalius.ingest._files import opened, unpacked
from vesalius.ingest._formats import detect, format_of
from vesalius.ingest.maps.sample import sample
from vesalius.lake import Lake
from vesalius.store import open_store
from vesalius.usecases.readmission.readmission import MAPS as USE_MAPS

ROOT = Path(__file__).parents[1]
ROWS = 10_000
LATER = datetime(2300, 1, 1, tzinfo=UTC)  # the dates of MIMIC are shifted into the future


def cpu(work):
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def mapped(path, csv_map, rows):
    with opened(path) as file:
        kind = detect(path.name, lambda: b"", mapped=True)
        items = islice(format_of(kind, csv_map).read(unpacked(file)), rows)
        return sum(len(item.found) for item in items)


def received(path, csv_map):
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(f"sqlite:///{folder}/hospital.sqlite")
        lake = Lake(engine, Path(folder) / "columns")
        receipt = receive(lake, path.name, path, source="benchmark", csv_map=csv_map, received_at=LATER)
        engine.dispose()
        return receipt


def beginning(path, rows, folder):
    """The first rows of a CSV file, as a file."""
    kept = Path(folder) / path.name.removesuffix(".gz")
    with opened(path) as file:
        kept.write_bytes(b"".join(islice(unpacked(file), rows + 1)))
    return kept


def report(name, path, csv_map, rows):
    made, seconds = cpu(lambda: mapped(path, csv_map, rows))
    print(f"{name:<12} map      {rows / seconds:>10,.0f} rows/s {made / seconds:>10,.0f} resources/s")
    with tempfile.TemporaryDirectory() as folder:
        part = beginning(path, rows, folder) if "csv" in path.name else path
        receipt, seconds = cpu(lambda: received(part, csv_map))
    rate, resources = receipt.read / seconds, receipt.written / seconds
    print(f"{name:<12} receive  {rate:>10,.0f} rows/s {resources:>10,.0f} resources/s")
    print(f"{'':<12} {receipt.read} rows, {receipt.quarantined} held, {seconds:.1f} s")


def main():
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    data = Path(os.environ.get("VESALIUS_DATA", ROOT.parent / "shared" / "data"))
    stays = data / "readmission-diabetes130" / "diabetic_data.csv.gz"
    labs = data / "mimic-iv-demo" / "clif" / "clif_labs.parquet"
    if not stays.is_file():
        sys.exit(f"no data at {stays} (set VESALIUS_DATA)")
    report("diabetes130", stays, CsvMap.load(USE_MAPS / "diabetic_data.toml"), rows)
    for path in (stays, labs):
        proposal, seconds = cpu(lambda path=path: maps.propose(sample(path)))
        print(f"{'propose':<12} {path.name:<24} {seconds:>6.1f} s, {len(proposal.guesses)} columns")
    report("clif labs", labs, CsvMap.parse(proposal.text), 51_433)


if __name__ == "__main__":
    main()
