"""Who is this person? Numbers, doubtful pairs, merges that can be taken back; nothing is merged silently."""

from vesalius.identity import forgetting
from vesalius.identity._merges import Merge, companions, latest, widened, with_merged
from vesalius.identity.arrivals import write
from vesalius.identity.doubts import Pair, counts, pair, pairs, put_off, set_apart
from vesalius.identity.identifiers import Explained, Flag, Number, explained, flags, numbers
from vesalius.identity.linking import Period, Refreshed, behind, check_automatic, flagged, periods, refresh
from vesalius.identity.merging import (
    Preview,
    followed,
    get,
    merge,
    merges,
    moves,
    preview,
    resume,
    survivor,
    take_turn,
    unmerge,
)
from vesalius.identity.rules import RULES, Comparison, Person, Rule, compare, judged, person

__all__ = [
    "RULES",
    "Comparison",
    "Explained",
    "Flag",
    "Merge",
    "Number",
    "Pair",
    "Period",
    "Person",
    "Preview",
    "Refreshed",
    "Rule",
    "behind",
    "check_automatic",
    "companions",
    "compare",
    "counts",
    "explained",
    "flagged",
    "flags",
    "followed",
    "forgetting",
    "get",
    "judged",
    "latest",
    "merge",
    "merges",
    "moves",
    "numbers",
    "pair",
    "pairs",
    "periods",
    "person",
    "preview",
    "put_off",
    "refresh",
    "resume",
    "set_apart",
    "survivor",
    "take_turn",
    "unmerge",
    "widened",
    "with_merged",
    "write",
]
