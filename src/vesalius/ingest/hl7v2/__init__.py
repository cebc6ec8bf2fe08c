"""HL7 v2: messages from files and batches become FHIR R4, as the official v2-to-FHIR tables say.

A file holds one message, many, a batch with its envelope (FHS, BHS, BTS, FTS), or what an MLLP connection
carried. Each message is an item: taken in whole, or held whole with its original bytes.
"""

from vesalius.ingest.hl7v2._convert import Converter
from vesalius.ingest.hl7v2._message import Header, Message, Segment, header, parse
from vesalius.ingest.hl7v2._reading import again, converter, item, read
from vesalius.ingest.hl7v2._tables import Tables

__all__ = [
    "Converter",
    "Header",
    "Message",
    "Segment",
    "Tables",
    "again",
    "converter",
    "header",
    "item",
    "parse",
    "read",
]
