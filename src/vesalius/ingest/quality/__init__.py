"""The quality of each feed: does it still come, is it complete, timely, coded and plausible?

Counted from the log and the receipts, day by day, up to a position of the log: exact, and it can be made
again at any time.
"""

from vesalius.ingest.quality._counting import behind, rebuild, refresh
from vesalius.ingest.quality._measures import DELAYS, ELEMENTS, measured
from vesalius.ingest.quality._report import Day, FeedQuality, Shift, TypeQuality, feed_quality
from vesalius.ingest.quality._silence import Alarm, Silence, assess
from vesalius.ingest.quality._switching import Off, switch_off, switch_on, switched_off

__all__ = [
    "DELAYS",
    "ELEMENTS",
    "Alarm",
    "Day",
    "FeedQuality",
    "Off",
    "Shift",
    "Silence",
    "TypeQuality",
    "assess",
    "behind",
    "feed_quality",
    "measured",
    "rebuild",
    "refresh",
    "switch_off",
    "switch_on",
    "switched_off",
]
