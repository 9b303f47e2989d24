"""Every call that changes something, and what a refusal of any of them looks like."""

from tests.support.fan import Fan, Reply
from tests.support.shop import Shop
from tests.support.truth import held_by

# The codes of the interface that a broken request may get. No 5xx is among them.
CODES = {
    "request-invalid": 400, "idempotency-key-missing": 400, "ticket-invalid": 401,
    "device-proof-invalid": 401, "bot-check-failed": 403, "not-admitted": 403, "not-yours": 403,
    "over-seat-limit": 403, "not-found": 404, "sale-not-found": 404, "event-not-found": 404,
    "reservation-not-found": 404, "order-not-found": 404, "method-not-allowed": 405,
    "seats-taken": 409, "seats-kept": 409, "leaves-orphan": 409,
    "sold-out": 410, "hold-lost": 410, "body-too-large": 413,
    "idempotency-key-reused": 422, "not-your-turn": 425,
}  # fmt: skip

CALLS = [
    ("POST", "/api/bookings/reserve"),
    ("POST", "/api/bookings/complete"),
    ("POST", "/api/bookings/{event}.{token}/extend"),
    ("POST", "/api/bookings/{event}.{token}/swap"),
    ("DELETE", "/api/bookings/{event}.{token}"),
    ("POST", "/api/sales/tour/join"),
    ("POST", "/api/sales/tour/admit"),
    ("POST", "/api/sales/tour/leave"),
    ("POST", "/webhooks/payments/practice"),
    ("POST", "/events/{event}/reserve"),
    ("POST", "/checkout/{event}.{token}/pay"),
    ("POST", "/checkout/{event}.{token}/extend"),
    ("POST", "/checkout/{event}.{token}/release"),
    ("POST", "/sales/tour/join"),
    ("POST", "/sales/tour/admit"),
    ("POST", "/sales/tour/leave"),
]


def assert_refused(reply: Reply, what: object) -> None:
    assert reply.status < 500, (what, reply)
    if reply.status >= 400:
        assert CODES.get(reply.code) == reply.status, (what, reply)
        assert reply.json["status"] == reply.status
        assert reply.json["type"].endswith("/" + reply.code)
        assert reply.json["instance"].startswith("urn:request:")


async def assert_nothing_kept(shop: Shop, event: str, fan: Fan) -> None:
    assert await held_by(shop, event, fan.fan_id) == []
    counted = await shop.redis.hexists(f"{{e:{event}}}:fan_counts", fan.fan_id)
    assert not counted
    assert not await shop.rows("SELECT 1 FROM orders WHERE fan_id = %s", fan.fan_id)
