"""The maps that a hospital writes: of a CSV file, or its own rows of the HL7 v2 tables."""

from __future__ import annotations

import tomllib
from pathlib import Path

from vesalius.errors import InvalidMap
from vesalius.ingest.csv_map import CsvMap
from vesalius.ingest.hl7v2 import Tables

Map = CsvMap | Tables


def load_map(path: Path) -> Map:
    """A map from its file; see :func:`parse_map`."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise InvalidMap(f"{path.name}: cannot be read ({type(error).__name__})") from None
    return parse_map(text, path.name)


def parse_map(text: str, name: str) -> Map:
    """A map from its text: of CSV if it describes resources, else of HL7 v2.

    Raises:
        InvalidMap: it is not TOML, or something in it is wrong.
    """
    try:
        names = tomllib.loads(text).keys()
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidMap(f"{name}: not TOML: {error}") from None
    own = {"rows", "systems", "messages", "structures", "segments", "merges", "refused", "zone", "codes"}
    return Tables.of(text, name) if names and names <= own else CsvMap.parse(text, name)
