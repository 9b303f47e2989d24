"""What holds of a line with lanes at any moment: nobody passed over, and each place one fan's."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from tests.simulation.line_books import GENERAL, LANES, Fan
from tests.simulation.line_in_redis import LineInRedis


def check_order(before: Mapping[str, int], stands: Mapping[str, Any]) -> Counter[str]:
    """Answer how far each lane was moved: by one a call, and none while others wait before it.

    `before` is how far each lane had been called, `stands` what call_places.lua answered.
    """
    lanes = stands["by_lane"]
    moved = Counter({lane: now["serving"] - before[lane] for lane, now in lanes.items()})
    assert moved.total() == stands["called_now"], "somebody was passed over"
    waits_before = 0
    for lane, now in lanes.items():
        assert not (moved[lane] and waits_before), f"{lane} was called before its turn"
        waits_before += now["last_place"] - now["serving"]
    return moved


async def check_places(line: LineInRedis, fans: Iterable[Fan]) -> None:
    """No two fans have the same place of a lane, and each has the one of their ticket."""
    stored = await line.call.store.call("HGETALL", line.keys["places"])
    owners: dict[tuple[str, int], str] = {}
    for member, place in stored.items():
        lane, _, fan_id = str(member).rpartition("/")
        owner = owners.setdefault((lane or GENERAL, int(place)), fan_id)
        assert owner == fan_id, f"{owner} and {fan_id} have place {place} of {lane}"
    for fan in fans:
        if fan.place:
            owner = owners.get((fan.lane, fan.place))
            assert owner == fan.fan_id, f"{owner} has place {fan.place} of {fan.lane}"


async def stored_lanes(line: LineInRedis) -> dict[str, tuple[int, int]]:
    """How far Redis says each lane has come: its last place and its serving number."""
    fields = [
        field if lane == GENERAL else f"{field}:{lane}"
        for lane in LANES
        for field in ("last_place", "serving")
    ]
    numbers = await line.call.store.call("HMGET", line.keys["line"], *fields)
    numbers = [int(number or 0) for number in numbers]
    return dict(zip(LANES, zip(numbers[::2], numbers[1::2], strict=True), strict=True))
