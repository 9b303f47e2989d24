"""A crowd asks for the best seats at the same moment: nobody is refused while there are enough."""

import asyncio
import random

import pytest
from shop_world import AS_SEEN, OpenShop, Shop, make_event, small_hall

from booking_core.seats.hold import Hold
from groundwork.errors import SoldOut

ASKERS = 160
SEATS = 8_000
# Nine in ten can be had by anybody; until three quarters are taken there are rows with room for all.
EARLY_SHARE = 0.68


async def try_to_hold(shop: Shop, fan_id: str, quantity: int) -> Hold | None:
    try:
        return await shop.hold_best(fan_id, quantity)
    except SoldOut:
        return None


@pytest.mark.timeout(120)
async def test_a_hundred_and_sixty_at_once_are_served_to_the_last_seat(
    open_shop: OpenShop,
) -> None:
    """Through two processes, in parties of one to four, round after round."""
    shops = [await open_shop() for _ in range(2)]
    event_id = await make_event(shops[0], small_hall(SEATS))
    for shop in shops:
        shop.event_id = event_id
    rng, taken, apart, round_number = random.Random(1), set[int](), 0, 0
    while len(taken) < SEATS:
        round_number += 1
        wanted = [rng.randint(1, 4) for _ in range(ASKERS)]
        holds = await asyncio.gather(
            *(
                try_to_hold(shops[asker % 2], f"fan-{round_number}-{asker}", quantity)
                for asker, quantity in enumerate(wanted)
            )
        )
        for hold, quantity in zip(holds, wanted, strict=True):
            if hold is None:
                continue
            seats = set(hold.seat_indexes)
            assert len(seats) == quantity
            assert not seats & taken, "a seat was given twice"
            taken |= seats
            is_early = len(taken) < SEATS * EARLY_SHARE
            apart += is_early and max(seats) - min(seats) != quantity - 1
        refused = [quantity for hold, quantity in zip(holds, wanted, strict=True) if not hold]
        status = (await shops[0].holds.read_status(event_id))[0]
        # All there is but the accessible places, which are kept for who needs them.
        left = status.count("0")
        assert all(quantity > left for quantity in refused), f"{left} left, refused: {refused}"
        if left == 0:
            break

    assert set(status) == set("14")
    assert status.translate(AS_SEEN).count("0") == SEATS // 10
    assert apart == 0, "nobody sits apart before the last rows"
