"""HL7 v2 over MLLP: a listener that acknowledges a message only once it is on disk, and a small sender."""

from vesalius.ingest.mllp._client import Outbox, Reply, Sender, messages
from vesalius.ingest.mllp._frames import Frame, Frames, framed
from vesalius.ingest.mllp._server import Counts, Limits, Listener
from vesalius.ingest.mllp._service import listen
from vesalius.ingest.mllp._tls import client_context, server_context

__all__ = [
    "Counts",
    "Frame",
    "Frames",
    "Limits",
    "Listener",
    "Outbox",
    "Reply",
    "Sender",
    "client_context",
    "framed",
    "listen",
    "messages",
    "server_context",
]
