"""The dossier of a use: what the law asks for, filled from the audit, each line with its events.

- :func:`build`: signs the audit and fills every part.
- :func:`check`: checks a dossier offline, with nothing but the hospital's public key.
- :func:`verify`: holds it against the database; names the event that does not fit.
- :func:`render`: as a page or PDF, in four languages.
"""

from vesalius.dossier.building import build
from vesalius.dossier.document import Counts, Dossier, Sealed
from vesalius.dossier.rendering import FORMATS, render
from vesalius.dossier.verifying import Verdict, check, load, verify

__all__ = ["FORMATS", "Counts", "Dossier", "Sealed", "Verdict", "build", "check", "load", "render", "verify"]
