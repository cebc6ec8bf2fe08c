"""Bringing data in: what cannot be understood goes to quarantine with its reason; nothing is lost.

One module per format turns bytes into FHIR resources; a common pipeline checks, writes and holds.
"""

from vesalius.ingest import mending
from vesalius.ingest._causes import Cause
from vesalius.ingest._formats import NAMES as FORMATS
from vesalius.ingest._kept_maps import KeptMap, kept, map_of_feed, newest
from vesalius.ingest._receipts import Feed, Receipt, feeds, receipts
from vesalius.ingest.csv_map import CsvMap
from vesalius.ingest.delimited import cells
from vesalius.ingest.mending import Attempt, retry
from vesalius.ingest.pipeline import receive
from vesalius.ingest.quarantine import Chosen, Held, Problem, causes, held, one, problems

__all__ = [
    "FORMATS",
    "Attempt",
    "Cause",
    "Chosen",
    "CsvMap",
    "Feed",
    "Held",
    "KeptMap",
    "Problem",
    "Receipt",
    "causes",
    "cells",
    "feeds",
    "held",
    "kept",
    "map_of_feed",
    "mending",
    "newest",
    "one",
    "problems",
    "receipts",
    "receive",
    "retry",
]
