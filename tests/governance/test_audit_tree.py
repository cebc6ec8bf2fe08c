"""The Merkle tree of RFC 6962: the published vectors, and what must hold of every tree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesalius.governance.audit import tree

# The eight leaves of Certificate Transparency's reference implementation, the roots of the trees of the first
# n of them, and its proofs: google/certificate-transparency, cpp/merkletree/merkle_tree_test.cc.
LEAVES = [
    bytes.fromhex(each)
    for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                 "606162636465666768696a6b6c6d6e6f")
]  # fmt: skip
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
HASHES = [tree.leaf(each) for each in LEAVES]


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots_come_out_whichever_way_the_tree_is_made(size):
    edge = tree.Edge()
    for each in HASHES[:size]:
        edge.add(each)
    assert edge.root().hex() == ROOTS[size]
    assert tree.root(tree.of(HASHES), size).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_the_published_inclusion_proofs_come_out_and_are_believed(index, size):
    path = tree.inclusion(tree.of(HASHES), index, size)
    assert [each.hex() for each in path] == INCLUSION[index, size]
    assert tree.includes(HASHES[index], index, size, path, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_the_published_consistency_proofs_come_out_and_are_believed(old, new):
    path = tree.consistency(tree.of(HASHES), old, new)
    assert [each.hex() for each in path] == CONSISTENCY[old, new]
    assert tree.extends(old, bytes.fromhex(ROOTS[old]), new, bytes.fromhex(ROOTS[new]), path)


def test_a_proof_of_what_is_not_there_is_refused_and_not_believed():
    root = bytes.fromhex(ROOTS[8])
    for index, size in ((8, 8), (-1, 8), (0, 0)):
        with pytest.raises(ValueError, match="no such leaf"):
            tree.inclusion(tree.of(HASHES), index, size)
        assert not tree.includes(HASHES[0], index, size, [], root)
    for old, new in ((0, 8), (8, 7), (-1, 3)):
        with pytest.raises(ValueError, match="size"):
            tree.consistency(tree.of(HASHES), old, new)
        assert not tree.extends(old, root, new, root, [])


SIZES = st.integers(1, 700)


def leaves(count):
    return [tree.leaf(count.to_bytes(2, "big") + number.to_bytes(2, "big")) for number in range(count)]


@given(SIZES, st.data())
def test_every_leaf_of_every_tree_is_proved_and_nothing_else_is(size, data):
    hashes = leaves(size)
    nodes, root = tree.of(hashes), tree.root(tree.of(hashes), size)
    index = data.draw(st.integers(0, size - 1))
    path = tree.inclusion(nodes, index, size)
    assert tree.includes(hashes[index], index, size, path, root)
    assert len(path) <= (size - 1).bit_length()
    other = data.draw(st.integers(0, size + 3).filter(lambda each: each != index))
    assert not tree.includes(hashes[index], other, size, path, root)
    assert not tree.includes(flipped(hashes[index], data), index, size, path, root)
    assert not tree.includes(hashes[index], index, size, path, flipped(root, data))
    assert not tree.includes(hashes[index], index, size, [*path, root], root)
    for at in range(len(path)):
        wrong = [*path[:at], flipped(path[at], data), *path[at + 1 :]]
        assert not tree.includes(hashes[index], index, size, wrong, root)
        assert not tree.includes(hashes[index], index, size, path[:at], root)


@given(SIZES, st.data())
def test_every_tree_extends_each_of_its_beginnings_and_no_other_tree(new, data):
    hashes = leaves(new)
    nodes = tree.of(hashes)
    old = data.draw(st.integers(1, new))
    roots = tree.root(nodes, old), tree.root(nodes, new)
    path = tree.consistency(nodes, old, new)
    assert tree.extends(old, roots[0], new, roots[1], path)
    assert not tree.extends(old, flipped(roots[0], data), new, roots[1], path)
    assert not tree.extends(old, roots[0], new, flipped(roots[1], data), path)
    assert not tree.extends(old, roots[0], new, roots[1], [*path, roots[0]])
    for at in range(len(path)):
        wrong = [*path[:at], flipped(path[at], data), *path[at + 1 :]]
        assert not tree.extends(old, roots[0], new, roots[1], wrong)
        assert not tree.extends(old, roots[0], new, roots[1], path[:at])


@given(SIZES)
def test_a_tree_that_grows_leaf_by_leaf_has_the_root_of_one_made_at_once_and_names_its_tiles(size):
    hashes, edge, tiles = leaves(size), tree.Edge(), []
    for each in hashes:
        tiles += edge.add(each)
    assert edge.root() == tree.root(tree.of(hashes), size)
    assert tiles == [(8, number, tree.of(hashes)(8, number)) for number in range(size // 256)]


def flipped(hash_, data):
    """The same hash but for one bit."""
    bit = data.draw(st.integers(0, 255))
    return (int.from_bytes(hash_, "big") ^ (1 << bit)).to_bytes(32, "big")
