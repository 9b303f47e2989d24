"""join_line, seal_entries, read_entries, find_entry: entries to the draw, until its roster is sealed."""

from tests.simulation.line_in_redis import LineInRedis
from tests.simulation.script_caller import EPOCH


async def test_before_sealing_fans_get_entry_numbers_once(line: LineInRedis) -> None:
    assert await line.open_entries(ceiling=20_000) == ["opened", 0, 0, 0]

    assert await line.join("ada") == ["entered", 1, 19_999]
    assert await line.join("bob") == ["entered", 2, 19_998]
    assert await line.join("ada") == ["entered_before", 1, 19_998]
    assert await line.find_entry("bob") == ["entry", 2]
    assert await line.find_entry("cyd") == ["none"]


async def test_a_spent_proof_enters_nobody_else(line: LineInRedis) -> None:
    await line.open_entries()
    await line.join("ada", proof="work", device="jti")

    assert await line.join("bob", proof="work") == ["replayed", "proof"]
    assert await line.join("bob", device="jti") == ["replayed", "device"]
    assert await line.read_entries() == ["entries", 1, "ada", ""]


async def test_sealing_is_done_once_and_later_fans_come_behind_everybody(line: LineInRedis) -> None:
    await line.open_entries()
    await line.join_many(3)

    assert await line.seal() == ["sealed", 3, 3]
    assert await line.seal() == ["sealed_before", 3, 3]
    await line.raise_ceiling(1_000)
    assert (await line.join("late"))[:2] == ["joined", 4]
    assert (await line.join("late"))[:2] == ["joined_before", 4]
    assert (await line.join("fan-2"))[:2] == ["entered_before", 2], "who entered has no other place"
    assert await line.seal() == ["sealed_before", 3, 3]
    stands = await line.call_places(rate_per_minute=0)
    assert (stands["serving"], stands["last_place"], stands["gaps"]) == (0, 4, [])


async def test_places_behind_the_roster_are_leased_from_its_end(line: LineInRedis) -> None:
    await line.open_entries()
    await line.join_many(3)
    await line.seal()

    assert await line.join("late") == ["no_places", 3]
    await line.raise_ceiling(4)
    assert await line.join("late") == ["joined", 4, 0]


async def test_no_entry_number_is_given_above_its_ceiling(line: LineInRedis) -> None:
    await line.open_entries(ceiling=1)
    await line.join("ada")

    assert await line.join("bob") == ["no_entries", 1]
    assert await line.join("ada") == ["entered_before", 1, 0], "who has a number needs none"
    assert await line.raise_ceiling(2, of="entry_ceiling") == ["raised", 2]
    assert await line.join("bob") == ["entered", 2, 0]


async def test_what_the_roster_has_is_forgotten_and_the_rest_is_read_in_order(
    line: LineInRedis,
) -> None:
    await line.open_entries()
    await line.join_many(4)

    assert await line.read_entries(0, 2) == ["entries", 1, "fan-1", "", 2, "fan-2", ""]
    assert await line.read_entries(0, 2) == ["entries", 1, "fan-1", "", 2, "fan-2", ""]
    assert await line.read_entries(3) == ["entries", 4, "fan-4", ""]
    assert await line.call.store.call("XLEN", line.keys["entries"]) == 1
    assert await line.find_entry("fan-1") == ["entry", 1], "the fan keeps the number"
    assert await line.read_entries(4) == ["entries"]


async def test_after_a_loss_entry_numbers_go_on_above_every_one_that_may_have_been_given(
    line: LineInRedis,
) -> None:
    assert await line.open_entries(last_entry=70, leased=20_000, ceiling=40_000) == [
        "opened", 0, 0, 70,
    ]  # fmt: skip

    assert await line.join("ada") == ["entered", 20_001, 19_999]
    assert await line.read_entries(70) == ["entries", 20_001, "ada", ""]


async def test_entries_that_redis_still_has_are_known(line: LineInRedis) -> None:
    await line.open_entries()
    await line.join_many(30)
    await line.call.store.call("HSET", line.keys["line"], "epoch", EPOCH - 1)

    answer = await line.open_entries(last_entry=20, leased=1_000, ceiling=2_000)

    assert answer == ["opened", 0, 0, 30]
    assert (await line.join("fan-30"))[:2] == ["entered_before", 30]
    assert (await line.join("ada"))[:2] == ["entered", 1_001]
    assert (await line.seal()) == ["sealed", 1_001, 31]


async def test_no_gap_is_passed_while_entries_are_taken(line: LineInRedis) -> None:
    """A Redis that was lost after sealing, before PostgreSQL knew, may have given places."""
    await line.open_entries(last_entry=2, leased=1_000, ceiling=2_000, places_leased=40)
    await line.join_many(5)

    stands = await line.call_places(rate_per_minute=0)
    assert (stands["serving"], stands["gaps"]) == (0, [])
    await line.seal()
    stands = await line.call_places(rate_per_minute=0)
    assert (stands["serving"], stands["last_place"], stands["gaps"]) == (0, 40, [[6, 40]])
    await line.raise_ceiling(1_000)
    assert (await line.join("late"))[:2] == ["joined", 41]


async def test_a_line_without_a_draw_has_nothing_to_seal(open_line: LineInRedis) -> None:
    await open_line.join("ada")

    assert await open_line.seal() == ["sealed_before", 0, 0]
    assert (await open_line.join("bob"))[:2] == ["joined", 2]


async def test_an_entry_keeps_where_it_came_from_and_when(line: LineInRedis) -> None:
    await line.open_entries()
    await line.join("ada", came_from="AAECAwQFBgcICQoL:7")
    await line.join("bob")

    second = line.now // 1000
    assert await line.read_entries() == [
        "entries", 1, "ada", f"AAECAwQFBgcICQoL:7:{second}", 2, "bob", "",
    ]  # fmt: skip


async def test_entries_of_a_process_of_before_are_read_all_the_same(line: LineInRedis) -> None:
    await line.open_entries()
    await line.call.store.call("XADD", line.keys["entries"], "1-1", "fan", "ada")
    assert await line.read_entries() == ["entries", 1, "ada", ""]
