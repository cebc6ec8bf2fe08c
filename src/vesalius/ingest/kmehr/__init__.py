"""KMEHR, the messages of Belgian health care (eHealth platform): Sumehr, medication scheme and others.

One item is one transaction, with the patient and the people it names: a document is taken in whole, or held
whole. A line of a medication scheme is an item together with the suspensions that point to it, so that one
line that cannot be understood holds up no other. The pharmaceutical care history of the Belgian pharmacists,
which borrows KMEHR's posology, is read too: one item per session at the counter.

Source: https://www.ehealth.fgov.be/standards/kmehr.
"""

from vesalius.ingest.kmehr._reader import again, read, recognises

__all__ = ["again", "read", "recognises"]
