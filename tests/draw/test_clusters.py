"""Clusters: farms of few networks share their chances, and families, offices and campuses lose nothing."""

import hashlib
import random
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.draw import clusters
from gateway.draw.clusters import (
    FLOOR_MIN,
    UNKNOWN,
    Cluster,
    ClustersInvalid,
    Origin,
    chances_of,
    find_clusters,
    histogram,
    packed,
    unpacked,
)
from gateway.simulation.farm import KINDS

FANS = 20_000
FARM = 5_000
# What fifty fans have, and half as much again.
CHANCES_MAX = 75
ARRIVE_SECONDS = 120
ANNOUNCED_AT = 1_790_000_000

Group = list[bytes]


def a_kind(rng: random.Random) -> int:
    return rng.choices(range(len(KINDS)), [part for _, _, part in KINDS])[0]


def a_second(rng: random.Random) -> int:
    return ANNOUNCED_AT + int(rng.expovariate(1 / ARRIVE_SECONDS))


def moment(rng: random.Random) -> int:
    return ANNOUNCED_AT + rng.randrange(24 * 60 * 60)


def came(name: str, kind: int, second: int) -> bytes:
    return Origin(network(name), kind, second).packed()


@lru_cache
def network(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:8]


def crowd(rng: random.Random, fans: int = FANS, networks: int = 200_000) -> Group:
    return [
        came(f"home-{rng.randrange(networks)}", a_kind(rng), a_second(rng)) for _ in range(fans)
    ]


def left(*groups: Group) -> list[float]:
    """Return how many chances each group has, its clusters' shared evenly."""
    everybody = [(number, origin) for number, group in enumerate(groups) for origin in group]
    random.Random(5).shuffle(everybody)
    found = [float(len(group)) for group in groups]
    for cluster in find_clusters(b"".join(origin for _, origin in everybody)):
        for member in cluster.members:
            found[everybody[member][0]] += cluster.chances / len(cluster.members) - 1
    return found


def farm_of(
    networks: int = 1, rate: int = 0, kinds: Callable[[random.Random], int] = lambda _: 2
) -> Group:
    """A farm: so many tickets a second, or as fans come."""
    rng = random.Random(3)
    return [
        came(
            f"farm-{number % networks}",
            kinds(rng),
            ANNOUNCED_AT + 10 + number // rate if rate else a_second(rng),
        )
        for number in range(FARM)
    ]


@pytest.mark.parametrize(
    ("networks", "rate"), [(1, 5_000), (1, 500), (1, 20), (1, 10), (1, 0), (3, 500), (5, 0)]
)
def test_a_farm_of_few_networks_has_no_more_than_75_chances(networks: int, rate: int) -> None:
    fans, farm = left(crowd(random.Random(1)), farm_of(networks, rate))
    assert fans > FANS - 2
    assert 1 <= farm <= CHANCES_MAX


@pytest.mark.parametrize("seed", range(3))
def test_families_and_a_campus_lose_nothing(seed: int) -> None:
    """Two thousand behind one address, and thirty households of four that press in one second."""
    rng = random.Random(seed)
    campus = [came("campus", a_kind(rng), a_second(rng)) for _ in range(2_000)]
    families = []
    for number in range(30):
        kind, second = a_kind(rng), a_second(rng)
        families += [came(f"family-{number}", kind, second)] * 4
    fans = crowd(rng)
    for farm in ([], farm_of(), farm_of(rate=500)):
        assert left(fans, campus, families, farm)[:3] == [FANS, 2_000, 120]


@pytest.mark.parametrize("size", [50, 250])
def test_an_office_with_the_same_browser_loses_nothing(size: int) -> None:
    rng = random.Random(size)
    office = [came("office", 2, a_second(rng)) for _ in range(size)]
    assert left(crowd(rng), office)[1] == size


def test_a_campus_keeps_its_chances_beside_a_farm_on_its_own_address() -> None:
    """Only who comes with the farm's kind of client shares with it: here three in a hundred."""
    rng = random.Random(8)
    campus = [came("campus", a_kind(rng), a_second(rng)) for _ in range(2_000)]
    farm = [came("campus", 5, ANNOUNCED_AT + 300 + number // 500) for number in range(FARM)]
    _, with_farm, farm_left = left(crowd(rng), campus, farm)
    assert with_farm > 0.97 * len(campus)
    assert farm_left < 0.1 * FARM


def test_what_looks_like_a_crowd_is_let_be() -> None:
    """The rule's end, written down: what comes as fans do from many networks is not told from fans."""
    rng = random.Random(2)
    assert left(crowd(rng), farm_of(networks=FARM))[1] == FARM
    assert left(crowd(rng), farm_of(kinds=a_kind))[1] == FARM
    # So does what drips in from one network over hours.
    day = [came(f"home-{rng.randrange(FANS)}", a_kind(rng), moment(rng)) for _ in range(FANS)]
    dripped = [came("farm", 2, ANNOUNCED_AT + number // 5) for number in range(FARM)]
    assert left(day, dripped)[1] == FARM


def test_without_other_networks_nobody_is_clustered() -> None:
    """A proxy that nobody declared makes a whole crowd come from one network."""
    rng = random.Random(4)
    everybody = [came("proxy", a_kind(rng), a_second(rng)) for _ in range(FANS)]
    assert left(everybody) == [FANS]
    few = crowd(rng, networks=clusters.NETWORKS_MIN - 2)
    assert left(few, farm_of())[1] == FARM
    enough = crowd(rng, networks=clusters.NETWORKS_MIN + 50)
    assert left(enough, farm_of())[1] <= CHANCES_MAX


def test_who_is_counted_nowhere_is_in_no_cluster() -> None:
    assert left(crowd(random.Random(1)), [UNKNOWN] * FARM)[1] == FARM


def test_a_rush_ends_with_a_pause() -> None:
    crowded = [came("farm", 2, ANNOUNCED_AT)] * 100
    straggler = [came("farm", 2, ANNOUNCED_AT + clusters.PAUSE_SECONDS)]
    late = [came("farm", 2, ANNOUNCED_AT + 2 * clusters.PAUSE_SECONDS + 1)]
    fans = crowd(random.Random(1))
    assert left(fans, crowded, straggler, late)[3] == 1
    assert left(fans, crowded, straggler, late)[2] < 1


@pytest.mark.parametrize(
    "size", [1, 7, FLOOR_MIN, FLOOR_MIN + 1, 1_000, 1_024, 1_025, 5_000, 10**6]
)
def test_chances_are_the_size_to_the_power_of_three_tenths(size: int) -> None:
    found = chances_of(size, FLOOR_MIN)
    if size <= FLOOR_MIN:
        assert found == size
    else:
        assert found == max(FLOOR_MIN, int(size**0.3 + 1e-9))
    assert chances_of(size, size) == size
    assert chances_of(10**6, 500) == 500


def test_more_tickets_never_mean_fewer_chances() -> None:
    for floor in (FLOOR_MIN, 40):
        all_sizes = [chances_of(size, floor) for size in range(1, 6_000)]
        assert all_sizes == sorted(all_sizes)


MADE = [Cluster(8, tuple(range(0, 40, 2))), Cluster(9, tuple(range(1, 41, 2)))]


def test_what_is_published_can_be_read_again() -> None:
    assert unpacked(packed(MADE), 41) == MADE
    assert unpacked(b"", 0) == []
    assert histogram([*MADE, Cluster(8, tuple(range(50, 70)))]) == [(20, 9, 1), (20, 8, 2)]


@pytest.mark.parametrize(
    ("tampered", "count"),
    [
        (packed(MADE)[:-1], 41),
        (packed(MADE)[:-4], 41),
        (packed(MADE)[:5], 41),
        (packed(MADE), 39),
        (packed(MADE[::-1]), 41),
        (packed([MADE[0], Cluster(8, tuple(range(2, 30)))]), 41),
        (packed([Cluster(7, tuple(range(20)))]), 41),
        (packed([Cluster(20, tuple(range(20)))]), 41),
        (packed([Cluster(8, (*range(10), 9))]), 41),
        (packed([Cluster(8, ())]), 41),
    ],
)
def test_what_no_clusters_can_be_is_refused(tampered: bytes, count: int) -> None:
    with pytest.raises(ClustersInvalid):
        unpacked(tampered, count)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.integers(0, 90)), max_size=200)
)
def test_whatever_comes_no_entry_is_in_two_clusters(rows: list[tuple[str, int, int]]) -> None:
    others = [came(f"net-{number}", number % 3, number % 90) for number in range(250)]
    origins = others + [came(*row) for row in rows] * 3
    found = find_clusters(b"".join(origins))
    assert unpacked(packed(found), len(origins)) == found
    members = Counter(member for cluster in found for member in cluster.members)
    assert not members or max(members.values()) == 1


def test_habits_of_a_sample_are_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(6)
    fans = crowd(rng)
    campus = [came("campus", a_kind(rng), a_second(rng)) for _ in range(2_000)]
    assert left(fans, campus, farm_of())[2] <= CHANCES_MAX
    monkeypatch.setattr(clusters, "LEARNED_MAX", 2_000)
    assert left(fans, campus) == [FANS, 2_000]
    assert left(fans, campus, farm_of())[2] <= CHANCES_MAX
    # Of few networks no sample is taken that knows too little.
    few = crowd(rng, networks=clusters.NETWORKS_MIN + 50)
    assert left(few, farm_of())[1] <= CHANCES_MAX
