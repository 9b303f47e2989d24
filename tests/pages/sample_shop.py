"""The pages of the shop in every state, made up."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from booking_core.catalog.charges import Charge, charge_lines
from booking_core.pages.views import (
    CancelPage,
    CheckoutPage,
    EventCard,
    EventHead,
    EventPage,
    HeldBar,
    HeldLine,
    OnSalePage,
    OrderPage,
    SeatsPage,
    TicketLine,
    TierLine,
)

NOW_MS = 1_795_000_000_000
NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)

EVENTS = (
    (
        "demo-arena",
        "Mira Okafor: Northern Lights",
        "Harbour Arena",
        "Hamburg",
        "concert",
        4500,
        14500,
        4211,
        "available",
    ),
    (
        "demo-drop",
        "Glasshouse Sessions",
        "The Old Palm House",
        "Lisbon",
        "concert",
        3900,
        3900,
        64,
        "few",
    ),
    (
        "velvet-static",
        "Velvet Static",
        "Kulturbrauerei",
        "Berlin",
        "concert",
        5200,
        8900,
        980,
        "available",
    ),
    (
        "hundred-drums",
        "A Hundred Drums",
        "Royal Circus",
        "Brussels",
        "concert",
        2800,
        6400,
        312,
        "available",
    ),
    (
        "city-derby",
        "City Derby, Round 9",
        "Riverside Stadium",
        "Porto",
        "sport",
        2200,
        11000,
        0,
        "sold_out",
    ),
    (
        "tales-after-dark",
        "Tales After Dark",
        "Teatro Sole",
        "Bologna",
        "theatre",
        1800,
        4800,
        133,
        "few",
    ),
)

TIERS = (
    TierLine(tier="gold", name="Gold", price=14500, color="#c98a12", quantity=800, available=412),
    TierLine(
        tier="parkett", name="Stalls", price=9500, color="#1d7a63", quantity=1700, available=1411
    ),
    TierLine(
        tier="rang", name="Upper ring", price=6500, color="#3d62b8", quantity=1700, available=1500
    ),
    TierLine(
        tier="sicht", name="Side view", price=4500, color="#8a5a9e", quantity=800, available=0
    ),
)

CARDS = (
    "card_form",
    "card_ok",
    "card_declined",
    "card_slow",
    "card_requires_action",
    "card_timeout_then_ok",
    "card_timeout_then_declined",
    "card_error_500",
)


def head(index: int = 0) -> EventHead:
    event_id, name, venue, city, category, *_ = EVENTS[index]
    return EventHead(
        event_id=event_id,
        sale_id="demo",
        name=name,
        venue=venue,
        city=city,
        category=category,
        starts_at=NOW + timedelta(days=40 + 9 * index, hours=3),
        currency="EUR",
    )


def cards() -> tuple[EventCard, ...]:
    return tuple(
        EventCard(
            event=head(index), price_min=low, price_max=high, available=left, availability=how
        )  # type: ignore[arg-type]
        for index, (*_, low, high, left, how) in enumerate(EVENTS)
    )


def on_sale_pages() -> dict[str, OnSalePage]:
    choices: dict[str, Any] = {
        "cities": tuple(sorted({card.event.city for card in cards()})),
        "categories": ("concert", "sport", "theatre"),
    }
    return {
        "all": OnSalePage(cards=cards(), total=6, **choices),
        "search": OnSalePage(
            cards=cards()[2:3], total=31, page=2, pages=3, query="static", city="Berlin", **choices
        ),
        "nothing": OnSalePage(cards=(), total=0, query="<b>zz", **choices),
    }


FEES = (Charge("Booking fee", "per_ticket", 200), Charge("Handling", "per_order", 500))
CHARGES = charge_lines((*FEES, Charge("VAT", "tax_included", 1_900)), 19_000, 2)


def event_pages() -> dict[str, EventPage]:
    page = EventPage(
        event=head(),
        description="Two hours of strings, synthesisers and a choir of forty. Doors open at 18:30.\n"
        "The show has no interval.",
        is_seated=True,
        seats_max=6,
        tiers=TIERS,
        price_min=4500,
        price_max=14500,
        available=3323,
        availability="available",
        page_url="https://tickets.example/events/demo-arena",
    )
    return {
        "plain": page,
        "inside": replace(page, seats_url="/events/demo-arena/seats"),
        "charged": replace(page, charges=FEES),
        "sold_out": replace(page, availability="sold_out", available=0, description="</script>"),
    }


HELD: dict[str, Any] = {
    "reservation_id": "demo-arena.AbCdEfGhIjKlMnOpQrStUv",
    "places": 2,
    "total": 19_000,
    "expires_in_ms": 462_000,
}


def seats_pages() -> dict[str, SeatsPage]:
    page = SeatsPage(
        event=head(),
        tiers=TIERS,
        seats_max=6,
        plan_url="/api/events/demo-arena/plan",
        seats_url="/api/events/demo-arena/seats",
    )
    stock = TierLine(
        tier="standing", name="Standing", price=3900, color="#1d7a63", quantity=400, available=64
    )
    early = TierLine(
        tier="early", name="Early entry", price=5900, color="#c98a12", quantity=50, available=0
    )
    return {
        "seated": page,
        "taken": replace(page, notice="seats-taken"),
        "held": replace(page, held=HeldBar(**HELD)),
        "stock": replace(page, event=head(1), tiers=(stock, early), plan_url=None, seats_url=None),
        "stock_held": replace(
            page,
            event=head(1),
            tiers=(stock, early),
            plan_url=None,
            seats_url=None,
            held=HeldBar(**HELD),
        ),
    }


LINES = (
    HeldLine(tier="Stalls", price=9500, section="Block C", row="7", number="14"),
    HeldLine(tier="Stalls", price=9500, section="Block C", row="7", number="15"),
)


def checkout_pages() -> dict[str, CheckoutPage]:
    page = CheckoutPage(
        event=head(),
        reservation_id="demo-arena.AbCdEfGhIjKlMnOpQrStUv",
        lines=LINES,
        total=19_000,
        expires_in_ms=462_000,
        is_extendable=True,
        payment_methods=CARDS,
        idempotency_key="first-key",
        now_ms=NOW_MS,
    )
    return {
        "held": page,
        "urgent": replace(page, expires_in_ms=41_000, is_extendable=False),
        "declined": replace(page, decline_reason="insufficient-funds"),
        "problem": replace(page, problem="store-unavailable"),
        "lost": replace(page, expires_in_ms=0),
        "stock": replace(page, lines=(HeldLine(tier="Standing", price=3900, quantity=3),)),
        "charged": replace(page, charges=CHARGES, total=19_900),
    }


CANCEL_UNTIL = datetime(2026, 12, 26, 14, 6, tzinfo=UTC)


def cancel_pages() -> dict[str, CancelPage]:
    page = CancelPage(
        event=head(),
        booking_id="5c1f6a3e-8f0e-4a63-9d5c-0d5a8f3c2b17",
        total=19_000,
        total_left=19_000,
        lines=LINES,
        cancel_until=CANCEL_UNTIL,
    )
    return {"asked": page, "partly_refunded": replace(page, total_left=9_500)}


def order_pages() -> dict[str, OrderPage]:
    page = OrderPage(
        event=head(),
        booking_id="5c1f6a3e-8f0e-4a63-9d5c-0d5a8f3c2b17",
        status="pending",
        total=19_000,
        lines=LINES,
    )
    tickets = tuple(
        TicketLine(
            ticket_id=f"t{index}",
            tier=line.tier,
            code=f"CODE{index}",
            qr_url=f"/qr/{index}.svg",
            section=line.section,
            row=line.row,
            number=line.number,
        )
        for index, line in enumerate(LINES)
    )
    return {
        "pending": page,
        "confirm": replace(page, next_action_url="/practice/confirm/1"),
        "card": replace(
            page,
            next_action_url="/practice/card/1",
            is_card_asked=True,
            held_until=datetime(2026, 5, 1, 10, 5, tzinfo=UTC),
        ),
        "still_held": replace(
            page, status="released", release_reason="payment-declined", checkout_url="/checkout/r"
        ),
        "confirmed": replace(
            page,
            status="confirmed",
            tickets=tickets,
            email="ada@example.org",
            pdf_url="/orders/x/tickets.pdf",
        ),
        "mailed": replace(
            page, status="confirmed", tickets=tickets, email="ada@example.org", mail="sent"
        ),
        "not_mailed": replace(
            page, status="confirmed", tickets=tickets, email="ada@example.org", mail="refused"
        ),
        "refunded": replace(page, status="confirmed", tickets=tickets, refunded=9_500),
        "charged": replace(
            page, status="confirmed", tickets=tickets, charges=CHARGES, total=19_900
        ),
        "cancellable": replace(
            page, status="confirmed", tickets=tickets, cancel_until=CANCEL_UNTIL
        ),
        "cancelled": replace(page, status="cancelled", release_reason="cancelled", refunded=19_000),
        "cancelled_by_organiser": replace(
            page, status="cancelled", release_reason="cancelled-by-organiser"
        ),
        "making": replace(page, status="confirmed"),
        "released": replace(page, status="released", release_reason="payment-declined"),
        "awaited": replace(page, status="awaited"),
        "offered": replace(
            page,
            status="offered",
            lost=(replace(LINES[0], number="2"), replace(LINES[1], number="3")),
            held_until=datetime(2026, 5, 1, 10, 5, tzinfo=UTC),
        ),
        "came_too_late": replace(
            page, status="released", release_reason="late-payment", refunded=19_000
        ),
        "released_otherwise": replace(page, status="released", release_reason="something-new"),
    }
