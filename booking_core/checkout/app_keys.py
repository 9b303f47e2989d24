"""What the checkout's handlers and pages find in their application."""

from typing import Final

from aiohttp import web

from booking_core.checkout.booking import Bookings
from booking_core.checkout.checkout import Checkout
from booking_core.ledger.orders import Orders
from booking_core.ledger.webhook_events import WebhookEvents
from booking_core.tickets.issuing import TicketIssuer

ORDERS: Final = web.AppKey("orders", Orders)
CHECKOUT: Final = web.AppKey("checkout", Checkout)
BOOKINGS: Final = web.AppKey("bookings", Bookings)
ISSUER: Final = web.AppKey("issuer", TicketIssuer)
WEBHOOK_EVENTS: Final = web.AppKey("webhook_events", WebhookEvents)
