"""The Merkle tree of RFC 6962, and its proofs; pure functions over hashes.

The root of a tree says all of its leaves in 32 bytes. An inclusion proof shows with a few hashes that one
leaf is under a root; a consistency proof, that a larger tree begins with all of a smaller one.

Source: RFC 6962 (Certificate Transparency), section 2.1; how a proof is checked: RFC 9162, sections 2.1.3.2
and 2.1.4.2.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence

EMPTY = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""

TILE = 8
"""Every so many levels the root of a whole subtree is kept: that of 256, of 65 536 … leaves."""

Nodes = Callable[[int, int], bytes]
"""The root of the whole subtree that holds the leaves ``[number << level, (number + 1) << level)``."""


def leaf(data: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two others."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Edge:
    """A tree that grows on its right: it keeps the roots of whole subtrees only, one for each 1 in its size.

    Examples:
        >>> edge = Edge()
        >>> edge.add(leaf(b""))
        []
        >>> edge.root().hex()[:16]
        '6e340b9cffb37a98'
    """

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def add(self, hash_: bytes) -> list[tuple[int, int, bytes]]:
        """Appends the hash of a leaf.

        Returns:
            The tiles that are whole now: level, number and root of each.
        """
        self.size += 1
        level, rest, whole = 0, self.size, []
        while not rest & 1:
            hash_ = node(self._roots.pop(), hash_)
            level, rest = level + 1, rest >> 1
            if not level % TILE:
                whole.append((level, rest - 1, hash_))
        self._roots.append(hash_)
        return whole

    def root(self) -> bytes:
        """The root of the tree as it is now."""
        return _joined(self._roots)


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of neighbouring nodes of one level."""
    while len(hashes) > 1:
        hashes = [node(hashes[at], hashes[at + 1]) for at in range(0, len(hashes), 2)]
    return hashes[0]


def of(leaves: Sequence[bytes]) -> Nodes:
    """The nodes of a tree whose leaf hashes are all in memory."""
    return lambda level, number: fold(leaves[number << level : (number + 1) << level])


def root(nodes: Nodes, size: int) -> bytes:
    """The root of the tree of the first ``size`` leaves."""
    return _range(nodes, 0, size)


def inclusion(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """The proof that leaf ``index``, from 0, is in the tree of the first ``size`` leaves.

    Raises:
        ValueError: it has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError("the tree has no such leaf")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _half(end - start)
        if index < middle:
            path.append(_range(nodes, middle, end))
            end = middle
        else:
            path.append(_range(nodes, start, middle))
            start = middle
    return path[::-1]


def consistency(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """The proof that the tree of ``new`` leaves begins with all of that of ``old``.

    Raises:
        ValueError: the older tree is empty, or larger than the newer one.
    """
    if not 0 < old <= new:
        raise ValueError("no tree of that size is older")
    path: list[bytes] = []
    start, end = 0, new
    while old != end:
        middle = start + _half(end - start)
        if old <= middle:
            path.append(_range(nodes, middle, end))
            end = middle
        else:
            path.append(_range(nodes, start, middle))
            start = middle
    if start:
        path.append(_range(nodes, start, end))
    return path[::-1]


def includes(leaf_hash: bytes, index: int, size: int, path: Iterable[bytes], root_: bytes) -> bool:
    """Whether ``path`` proves that a leaf is at ``index`` of the tree of ``size`` leaves with this root."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf_hash
    for each in path:
        if not last:
            return False
        if at & 1 or at == last:
            found = node(each, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node(found, each)
        at, last = at >> 1, last >> 1
    return not last and hmac.compare_digest(found, root_)


def extends(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether ``path`` proves that the tree of ``new`` leaves begins with all of that of ``old``."""
    if old == new:
        return old >= 0 and not path and hmac.compare_digest(old_root, new_root)
    if not 0 < old < new or not path:
        return False
    whole = not old & (old - 1)  # a power of two: its root is itself the first node of the proof
    first, *rest = [old_root, *path] if whole else path
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    small = large = first
    for each in rest:
        if not last:
            return False
        if at & 1 or at == last:
            small, large = node(each, small), node(each, large)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            large = node(large, each)
        at, last = at >> 1, last >> 1
    return not last and hmac.compare_digest(small, old_root) and hmac.compare_digest(large, new_root)


def _half(size: int) -> int:
    """The largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1


def _range(nodes: Nodes, start: int, end: int) -> bytes:
    """The root over the leaves from ``start`` to before ``end``; ``start`` begins a whole subtree."""
    roots: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        roots.append(nodes(level, start >> level))
        start += 1 << level
    return _joined(roots)


def _joined(roots: Sequence[bytes]) -> bytes:
    """The root over whole subtrees, the largest first."""
    if not roots:
        return EMPTY
    found = roots[-1]
    for each in reversed(roots[:-1]):
        found = node(each, found)
    return found
