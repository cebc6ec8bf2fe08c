"""From a file to its map: what the columns hold, what they seem to mean, a map to confirm, and a trial of it.

Everything that is proposed is a guess with its reason; a person confirms it. Nothing here writes to the lake.
"""

from vesalius.ingest.maps.proposal import Proposal, propose
from vesalius.ingest.maps.trial import Trial, try_out

__all__ = ["Proposal", "Trial", "propose", "try_out"]
