"""settle_hold: Redis shows what PostgreSQL has decided, whatever has happened to the hold since."""

import json

from test_hold_seats import hold_of

from tests.simulation.seat_invariants import check_books, check_counts, read_books
from tests.simulation.seats_in_redis import HOLD_MS, SeatsInRedis


async def check_sold(hall: SeatsInRedis, sold: dict[int, str], stock: int = 0) -> None:
    books = await read_books(hall)
    check_books(books, sold_seats=sold, sold_stock={"standing": stock}, capacity={"standing": 20})
    bought: dict[str, int] = {}
    for fan_id in sold.values():
        bought[fan_id] = bought.get(fan_id, 0) + 1
    if stock:
        bought["ada"] = bought.get("ada", 0) + stock
    check_counts(books, bought)


async def test_a_sold_hold_becomes_sold_seats(hall: SeatsInRedis) -> None:
    held = hold_of(await hall.hold_seats("ada", [4, 5]))

    assert await hall.settle(held, "sold", "order-1") == ["settled", 0]
    assert (await hall.status())[3:7] == "0220"
    assert (await hall.log())[-1]["kind"] == "sold"
    await check_sold(hall, {4: "ada", 5: "ada"})


async def test_an_outcome_is_shown_once(hall: SeatsInRedis) -> None:
    held = hold_of(await hall.hold_stock("ada", "standing", 3))
    assert await hall.settle(held, "sold", "order-1") == ["settled", 0]

    assert await hall.settle(held, "sold", "order-1") == ["settled_before"]
    assert await hall.settle(held, "released", "order-1") == ["settled_before"]
    assert await hall.free_stock("standing") == 17
    await check_sold(hall, {}, stock=3)


async def test_the_ledger_ends_the_holds_of_others_on_a_sold_seat(hall: SeatsInRedis) -> None:
    held = hold_of(await hall.hold_seats("ada", [4, 5]))
    hall.now += HOLD_MS
    hold_of(await hall.hold_seats("bob", [5, 6]))
    hold_of(await hall.hold_seats("cyd", [4]))

    assert await hall.settle(held, "sold", "order-1") == ["settled", 2]
    assert (await hall.status())[3:8] == "02200"
    await check_sold(hall, {4: "ada", 5: "ada"})


async def test_a_sale_whose_hold_is_gone_is_shown_all_the_same(hall: SeatsInRedis) -> None:
    held = hold_of(await hall.hold_seats("ada", [4, 5]))
    hall.now += HOLD_MS
    await hall.sweep()

    assert await hall.settle(held, "sold", "order-1") == ["settled", 0]
    await check_sold(hall, {4: "ada", 5: "ada"})


async def test_stock_sold_after_its_hold_ran_out_is_owed_until_others_give_theirs_back(
    hall: SeatsInRedis,
) -> None:
    held = hold_of(await hall.hold_stock("ada", "standing", 8))
    hall.now += HOLD_MS
    for fan in ("bob", "cyd"):
        hold_of(await hall.hold_stock(fan, "standing", 8))

    assert await hall.settle(held, "sold", "order-1") == ["settled", 0]
    assert await hall.free_stock("standing") == -4
    assert await hall.hold_stock("dan", "standing", 1) == ["sold_out", 0]
    await check_sold(hall, {}, stock=8)
    hall.now += HOLD_MS
    await hall.sweep()
    assert await hall.free_stock("standing") == 12


async def test_a_released_order_frees_its_hold(hall: SeatsInRedis) -> None:
    held = hold_of(await hall.hold_seats("ada", [4, 5]))

    assert await hall.settle(held, "released", "order-1") == ["settled", 0]
    assert await hall.status() == "0" * 30
    await check_sold(hall, {})


async def test_a_released_order_shows_only_what_is_free(hall: SeatsInRedis) -> None:
    held = hold_of(await hall.hold_seats("ada", [4, 5, 6]))
    hall.now += HOLD_MS
    hold_of(await hall.hold_seats("bob", [5]))

    assert await hall.settle(held, "released", "order-1") == ["settled", 0]
    assert (await hall.status())[4:7] == "010"
    assert '"seats":[4,6]' in (await hall.log())[-1]["reservation"].replace(" ", "")
    await check_sold(hall, {})


async def test_a_released_order_of_stock_gives_it_back_once(hall: SeatsInRedis) -> None:
    held = hold_of(await hall.hold_stock("ada", "standing", 3))
    hall.now += HOLD_MS
    await hall.sweep()

    assert await hall.settle(held, "released", "order-1") == ["settled", 0]
    assert await hall.free_stock("standing") == 20
    await check_sold(hall, {})


async def test_what_was_bought_counts_for_the_limit(hall: SeatsInRedis) -> None:
    hall.seats_max = 3
    held = hold_of(await hall.hold_seats("ada", [4, 5]))
    await hall.settle(held, "sold", "order-1")

    assert await hall.hold_seats("ada", [7, 8]) == ["over_limit", 2, 0]
    hold_of(await hall.hold_seats("ada", [7]))


async def test_a_cancelled_order_gives_back_all_it_had(hall: SeatsInRedis) -> None:
    seats = hold_of(await hall.hold_seats("ada", [4, 5]))
    standing = hold_of(await hall.hold_stock("ada", "standing", 3))
    for order_id, held in (("order-1", seats), ("order-2", standing)):
        await hall.settle(held, "sold", order_id)
        assert await hall.settle(held, "cancelled", f"{order_id}-back") == ["settled", 0]

    assert await hall.free_stock("standing") == 20
    assert (await hall.status())[3:7] == "0000"
    assert await hall.call.store.call("HEXISTS", hall.keys["fan_counts"], "ada") == 0
    told = json.loads((await hall.log())[-1]["reservation"])
    assert (told["tier"], told["quantity"]) == ("standing", 3)
    await check_sold(hall, {})


async def test_a_cancelled_seat_of_a_channel_is_told_as_blocked(event: SeatsInRedis) -> None:
    await event.activate("0330", {"front": [(0, 4)]}, channels={1: "press", 2: "press"})
    held = hold_of(await event.hold_seats("ada", [1], channel="press"))
    await event.settle(held, "sold", "order-1")

    assert await event.settle(held, "cancelled", "order-2") == ["settled", 0]
    assert await event.status() == "0330"
    last = (await event.log())[-1]
    assert (last["kind"], json.loads(last["reservation"])["seats"]) == ("blocked", [1])
