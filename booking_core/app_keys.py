"""What every hall of the shop finds in its application and requests; each hall adds its own keys."""

from typing import Final

from aiohttp import web

from booking_core.catalog.events import Catalog
from booking_core.settings import CoreSettings
from groundwork.clock import Clock
from groundwork.identity import Identity, IdentitySigner
from groundwork.pages import PageRenderer
from groundwork.postgres import Pool

SETTINGS: Final = web.AppKey("core_settings", CoreSettings)
CLOCK: Final = web.AppKey("core_clock", Clock)
POOL: Final = web.AppKey("core_pool", Pool)
IDENTITIES: Final = web.AppKey("core_identities", IdentitySigner)
SHOP: Final = web.AppKey("shop_catalog", Catalog)
RENDERER: Final = web.AppKey("shop_renderer", PageRenderer)
# Whether the worker mails tickets to who gives an address.
MAILS_TICKETS: Final = web.AppKey("mails_tickets", bool)

IDENTITY: Final = web.RequestKey("identity", Identity)
