"""The dossier of a use: what the law asks for, filled from the audit, each line with its events.

- :func:`build`: signs the audit and fills every part; :func:`make` also keeps it, with an event of the audit.
- :func:`check`: checks a dossier offline, with nothing but the hospital's public key.
- :func:`verify`: holds it against the database; names the event that does not fit.
- :func:`render`: as a page or PDF, in four languages.
"""

from vesalius.dossier.building import STEPS, build
from vesalius.dossier.document import Counts, Dossier, Sealed
from vesalius.dossier.keeping import FILE, kept, make, opened
from vesalius.dossier.keeping import check as examined
from vesalius.dossier.rendering import FORMATS, embedded, render
from vesalius.dossier.verifying import Verdict, check, load, verify

__all__ = [
    "FILE",
    "FORMATS",
    "STEPS",
    "Counts",
    "Dossier",
    "Sealed",
    "Verdict",
    "build",
    "check",
    "embedded",
    "examined",
    "kept",
    "load",
    "make",
    "opened",
    "render",
    "verify",
]
