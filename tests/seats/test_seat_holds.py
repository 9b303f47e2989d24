"""SeatHolds: what a script answers becomes a value or a refusal of its own type."""

import asyncio

import pytest
from msgspec.structs import replace
from shop_world import SEATS_MAX, SETTINGS, STANDING, OpenShop, Shop

from booking_core.seats import holds as holds_module
from booking_core.seats.hold import Hold, SeatsKeptByIndex, SeatsTakenByIndex, event_of
from booking_core.seats.wishes import named_seats, stock
from groundwork.errors import (
    ExtensionRefused,
    HoldLost,
    OverSeatLimit,
    RequestInProgress,
    ReservationNotFound,
    SoldOut,
    StoreUnavailable,
)
from lua.keys import event_keys


async def test_held_seats(shop: Shop) -> None:
    hold = await shop.hold_seats("ada", 3, 4)

    assert (hold.event_id, hold.fan_id, hold.seat_indexes) == (shop.event_id, "ada", (3, 4))
    assert (hold.tier, hold.quantity, hold.is_extended) == ("", 0, False)
    assert event_of(hold.reservation_id) == shop.event_id
    assert await shop.holds.read(hold.reservation_id, "ada") == hold
    assert (await shop.status())[:6] == "000110"


async def test_held_stock(shop: Shop) -> None:
    hold = await shop.hold_stock("ada", 2)

    assert (hold.seat_indexes, hold.tier, hold.quantity) == ((), "standing", 2)
    assert await shop.holds.read(hold.reservation_id, "ada") == hold
    assert await shop.standing() == STANDING - 2


async def test_the_best_seats(shop: Shop) -> None:
    hold = await shop.hold_best("ada", 4, "front")

    first = hold.seat_indexes[0]
    assert hold.seat_indexes == tuple(range(first, first + 4))
    assert first % 10 == 3, "in the middle of a row"


async def test_an_accessible_place_with_one_beside_it(shop: Shop) -> None:
    layout = await shop.catalog.seat_layout(shop.event_id)

    hold = await shop.hold_best("ada", 2, is_accessible=True)

    first, second = hold.seat_indexes
    assert first in layout.accessible
    assert second == first + 1


async def test_accessible_places_are_kept_for_who_needs_them(shop: Shop) -> None:
    layout = await shop.catalog.seat_layout(shop.event_id)
    place = min(layout.accessible)
    wish = named_seats(await shop.catalog.get(shop.event_id), layout, [place, place + 1])

    with pytest.raises(SeatsKeptByIndex) as refusal:
        await shop.holds.hold(shop.event_id, "ada", wish, SEATS_MAX)
    assert refusal.value.seat_indexes == (place,)
    everything = await shop.hold_best("bob", 4)
    assert not layout.accessible & set(everything.seat_indexes)


async def test_taken_seats_are_named(shop: Shop) -> None:
    await shop.hold_seats("ada", 3, 4)

    with pytest.raises(SeatsTakenByIndex) as refusal:
        await shop.hold_seats("bob", 4, 5)
    assert refusal.value.seat_indexes == (4,)


async def test_over_the_limit_at_once_or_in_sum(shop: Shop) -> None:
    with pytest.raises(OverSeatLimit) as refusal:
        await shop.hold_seats("ada", 1, 2, 3, 4, 5)
    assert refusal.value.seats_max == SEATS_MAX
    with pytest.raises(OverSeatLimit):
        await shop.hold_stock("ada", 5)
    with pytest.raises(OverSeatLimit):
        await shop.hold_best("ada", 5, "front")

    await shop.hold_seats("ada", 1, 2, 3)
    with pytest.raises(OverSeatLimit):
        await shop.hold_seats("ada", 4, 5)


async def test_sold_out(shop: Shop) -> None:
    for fan in ("ada", "bob"):
        await shop.hold_stock(fan, 4)

    with pytest.raises(SoldOut):
        await shop.hold_stock("cyd", 3)
    with pytest.raises(SoldOut):
        await shop.hold_best("cyd", 1, "no such tier")


async def test_a_repeat_gets_the_same_hold_and_is_told_when_it_has_ended(shop: Shop) -> None:
    hold = await shop.hold_seats("ada", 1, operation="click")

    assert await shop.hold_seats("ada", 1, operation="click") == hold
    await shop.holds.release(hold.reservation_id, "ada")
    with pytest.raises(HoldLost):
        await shop.hold_seats("ada", 1, operation="click")


async def test_the_same_operation_id_of_another_fan_is_another_operation(shop: Shop) -> None:
    await shop.hold_stock("ada", 1, operation="click")

    assert (await shop.hold_stock("bob", 1, operation="click")).fan_id == "bob"


@pytest.mark.parametrize("name", ["", "nonsense", "event.short", "Event." + "x" * 22, "../.."])
async def test_what_cannot_be_a_reservation_is_not_found(shop: Shop, name: str) -> None:
    for ask in (shop.holds.read, shop.holds.extend, shop.holds.release):
        with pytest.raises(ReservationNotFound):
            await ask(name, "ada")


async def test_nobody_elses_hold_is_found(shop: Shop) -> None:
    hold = await shop.hold_seats("ada", 1)

    with pytest.raises(ReservationNotFound):
        await shop.holds.read(hold.reservation_id, "bob")
    with pytest.raises(HoldLost):
        await shop.holds.extend(hold.reservation_id, "bob")
    assert not await shop.holds.release(hold.reservation_id, "bob")


async def test_one_extension(shop: Shop) -> None:
    hold = await shop.hold_seats("ada", 1)

    extended = await shop.holds.extend(hold.reservation_id, "ada")
    assert extended.expires_at_ms > hold.expires_at_ms
    assert extended.is_extended
    with pytest.raises(ExtensionRefused):
        await shop.holds.extend(hold.reservation_id, "ada")


async def test_a_payment_keeps_a_live_hold_and_says_what_it_is(shop: Shop) -> None:
    hold = await shop.hold_seats("ada", 1)

    kept = await shop.holds.keep_for_payment(hold.reservation_id, "ada", 3_600_000, "o1")
    assert kept == await shop.holds.read(hold.reservation_id, "ada")
    assert kept.seat_indexes == (1,)
    assert kept.expires_at_ms >= hold.expires_at_ms + 3_000_000
    await shop.holds.release(hold.reservation_id, "ada")
    for fan in ("ada", "bob"):
        with pytest.raises(ReservationNotFound):
            await shop.holds.keep_for_payment(hold.reservation_id, fan, 3_600_000, "o1")


async def test_an_extension_repeated_by_its_operation_is_no_second_one(shop: Shop) -> None:
    hold = await shop.hold_seats("ada", 1)

    extended = await shop.holds.extend(hold.reservation_id, "ada", "click")
    assert await shop.holds.extend(hold.reservation_id, "ada", "click") == extended
    with pytest.raises(ExtensionRefused):
        await shop.holds.extend(hold.reservation_id, "ada", "another")


async def test_a_swap_keeps_name_and_clock(shop: Shop) -> None:
    hold = await shop.hold_seats("ada", 1, 2)

    swapped = await shop.swap(hold, 2, 3)
    assert swapped.seat_indexes == (2, 3)
    assert (swapped.reservation_id, swapped.expires_at_ms) == (
        hold.reservation_id,
        hold.expires_at_ms,
    )
    assert (await shop.status())[:5] == "00110"
    with pytest.raises(HoldLost):
        await shop.swap(replace(hold, fan_id="bob"), 5)


async def test_what_is_being_paid_for_is_not_swapped(shop: Shop) -> None:
    hold = await shop.hold_seats("ada", 1)
    await shop.holds.keep_for_payment(hold.reservation_id, "ada", 20_000, "o1")

    with pytest.raises(RequestInProgress) as refusal:
        await shop.swap(hold, 2)
    assert 1 <= refusal.value.retry_after <= 20


async def test_who_was_too_late_is_offered_the_nearest_and_accepts_by_looking(shop: Shop) -> None:
    await shop.hold_seats("bob", 4)
    layout = await shop.catalog.seat_layout(shop.event_id)
    event = await shop.catalog.get(shop.event_id)
    wish = named_seats(event, layout, [4, 5], wants_offer=True)

    with pytest.raises(SeatsTakenByIndex) as refusal:
        await shop.holds.hold(shop.event_id, "ada", wish, SEATS_MAX)
    offer = refusal.value.offer
    assert offer
    assert offer.is_offer
    assert offer.seat_indexes == (5, 6)
    accepted = await shop.holds.read(offer.reservation_id, "ada")
    assert accepted == replace(offer, is_offer=False)


async def test_release_says_whether_there_was_one(shop: Shop) -> None:
    hold = await shop.hold_seats("ada", 1)

    assert await shop.holds.release(hold.reservation_id, "ada")
    assert not await shop.holds.release(hold.reservation_id, "ada")


async def test_sweeping_says_when_the_next_hold_ends(shop: Shop) -> None:
    assert await shop.holds.sweep(shop.event_id) == (0, -1)
    await shop.hold_seats("ada", 1)
    count, next_end_in_ms = await shop.holds.sweep(shop.event_id)
    assert count == 0
    assert SETTINGS.hold_ms - 10_000 < next_end_in_ms <= SETTINGS.hold_ms


async def test_an_outcome_is_shown_once(shop: Shop) -> None:
    hold = await shop.hold_seats("ada", 1)

    assert await shop.holds.settle(hold, "sold", "order") == 0
    assert await shop.holds.settle(hold, "sold", "order") == 0
    assert (await shop.status())[:3] == "020"


async def test_any_number_of_dead_holds_is_got_out_of_the_way(shop: Shop) -> None:
    await hold_and_die(shop, 900)
    last = await shop.hold_stock("ada", 4)
    await shop.holds.release(last.reservation_id, "ada")
    await hold_and_die(shop, 900)

    assert (await hold_much(shop, 900)).quantity == 900


async def test_a_fans_own_dead_holds_do_not_count_against_them(shop: Shop) -> None:
    await hold_and_die(shop, 700)
    await shop.hold_stock("ada", 4)
    # Ada's is the last of all to be swept.
    await kill_holds(shop)

    assert (await shop.hold_stock("ada", 4)).quantity == 4


async def test_what_dead_holds_still_hide_is_not_called_sold_out(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holds_module, "DEAD_HOLDS_TRIES", 1)
    await hold_and_die(shop, 450)

    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await hold_much(shop, 450)
    assert (await hold_much(shop, 450)).quantity == 450


async def hold_much(shop: Shop, quantity: int) -> Hold:
    """Hold more stock than a fan may have elsewhere."""
    return await shop.holds.hold(shop.event_id, "bob", stock("standing", quantity), quantity)


async def hold_and_die(shop: Shop, count: int) -> None:
    """Leave dead holds of one piece each behind, all there is in each other's way."""
    await shop.status()
    await shop.store.call("HSET", event_keys(shop.event_id)["stock"], "standing", count)
    await asyncio.gather(*(shop.hold_stock(f"fan-{number}", 1) for number in range(count)))
    await kill_holds(shop)


async def kill_holds(shop: Shop) -> None:
    """Let every hold have run out long ago, the newest last."""
    expiries = event_keys(shop.event_id)["expiries"]
    names = await shop.store.call("ZRANGE", expiries, 0, -1)
    for position, name in enumerate(names):
        await shop.store.call("ZADD", expiries, "XX", position + 1, name)


async def test_two_processes_see_one_truth(open_shop: OpenShop) -> None:
    one, other = await open_shop(), await open_shop()
    other.event_id = one.event_id
    hold = await one.hold_seats("ada", 7)

    with pytest.raises(SeatsTakenByIndex):
        await other.hold_seats("bob", 7)
    assert await other.holds.read(hold.reservation_id, "ada") == hold
