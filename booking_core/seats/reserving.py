"""A hold in the words of the outside: seats by name, with prices, a total and a clock."""

from datetime import UTC, datetime
from typing import Any

from booking_core.catalog.event import Event
from booking_core.catalog.seat_layout import SeatLayout
from booking_core.seats.hold import Hold


def describe_hold(event: Event, layout: SeatLayout, hold: Hold, now_ms: int) -> dict[str, Any]:
    """Return the hold as the API shows it. Prices are minor units."""
    prices = {tier.tier: tier.price for tier in event.tiers}
    answer: dict[str, Any] = {
        "reservation_id": hold.reservation_id,
        "event_id": hold.event_id,
        "seats": [
            {
                "seat_id": layout.seat_ids[index],
                "price": prices[layout.tier(index)],
                "section": layout.section(index),
                "row": layout.rows[index],
                "number": layout.numbers[index],
                "tier": layout.tier(index),
            }
            for index in hold.seat_indexes
        ],
        "total": total_of(event, layout, hold),
        "currency": event.currency,
        "expires_at": moment_text(hold.expires_at_ms),
        "expires_in_ms": max(0, hold.expires_at_ms - now_ms),
        "extendable": not hold.is_extended,
    }
    if hold.tier:
        answer["stock"] = [
            {"tier": hold.tier, "quantity": hold.quantity, "price": prices[hold.tier]}
        ]
    return answer


def total_of(event: Event, layout: SeatLayout, hold: Hold) -> int:
    """Return what everything held costs, in minor units."""
    prices = {tier.tier: tier.price for tier in event.tiers}
    if hold.tier:
        return prices[hold.tier] * hold.quantity
    return sum(prices[layout.tier(index)] for index in hold.seat_indexes)


def moment_text(at_ms: int) -> str:
    """Return a moment as RFC 3339 in UTC, rounded down: nobody is promised more than there is."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
