"""Where a search for neighbours begins: behind rows searched in vain, until a seat is free again."""

import json
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from test_audits import correct
from test_hold_seats import hold_of

from tests.simulation.script_caller import ScriptCaller
from tests.simulation.seats_in_redis import HOLD_MS, Held, SeatsInRedis

ROWS = {"front": [(5 * row, 5) for row in range(4)]}
KEPT_BY_PRESS = "3" * 5 + "0" * 15


async def released(event: SeatsInRedis, held: Held) -> None:
    await event.release(held.fan_id, held.reservation_id)


async def swept(event: SeatsInRedis, _: Held) -> None:
    event.now += HOLD_MS // 2
    assert (await event.sweep())[1] == 1


async def expired(event: SeatsInRedis, _: Held) -> None:
    event.now += HOLD_MS // 2


async def swapped(event: SeatsInRedis, held: Held) -> None:
    wish = event.named([19])
    assert (await event.swap(held.fan_id, held.reservation_id, wish))[0] == "swapped"


async def given_up_while_paid_for(event: SeatsInRedis, held: Held) -> None:
    assert await event.settle(held, "released", "order-1") == ["settled", 0]


async def cancelled(event: SeatsInRedis, held: Held) -> None:
    await event.settle(held, "sold", "order-1")
    await hold_five(event, "dan")  # nothing has become free by that
    assert await event.settle(held, "cancelled", "order-2") == ["settled", 0]


async def corrected(event: SeatsInRedis, held: Held) -> None:
    await event.settle(held, "sold", "order-1")
    await hold_five(event, "dan")
    assert await correct(event, unsold=held.seats) == ["corrected", 5]


async def opened(event: SeatsInRedis, held: Held) -> None:
    await event.allot(KEPT_BY_PRESS, 1, dict.fromkeys(range(5), "press"))
    await event.release(held.fan_id, held.reservation_id)
    await hold_five(event, "dan")
    assert await event.allot("0" * 20, 2) == ["allotted", 5]


# The script that makes the seats free.
SCRIPT_OF = {
    "released": "release_hold",
    "swept": "sweep_holds",
    "expired": "hold_best",
    "swapped": "swap_hold",
    "given_up_while_paid_for": "settle_hold",
    "cancelled": "settle_hold",
    "corrected": "correct_seats",
    "opened": "allot_seats",
}
WAYS: dict[str, Callable[[SeatsInRedis, Held], Awaitable[None]]] = {
    way.__name__: way
    for way in (released, swept, expired, swapped, given_up_while_paid_for, cancelled, corrected, opened)
}  # fmt: skip


async def hold_five(event: SeatsInRedis, fan_id: str) -> Sequence[int]:
    return hold_of(await event.hold_best(fan_id, 5, ["front"])).seats


@pytest.mark.parametrize("way", WAYS)
async def test_seats_that_become_free_are_found_again(hall: SeatsInRedis, way: str) -> None:
    await of_fives(hall)
    held = hold_of(await hall.hold_best("ada", 5, ["front"]))
    hall.now += HOLD_MS // 2
    assert await hold_five(hall, "bob") == [5, 6, 7, 8, 9]
    assert await noted(hall) == '{"0:5":5}'

    await WAYS[way](hall, held)

    assert await hold_five(hall, "eve") == [0, 1, 2, 3, 4]


async def noted(event: SeatsInRedis) -> Any:
    return await event.call.store.call("HGET", event.keys["meta"], "room_from")


async def test_what_a_hold_takes_is_no_news(hall: SeatsInRedis) -> None:
    hold_of(await hall.hold_best("ada", 4, ["front"]))
    hold_of(await hall.hold_best("bob", 4, ["front"]))
    before = await noted(hall)
    hold_of(await hall.hold_seats("cyd", [25]))

    assert await noted(hall) == before


async def test_a_tier_without_room_is_not_searched_again(hall: SeatsInRedis) -> None:
    await of_fives(hall)
    for number in range(4):
        await hold_five(hall, f"fan-{number}")

    assert await hall.hold_best("eve", 5, ["front"]) == ["sold_out", 0]
    assert json.loads(await noted(hall))["0:5"] == 20, "its end"


async def of_fives(event: SeatsInRedis) -> SeatsInRedis:
    await event.call.store.call("DEL", *event.keys.values())
    await event.activate("0" * 20, ROWS)
    return event


async def test_an_event_that_is_put_in_place_anew_is_searched_from_the_first_row(
    hall: SeatsInRedis,
) -> None:
    await of_fives(hall)
    for fan_id in ("ada", "bob"):
        await hold_five(hall, fan_id)
    await hall.call.store.call("HDEL", hall.keys["meta"], "epoch")
    await hall.call.store.call("DEL", hall.keys["log"])
    await hall.activate("0" * 20, ROWS)

    assert await hold_five(hall, "eve") == [0, 1, 2, 3, 4]


async def test_a_channel_is_another_house(hall: SeatsInRedis) -> None:
    await of_fives(hall)
    await hall.allot("0" * 15 + "3" * 5, 1, dict.fromkeys(range(15, 20), "press"))
    held = hold_of(await hall.hold_best("pia", 5, ["front"], channel="press"))
    assert held.seats == [15, 16, 17, 18, 19]
    assert await noted(hall) is None
    await hold_five(hall, "eve")
    assert (await hall.hold_best("quin", 1, ["front"], channel="press"))[0] == "sold_out"
    assert await noted(hall) == '{"0:5":0}', "of everybody's house alone"


async def test_who_swaps_has_their_own_seats_free(hall: SeatsInRedis) -> None:
    await of_fives(hall)
    held = hold_of(await hall.hold_best("ada", 5, ["front"]))
    await hold_five(hall, "bob")

    answer = await hall.swap("ada", held.reservation_id, hall.best(5, ["front"]))

    assert hold_of(["held", *answer[1:]]).seats == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("seed", range(4))
async def test_the_same_seats_are_chosen_as_without_it(call: ScriptCaller, seed: int) -> None:
    rng = random.Random(seed)
    twins = [SeatsInRedis(call, name) for name in ("tour-berlin", "tour-bremen")]
    lengths = [rng.randint(3, 14) for _ in range(24)]
    rows = [(sum(lengths[:row]), length) for row, length in enumerate(lengths)]
    for event in twins:
        await event.activate("0" * sum(lengths), {"front": rows[:9], "back": rows[9:]})
    held: list[tuple[str, str]] = []
    found = 0
    for number in range(160):
        fan_id, chance, quantity = f"fan-{number}", rng.randrange(1000), rng.randint(1, 6)
        if rng.random() < 0.2 and held:
            gone = held.pop(rng.randrange(len(held)))
            for event in twins:
                assert (await event.release(gone[0], f"{event.event_id}.{gone[1]}"))[
                    0
                ] == "released"
            continue
        seats = []
        tiers = rng.choice((["front"], ["back", "front"], ["front", "back"]))
        for event in twins:
            if event is twins[1]:
                await call.store.call("HDEL", event.keys["meta"], "room_from")
            answer = await event.hold_best(fan_id, quantity, tiers, chance=chance)
            seats.append(hold_of(answer).seats if answer[0] == "held" else answer)
        assert seats[0] == seats[1], (seed, number)
        if answer[0] == "held":
            found += 1
            held.append((fan_id, answer[1].partition(".")[2]))
    assert found > 60
    assert await twins[0].status() == await twins[1].status()
