"""What operators are told of draws. One per sale: every process says the same, the newest is right."""

from prometheus_client import Gauge

from gateway.draw.draw import Draw

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
    "1 when a draw was made without the beacon it had named, because no server had the round in time.",
    ["sale"],
    multiprocess_mode="mostrecent",
)


def tell(sale_id: str, draw: Draw, opens_at_ms: int, now_ms: int) -> None:
    """Set what is known of a draw."""
    DRAW_ENTRIES.labels(sale_id).set(draw.entries)
    DRAW_BEACON_MISSED.labels(sale_id).set(draw.outcome == "missed")
    if draw.drawn_at is None:
        DRAW_OVERDUE_SECONDS.labels(sale_id).set(max(0, now_ms - opens_at_ms) / 1000)
        return
    DRAW_OVERDUE_SECONDS.labels(sale_id).set(0)
    took_ms = draw.drawn_at.timestamp() * 1000 - opens_at_ms
    DRAW_SECONDS.labels(sale_id).set(max(0.0, took_ms / 1000))
