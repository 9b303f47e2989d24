"""What the shop's application and requests carry, by name and type."""

from typing import Final

from aiohttp import web

from booking_core.catalog.events import Catalog
from booking_core.checkout.booking import Bookings
from booking_core.checkout.checkout import Checkout
from booking_core.ledger.orders import Orders
from booking_core.seats.holds import SeatHolds
from booking_core.seats.seat_map import SeatMaps
from booking_core.settings import CoreSettings
from booking_core.tickets.issuing import TicketIssuer
from groundwork.clock import Clock
from groundwork.identity import Identity, IdentitySigner
from groundwork.pages import PageRenderer
from groundwork.postgres import Pool

SETTINGS: Final = web.AppKey("core_settings", CoreSettings)
CLOCK: Final = web.AppKey("core_clock", Clock)
POOL: Final = web.AppKey("core_pool", Pool)
IDENTITIES: Final = web.AppKey("core_identities", IdentitySigner)
SHOP: Final = web.AppKey("shop_catalog", Catalog)
HOLDS: Final = web.AppKey("holds", SeatHolds)
SEAT_MAPS: Final = web.AppKey("seat_maps", SeatMaps)
ORDERS: Final = web.AppKey("orders", Orders)
CHECKOUT: Final = web.AppKey("checkout", Checkout)
BOOKINGS: Final = web.AppKey("bookings", Bookings)
ISSUER: Final = web.AppKey("issuer", TicketIssuer)
RENDERER: Final = web.AppKey("shop_renderer", PageRenderer)

IDENTITY: Final = web.RequestKey("identity", Identity)
