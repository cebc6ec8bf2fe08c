"""Free text in which nobody is named: rules and lists of our own, with room for a hospital's model."""

from vesalius.privacy.text.found import Found, Kind, Recogniser
from vesalius.privacy.text.scrubber import Scrubbed, Scrubber

__all__ = ["Found", "Kind", "Recogniser", "Scrubbed", "Scrubber"]
