"""The maps that a hospital writes: of a CSV file, or its own rows of the HL7 v2 tables."""

from __future__ import annotations

import tomllib
from pathlib import Path

from vesalius.errors import InvalidMap
from vesalius.ingest.csv_map import CsvMap
from vesalius.ingest.hl7v2 import Tables

Map = CsvMap | Tables


def load_map(path: Path) -> Map:
    """A map from its file: of CSV if it describes resources, else of HL7 v2.

    Raises:
        InvalidMap: it cannot be read, or is wrong.
    """
    try:
        names = tomllib.loads(path.read_text(encoding="utf-8")).keys()
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidMap(f"{path.name}: cannot be read as TOML ({type(error).__name__})") from None
    own = {"rows", "systems", "messages", "structures", "segments", "merges", "refused", "zone"}
    return Tables.load(path) if names and names <= own | {"codes"} else CsvMap.load(path)
