"""The mails as their templates are given them, and the words that must be in each."""

from typing import Any

from booking_core.catalog.charges import ChargeLine
from booking_core.notifications.mail_views import TicketsMail
from booking_core.pages.views import HeldLine
from gateway.pages.mail_view import CodeMail
from tests.pages import sample_shop


def code_mails() -> dict[str, tuple[Any, tuple[str, ...]]]:
    view = CodeMail(name="Salt & Stone", code="0123 4567", minutes=10)
    return {"code": (view, ("0123 4567", "Salt & Stone", "10"))}


def tickets_mails() -> dict[str, tuple[Any, tuple[str, ...]]]:
    order = sample_shop.order_pages()["confirmed"]
    link = f"https://tickets.example/orders/{order.booking_id}"
    fields = {"booking_id": order.booking_id, "order_url": link, "total": order.total}
    fee = ChargeLine(name="Service fee", kind="per_order", value=350, amount_cents=350)
    stock = HeldLine(tier="Night & day", price=6_500, quantity=2)
    words = (order.booking_id, link, order.event.name)
    return {
        "seats": (TicketsMail(event=order.event, lines=order.lines, **fields), words),
        "charged": (
            TicketsMail(
                event=order.event, lines=order.lines, charges=sample_shop.CHARGES, **fields
            ),
            (*words, "Booking fee", "Handling"),
        ),
        "stock": (
            TicketsMail(event=order.event, lines=(stock,), charges=(fee,), **fields),
            (*words, "2 × Night & day", "Service fee"),
        ),
    }  # fmt: skip


ALL_MAILS: dict[str, dict[str, tuple[Any, tuple[str, ...]]]] = {
    "mail_code.txt": code_mails(),
    "mail_tickets.txt": tickets_mails(),
}
