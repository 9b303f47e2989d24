"""The order when clusters share chances: every place once, and every chance as good as any other."""

import hashlib
import json
from collections import Counter
from pathlib import Path

from gateway.draw.clusters import Cluster
from gateway.draw.order import behind_of, place_at
from gateway.draw.permutation import permute
from tests.draw.make_cluster_vectors import vectors

VECTORS = Path(__file__).with_name("cluster_vectors.json")

COUNT = 5_000
CLUSTERS = [Cluster(8, tuple(range(100, 700, 2))), Cluster(40, tuple(range(1_001, 1_101)))]
CHANCES = 8 + 40
IN_CLUSTERS = 300 + 100
# The value a chi-square of so many degrees of freedom stays below in all but one of a million tests.
CHI_SQUARE_MAX = {11: 50, 19: 64}


def seeds(count: int) -> list[bytes]:
    return [hashlib.sha256(f"order {number}".encode()).digest() for number in range(count)]


def test_what_was_frozen_of_clusters_is_what_the_code_does() -> None:
    assert json.loads(VECTORS.read_text()) == json.loads(json.dumps(vectors()))


def test_every_place_is_given_once() -> None:
    (seed,) = seeds(1)
    behind = behind_of(seed, CLUSTERS)
    places = [place_at(seed, index, COUNT, behind) for index in range(COUNT)]
    assert sorted(places) == list(range(1, COUNT + 1))
    front = COUNT - IN_CLUSTERS + CHANCES
    assert len(behind) == COUNT - front
    assert {place for index, place in enumerate(places) if index in set(behind)} == set(
        range(front + 1, COUNT + 1)
    )


def test_each_cluster_keeps_just_its_chances() -> None:
    for seed in seeds(20):
        behind = set(behind_of(seed, CLUSTERS))
        kept = [len(set(cluster.members) - behind) for cluster in CLUSTERS]
        assert kept == [8, 40]


def test_without_clusters_it_is_the_order_of_before() -> None:
    for seed in seeds(3):
        assert list(behind_of(seed, [])) == []
        for index in (0, 1, 99):
            assert place_at(seed, index, 100) == permute(seed, index, 100) + 1


def test_over_many_draws_every_member_takes_part_equally_often() -> None:
    draws, members = 2_000, 20
    cluster = [Cluster(8, tuple(range(3, 3 + members)))]
    parts: Counter[int] = Counter()
    for seed in seeds(draws):
        parts.update(set(cluster[0].members) - set(behind_of(seed, cluster)))
    assert parts.total() == draws * 8
    assert chi_square(parts, members) < CHI_SQUARE_MAX[members - 1]


def test_over_many_draws_places_are_spread_evenly() -> None:
    """A chance of a cluster is as good as anybody's: by twentieths of the places it can get."""
    count, draws, cells = 5_000, 1_000, 20
    cluster = Cluster(8, tuple(range(100, 160, 3)))
    front = count - 20 + 8
    taking_part, others, standing = Counter[int](), Counter[int](), Counter[int]()
    for seed in seeds(draws):
        behind = behind_of(seed, [cluster])
        first = next(index for index in cluster.members if index not in behind)
        taking_part[(place_at(seed, first, count, behind) - 1) * cells // front] += 1
        others[(place_at(seed, 4_321, count, behind) - 1) * cells // front] += 1
    for seed in seeds(300):  # twelve are a small crowd, that walks a long way
        behind = behind_of(seed, [cluster])
        standing[place_at(seed, behind[0], count, behind) - front] += 1
    assert chi_square(taking_part, cells) < CHI_SQUARE_MAX[cells - 1]
    assert chi_square(others, cells) < CHI_SQUARE_MAX[cells - 1]
    assert set(standing) == set(range(1, 13))
    assert chi_square(standing, 12) < CHI_SQUARE_MAX[11]


def chi_square(counts: Counter[int], cells: int) -> float:
    expected = counts.total() / cells
    missing = cells - len(counts)
    return sum((n - expected) ** 2 / expected for n in counts.values()) + missing * expected
