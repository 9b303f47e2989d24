"""Clusters: entries of one network and one kind of client that came in a rush, and share their chances.

Nobody's score counts here, and nobody is refused: docs/decisions/0021. What is published of a cluster
is its size, its floor and which entries are in it, never where they came from.
"""

import hashlib
import struct
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import ceil
from statistics import median
from typing import Final, NamedTuple, Self

# Two households of the same street, or a row of a lecture hall, press in one second. Of two hundred and
# fifty colleagues with the same browser hardly ever more do, even in the first two minutes.
FLOOR_MIN: Final = 8
# A campus may be twice as fond of one kind of phone as everybody, and come twice as fast.
SLACK: Final = 4
# A rush is over when nobody came for so long. A farm that thins out is one to its last ticket.
PAUSE_SECONDS: Final = 60
# Habits are learned from all networks, each counted once; of fewer than these nothing is learned, and
# nothing is clustered. A proxy that is not known as such makes everybody come from one.
NETWORKS_MIN: Final = 200
# And from so many places and moments, which are as good as all and take a tenth of a second.
LEARNED_MAX: Final = 100_000
# Kinds that fewer than one in a hundred have say nothing about how many people share a network.
KIND_SHARE_MIN: Final = 0.01
# When few come, how many come in a second is told by the minute around it.
AROUND_SECONDS: Final = (1, 30)

_ORIGIN: Final = struct.Struct(">8sHI")
# Of a network's name: no two of a sale meet.
NETWORK_BYTES: Final = 8
_KNOWN: Final = slice(0, NETWORK_BYTES)
_PAIR: Final = slice(0, 10)  # network and kind
_HEAD: Final = struct.Struct(">II")


class Origin(NamedTuple):
    """Where an entry came from: 8 bytes that name a network, a kind of client, seconds since 1970."""

    network: bytes
    kind: int
    second: int

    def packed(self) -> bytes:
        """Return it in ORIGIN_BYTES."""
        return _ORIGIN.pack(*self)


ORIGIN_BYTES: Final = _ORIGIN.size
# Who is counted nowhere: see ClientAddresses. Such an entry is in no cluster.
UNKNOWN: Final = bytes(ORIGIN_BYTES)


def chances_of(size: int, floor: int) -> int:
    """Return how many of a cluster's entries take part: size^0.3, and never fewer than the floor.

    In whole numbers, so that everybody finds the same: the largest c with c^10 <= size^3.
    """
    if size <= floor:
        return size
    chances: int = round(size**0.3)
    while chances**10 > size**3:
        chances -= 1
    while (chances + 1) ** 10 <= size**3:
        chances += 1
    return max(floor, chances)


@dataclass(frozen=True, slots=True)
class Cluster:
    """Entries that share chances, by their index in the roster, in order; more of them than `floor`."""

    floor: int
    members: tuple[int, ...]

    @property
    def chances(self) -> int:
        """How many of them take part in the draw."""
        return chances_of(len(self.members), self.floor)


class Habits:
    """What is usual in a sale: how common each kind of client is, and when fans come.

    Every network counts once for each kind and second: thousands of tickets of one are one voice.
    """

    def __init__(self, origins: Collection[bytes]) -> None:
        self.networks = len({origin[_KNOWN] for origin in origins})
        every = min(ceil(len(origins) / LEARNED_MAX), self.networks // NETWORKS_MIN)
        if every > 1:  # names are keyed hashes: those of every so many networks are a fair sample
            origins = [each for each in origins if (each[0] << 8 | each[1]) % every == 0]
        pairs = {origin[_PAIR] for origin in origins}
        kinds = Counter(pair[8:] for pair in pairs)
        self.kinds = {kind: count / len(pairs) for kind, count in kinds.items()}
        seconds = Counter(
            moment[8:] for moment in {origin[_KNOWN] + origin[10:] for origin in origins}
        )
        ordered = sorted((int.from_bytes(second, "big"), n) for second, n in seconds.items())
        self._seconds = [second for second, _ in ordered]
        self._until = [0, *accumulate(n for _, n in ordered)]

    def share_of(self, first: int, last: int) -> float:
        """Return the part of all fans that comes from one second to another, both included."""
        length = last - first + 1
        return max(
            self._come(first - around, last + around) * length / (length + 2 * around)
            for around in AROUND_SECONDS
        )

    def _come(self, first: int, last: int) -> float:
        begin, end = bisect_left(self._seconds, first), bisect_right(self._seconds, last)
        return (self._until[end] - self._until[begin]) / self._until[-1]

    def people_of(self, tickets: Mapping[bytes, int]) -> float:
        """Return how many people share a network, by its tickets of each kind.

        The median of what each common kind says: a few kinds that are many more than usual, or
        missing, do not move it.
        """
        told = [
            tickets.get(kind, 0) / share
            for kind, share in self.kinds.items()
            if share >= KIND_SHARE_MIN
        ]
        return min(median(told), sum(tickets.values()))


def find_clusters(origins: bytes) -> list[Cluster]:
    """Return the clusters among a roster's origins, ORIGIN_BYTES each, in the order of their entries."""
    entries = [origins[at : at + ORIGIN_BYTES] for at in range(0, len(origins), ORIGIN_BYTES)]
    crowds = Counter(entries)
    crowds.pop(UNKNOWN, None)
    crowded = {origin[_PAIR] for origin, size in crowds.items() if size > FLOOR_MIN}
    if not crowded:
        return []
    habits = Habits(crowds)
    if habits.networks < NETWORKS_MIN:
        return []
    rushes = {pair: found for pair, found in _rushes(crowds, crowded, habits) if found}
    members: dict[tuple[bytes, int], list[int]] = defaultdict(list)
    for index, origin in enumerate(entries):
        for number, rush in enumerate(rushes.get(origin[_PAIR], ())):
            if rush.first <= int.from_bytes(origin[10:], "big") <= rush.last:
                members[origin[_PAIR], number].append(index)
    clusters = [
        Cluster(rushes[pair][number].floor, tuple(found))
        for (pair, number), found in members.items()
    ]
    return sorted(clusters, key=lambda cluster: cluster.members[0])


@dataclass(frozen=True, slots=True)
class _Rush:
    first: int
    last: int
    floor: int


def _rushes(
    crowds: Mapping[bytes, int], crowded: Collection[bytes], habits: Habits
) -> Iterator[tuple[bytes, list[_Rush]]]:
    """Yield the rushes of each pair of network and kind that has a crowded second."""
    networks = {pair[_KNOWN] for pair in crowded}
    tickets: dict[bytes, Counter[bytes]] = defaultdict(Counter)
    seconds: dict[bytes, dict[int, int]] = defaultdict(dict)
    for origin, size in crowds.items():
        if origin[_KNOWN] in networks:
            pair = origin[_PAIR]
            tickets[origin[_KNOWN]][pair[8:]] += size
            if pair in crowded:
                seconds[pair][int.from_bytes(origin[10:], "big")] = size
    for pair in crowded:
        people = habits.people_of(tickets[pair[_KNOWN]])
        usual = SLACK * people * habits.kinds[pair[8:]]
        yield pair, list(_rushes_of(seconds[pair], usual, habits))


def _rushes_of(sizes: Mapping[int, int], usual: float, habits: Habits) -> Iterator[_Rush]:
    """Yield the runs of seconds without a pause that are, as a whole and in one second, too crowded.

    `usual` is how many may come in all.
    """

    def floor_of(first: int, last: int) -> int:
        return max(FLOOR_MIN, ceil(usual * habits.share_of(first, last)))

    run: list[int] = []
    for second in [*sorted(sizes), None]:
        if run and (second is None or second > run[-1] + PAUSE_SECONDS):
            floor = floor_of(run[0], run[-1])
            is_rush = any(sizes[each] > floor_of(each, each) for each in run)
            if is_rush and sum(sizes[each] for each in run) > floor:
                yield _Rush(run[0], run[-1], floor)
            run = []
        if second is not None:
            run.append(second)


class ClustersInvalid(Exception):
    """Not what a draw's clusters can be; the text says why."""


def packed(clusters: Sequence[Cluster]) -> bytes:
    """Return the clusters as they are published: of each its floor, its size and its members."""
    return b"".join(
        _HEAD.pack(cluster.floor, len(cluster.members))
        + struct.pack(f">{len(cluster.members)}I", *cluster.members)
        for cluster in clusters
    )


def unpacked(content: bytes, count: int) -> list[Cluster]:
    """Return the clusters of a roster of `count` entries as they were published.

    Raises ClustersInvalid unless they are such as can be: more members than the floor, none twice,
    all in order.
    """
    clusters: list[Cluster] = []
    at, seen = 0, 0
    while at < len(content):
        if len(content) < at + _HEAD.size:
            raise ClustersInvalid("something is cut off")
        floor, size = _HEAD.unpack_from(content, at)
        at += _HEAD.size
        if len(content) < at + 4 * size:
            raise ClustersInvalid("something is cut off")
        members = struct.unpack_from(f">{size}I", content, at)
        at += 4 * size
        seen += size
        if not FLOOR_MIN <= floor < size:
            raise ClustersInvalid("a cluster is no larger than its floor")
        if members[-1] >= count or any(a >= b for a, b in pairwise(members)):
            raise ClustersInvalid("entries are out of order, or not in the roster")
        if clusters and members[0] <= clusters[-1].members[0]:
            raise ClustersInvalid("clusters are out of order")
        clusters.append(Cluster(floor, members))
    if len({member for cluster in clusters for member in cluster.members}) != seen:
        raise ClustersInvalid("an entry is in two clusters")
    return clusters


def digest_of(content: bytes) -> bytes:
    """Return the hash of the clusters as they are published: it goes into the seed."""
    return hashlib.sha256(content).digest()


class Rank(NamedTuple):
    """How many clusters there are of a size, and what each of them has."""

    size: int
    chances: int
    clusters: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What clusters come to: how many entries are in them, and how many chances these have."""

    entries: int
    chances: int

    @classmethod
    def of(cls, clusters: Sequence[Cluster]) -> Self:
        """Count them."""
        return cls(
            sum(len(cluster.members) for cluster in clusters),
            sum(cluster.chances for cluster in clusters),
        )


def histogram(clusters: Sequence[Cluster]) -> list[Rank]:
    """Return how many clusters there are of each size, the largest first."""
    counted = Counter((len(cluster.members), cluster.chances) for cluster in clusters)
    return [Rank(*kind, number) for kind, number in sorted(counted.items(), reverse=True)]
