"""Wishes of fans who need an accessible place, in a hall of four rows with one each."""

import pytest
from shop_world import SEATS_MAX, Shop, make_event
from test_allotting import three_parts

from booking_core.seats.hold import Hold, SeatsKeptByIndex
from booking_core.seats.wishes import named_seats


@pytest.fixture
async def hall(shop: Shop) -> Shop:
    shop.event_id = await make_event(shop, three_parts())
    return shop


async def ask(hall: Shop, fan_id: str, *seat_ids: str) -> Hold:
    event = await hall.catalog.get(hall.event_id)
    layout = await hall.catalog.seat_layout(hall.event_id)
    seats = [layout.index_of[seat_id] for seat_id in seat_ids]
    wish = named_seats(event, layout, seats, is_accessible=True)
    return await hall.holds.hold(hall.event_id, fan_id, wish, SEATS_MAX)


async def test_a_companion_sits_beside_who_needs_the_place(hall: Shop) -> None:
    layout = await hall.catalog.seat_layout(hall.event_id)

    with pytest.raises(SeatsKeptByIndex) as kept:
        await ask(hall, "ada", "0-0", "3-1")
    assert kept.value.seat_indexes == (layout.index_of["3-1"],)
    assert len((await ask(hall, "ada", "0-0", "0-1")).seat_indexes) == 2
    await ask(hall, "bob", "3-0")
    await ask(hall, "bob", "3-1")
