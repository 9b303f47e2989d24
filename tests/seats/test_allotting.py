"""Seats kept for channels, and accessible places that are opened to anybody by the law's three cases."""

from collections.abc import Awaitable, Callable

import pytest
from shop_world import SEATS, SEATS_MAX, Shop, make_event

from booking_core.catalog.availability import LedgerAvailability
from booking_core.catalog.drawing import Point
from booking_core.catalog.seat_plan import PlanTier, Seat, SeatPlan, make_seat_plan
from booking_core.ledger.shop_counts import count_events
from booking_core.seats.allotting import Allotting
from booking_core.seats.channels import Channels
from booking_core.seats.hold import Hold, SeatsTakenByIndex
from booking_core.seats.kept_seats import (
    give_back_seats,
    keep_seats,
    kept_seats,
    make_channel,
    seats_of,
)
from booking_core.seats.wishes import best_seats, named_seats
from groundwork.clock import SystemClock, SystemTokenSource
from groundwork.errors import RequestInvalid, SoldOut
from groundwork.postgres import connection


@pytest.fixture
def allotting(shop: Shop) -> Allotting:
    return Allotting(shop.pool, shop.catalog, shop.holds)


async def digits(shop: Shop) -> str:
    return (await shop.holds.read_status(shop.event_id))[0]


async def ids(shop: Shop, *seats: int) -> list[str]:
    layout = await shop.catalog.seat_layout(shop.event_id)
    return [layout.seat_ids[seat] for seat in seats]


async def hold_of_channel(shop: Shop, channel: str, *seats: int) -> Hold:
    layout, event = (
        await shop.catalog.seat_layout(shop.event_id),
        await shop.catalog.get(shop.event_id),
    )
    wish = named_seats(event, layout, seats, channel=channel)
    return await shop.holds.hold(shop.event_id, "press-1", wish, SEATS_MAX)


async def test_seats_are_kept_for_a_channel_and_given_back(
    shop: Shop, allotting: Allotting
) -> None:
    await shop.hold_seats("ada", 3)
    seats = await ids(shop, 1, 2, 3)

    assert await keep_seats(shop.pool, shop.event_id, seats, "press", "for the critics") == 3
    assert (await digits(shop))[:6] == "400100", "not shown yet"
    await allotting.show_newest([shop.event_id])
    assert (await digits(shop))[:6] == "433100", "what Ada holds stays hers"
    with pytest.raises(SeatsTakenByIndex):
        await shop.hold_seats("bob", 1)
    hold = await hold_of_channel(shop, "press", 1)
    await shop.holds.release(hold.reservation_id, "press-1")
    assert (await digits(shop))[:6] == "433100"
    [line] = await kept_seats(shop.pool, shop.event_id)
    assert (line.channel, line.count, line.reason) == ("press", 3, "for the critics")

    assert await give_back_seats(shop.pool, shop.event_id, seats) == 3
    await allotting.show_newest([shop.event_id])
    assert (await digits(shop))[:6] == "400100"
    assert await give_back_seats(shop.pool, shop.event_id, seats) == 0


async def test_the_best_of_a_channel_are_its_own(shop: Shop, allotting: Allotting) -> None:
    await keep_seats(shop.pool, shop.event_id, await ids(shop, 11, 12, 13, 35), "press", "critics")
    await allotting.show_newest([shop.event_id])
    layout = await shop.catalog.seat_layout(shop.event_id)
    wish = best_seats(layout, 4, layout.tiers, channel="press")

    hold = await shop.holds.hold(shop.event_id, "press-1", wish, SEATS_MAX)
    assert sorted(hold.seat_indexes) == [11, 12, 13, 35]
    with pytest.raises(SoldOut):
        await shop.holds.hold(shop.event_id, "press-2", wish, SEATS_MAX)


async def test_a_new_epoch_keeps_what_is_kept(shop: Shop, allotting: Allotting) -> None:
    await keep_seats(shop.pool, shop.event_id, await ids(shop, 1, 2), "press", "critics")
    await shop.store.call("FLUSHALL")

    assert (await digits(shop))[:4] == "4330"
    await allotting.show_newest([shop.event_id])
    hold = await hold_of_channel(shop, "press", 1)
    await shop.reconcile()
    await shop.store.call("FLUSHALL")
    assert await shop.holds.read(hold.reservation_id, "press-1") == hold
    await shop.holds.release(hold.reservation_id, "press-1")
    assert (await digits(shop))[:4] == "4330"


async def test_kept_seats_are_not_told_as_available(shop: Shop) -> None:
    await keep_seats(shop.pool, shop.event_id, await ids(shop, 1, 2, 25), "house", "guests")
    hold = await shop.hold_seats("ada", 3)
    await shop.sell(hold)

    available = await LedgerAvailability(shop.pool, SystemClock()).available(shop.event_id)
    assert (available["front"], available["back"]) == (SEATS // 2 - 3, SEATS // 2 - 1)
    await count_events(shop.pool, [shop.event_id])
    async with connection(shop.pool) as database:
        cursor = await database.execute(
            "SELECT sold FROM availability WHERE event_id = %s", (shop.event_id,)
        )
        assert await cursor.fetchall() == [(4,)]


async def test_a_key_opens_its_channel_until_there_is_a_new_one(shop: Shop) -> None:
    channels = Channels(shop.pool, SystemClock())
    key = await make_channel(shop.pool, SystemTokenSource(), shop.event_id, "press")

    assert await channels.channel_of(shop.event_id, key) == "press"
    assert await channels.channel_of(shop.event_id, None) == ""
    for event_id, wrong in ((shop.event_id, "x"), (shop.event_id, ""), ("another", key)):
        with pytest.raises(RequestInvalid):
            await channels.channel_of(event_id, wrong)
    new = await make_channel(shop.pool, SystemTokenSource(), shop.event_id, "press")
    fresh = Channels(shop.pool, SystemClock())
    assert await fresh.channel_of(shop.event_id, new) == "press"
    with pytest.raises(RequestInvalid):
        await fresh.channel_of(shop.event_id, key)


@pytest.mark.parametrize(
    "ask",
    [
        lambda shop: keep_seats(shop.pool, shop.event_id, ["0-1", "no such seat"], "press", "x"),
        lambda shop: keep_seats(shop.pool, "no-event", ["0-1"], "press", "x"),
        lambda shop: keep_seats(shop.pool, shop.event_id, ["0-1"], "No Channel", "x"),
        lambda shop: make_channel(shop.pool, SystemTokenSource(), "no-event", "press"),
        lambda shop: make_channel(shop.pool, SystemTokenSource(), shop.event_id, ""),
    ],
)
async def test_what_is_not_there_cannot_be_kept(
    shop: Shop, ask: Callable[[Shop], Awaitable[object]]
) -> None:
    with pytest.raises(RequestInvalid):
        await ask(shop)
    assert await kept_seats(shop.pool, shop.event_id) == []


async def test_seats_are_named_by_section_and_row(shop: Shop) -> None:
    row = await seats_of(shop.pool, shop.event_id, "Hall", "1")
    assert row == [f"1-{number}" for number in range(10)]
    assert len(await seats_of(shop.pool, shop.event_id, "Hall", None)) == SEATS
    assert await seats_of(shop.pool, shop.event_id, "Attic", None) == []


def three_parts() -> SeatPlan:
    """Four rows of four with an accessible place each and a companion's beside it.

    Rows 0 and 1 are section West and tiers front and back; rows 2 and 3 section East, likewise.
    """
    rows = [
        [
            Seat(
                f"{row}-{number}", "front" if row % 2 == 0 else "back", "West" if row < 2 else "East",
                str(row), str(number), 100 + 10 * number, 100 + 20 * row, accessible=number == 0,
                companion_of=f"{row}-0" if number == 1 else None,
            )
            for number in range(4)
        ]
        for row in range(4)
    ]  # fmt: skip
    return make_seat_plan(
        name="Hall", width=1_000, height=500,
        tiers=[PlanTier("front", "Front", "#112233"), PlanTier("back", "Back", "#445566")],
        sections=["West", "East"], rows=rows, focal_point=Point(115, 0),
    )  # fmt: skip


async def sell_row(shop: Shop, row: int) -> None:
    """Sell the seats of a row that are for anybody."""
    layout = await shop.catalog.seat_layout(shop.event_id)
    hold = await shop.hold_seats(
        f"fan-{row}", layout.index_of[f"{row}-2"], layout.index_of[f"{row}-3"]
    )
    order_id = await shop.sell(hold)
    assert await shop.holds.settle(hold, "sold", order_id) == 0


async def kept_rows(shop: Shop) -> str:
    """Return the digit of each row's accessible place; a companion's goes with it."""
    layout, status = await shop.catalog.seat_layout(shop.event_id), await digits(shop)
    for row in range(4):
        pair = [status[layout.index_of[f"{row}-{number}"]] for number in (0, 1)]
        assert pair in (["4", "5"], ["0", "0"])
    return "".join(status[layout.index_of[f"{row}-0"]] for row in range(4))


async def test_accessible_places_are_opened_where_all_others_are_sold(
    shop: Shop, allotting: Allotting
) -> None:
    shop.event_id = await make_event(shop, three_parts())

    async def look() -> str:
        await allotting.open_places(shop.event_id)
        await allotting.show_newest([shop.event_id])
        return await kept_rows(shop)

    assert await look() == "4444"
    await sell_row(shop, 0)
    assert await look() == "4444", "neither a section nor a tier is sold"
    await sell_row(shop, 2)
    assert await look() == "0404", "all others of tier front are"
    await sell_row(shop, 1)
    assert await look() == "0004", "all others of section West are"
    held = await shop.hold_seats("held", *[(await row_three(shop))])
    assert await look() == "0004", "what is held is not sold"
    await shop.holds.release(held.reservation_id, "held")
    await sell_row(shop, 3)
    assert await look() == "0000"
    await shop.store.call("FLUSHALL")
    assert await kept_rows(shop) == "0000", "also in the next epoch"


async def row_three(shop: Shop) -> int:
    return (await shop.catalog.seat_layout(shop.event_id)).index_of["3-2"]


async def test_what_is_kept_for_a_channel_is_not_sold(shop: Shop, allotting: Allotting) -> None:
    shop.event_id = await make_event(shop, three_parts())
    await sell_row(shop, 0)
    await keep_seats(shop.pool, shop.event_id, ["2-2", "2-3"], "press", "critics")
    await allotting.show_newest([shop.event_id])

    await allotting.open_places(shop.event_id)
    await allotting.show_newest([shop.event_id])
    assert await kept_rows(shop) == "4444"


async def test_seats_of_a_plan_are_kept_from_the_beginning(shop: Shop) -> None:
    rows = [[
        Seat(f"A-{n}", "front", "Hall", "A", str(n), 10.0 * n, 10.0, kept_for="press" if n < 2 else None)
        for n in range(4)
    ]]  # fmt: skip
    plan = make_seat_plan(
        name="Hall", width=100, height=100, tiers=[PlanTier("front", "Front", "#112233")],
        sections=["Hall"], rows=rows,
    )  # fmt: skip
    shop.event_id = await make_event(shop, plan, prices={"front": 1_000})

    assert await digits(shop) == "3300"
    assert (await hold_of_channel(shop, "press", 0, 1)).seat_indexes == (0, 1)
