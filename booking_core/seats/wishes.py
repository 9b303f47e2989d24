"""What a fan asks for, in the words of the scripts: named seats, the best ones, or stock."""

import hashlib
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from booking_core.catalog.event import Event
from booking_core.catalog.seat_layout import SeatLayout

# Nobody finds two wishes of one digest; and it is kept an hour for each operation.
DIGEST_BYTES: Final = 16


class Wish(msgspec.Struct, frozen=True):
    """A wish for so many; `told` is what the script of its kind is told."""

    kind: Literal["seats", "best", "stock"]
    quantity: int
    told: dict[str, Any]

    def text(self, chance: int) -> str:
        """Return the wish as a script's argument; `chance` decides between equals."""
        told = msgspec.json.encode(self.told).decode()
        return f'{{"kind":"{self.kind}","chance":{chance},{told[1:]}'

    def in_short(self) -> str:
        """Return what tells this wish from others, by whichever chance it is granted."""
        whole = msgspec.json.encode((self.kind, self.told))
        return hashlib.blake2b(whole, digest_size=DIGEST_BYTES).hexdigest()


def named_seats(
    event: Event,
    layout: SeatLayout,
    seat_indexes: Sequence[int],
    *,
    is_accessible: bool = False,
    is_theirs: bool = False,
    channel: str = "",
    wants_offer: bool = False,
) -> Wish:
    """Wish for just these seats; `is_theirs`: they were the fan's, and whom they are for is not asked.

    A channel's own people and parties with an accessible place, or one beside it, may leave somebody
    alone: they choose among few seats. To say one needs such a place is not enough.
    """
    assert 1 <= len(seat_indexes) == len(set(seat_indexes))
    has_place = is_accessible and not (
        layout.accessible.isdisjoint(seat_indexes)
        and layout.companions.keys().isdisjoint(seat_indexes)
    )
    is_free_choice = has_place or is_theirs or channel
    rows: list[tuple[int, int]] = []
    if event.has_orphan_rule and not is_free_choice:
        rows = sorted({layout.ranked.row_of(index) for index in seat_indexes})
    beside = layout.companions
    told: dict[str, Any] = {
        "seats": list(seat_indexes),
        "rows": rows,
        "is_accessible": is_accessible,
        "is_theirs": is_theirs,
        "companions": [(index, beside[index]) for index in seat_indexes if index in beside],
        "channel": channel,
    }
    if wants_offer and not is_theirs and not channel:
        told |= _offer(event, layout, seat_indexes, is_accessible=is_accessible)
    # The script reads it inside the store's one core: what does not matter is left out.
    return Wish("seats", len(seat_indexes), {key: value for key, value in told.items() if value})


def _offer(
    event: Event, layout: SeatLayout, seat_indexes: Sequence[int], *, is_accessible: bool
) -> dict[str, Any]:
    """Return what to offer from: the cheapest wanted tier, so that an offer costs no more.

    Accessible places are offered for accessible ones, by the same rule: where the cheapest wanted tier
    has none, every other would cost more, and there is no offer.
    """
    wanted = {layout.tier(index) for index in seat_indexes}
    tier = min(wanted, key=lambda tier: (event.prices[tier], tier))
    offer: dict[str, Any] = {"offer_range": layout.ranked.ranges[tier]}
    places = layout.accessible.intersection(seat_indexes)
    if not is_accessible or not places:
        return offer
    sections = {layout.section_of[place] for place in places}
    of_tier = [place for place in sorted(layout.accessible) if layout.tier(place) == tier]
    return {
        **offer,
        "offer_places": [
            [place for place in of_tier if place in places],
            [place for place in of_tier if layout.section_of[place] in sections],
            of_tier,
        ],
        "places": len(places),
        "companions": list(layout.companions.items()),
    }


def best_seats(
    layout: SeatLayout,
    quantity: int,
    tiers: Sequence[str],
    *,
    is_accessible: bool = False,
    channel: str = "",
) -> Wish:
    """Wish for the best seats of the tiers, wanted ones first."""
    ranges = [layout.ranked.ranges[tier] for tier in tiers if tier in layout.ranked.ranges]
    return Wish(
        "best",
        quantity,
        {
            "quantity": quantity,
            "ranges": ranges,
            "accessible": sorted(layout.accessible) if is_accessible else [],
            # Who asks for an accessible place asks for one of them.
            "places": 1,
            "companions": list(layout.companions.items()) if is_accessible else [],
            "channel": channel,
        },
    )


def stock(tier: str, quantity: int) -> Wish:
    """Wish for a quantity of a tier without seats."""
    return Wish("stock", quantity, {"tier": tier, "quantity": quantity})
