"""Documents and what they become, as pairs of files: ``name.xml`` and ``name.json``.

After a change that is meant, look at what ``python -m tests.ingest.pairs`` changes, line by line.
"""

import json
from pathlib import Path

from vesalius import fhir
from vesalius.ingest import ccda, kmehr

HERE = Path(__file__).parent
READERS = {"kmehr": kmehr, "ccda": ccda}


def paths(reader):
    return sorted((HERE / reader / "pairs").glob("*.xml"))


def items(reader, path):
    with path.open("rb") as file:
        return list(READERS[reader].read(file))


def resources(reader, path):
    """What a document becomes, as JSON values; numbers with a point as the strings of their digits."""
    found = [one for item in items(reader, path) for one in item.found]
    return [json.loads(fhir.dump(one.resource), parse_float=str) for one in found]


if __name__ == "__main__":
    for name in READERS:
        for document in paths(name):
            written = json.dumps(resources(name, document), ensure_ascii=False, indent=1)
            document.with_suffix(".json").write_text(written + "\n", encoding="utf-8")
