"""The mathematics of the draw: fair, the same for ever, and each step noticed when it is tampered with."""

import hashlib
import hmac
import json
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.draw import permutation
from gateway.draw.draw import merged
from gateway.draw.permutation import half_bits, permute
from gateway.draw.roster import CHUNK, leaf_of, levels_of, path_in, root_by_path, root_of
from gateway.draw.seed import index_of, seed_of, shared_place
from tests.draw.make_vectors import vectors

VECTORS = Path(__file__).with_name("vectors.json")
# The value a chi-square of so many degrees of freedom stays below in all but one of a million draws.
CHI_SQUARE_MAX = {1: 24, 4: 34, 9: 46, 23: 72, 49: 115}


def seeds(count: int, name: str) -> list[bytes]:
    return [hashlib.sha256(f"{name} {number}".encode()).digest() for number in range(count)]


@pytest.fixture
def quick_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small crowds walk a long way on the same few rounds: each is worked out once."""
    monkeypatch.setattr(permutation, "hmac", RememberedRounds)


class RememberedRounds:
    digest = staticmethod(lru_cache(2_048)(hmac.digest))


def chi_square(counts: Counter[object], cells: int) -> float:
    expected = counts.total() / cells
    missing = cells - len(counts)
    return sum((n - expected) ** 2 / expected for n in counts.values()) + missing * expected


def test_what_was_frozen_is_what_the_code_does() -> None:
    assert json.loads(VECTORS.read_text()) == json.loads(json.dumps(vectors()))


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.integers(1, 700))
def test_every_index_gets_a_number_of_its_own(seed: bytes, count: int) -> None:
    assert {permute(seed, index, count) for index in range(count)} == set(range(count))


@pytest.mark.parametrize("count", [4_095, 4_096, 4_097, 20_000])
def test_large_crowds_get_every_number_once(count: int) -> None:
    seed = hashlib.sha256(b"large").digest()
    assert len({permute(seed, index, count) for index in range(count)}) == count


@pytest.mark.parametrize(("count", "bits"), [(1, 6), (4_096, 6), (4_097, 7), (2**14, 7),
                                             (2**14 + 1, 8), (10**6, 10), (2**20 + 1, 11)])  # fmt: skip
def test_the_domain_is_the_smallest_power_of_four_with_room(count: int, bits: int) -> None:
    assert half_bits(count) == bits


@pytest.mark.usefixtures("quick_rounds")
@pytest.mark.parametrize(("count", "draws"), [(2, 300), (5, 500), (10, 600), (50, 1_500)])
def test_over_many_draws_a_fan_gets_every_place_equally_often(count: int, draws: int) -> None:
    for index in (0, count - 1):
        places: Counter[object] = Counter(
            permute(seed, index, count) for seed in seeds(draws, f"uniform {count}")
        )
        assert chi_square(places, count) < CHI_SQUARE_MAX[count - 1]


@pytest.mark.usefixtures("quick_rounds")
def test_over_many_draws_every_order_of_four_comes_equally_often() -> None:
    orders: Counter[object] = Counter(
        tuple(permute(seed, index, 4) for index in range(4)) for seed in seeds(300, "orders")
    )
    assert chi_square(orders, 24) < CHI_SQUARE_MAX[23]


def test_fans_who_came_one_after_the_other_are_not_drawn_together() -> None:
    """The distance of neighbours' places in a large crowd falls into ten equal parts equally often."""
    count = 5_000
    distances: Counter[object] = Counter(
        (permute(seed, 101, count) - permute(seed, 100, count)) % count * 10 // count
        for seed in seeds(2_000, "neighbours")
    )
    assert chi_square(distances, 10) < CHI_SQUARE_MAX[9]


def test_a_shared_place_is_as_good_as_any() -> None:
    places: Counter[object] = Counter(
        shared_place(seed, "f_lost", 10) for seed in seeds(3_000, "shared")
    )
    assert set(places) == set(range(1, 11))
    assert chi_square(places, 10) < CHI_SQUARE_MAX[9]


def rfc_6962_root(leaves: list[bytes]) -> bytes:
    """The definition of the RFC, word for word."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = rfc_6962_root(leaves[:split]), rfc_6962_root(leaves[split:])
    return hashlib.sha256(b"\1" + left + right).digest()


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 100, CHUNK, CHUNK + 1, 2 * CHUNK + 77])
def test_the_root_is_that_of_the_rfc_also_when_made_of_chunks(count: int) -> None:
    leaves = [leaf_of("tour", number, "f") for number in range(count)]
    assert root_of(leaves) == rfc_6962_root(leaves)
    roots = [root_of(leaves[at : at + CHUNK]) for at in range(0, count, CHUNK)]
    assert root_of(roots) == rfc_6962_root(leaves)


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 300), st.data())
def test_a_path_leads_to_the_root_and_no_changed_one_does(count: int, data: st.DataObject) -> None:
    leaves = [leaf_of("tour", number, "f") for number in range(count)]
    index = data.draw(st.integers(0, count - 1))
    levels = levels_of(leaves)
    root, path = levels[-1][0], path_in(levels, index)

    assert root_by_path(leaves[index], index, count, path) == root
    assert root_by_path(leaf_of("tour", index, "other"), index, count, path) != root
    if index + 1 < count:
        assert root_by_path(leaves[index], index + 1, count, path) != root
    assert root_by_path(leaves[index], count, count, path) is None
    assert root_by_path(leaves[index], index, count, [*path, root]) is None
    if path:
        assert root_by_path(leaves[index], index, count, path[:-1]) is None
        changed = [bytes(32), *path[1:]]
        assert root_by_path(leaves[index], index, count, changed) != root


def test_a_leaf_says_sale_number_and_fan_and_nothing_else_has_it() -> None:
    leaves = {leaf_of("tour", 1, "f"), leaf_of("tour", 2, "f"), leaf_of("tour", 1, "g"),
              leaf_of("tou", 1, "rf"), leaf_of("", 1, "f")}  # fmt: skip
    assert len(leaves) == 5


def test_the_seed_hangs_on_all_of_it() -> None:
    one, two = bytes(32), b"\1" * 32
    seeds = {seed_of(one, one), seed_of(two, one), seed_of(one, two), seed_of(one, one, one)}
    assert len(seeds) == 4


@given(st.sets(st.integers(1, 60), min_size=1))
def test_indexes_leave_no_gap_and_numbers_in_gaps_have_none(entered: set[int]) -> None:
    missing = [(n, n) for n in range(1, max(entered) + 1) if n not in entered]
    gaps = merged(tuple(missing))

    indexes = [index_of(number, len(entered), gaps) for number in sorted(entered)]

    assert indexes == list(range(len(entered)))
    for number, _ in missing:
        assert index_of(number, len(entered), gaps) is None
    assert index_of(max(entered) + 1, len(entered), gaps) is None
    assert index_of(0, len(entered), gaps) is None


def test_runs_that_touch_or_overlap_are_one() -> None:
    assert merged(((5, 9), (1, 2), (3, 3), (8, 12), (20, 21))) == ((1, 3), (5, 12), (20, 21))
