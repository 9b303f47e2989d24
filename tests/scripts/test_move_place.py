"""move_place: a place is one fan's after the move, and no ticket of the other counts any more."""

from typing import Any

from tests.simulation.line_in_redis import VISIT_MS, LineInRedis


async def move(
    line: LineInRedis, fan: str, to: str, place: int | str, lane: str = "general"
) -> list[Any]:
    return await line.move(fan, to, place, lane)


async def test_a_place_is_moved_once_and_repeated_to_the_same_device(line: LineInRedis) -> None:
    await line.open()
    await line.join_many(3)
    assert await move(line, "fan-2", "phone", 2) == ["moved"]
    assert await move(line, "fan-2", "phone", 2) == ["moved_before"]
    assert await move(line, "fan-2", "thief", 2) == ["gone", "elsewhere"]
    assert (await line.join("phone"))[:2] == ["joined_before", 2]
    assert await line.join("fan-2") == ["moved"]
    assert (await line.join("fan-3"))[:2] == ["joined_before", 3]


async def test_the_old_ticket_is_dead_and_the_new_one_is_good(line: LineInRedis) -> None:
    await line.open()
    await line.join_many(3)
    await move(line, "fan-2", "phone", 2)
    await line.call_places()
    assert await line.admit("fan-2", 2) == ["moved"]
    assert (await line.admit("phone", 2))[0] == "admitted"
    assert (await line.admit("fan-3", 3))[0] == "admitted"


async def test_a_place_goes_on_to_a_third_device_but_never_back(line: LineInRedis) -> None:
    await line.open()
    await line.join_many(1)
    await move(line, "fan-1", "phone", 1)
    assert await move(line, "phone", "fan-1", 1) == ["gone", "back"]
    assert await move(line, "phone", "phone", 1) == ["gone", "back"]
    assert await move(line, "phone", "laptop", 1) == ["moved"]
    await line.call_places()
    assert await line.admit("phone", 1) == ["moved"]
    assert (await line.admit("laptop", 1))[0] == "admitted"


async def test_who_is_inside_or_was_keeps_the_place(line: LineInRedis) -> None:
    await line.open()
    await line.join_many(1)
    await line.call_places()
    await line.admit("fan-1", 1)
    assert await move(line, "fan-1", "phone", 1) == ["kept", "inside"]
    line.now += VISIT_MS
    assert await move(line, "fan-1", "phone", 1) == ["kept", "used"]
    assert (await line.admit("fan-1", 1))[0] == "admitted"


async def test_who_stands_at_the_turnstile_is_as_good_as_inside(line: LineInRedis) -> None:
    line.rate_per_minute, line.burst = 6, 1
    await line.open()
    await line.join_many(3)
    await line.call.store.call("ZADD", line.keys["turnstile"], 1, "fan-3")
    assert await move(line, "fan-3", "phone", 3) == ["kept", "inside"]


async def test_an_entry_and_a_lane_are_moved_apart(line: LineInRedis) -> None:
    line.lanes = ("members",)
    await line.open_entries()
    assert (await line.join("fan-1"))[0] == "entered"
    assert await move(line, "fan-1", "phone", "") == ["moved"]
    assert await line.join("fan-1") == ["moved"]
    assert await move(line, "fan-1", "phone", 1, "members") == ["moved"]
    assert await line.call.store.call("HGET", line.keys["places"], "members/phone") in (b"1", "1")


async def test_the_old_place_is_nobodys(line: LineInRedis) -> None:
    await line.open()
    await line.join_many(2)
    await move(line, "fan-2", "phone", 2)
    stored = await line.call.store.call("HGETALL", line.keys["places"])
    names = stored if isinstance(stored, dict) else stored[::2]
    assert {name.decode() if isinstance(name, bytes) else name for name in names} == {
        *("fan-1", "phone"),
    }
