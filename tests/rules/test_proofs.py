"""A row proves itself and nothing else does: the tree of RFC 6962 against published vectors and against forgers."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.rules import proofs

VECTORS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
PATHS = {
    (0, 1): (),
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
"""Leaves, roots and audit paths that test the reference implementation of RFC 6962, Certificate Transparency."""


def leaves_of(size: int) -> list[bytes]:
    return [proofs.leaf(f"{number:064x}", {"need": {"id": f"n{number}", "units": 10}}) for number in range(size)]


def root_of(leaves: list[bytes]) -> bytes:
    return proofs.root(proofs.levels(leaves))


def path_of(leaves: list[bytes], place: int) -> list[bytes]:
    return proofs.proof(proofs.levels(leaves), place)


@pytest.mark.parametrize("size", range(9))
def test_the_published_roots(size: int) -> None:
    leaves = [proofs.leaf_hash(bytes.fromhex(content)) for content in VECTORS[:size]]
    assert root_of(leaves).hex() == ROOTS[size]


@pytest.mark.parametrize(("place", "size"), PATHS)
def test_the_published_paths(place: int, size: int) -> None:
    leaves = [proofs.leaf_hash(bytes.fromhex(content)) for content in VECTORS[:size]]
    path = [bytes.fromhex(step) for step in PATHS[place, size]]
    assert path_of(leaves, place) == path
    assert proofs.check(leaves[place], place, size, path, bytes.fromhex(ROOTS[size]))


def test_every_row_of_every_tree_proves_itself() -> None:
    """All rows of all trees up to 70 and of four larger, some of each up to 200; no path is too long."""
    everything = leaves_of(200)
    for size in range(1, 201):
        leaves = everything[:size]
        grown = proofs.levels(leaves)
        root = proofs.root(grown)
        for place in range(size) if size <= 70 or size in (127, 128, 129, 200) else {0, size // 2, size - 1}:
            path = proofs.proof(grown, place)
            assert len(path) <= (size - 1).bit_length()
            assert proofs.check(leaves[place], place, size, path, root)


@settings(deadline=None)
@given(st.data())
def test_nothing_else_does(data: st.DataObject) -> None:
    """Another row, salt, place, path or root: each alone is enough to fail."""
    size = data.draw(st.integers(2, 200), label="size")
    place = data.draw(st.integers(0, size - 1), label="place")
    leaves = leaves_of(size)
    root, path = root_of(leaves), path_of(leaves, place)
    salt, row = f"{place:064x}", {"need": {"id": f"n{place}", "units": 10}}
    assert proofs.check(proofs.leaf(salt, row), place, size, path, root)
    changed_row = {"need": {"id": f"n{place}", "units": data.draw(st.integers().filter(lambda units: units != 10))}}
    assert not proofs.check(proofs.leaf(salt, changed_row), place, size, path, root)
    assert not proofs.check(proofs.leaf(f"{place + 1:064x}", row), place, size, path, root)
    elsewhere = data.draw(st.integers(-3, size + 3).filter(lambda other: other != place), label="another place")
    assert not proofs.check(leaves[place], elsewhere, size, path, root)
    step = data.draw(st.integers(0, len(path) - 1), label="step")
    flipped = bytes([path[step][0] ^ 1]) + path[step][1:]
    for other in ([*path[:step], flipped, *path[step + 1 :]], path[:-1], [*path, path[-1]], path[1:]):
        assert not proofs.check(leaves[place], place, size, other, root)
    assert not proofs.check(leaves[place], place, size, path, root[::-1])


@given(st.integers(1, 200), st.integers(1, 200))
def test_another_size_does_not_prove_where_it_changes_the_way(size: int, other: int) -> None:
    """A claimed size is believed only where the way up is the same: then the very same row is proved."""
    leaves = leaves_of(size)
    root = root_of(leaves)
    for place in {0, size - 1}:
        path = path_of(leaves, place)
        same_way = other > place and len(path_of(leaves_of(other), place)) == len(path)
        assert same_way or not proofs.check(leaves[place], place, other, path, root)


def test_a_node_cannot_pose_as_a_row() -> None:
    """What stands inside the tree, offered as a row's content one level up, is refused by the two prefixes."""
    leaves = leaves_of(4)
    left, right = root_of(leaves[:2]), root_of(leaves[2:])
    root = root_of(leaves)
    assert proofs.check(left, 0, 2, [right], root)  # the node itself is on the way, of course
    posing = proofs.leaf_hash(leaves[0] + leaves[1])
    assert posing != left == sha256(b"\x01" + leaves[0] + leaves[1]).digest()
    assert not proofs.check(posing, 0, 2, [right], root)


def test_there_is_no_place_outside() -> None:
    for place in (-1, 3):
        with pytest.raises(IndexError):
            path_of(leaves_of(3), place)
    assert not proofs.check(b"", 0, 0, [], root_of([]))
