"""Every page in every state, for the tests and for the preview server."""

from typing import Any

from groundwork.pages import ProblemPage
from tests.pages import (
    sample_check,
    sample_draw,
    sample_mailbox,
    sample_move,
    sample_room,
    sample_shop,
)


def problem_pages() -> dict[str, ProblemPage]:
    return {
        "missing": ProblemPage(status=404, code="event-not-found", request_id="4f1c9a2e77d04b5c"),
        "busy": ProblemPage(status=503, code="store-unavailable", retry_after=3),
        "broken": ProblemPage(status=500),
        "own": ProblemPage(
            status=409,
            code="x",
            title="Own title",
            text="Own text",
            advice="Do this.",
            action_url="/sales/demo",
            action="waiting-room",
        ),
    }


ALL_PAGES: dict[str, dict[str, Any]] = {
    "waiting_room.html": sample_room.waiting_pages(),
    "draw.html": sample_draw.draw_pages(),
    "move.html": sample_move.move_pages(),
    "mailbox.html": sample_mailbox.mailbox_pages(),
    "check.html": sample_check.check_pages(),
    "on_sale.html": sample_shop.on_sale_pages(),
    "event.html": sample_shop.event_pages(),
    "seats.html": sample_shop.seats_pages(),
    "checkout.html": sample_shop.checkout_pages(),
    "order.html": sample_shop.order_pages(),
    "order_cancel.html": sample_shop.cancel_pages(),
    "problem.html": problem_pages(),
}
