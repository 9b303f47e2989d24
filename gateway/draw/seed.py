"""What the order of a draw hangs on: the secret, the roster, the beacon; and what follows from them.

Frozen: see docs/draw.md.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from gateway.draw.order import Behind, place_at

SEED_TAG: Final = b"onsale-draw-seed-v1"
CLUSTERS_SEED_TAG: Final = b"onsale-draw-seed-v2"
LATE_TAG: Final = b"onsale-draw-late-v1"
SECRET_BYTES: Final = 32

# Entry numbers that nobody has, first and last of each run, in order.
Gaps = Sequence[tuple[int, int]]


def commitment_of(secret: bytes) -> bytes:
    """Return what is published of the secret before anybody enters."""
    return hashlib.sha256(secret).digest()


def seed_of(
    secret: bytes, root: bytes, randomness: bytes = b"", clusters: bytes | None = None
) -> bytes:
    """Return the seed. `randomness` is the beacon's, 32 bytes, or nothing in a draw without one.

    `clusters` is the hash of what is published of the clusters; None in a draw without them.
    """
    assert (len(secret), len(root)) == (SECRET_BYTES, 32), "a secret and a root have 32 bytes"
    assert len(randomness) in (0, 32), "a beacon gives 32 bytes"
    if clusters is None:
        return hashlib.sha256(SEED_TAG + secret + root + randomness).digest()
    assert len(clusters) == 32, "a hash has 32 bytes"
    return hashlib.sha256(CLUSTERS_SEED_TAG + secret + root + clusters + randomness).digest()


def index_of(entry_number: int, count: int, gaps: Gaps) -> int | None:
    """Return where the entry stands in the roster, from 0; None for a number that is not in it."""
    before = 0
    for first, last in gaps:
        if entry_number < first:
            break
        if entry_number <= last:
            return None
        before += last - first + 1
    index = entry_number - before - 1
    return index if 0 <= index < count else None


def place_of_entry(
    seed: bytes, entry_number: int, count: int, gaps: Gaps, behind: Behind = ()
) -> int | None:
    """Return the place of an entry, from 1; None for a number that is not in the roster."""
    index = index_of(entry_number, count, gaps)
    return None if index is None else place_at(seed, index, count, behind)


def shared_place(seed: bytes, fan_id: str, count: int) -> int:
    """Return the place of a fan whose entry a lost store took with it: as good as everybody's.

    It is somebody else's, too; both are called together. `count` are the entries that take part: all
    of them, less those who stand behind.
    """
    digest = hashlib.sha256(LATE_TAG + seed + fan_id.encode()).digest()
    return int.from_bytes(digest[:16], "big") % max(1, count) + 1
