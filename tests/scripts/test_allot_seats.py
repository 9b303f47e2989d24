"""allot_seats: what seats are kept for is changed at once, and what somebody has stays theirs."""

from test_hold_seats import hold_of

from tests.simulation.seats_in_redis import HOLD_MS, SeatsInRedis


async def row(event: SeatsInRedis) -> SeatsInRedis:
    await event.activate("000004", {"front": [(0, 6)]})
    return event


async def test_seats_are_given_to_a_channel_and_back(event: SeatsInRedis) -> None:
    await row(event)

    assert await event.allot("033004", 1, {1: "press", 2: "press"}) == ["allotted", 2]
    assert await event.status() == "033004"
    assert await event.hold_seats("ada", [1]) == ["taken", "", "", 1]
    held = hold_of(await event.hold_seats("ada", [1], channel="press"))
    assert await event.allot("000004", 2) == ["allotted", 1]
    assert await event.status() == "010004"
    await event.release("ada", held.reservation_id)
    assert await event.status() == "000004"
    kinds = [entry["kind"] for entry in await event.log()]
    assert kinds == ["blocked", "held", "opened", "released"]


async def test_what_somebody_has_counts_when_it_comes_back(event: SeatsInRedis) -> None:
    await row(event)
    hold_of(await event.hold_seats("ada", [0]))

    assert await event.allot("300004", 1, {0: "kill"}) == ["allotted", 0]
    assert await event.status() == "100004"
    event.now += HOLD_MS
    await event.sweep()
    assert await event.status() == "300004"


async def test_accessible_places_are_opened_to_anybody(event: SeatsInRedis) -> None:
    await row(event)
    assert await event.hold_seats("ada", [5]) == ["kept", 5]

    assert await event.allot("000000", 1) == ["allotted", 1]
    hold_of(await event.hold_seats("ada", [5]))


async def test_the_newest_version_counts(event: SeatsInRedis) -> None:
    await row(event)
    assert await event.allot("300004", 5) == ["allotted", 1]

    assert await event.allot("030004", 5) == ["allotted_before"]
    assert await event.allot("030004", 4) == ["allotted_before"]
    assert await event.status() == "300004"


async def test_an_allotment_of_another_hall_is_refused(event: SeatsInRedis) -> None:
    await row(event)

    assert await event.allot("0000", 1) == ["incomplete", 6]
    assert await event.status() == "000004"
