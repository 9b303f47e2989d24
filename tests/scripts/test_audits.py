"""digest_seats and correct_seats: what an audit compares, and how it puts right what differs."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from test_hold_seats import hold_of

from tests.simulation.seats_in_redis import SeatsInRedis


async def digest(event: SeatsInRedis, block: int = 16) -> list[Any]:
    return await event.call("digest_seats", event.keys, {"block": block})


async def correct(
    event: SeatsInRedis, sold: Sequence[int] = (), unsold: Sequence[int] = ()
) -> list[Any]:
    args: dict[str, str | int] = {
        "now_ms": event.now, "sold": json.dumps(list(sold)), "unsold": json.dumps(list(unsold)),
    }  # fmt: skip
    return await event.call("correct_seats", event.keys, args)


async def test_digests_are_of_sold_seats_alone(hall: SeatsInRedis) -> None:
    held = hold_of(await hall.hold_seats("ada", [4, 5]))
    hold_of(await hall.hold_seats("bob", [20]))
    await hall.settle(held, "sold", "order-1")
    halves = [hashlib.sha1(text.encode()).hexdigest() for text in ("000022" + "0" * 10, "0" * 14)]
    assert await digest(hall) == ["digests", 1, 1, 1, halves, ["standing", "20"]]


async def test_seats_are_shown_as_they_were_sold(hall: SeatsInRedis) -> None:
    assert await correct(hall, sold=[3, 4]) == ["corrected", 2]
    assert (await hall.status())[2:6] == "0220"
    assert [(entry["kind"], json.loads(entry["reservation"])["seats"]) for entry in await hall.log()] == [
        ("sold", [3, 4])
    ]  # fmt: skip
    assert await correct(hall, sold=[3, 4]) == ["corrected", 0]
    assert len(await hall.log()) == 1


async def test_a_hold_on_a_sold_seat_ends(hall: SeatsInRedis) -> None:
    held = hold_of(await hall.hold_seats("ada", [3, 4]))
    assert await correct(hall, sold=[4]) == ["corrected", 1]
    assert (await hall.status())[2:6] == "0020"
    assert await hall.read("ada", held.reservation_id) == ["lost"]
    assert [entry["kind"] for entry in await hall.log()] == ["held", "expired", "sold"]


async def test_a_seat_nobody_bought_becomes_what_it_is_kept_for(event: SeatsInRedis) -> None:
    await event.activate("2221", {"front": [(0, 4)]}, allotment="0340")
    assert await correct(event, unsold=[0, 1, 2, 3]) == ["corrected", 3]
    assert await event.status() == "0341"  # what is held is no sale and stays
    assert [entry["kind"] for entry in await event.log()] == ["opened", "blocked"]
