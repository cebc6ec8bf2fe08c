"""HL7 v2: messages per CPU-second through parsing, conversion, JSON and the check, beside a peer's parsing.

Run: ``.venv/bin/python benchmarks/hl7v2.py [FOLDER]``. The folder holds the public samples
(``messages/*.hl7``); default: ``hl7v2-samples`` in ``VESALIUS_DATA``. All in one process and one run, so that
the ratios hold where the figures do not. "First": nothing is remembered but the compiled tables; "again": the
doctors, wards and organisations were seen before, as they are in a hospital from its second day. "As ingest":
the JSON of one of these is made and checked when it is first met; "each": that of every resource, every time.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from vesalius import fhir
from vesalius.ingest import hl7v2

ROOT = Path(__file__).parents[1]


def rate(work: Callable[[bytes], int], messages: list[bytes], rounds: int) -> float:
    """Messages per CPU-second: the best of some rounds over all of them."""
    best = float("inf")
    for _ in range(rounds):
        begin = time.process_time()
        for raw in messages:
            work(raw)
        best = min(best, time.process_time() - begin)
    return len(messages) / best


def converted(converter: hl7v2.Converter) -> Callable[[bytes], int]:
    """As an ingest does it: what was found right when it was first made is not looked at again."""

    def work(raw: bytes) -> int:
        found = converter.found(hl7v2.parse(raw), raw)
        for one in found:
            if one.usual is None:
                fhir.check(one.body, one.resource["resourceType"])
        return len(found)

    return work


def whole(converter: hl7v2.Converter) -> Callable[[bytes], int]:
    """The same with every resource written and checked anew, whatever is known of it."""

    def work(raw: bytes) -> int:
        resources = converter.resources(hl7v2.parse(raw), raw)
        for resource in resources:
            fhir.check(fhir.dump(resource), resource["resourceType"])
        return len(resources)

    return work


def peer(raw: bytes) -> int:
    import hl7

    text = raw.decode("utf-8", "replace").replace("\r\n", "\r").replace("\n", "\r").lstrip("\ufeff").strip()
    return len(hl7.parse(text))


def main(folder: Path) -> None:
    messages = [path.read_bytes() for path in sorted((folder / "messages").glob("*.hl7"))]
    converter = hl7v2.Converter()
    work = converted(converter)
    resources = sum(map(work, messages))
    size = sum(map(len, messages)) / len(messages)
    print(f"{len(messages)} messages of {size:,.0f} bytes on average, {resources:,} resources")
    converter.plan.registers.clear()
    first = rate(work, messages, 1)
    again = rate(work, messages, 3)
    each = whole(converter)
    converter.plan.registers.clear()
    anew = rate(each, messages, 1), rate(each, messages, 3)
    parsed = rate(lambda raw: len(hl7v2.parse(raw).segments), messages, 3)
    others = rate(peer, messages, 2)
    print(f"{'':34}{'messages per CPU-second':>24}{'resources':>12}")
    for name, figure in (
        ("as ingest: first", first),
        ("as ingest: again", again),
        ("dump and check each: first", anew[0]),
        ("dump and check each: again", anew[1]),
    ):
        print(f"{name:34}{figure:>24,.0f}{figure * resources / len(messages):>12,.0f}")
    print(f"{'parse only':34}{parsed:>24,.0f}")
    print(f"{'python-hl7, parse only':34}{others:>24,.0f}")
    print(f"all of an ingest but its writing (again) to python-hl7's parsing: {again / others:.2f}")


if __name__ == "__main__":
    data = Path(os.environ.get("VESALIUS_DATA", ROOT.parent / "shared" / "data"))
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else data / "hl7v2-samples")
