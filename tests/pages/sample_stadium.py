"""A stadium of 60,000 seats as the interface gives it, and the page that shows it."""

from dataclasses import asdict, replace
from functools import cache
from typing import Any, Final

import msgspec

from booking_core.catalog.arena import ARENA_PRICES, ARENA_TIERS, make_arena
from booking_core.pages.views import SeatsPage, TierLine
from tests.pages import sample_shop

STADIUM_SEATS: Final = 60_000
EVENT_ID: Final = "stadium"


@cache
def stadium_plan() -> dict[str, Any]:
    """The plan as GET /api/events/{event}/plan answers it."""
    plan = make_arena(STADIUM_SEATS)
    tiers = [tier.tier for tier in plan.tiers]
    seats = plan.seats
    return {
        "event_id": EVENT_ID,
        "size": {"width": plan.width, "height": plan.height},
        "focal_point": {"x": plan.focal_point.x, "y": plan.focal_point.y},
        "areas": msgspec.to_builtins(plan.areas),
        "sections": [{"name": section} for section in plan.sections],
        "tiers": tiers,
        "seats": {
            "seat_id": [seat.seat_id for seat in seats],
            "tier": [tiers.index(seat.tier) for seat in seats],
            "section": [plan.sections.index(seat.section) for seat in seats],
            "row": [seat.row_name for seat in seats],
            "number": [seat.seat_number for seat in seats],
            "x": [round(seat.x) for seat in seats],
            "y": [round(seat.y) for seat in seats],
            "accessible": [index for index, seat in enumerate(seats) if seat.accessible],
        },
    }


def stadium_page() -> SeatsPage:
    """The seat picker of the stadium."""
    plan = stadium_plan()
    tiers = tuple(
        TierLine(
            **asdict(tier),
            price=ARENA_PRICES[tier.tier],
            quantity=plan["seats"]["tier"].count(index),
            available=plan["seats"]["tier"].count(index),
        )
        for index, tier in enumerate(ARENA_TIERS)
    )
    return replace(
        sample_shop.seats_pages()["seated"],
        event=replace(sample_shop.head(4), event_id=EVENT_ID),
        tiers=tiers,
        plan_url=f"/api/events/{EVENT_ID}/plan",
        seats_url=f"/api/events/{EVENT_ID}/seats",
    )
