"""The sealed list of entries: its leaves, its Merkle root, and the proof that an entry is in it.

Hashes as in RFC 6962: a leaf is hashed behind the byte 0, a node behind the byte 1, and a list of n is
split at the largest power of two below n. The bytes of an entry are frozen: see docs/draw.md.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

ENTRY_TAG: Final = b"onsale-draw-entry-v1"
HASH_BYTES: Final = 32
# Entries in a row of the ledger, and in a piece of the download: 128 kilobytes of leaves. A power of
# two, so that a full chunk is a whole subtree.
CHUNK: Final = 4096
EMPTY_ROOT: Final = hashlib.sha256().digest()


def leaf_of(sale_id: str, entry_number: int, fan_id: str) -> bytes:
    """Return the leaf of an entry. A fan's id cannot be guessed, so the leaf names nobody."""
    sale, fan = sale_id.encode(), fan_id.encode()
    return hashlib.sha256(
        b"\0"
        + ENTRY_TAG
        + len(sale).to_bytes(2, "big")
        + sale
        + entry_number.to_bytes(8, "big")
        + len(fan).to_bytes(2, "big")
        + fan
    ).digest()


def levels_of(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """Return the tree over some leaves: the leaves, their parents, … the root alone.

    Whoever has no sibling moves up as it is, which makes the same tree as splitting at powers of two.
    """
    levels = [list(leaves)]
    sha256 = hashlib.sha256
    while len(levels[-1]) > 1:
        below = levels[-1]
        above = [
            sha256(b"\1" + below[at] + below[at + 1]).digest() for at in range(0, len(below) - 1, 2)
        ]
        if len(below) % 2:
            above.append(below[-1])
        levels.append(above)
    return levels


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root of a whole list, or of a chunk."""
    return levels_of(leaves)[-1][0] if leaves else EMPTY_ROOT


def path_in(levels: Sequence[Sequence[bytes]], index: int) -> list[bytes]:
    """Return the siblings on the way from a leaf up to the top of these levels."""
    path: list[bytes] = []
    for level in levels[:-1]:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        index >>= 1
    return path


def root_by_path(leaf: bytes, index: int, count: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that a leaf and its audit path lead to; None for a path of no such tree."""
    if not 0 <= index < count:
        return None
    siblings = list(path)
    node, size = leaf, count
    while size > 1:
        if index ^ 1 < size:
            if not siblings:
                return None
            sibling = siblings.pop(0)
            pair = sibling + node if index & 1 else node + sibling
            node = hashlib.sha256(b"\1" + pair).digest()
        index, size = index >> 1, (size + 1) >> 1
    return None if siblings else node


def split(leaves: bytes) -> list[bytes]:
    """Return the single hashes of a string of them."""
    return [leaves[at : at + HASH_BYTES] for at in range(0, len(leaves), HASH_BYTES)]
