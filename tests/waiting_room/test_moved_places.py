"""Which places were moved: read once by each process, and only what is new."""

from typing import Any

import pytest
from room_world import Room

from gateway.waiting_room.moved_places import MovedPlaces
from groundwork.errors import TicketMoved
from groundwork.redis_store import RedisStore
from lua.keys import sale_keys


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.ms = 0.0

    def now_ms(self) -> int:
        return int(self.ms)

    def monotonic_ms(self) -> float:
        return self.ms

    async def sleep_ms(self, duration_ms: float) -> None:
        raise AssertionError("nobody waits here")


async def move(room: Room, *fan_ids: str, lane: str = "general") -> None:
    fields = [part for fan_id in fan_ids for part in (f"{lane}/{fan_id}", f"{fan_id}'s phone")]
    await room.store.call("HSET", sale_keys(room.sale_id)["moved"], *fields)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """All that the store is asked from now on."""
    asked: list[tuple[Any, ...]] = []
    call = RedisStore.call

    async def noted(self: RedisStore, *command: Any) -> Any:
        asked.append(command)
        return await call(self, *command)

    monkeypatch.setattr(RedisStore, "call", noted)
    return asked


async def test_what_was_moved_is_known_by_lane(room: Room) -> None:
    known = MovedPlaces(room.store, HandClock())
    await move(room, "ada")
    await move(room, "bob", lane="members")
    await known.look([room.sale_id])

    assert known.moved_to(room.sale_id, "ada", None) == "ada's phone"
    assert known.moved_to(room.sale_id, "bob", "members") == "bob's phone"
    assert known.moved_to(room.sale_id, "bob", None) is None
    assert known.moved_to("another-sale", "ada", None) is None
    with pytest.raises(TicketMoved):
        known.refuse_moved(room.sale_id, "ada", None)
    known.refuse_moved(room.sale_id, "cyd", None)


async def test_own_moves_are_known_at_once(room: Room) -> None:
    known = MovedPlaces(room.store, HandClock())
    known.note(room.sale_id, "ada", None, "eve")
    assert known.moved_to(room.sale_id, "ada", None) == "eve"


async def test_only_what_is_new_is_read(room: Room, commands: list[tuple[Any, ...]]) -> None:
    clock = HandClock()
    known = MovedPlaces(room.store, clock)
    await move(room, "ada")
    for _ in range(3):
        await known.look([room.sale_id])
        clock.ms += 1_000
    assert [command[0] for command in commands[1:]] == ["HLEN", "HSCAN", "HLEN", "HLEN"]
    await move(room, "bob")
    await known.look([room.sale_id])
    assert known.moved_to(room.sale_id, "bob", None) == "bob's phone"


async def test_thousands_are_read_in_lots_and_seldom(
    room: Room, commands: list[tuple[Any, ...]]
) -> None:
    clock = HandClock()
    known = MovedPlaces(room.store, clock)
    await move(room, *(f"fan-{number}" for number in range(3_000)))
    await known.look([room.sale_id])
    assert known.moved_to(room.sale_id, "fan-2999", None) == "fan-2999's phone"
    assert len([command for command in commands if command[0] == "HSCAN"]) >= 2

    await move(room, "ada")
    clock.ms += 2_999
    await known.look([room.sale_id])
    assert known.moved_to(room.sale_id, "ada", None) is None, "three seconds for three thousand"
    clock.ms += 1
    await known.look([room.sale_id])
    assert known.moved_to(room.sale_id, "ada", None) == "ada's phone"


async def test_a_sale_that_is_gone_is_forgotten(room: Room) -> None:
    known = MovedPlaces(room.store, HandClock())
    await move(room, "ada")
    await known.look([room.sale_id])
    await known.look([])
    assert known.moved_to(room.sale_id, "ada", None) is None
