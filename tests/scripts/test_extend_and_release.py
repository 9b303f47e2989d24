"""extend_hold, release_hold, read_hold: what a fan does with a hold of theirs."""

from test_hold_seats import check, hold_of

from tests.simulation.seats_in_redis import HOLD_MS, Held, SeatsInRedis, read_hold

MORE_MS = 30_000


async def held_by_ada(hall: SeatsInRedis) -> Held:
    return hold_of(await hall.hold_seats("ada", [4, 5]))


async def test_a_wish_adds_to_the_old_end_once(hall: SeatsInRedis) -> None:
    held = await held_by_ada(hall)
    hall.now += 1_000

    word, text = await hall.extend("ada", held.reservation_id)
    extended = read_hold(held.reservation_id, text)
    assert (word, extended.expires_at_ms) == ("extended", held.expires_at_ms + MORE_MS)
    assert extended.is_extended

    assert await hall.extend("ada", held.reservation_id) == ["refused", text]
    assert [entry["kind"] for entry in await hall.log()] == ["held", "extended"]
    await check(hall)


async def test_a_wish_asked_again_gets_its_first_answer_and_no_more_time(
    hall: SeatsInRedis,
) -> None:
    held = await held_by_ada(hall)
    first = await hall.extend("ada", held.reservation_id, operation="click-1")

    assert await hall.extend("ada", held.reservation_id, operation="click-1") == first
    assert (await hall.extend("ada", held.reservation_id, operation="click-2"))[0] == "refused"
    await check(hall)


async def test_an_extended_hold_lives_to_its_new_end(hall: SeatsInRedis) -> None:
    held = await held_by_ada(hall)
    await hall.extend("ada", held.reservation_id)

    hall.now += HOLD_MS + MORE_MS - 1
    assert await hall.hold_seats("bob", [4]) == ["taken", "", "", 4]
    assert (await hall.read("ada", held.reservation_id))[0] == "held"
    hall.now += 1
    hold_of(await hall.hold_seats("bob", [4]))


async def test_a_payment_keeps_a_hold_from_now_and_repeats_do_not_add_up(
    hall: SeatsInRedis,
) -> None:
    held = await held_by_ada(hall)
    hall.now += HOLD_MS - 1
    for _ in range(2):
        word, text = await hall.extend("ada", held.reservation_id, "payment", MORE_MS)
        assert word == "extended"
        assert read_hold("x", text).expires_at_ms == hall.now + MORE_MS
        assert not read_hold("x", text).is_extended, "the fan's own wish is still open"
    await check(hall)


async def test_a_payment_never_shortens(hall: SeatsInRedis) -> None:
    held = await held_by_ada(hall)

    _, text = await hall.extend("ada", held.reservation_id, "payment", 1)

    assert read_hold("x", text).expires_at_ms == held.expires_at_ms


async def test_nothing_brings_a_dead_hold_back(hall: SeatsInRedis) -> None:
    held = await held_by_ada(hall)
    hall.now += HOLD_MS

    for why in ("wish", "payment"):
        assert await hall.extend("ada", held.reservation_id, why) == ["lost"]
    assert await hall.read("ada", held.reservation_id) == ["lost"]


async def test_a_hold_can_be_read_to_its_last_millisecond(hall: SeatsInRedis) -> None:
    held = await held_by_ada(hall)
    hall.now += HOLD_MS - 1

    word, text, now = await hall.read("ada", held.reservation_id)

    assert (word, now) == ("held", hall.now)
    assert read_hold(held.reservation_id, text) == held


async def test_nobody_elses_hold_can_be_read_extended_or_released(hall: SeatsInRedis) -> None:
    held = await held_by_ada(hall)

    assert await hall.read("bob", held.reservation_id) == ["lost"]
    assert await hall.extend("bob", held.reservation_id) == ["lost"]
    assert await hall.release("bob", held.reservation_id) == ["absent"]
    assert (await hall.read("ada", held.reservation_id))[0] == "held"


async def test_a_hold_that_never_was_is_lost_and_absent(hall: SeatsInRedis) -> None:
    assert await hall.read("ada", "tour-berlin.nothing") == ["lost"]
    assert await hall.extend("ada", "tour-berlin.nothing") == ["lost"]
    assert await hall.release("ada", "tour-berlin.nothing") == ["absent"]


async def test_released_seats_are_free_at_once_and_a_second_time_changes_nothing(
    hall: SeatsInRedis,
) -> None:
    held = await held_by_ada(hall)

    assert await hall.release("ada", held.reservation_id) == ["released"]
    hold_of(await hall.hold_seats("bob", [4, 5]))
    assert await hall.release("ada", held.reservation_id) == ["absent"]
    assert (await hall.status())[4:6] == "11"
    await check(hall)


async def test_what_another_hold_has_is_not_given_back(hall: SeatsInRedis) -> None:
    held = await held_by_ada(hall)
    await hall.call.store.call("HSET", hall.keys["holders"], "5", "tour-berlin.another")

    assert await hall.release("ada", held.reservation_id) == ["released"]
    assert (await hall.status())[3:7] == "0010"


async def test_released_stock_comes_back_once(hall: SeatsInRedis) -> None:
    held = hold_of(await hall.hold_stock("ada", "standing", 5))

    assert await hall.release("ada", held.reservation_id) == ["released"]
    assert await hall.release("ada", held.reservation_id) == ["absent"]
    assert await hall.free_stock("standing") == 20
    await check(hall)
