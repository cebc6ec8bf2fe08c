"""The audit: a chain of events, each holding the hash of the one before it.

Everything that governs is an event: who, what, on which object, when. It is written in the transaction that
does the thing, holds no clinical value and none of a person's own words, and is never changed.

- :mod:`vesalius.governance.audit.actions`: what can happen.
- :mod:`vesalius.governance.audit.chain`: what an event holds, and reading events.
- :mod:`vesalius.governance.audit.recording`: appending them: one, many, or those of many callers at once.
- :mod:`vesalius.governance.audit.verifying`: whether the chain still holds, and if not, where it breaks.
- :mod:`vesalius.governance.audit.tree`: the Merkle tree over the events (RFC 6962), and its proofs.
- :mod:`vesalius.governance.audit.heads`: what the hospital signed of that tree.
- :mod:`vesalius.governance.audit.proofs`: proofs as documents, to be checked by others without the database.
- :mod:`vesalius.governance.audit.looks`: who looked at a patient, and which tools spoke about them.
- :mod:`vesalius.governance.audit.balp`: events as FHIR AuditEvents by the IHE BALP profiles.
"""

from vesalius.governance.audit import heads
from vesalius.governance.audit.actions import FEED, SYSTEM, Action
from vesalius.governance.audit.chain import START, Entry, Event, Head, digest, events, head
from vesalius.governance.audit.looks import About, Look, Wide, about
from vesalius.governance.audit.recording import merged, move_on, record, record_all, told
from vesalius.governance.audit.verifying import verify

__all__ = [
    "FEED",
    "START",
    "SYSTEM",
    "About",
    "Action",
    "Entry",
    "Event",
    "Head",
    "Look",
    "Wide",
    "about",
    "digest",
    "events",
    "head",
    "heads",
    "merged",
    "move_on",
    "record",
    "record_all",
    "told",
    "verify",
]
