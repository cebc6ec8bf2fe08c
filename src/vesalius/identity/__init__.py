"""Who is this person? Numbers, doubtful pairs, merges that can be taken back; nothing is merged silently."""

from vesalius.identity._merges import Merge
from vesalius.identity.arrivals import write
from vesalius.identity.merging import (
    Preview,
    get,
    merge,
    merges,
    moves,
    preview,
    resume,
    survivor,
    unmerge,
)

__all__ = [
    "Merge",
    "Preview",
    "get",
    "merge",
    "merges",
    "moves",
    "preview",
    "resume",
    "survivor",
    "unmerge",
    "write",
]
