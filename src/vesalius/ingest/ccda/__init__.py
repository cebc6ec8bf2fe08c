"""C-CDA, the clinical documents of HL7 (CDA R2 in XML): one item is one document.

It becomes a composition with the readable text of each section, resources of the entries that we know by
their template, and a reference to the document as it came, byte for byte: what was not mapped is not lost.

Source: HL7 C-CDA R2.1.
"""

from vesalius.ingest.ccda._document import Account, again, converted, read, recognises

__all__ = ["Account", "again", "converted", "read", "recognises"]
