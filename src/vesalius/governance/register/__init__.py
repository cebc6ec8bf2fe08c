"""The register of AI systems, bought and made here: what each is in law, what follows, and where it stands.

- :func:`systems`, :func:`system`: all of them, or one, with regime, state and gates.
- :func:`bought`: what was registered of a bought system.
- :func:`facts`: all that a dossier needs of one, with the places of the events that say it.
- :mod:`vesalius.governance.register.obligations`: the duties that follow from a regime.
- :data:`readiness`: what else the gates ask for; the academy adds itself here.
"""

from vesalius.governance._bought import CLASSES, Entry, entries
from vesalius.governance._bought import entry as bought
from vesalius.governance._bought import keep as keep_bought
from vesalius.governance.gates import readiness
from vesalius.governance.register import obligations
from vesalius.governance.register._facts import Facts, facts
from vesalius.governance.register._systems import System, system, systems

__all__ = [
    "CLASSES",
    "Entry",
    "Facts",
    "System",
    "bought",
    "entries",
    "facts",
    "keep_bought",
    "obligations",
    "readiness",
    "system",
    "systems",
]
