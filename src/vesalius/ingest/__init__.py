"""Bringing data in: what cannot be understood goes to quarantine with its reason; nothing is lost.

One module per format turns bytes into FHIR resources; a common pipeline checks, writes and holds.
"""

from vesalius.ingest import erasing, mending
from vesalius.ingest._causes import Cause
from vesalius.ingest._explaining import explained
from vesalius.ingest._formats import NAMES as FORMATS
from vesalius.ingest._formats import cells
from vesalius.ingest._kept_maps import KeptMap, kept, map_of_feed, newest
from vesalius.ingest._maps import Map, load_map, parse_map
from vesalius.ingest._receipts import Feed, Receipt, feeds, receipts
from vesalius.ingest._replay import count_emptied, empty_taken, received_messages, reconvert
from vesalius.ingest._requests import Reception, write
from vesalius.ingest.csv_map import CsvMap
from vesalius.ingest.mending import Attempt, retry
from vesalius.ingest.messages import Incoming, Message, reader, receive_message, receive_messages
from vesalius.ingest.pipeline import receive
from vesalius.ingest.quarantine import Chosen, Held, Problem, causes, empty_released, held, one, problems

__all__ = [
    "FORMATS",
    "Attempt",
    "Cause",
    "Chosen",
    "CsvMap",
    "Feed",
    "Held",
    "Incoming",
    "KeptMap",
    "Map",
    "Message",
    "Problem",
    "Receipt",
    "Reception",
    "causes",
    "cells",
    "count_emptied",
    "empty_released",
    "empty_taken",
    "erasing",
    "explained",
    "feeds",
    "held",
    "kept",
    "load_map",
    "map_of_feed",
    "mending",
    "newest",
    "one",
    "parse_map",
    "problems",
    "reader",
    "receipts",
    "receive",
    "receive_message",
    "receive_messages",
    "received_messages",
    "reconvert",
    "retry",
    "write",
]
