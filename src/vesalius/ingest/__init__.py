"""Bringing data in: what cannot be understood goes to quarantine with its reason; nothing is lost.

One module per format turns bytes into FHIR resources; a common pipeline checks, writes and holds.
"""

from vesalius.ingest._causes import Cause
from vesalius.ingest._explaining import explained
from vesalius.ingest._formats import NAMES as FORMATS
from vesalius.ingest._maps import load_map
from vesalius.ingest._receipts import Feed, Receipt, feeds, receipts
from vesalius.ingest._replay import received_messages, reconvert
from vesalius.ingest.csv_map import CsvMap
from vesalius.ingest.messages import Incoming, Message, reader, receive_message, receive_messages
from vesalius.ingest.pipeline import receive
from vesalius.ingest.quarantine import Held, causes, held, retry

__all__ = [
    "FORMATS",
    "Cause",
    "CsvMap",
    "Feed",
    "Held",
    "Incoming",
    "Message",
    "Receipt",
    "causes",
    "explained",
    "feeds",
    "held",
    "load_map",
    "reader",
    "receipts",
    "receive",
    "receive_message",
    "receive_messages",
    "received_messages",
    "reconvert",
    "retry",
]
