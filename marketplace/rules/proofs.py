"""A tree of hashes over rows: its root stands for all of them, and a short path shows that one row is among them.

It is the Merkle hash tree of RFC 6962 (B. Laurie, A. Langley, E. Kasper, "Certificate Transparency", IETF, 2013),
section 2.1, with SHA-256: a leaf is hashed behind the byte 0x00 and a node behind 0x01, so that no node can pose as a
leaf; a list is split at the largest power of two below its length. `leaf` hashes one row together with a salt of its
own: without the salt nobody finds a row by guessing what could stand in it. `levels` hashes a tree once; after that a
path is looked up and not computed.

`round_rows` grows the two trees of a round, `proof_files` writes and checks what people take away of them.
"""

from collections.abc import Sequence
from hashlib import sha256

from .canonical import canonical_json

Levels = Sequence[Sequence[bytes]]

_LEAF, _NODE = b"\x00", b"\x01"


def leaf(salt: str, row: object) -> bytes:
    """The hash of one row: of the canonical JSON of its salt and itself."""
    return leaf_hash(canonical_json([salt, row]).encode())


def leaf_hash(content: bytes) -> bytes:
    """The hash of a leaf with this content (RFC 6962, section 2.1)."""
    return sha256(_LEAF + content).digest()


def levels(leaves: Sequence[bytes]) -> Levels:
    """All nodes of the tree over these hashes of leaves, in this order, from the leaves up to the root alone.

    Splitting a list at the largest power of two below its length, as section 2.1 does, comes to the same as pairing
    from the left and letting a last one without a partner rise as it is.
    """
    found = [list(leaves)]
    while len(found[-1]) > 1:
        below = found[-1]
        paired = [_node(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)]
        found.append([*paired, below[-1]] if len(below) % 2 else paired)
    return found


def root(grown: Levels) -> bytes:
    """The root of a tree; over no leaves it is the hash of nothing."""
    return grown[-1][0] if grown[-1] else sha256().digest()


def proof(grown: Levels, place: int) -> list[bytes]:
    """The audit path of the leaf at this place (section 2.1.1): the nodes beside its way up, the lowest first.

    Raises
    ------
    IndexError
        If there is no such place.
    """
    if not 0 <= place < len(grown[0]):
        raise IndexError(place)
    beside = []
    for level in grown[:-1]:
        if place ^ 1 < len(level):
            beside.append(level[place ^ 1])
        place >>= 1
    return beside


def check(hashed: bytes, place: int, size: int, path: Sequence[bytes], expected_root: bytes) -> bool:
    """Whether the leaf of this hash stands at this place of the tree of this size and root.

    A path is as long as the place asks for, and no longer: what is left over proves nothing.
    """
    if not 0 <= place < size:
        return False
    sides = []  # from the root down: whether the way goes left, and so the node beside it is on the right
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        sides.append(place < middle)
        first, end = (first, middle) if place < middle else (middle, end)
    if len(path) != len(sides):
        return False
    climbed = hashed
    for goes_left, beside in zip(reversed(sides), path, strict=True):
        climbed = _node(climbed, beside) if goes_left else _node(beside, climbed)
    return climbed == expected_root


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(_NODE + left + right).digest()


def _split(size: int) -> int:
    """The largest power of two below the size."""
    return 1 << ((size - 1).bit_length() - 1)
