"""open_line, raise_ceiling, join_line: places are given once, in order, and never again."""

from tests.simulation.line_in_redis import SPENT_MS, LineInRedis
from tests.simulation.script_caller import EPOCH


async def begin_next_epoch(line: LineInRedis) -> None:
    """Make the line look as if it were left over from the epoch before."""
    await line.call.store.call("HSET", line.keys["line"], "epoch", EPOCH - 1)


async def test_a_new_line_begins_where_postgresql_says(line: LineInRedis) -> None:
    assert await line.open(last_place=0, leased=0, ceiling=20_000) == ["opened", 0, 0, 0]
    assert await line.join("ada") == ["joined", 1, 19_999]


async def test_opening_twice_changes_nothing(open_line: LineInRedis) -> None:
    await open_line.join_many(3)

    assert await open_line.open(last_place=50, leased=50, serving=9) == ["open_before"]
    assert (await open_line.join("next"))[1] == 4


async def test_after_a_loss_the_line_goes_on_above_every_place_that_may_have_been_given(
    line: LineInRedis,
) -> None:
    assert await line.open(last_place=120, leased=20_000, ceiling=40_000, serving=80) == [
        "opened", 80, 20_000, 0,
    ]  # fmt: skip
    assert await line.join("ada") == ["joined", 20_001, 19_999]
    stands = await line.call_places(rate_per_minute=0)
    assert (stands["serving"], stands["gaps"]) == (80, [[121, 20_000]])


async def test_what_redis_still_knows_better_than_postgresql_is_kept(
    open_line: LineInRedis,
) -> None:
    await open_line.join_many(30)
    open_line.capacity = 10
    assert (await open_line.call_places())["serving"] == 10
    await begin_next_epoch(open_line)

    answer = await open_line.open(last_place=20, leased=1_000, ceiling=2_000, serving=5)

    assert answer == ["opened", 10, 1_000, 0]
    assert (await open_line.call_places(rate_per_minute=0))["gaps"] == [[31, 1_000]]
    assert (await open_line.join("fan-7"))[:2] == ["joined_before", 7]


async def test_what_postgresql_knows_better_than_a_redis_that_lost_a_second_is_kept(
    open_line: LineInRedis,
) -> None:
    await open_line.join_many(30)
    await begin_next_epoch(open_line)

    assert await open_line.open(last_place=42, leased=42, ceiling=2_000, serving=11) == [
        "opened", 11, 42, 0,
    ]  # fmt: skip
    assert (await open_line.call_places(rate_per_minute=0))["gaps"] == []
    assert (await open_line.join("ada"))[1] == 43


async def test_a_ceiling_only_rises(open_line: LineInRedis) -> None:
    assert await open_line.raise_ceiling(2_000_000) == ["raised", 2_000_000]
    assert await open_line.raise_ceiling(5) == ["raised", 2_000_000]


async def test_no_place_is_given_above_the_ceiling(line: LineInRedis) -> None:
    await line.open(ceiling=2)
    assert await line.join("ada") == ["joined", 1, 1]
    assert await line.join("bob") == ["joined", 2, 0]

    assert await line.join("cyd", proof="cyds") == ["no_places", 2]
    assert await line.join("ada") == ["joined_before", 1, 0], "who has a place needs none"
    await line.raise_ceiling(3)
    assert await line.join("cyd", proof="cyds") == ["joined", 3, 0]


async def test_a_fan_has_one_place_however_often_they_ask(open_line: LineInRedis) -> None:
    first = await open_line.join("ada", proof="work-1", device="jti-1")
    assert first[:2] == ["joined", 1]

    assert (await open_line.join("ada", proof="work-1", device="jti-1"))[:2] == ["joined_before", 1]
    assert (await open_line.join("ada", proof="work-2", device="jti-2"))[:2] == ["joined_before", 1]
    assert (await open_line.join("bob"))[:2] == ["joined", 2]


async def test_a_spent_proof_is_of_no_use_to_another_fan(open_line: LineInRedis) -> None:
    await open_line.join("ada", proof="work", device="jti")

    assert await open_line.join("bob", proof="work", device="own") == ["replayed", "proof"]
    assert await open_line.join("bob", proof="own", device="jti") == ["replayed", "device"]
    assert (await open_line.join("bob", proof="own", device="own"))[:2] == ["joined", 2]


async def test_a_refused_fan_spends_nothing(open_line: LineInRedis) -> None:
    await open_line.join("ada", proof="work", device="jti")
    await open_line.join("bob", proof="bobs", device="jti")

    assert (await open_line.join("cyd", proof="bobs"))[0] == "joined"


async def test_spent_proofs_are_remembered_as_long_as_asked(open_line: LineInRedis) -> None:
    await open_line.join("ada", proof="work")
    keys = await open_line.call.store.call("KEYS", "*spent*")

    assert len(keys) == 2
    for key in keys:
        assert SPENT_MS - 5_000 < await open_line.call.store.call("PTTL", key) <= SPENT_MS
