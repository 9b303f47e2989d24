"""Which entries of a draw take part, and every entry's place: the order when clusters share chances.

Frozen under its name: docs/draw.md has the bytes, tests/draw/cluster_vectors.json the test vectors.
Nothing here may change; another order gets another name.
"""

import hashlib
import hmac
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from gateway.draw.clusters import Cluster
from gateway.draw.permutation import permute

NAME: Final = "clusters-feistel4-hmac-sha256-v2"
LOT_TAG: Final = b"onsale-draw-lot-v2"
BEHIND_TAG: Final = b"onsale-draw-behind-v2"

# Indexes of those who do not take part, in order. With nobody among them it is the order of before.
Behind = Sequence[int]


def behind_of(seed: bytes, clusters: Sequence[Cluster]) -> Behind:
    """Return which entries stand behind: in each cluster those whose lot is not among the smallest."""
    found = [
        index
        for cluster in clusters
        for index in sorted(cluster.members, key=lambda index: _lot(seed, index))[cluster.chances :]
    ]
    return array("I", sorted(found))


def _lot(seed: bytes, index: int) -> bytes:
    return hmac.digest(seed, LOT_TAG + index.to_bytes(4, "big"), "sha256")


def place_at(seed: bytes, index: int, count: int, behind: Behind = ()) -> int:
    """Return the place, from 1, of the entry with an index among `count`."""
    before, front = bisect_left(behind, index), count - len(behind)
    if before < len(behind) and behind[before] == index:
        return front + permute(_behind_key(seed), before, len(behind)) + 1
    return permute(seed, index - before, front) + 1


def _behind_key(seed: bytes) -> bytes:
    return hashlib.sha256(BEHIND_TAG + seed).digest()
