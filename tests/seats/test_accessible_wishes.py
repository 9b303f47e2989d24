"""Wishes of fans who need an accessible place, in a hall of four rows with one each."""

from dataclasses import replace

import pytest
from shop_world import SEATS_MAX, Shop, make_event
from test_allotting import three_parts

from booking_core.seats.hold import Hold, SeatsKeptByIndex, SeatsTakenByIndex
from booking_core.seats.wishes import named_seats


@pytest.fixture
async def hall(shop: Shop) -> Shop:
    shop.event_id = await make_event(shop, three_parts())
    return shop


async def ask(hall: Shop, fan_id: str, *seat_ids: str, wants_offer: bool = False) -> Hold:
    event = await hall.catalog.get(hall.event_id)
    layout = await hall.catalog.seat_layout(hall.event_id)
    seats = [layout.index_of[seat_id] for seat_id in seat_ids]
    wish = named_seats(event, layout, seats, is_accessible=True, wants_offer=wants_offer)
    return await hall.holds.hold(hall.event_id, fan_id, wish, SEATS_MAX)


async def test_a_companion_sits_beside_who_needs_the_place(hall: Shop) -> None:
    layout = await hall.catalog.seat_layout(hall.event_id)

    with pytest.raises(SeatsKeptByIndex) as kept:
        await ask(hall, "ada", "0-0", "3-1")
    assert kept.value.seat_indexes == (layout.index_of["3-1"],)
    assert len((await ask(hall, "ada", "0-0", "0-1")).seat_indexes) == 2
    await ask(hall, "bob", "3-0")
    with pytest.raises(SeatsKeptByIndex):
        await ask(hall, "bob", "3-1")


@pytest.mark.parametrize(
    ("seat_ids", "is_free"), [("0-0 0-1", True), ("0-1 0-2", True), ("0-2 0-3", False)]
)
async def test_who_has_a_place_or_sits_beside_one_may_leave_somebody_alone(
    hall: Shop, seat_ids: str, is_free: bool
) -> None:
    event = replace(await hall.catalog.get(hall.event_id), has_orphan_rule=True)
    layout = await hall.catalog.seat_layout(hall.event_id)
    seats = [layout.index_of[seat_id] for seat_id in seat_ids.split()]
    wish = named_seats(event, layout, seats, is_accessible=True)
    assert ("rows" not in wish.told) == is_free


async def offered(hall: Shop, fan_id: str, *seat_ids: str) -> list[str] | None:
    """Return what is offered instead of seats that are gone."""
    layout = await hall.catalog.seat_layout(hall.event_id)
    with pytest.raises(SeatsTakenByIndex) as taken:
        await ask(hall, fan_id, *seat_ids, wants_offer=True)
    offer = taken.value.offer
    return offer and [layout.seat_ids[index] for index in offer.seat_indexes]


async def test_who_comes_too_late_for_a_place_is_offered_another_of_the_same_price(
    hall: Shop,
) -> None:
    await ask(hall, "ada", "0-0", "0-1")

    # Rows 0 and 2 are of one tier, in two sections.
    assert await offered(hall, "bob", "0-0", "0-1") == ["2-0", "2-1"]
    assert await offered(hall, "cyd", "0-0", "0-1") is None, "the other tier has another price"


async def test_an_offer_costs_no_more_than_what_was_wanted(hall: Shop) -> None:
    await ask(hall, "ada", "0-0")

    # The companion wanted a cheaper seat: both are offered at its price.
    assert await offered(hall, "bob", "0-0", "1-2") == ["1-0", "1-1"]


async def test_the_free_place_of_a_party_stays_theirs(hall: Shop) -> None:
    await ask(hall, "ada", "2-3")

    assert await offered(hall, "bob", "2-0", "2-1", "2-3") == ["2-0", "2-1", "2-2"]
