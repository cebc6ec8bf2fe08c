"""How long it takes to erase one patient among many, and whether anything of them is left on disk.

Data: ``synthea-r4`` (615 synthetic patients, Apache-2.0). It receives the files (all of them, or those
named), makes the columns, and erases the patient with the most resources: looking (``plan``), emptying the
rows (``forget``), cleaning the files (``finish``), and making the columns again. Then every file of the home
is searched for the patient's id and numbers; what is found makes it exit non-zero.

    .venv/bin/python benchmarks/erasure.py [TYPE …]
"""

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from vesalius import erasure
from vesalius.governance import people
from vesalius.hospital import Hospital
from vesalius.ingest import receive
from vesalius.settings import Settings

ROOT = Path(__file__).parents[1]
ORDER = erasure.Order(asked_by="hospital", ground="unlawful", reason="measured")


class Clock:
    """Prints what each step took, in seconds of the processor and of the wall."""

    def __init__(self):
        self._cpu, self._wall = time.process_time(), time.monotonic()

    def tell(self, what):
        cpu, wall = time.process_time(), time.monotonic()
        print(f"{what:<32}{cpu - self._cpu:>8.2f} CPU-s{wall - self._wall:>8.2f} s")
        self._cpu, self._wall = time.process_time(), time.monotonic()


def largest(lake):
    """The patient with the most resources."""
    counts = Counter(
        version.subject for kind in lake.count() for version in lake.versions(kind) if version.subject
    )
    return counts.most_common(1)[0][0]


def main():
    folder = Path(os.environ.get("VESALIUS_DATA", ROOT.parent / "shared" / "data")) / "synthea-r4"
    if not folder.is_dir():
        print(f"no data at {folder} (set VESALIUS_DATA): nothing measured")
        return
    wanted = set(sys.argv[1:])
    with tempfile.TemporaryDirectory() as name:
        hospital, clock = Hospital.open(Path(name) / "home", Settings()), Clock()
        for path in sorted(folder.glob("*.ndjson.gz")):
            if not wanted or path.name.split(".")[0] in wanted:
                receive(hospital.lake, path.name, path, source="synthea")
        hospital.lake.refresh_columns()
        position = hospital.lake.position()
        clock.tell(f"received {position} versions")
        reference = largest(hospital.lake)
        words = [reference.partition("/")[2]]
        if patient := hospital.lake.read(reference):
            words += [
                each["value"] for each in patient.resource.get("identifier", ()) if len(each["value"]) > 5
            ]
        person = people.add(hospital.engine, "dpo", name="dpo", role="dpo")
        clock.tell("chose a patient")
        planned = erasure.plan(hospital, reference)
        clock.tell("plan")
        made = erasure.forget(hospital, planned, ORDER, person)
        clock.tell(f"rows of {sum(planned.versions.values())} versions")
        erasure.finish(hospital)
        clock.tell("columns dropped, files cleaned")
        hospital.lake.refresh_columns()
        clock.tell("columns made again")
        kinds = sum(count > 0 for count in made.counts.values())
        print(f"{kinds} kinds, {planned.resources} resources; {len(planned.mentions)} others mention it")
        named = {each.encode() for each in words}
        left = [
            str(path)
            for path in hospital.home.rglob("*")
            if path.is_file() and any(word in path.read_bytes() for word in named)
        ]
        hospital.close()
    if left and not planned.mentions:
        sys.exit(f"something is left in {', '.join(left)}")
    print(f"looked for {len(named)} words in every file: {len(left)} files hold one")


if __name__ == "__main__":
    main()
