"""Which entries of a draw take part, and every entry's place: the order when clusters share chances.

Frozen under its name: docs/draw.md has the bytes, tests/draw/cluster_vectors.json the test vectors.
Nothing here may change; another order gets another name.
"""

import hashlib
import hmac
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

import msgspec

from gateway.draw.clusters import Cluster, unpacked
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
        return front + _permuted(_behind_key(seed), before, len(behind)) + 1
    return _permuted(seed, index - before, front) + 1


def _behind_key(seed: bytes) -> bytes:
    return hashlib.sha256(BEHIND_TAG + seed).digest()


# Fans ask for their places again and again, and small crowds take thousands of steps for each.
PLACES_REMEMBERED: Final = 65_536
_permuted = lru_cache(PLACES_REMEMBERED)(permute)


class Share(msgspec.Struct, frozen=True):
    """What a fan's entry is part of: so many entries share so many chances, and whether it has one."""

    entries: int
    chances: int
    takes_part: bool


@dataclass(frozen=True, slots=True)
class Order:
    """The order of one draw that is made: who stands behind, and who shares with whom."""

    clusters: Sequence[Cluster]
    behind: Behind
    _members: Sequence[int]
    _numbers: Sequence[int]

    @classmethod
    def made(cls, seed: bytes, content: bytes, count: int) -> Self:
        """Return the order that follows from the clusters as published. Raises ClustersInvalid."""
        clusters = unpacked(content, count)
        pairs = sorted(
            (member, number) for number, each in enumerate(clusters) for member in each.members
        )
        return cls(
            clusters,
            behind_of(seed, clusters),
            array("I", [member for member, _ in pairs]),
            array("I", [number for _, number in pairs]),
        )

    def share_of(self, index: int) -> Share | None:
        """Return what the entry with an index shares; None when it is in no cluster."""
        at = bisect_left(self._members, index)
        if at == len(self._members) or self._members[at] != index:
            return None
        cluster = self.clusters[self._numbers[at]]
        before = bisect_left(self.behind, index)
        is_behind = before < len(self.behind) and self.behind[before] == index
        return Share(len(cluster.members), cluster.chances, takes_part=not is_behind)
