"""The groups of a message: which segment belongs to which patient, order or observation.

The grammar comes from the official message tables. It is followed as far as a message keeps to it: a segment
out of its order still finds its nearest place, and one that the structure does not know stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vesalius.ingest.hl7v2._message import Segment

if TYPE_CHECKING:
    from vesalius.ingest.hl7v2._tables import Use


class Node:
    """A group or a segment of a structure.

    Attributes:
        name: of the segment, or of the group.
        many: whether it repeats.
        children: of a group, in their order; None for a segment.
        uses: what the segment becomes.
        path: the names of the groups down to it.
        inside: of a group, for each segment in it, the places of the children that hold it.
    """

    __slots__ = ("children", "inside", "many", "name", "path", "uses")

    def __init__(self, name: str, path: tuple[str, ...], *, many: bool, group: bool) -> None:
        self.name = name
        self.path = path
        self.many = many
        self.children: list[Node] | None = [] if group else None
        self.uses: list[Any] = []
        self.inside: dict[str, list[int]] = {}

    def child(self, name: str, *, many: bool, group: bool, last: bool) -> Node:
        """The child of a name, made if it is new; of segments only the ``last`` one counts."""
        assert self.children is not None, "only a group has children"
        known = self.children[-1:] if last else self.children
        for each in reversed(known):
            if each.name == name and (each.children is not None) == group:
                return each
        made = Node(name, (*self.path, name) if group else self.path, many=many, group=group)
        self.children.append(made)
        return made

    def index(self) -> None:
        """Notes which child holds which segment, downwards."""
        for place, child in enumerate(self.children or ()):
            if child.children is None:
                self.inside.setdefault(child.name, []).append(place)
                continue
            child.index()
            for name in child.inside:
                self.inside.setdefault(name, []).append(place)


def structure(name: str, uses: list[Use]) -> Node:
    """The groups and segments of a structure, with what each segment becomes."""
    root = Node(name, (), many=False, group=True)
    for use in uses:
        groups = use.path[:-1] if use.segment else use.path
        node = root
        for group in groups:
            node = node.child(group, many=True, group=True, last=False)
        if not use.segment:
            node.many = use.many
            continue
        leaf = node.child(use.segment, many=use.many, group=False, last=True)
        leaf.many = leaf.many or use.many
        if use.target:
            leaf.uses.append(use)
    root.index()
    return root


class Frame:
    """One occurrence of a group in a message.

    Attributes:
        node: the group.
        parent: the occurrence that it is part of.
        cursor: the child at which reading stands.
        targets: the resources that belong to it, by type and index, and the segment that last began each.
        segments: the first segment of each name in it, those of its groups included.
    """

    __slots__ = ("cursor", "node", "parent", "segments", "targets")

    def __init__(self, node: Node, parent: Frame | None) -> None:
        self.node = node
        self.parent = parent
        self.cursor = 0
        self.targets: dict[tuple[str, str], Any] = {}
        self.segments: dict[str, Segment] = {}

    def upwards(self) -> Iterator[Frame]:
        """This occurrence and those that it is part of, from the inside out."""
        frame: Frame | None = self
        while frame:
            yield frame
            frame = frame.parent

    def find(self, name: str) -> Segment | None:
        """The segment of a name that is nearest: in this occurrence, else in those around it."""
        frame: Frame | None = self
        while frame:
            if found := frame.segments.get(name):
                return found
            frame = frame.parent
        return None

    def add(self, segment: Segment) -> None:
        """Notes a segment of this occurrence."""
        frame: Frame | None = self
        while frame:
            frame.segments.setdefault(segment.name, segment)
            frame = frame.parent


def placed(root: Node, segments: list[Segment]) -> list[tuple[Segment, Frame, Node | None]]:
    """Each segment with its occurrence of a group and its place in the structure; None where it has none."""
    frame = Frame(root, None)
    found = []
    for segment in segments:
        frame, node = _next(frame, segment.name)
        frame.add(segment)
        found.append((segment, frame, node))
    return found


def _next(frame: Frame, name: str) -> tuple[Frame, Node | None]:
    for strict in (True, False):
        for outer in frame.upwards():
            place = _ahead(outer, name, strict)
            if place is not None:
                return _entered(outer, place, name)
    return frame, None


def _ahead(frame: Frame, name: str, strict: bool) -> int | None:
    """The next child that is or holds the segment; the one where reading stands, if that may come again."""
    children = frame.node.children or []
    for place in frame.node.inside.get(name, ()):
        child = children[place]
        here = place == frame.cursor and (child.children is not None or child.many or not frame.segments)
        if place > frame.cursor or here or not strict:
            return place
    return None


def _entered(frame: Frame, place: int, name: str) -> tuple[Frame, Node]:
    frame.cursor = max(frame.cursor, place)
    node = (frame.node.children or [])[place]
    while node.children is not None:
        frame = Frame(node, frame)
        frame.cursor = node.inside[name][0]
        node = node.children[frame.cursor]
    return frame, node
