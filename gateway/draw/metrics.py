"""What operators are told of draws. One per sale: every process says the same, the newest is right."""

from typing import Final

from prometheus_client import Gauge

from gateway.draw.draw import Draw

# Nothing can be done about it but to tell the fans, which is done within a day; an alert that never
# ends is one that nobody sees any more.
MISSED_TOLD_MS: Final = 24 * 60 * 60_000

DRAW_ENTRIES = Gauge(
    "onsale_draw_entries",
    "Fans in the roster of the draw, as far as it is durable.",
    ["sale"],
    multiprocess_mode="mostrecent",
)
DRAW_OVERDUE_SECONDS = Gauge(
    "onsale_draw_overdue_seconds",
    "Time since the opening of a sale whose draw is not made; 0 before the opening and after the draw.",
    ["sale"],
    multiprocess_mode="mostrecent",
)
DRAW_SECONDS = Gauge(
    "onsale_draw_seconds",
    "Time from the opening to the end of the draw, once it is made.",
    ["sale"],
    multiprocess_mode="mostrecent",
)
DRAW_BEACON_MISSED = Gauge(
    "onsale_draw_beacon_missed",
    "1 for a day after a draw was made without the beacon it had named, because no server had the "
    "round in time.",
    ["sale"],
    multiprocess_mode="mostrecent",
)


def tell(sale_id: str, draw: Draw, opens_at_ms: int, now_ms: int) -> None:
    """Set what is known of a draw."""
    DRAW_ENTRIES.labels(sale_id).set(draw.entries)
    if draw.drawn_at is None:
        DRAW_OVERDUE_SECONDS.labels(sale_id).set(max(0, now_ms - opens_at_ms) / 1000)
        DRAW_BEACON_MISSED.labels(sale_id).set(0)
        return
    DRAW_OVERDUE_SECONDS.labels(sale_id).set(0)
    drawn_at_ms = draw.drawn_at.timestamp() * 1000
    DRAW_SECONDS.labels(sale_id).set(max(0.0, (drawn_at_ms - opens_at_ms) / 1000))
    is_news = now_ms - drawn_at_ms < MISSED_TOLD_MS
    DRAW_BEACON_MISSED.labels(sale_id).set(is_news and draw.outcome == "missed")
