"""The shop, put together: everything that opens is named here, in order."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from aiohttp import web

from booking_core.app_keys import (
    CLOCK,
    IDENTITIES,
    MAILS_TICKETS,
    POOL,
    RENDERER,
    SETTINGS,
    SHOP,
)
from booking_core.callers import read_identity
from booking_core.catalog import api as catalog_api
from booking_core.checkout import api as checkout_api
from booking_core.checkout import decisions_api
from booking_core.checkout.app_keys import BOOKINGS, CHECKOUT, ISSUER, ORDERS, WEBHOOK_EVENTS
from booking_core.ledger.webhook_events import WebhookEvents
from booking_core.pages import handlers, make_renderer, order_pages
from booking_core.parts import open_parts
from booking_core.seats import api as seats_api
from booking_core.seats.app_keys import (
    CHANNELS,
    HOLDS,
    SEAT_MAPS,
    STORE_CLOCK,
)
from booking_core.seats.channels import Channels
from booking_core.seats.front_calls import SeatCalls
from booking_core.seats.seat_map import SeatMaps
from booking_core.settings import CoreSettings
from groundwork.access_log import access_log
from groundwork.clock import Clock, SystemClock
from groundwork.event_streams import EventStreams
from groundwork.front_calls import FRONT_CALLS
from groundwork.identity import IdentitySigner
from groundwork.keys import KeyRing
from groundwork.operations import add_operations, prove_all_declared
from groundwork.problem_json import PROBLEM_PAGE, problem_json
from groundwork.problem_page import make_problem_page
from groundwork.redis_store import connect
from groundwork.store_clock import StoreClock
from lua.epochs import Epochs

# All that programs may ask of the shop; the front tier publishes it, and knows no more of it.
OPERATIONS: Final = (
    *catalog_api.routes.operations,
    *seats_api.routes.operations,
    *checkout_api.routes.operations,
    *decisions_api.routes.operations,
    *checkout_api.webhook_routes.operations,
)

OpenEpochs = Callable[[], AbstractAsyncContextManager[Epochs]]


def make_app(
    settings: CoreSettings,
    ring: KeyRing,
    redis_url: str,
    open_epochs: OpenEpochs,
    clock: Clock | None = None,
    *,
    mails_tickets: bool = False,
) -> web.Application:
    """Return the shop. Nothing is opened until it starts."""
    app = web.Application(
        middlewares=[access_log("core"), problem_json, read_identity],
        client_max_size=settings.body_bytes_max,
    )
    clock = clock or SystemClock()
    app[SETTINGS] = settings
    app[CLOCK] = clock
    app[MAILS_TICKETS] = mails_tickets
    app[IDENTITIES] = IdentitySigner(ring, clock)
    app[RENDERER] = make_renderer()
    app[PROBLEM_PAGE] = make_problem_page(app[RENDERER])
    app[seats_api.STREAMS] = EventStreams(
        clock,
        "seats",
        streams_max=settings.streams_max,
        owner_streams_max=seats_api.FAN_STREAMS_MAX,
    )
    app[checkout_api.TOLD] = set()
    app.on_shutdown.append(app[seats_api.STREAMS].close_all)

    @asynccontextmanager
    async def services(app: web.Application) -> AsyncIterator[None]:
        async with open_epochs() as epochs, open_parts(settings, ring, epochs, clock) as parts:
            app[POOL] = epochs.pool
            app[SHOP] = parts.catalog
            app[HOLDS] = parts.holds
            app[STORE_CLOCK] = StoreClock(epochs.store, clock)
            app[CHANNELS] = Channels(epochs.pool, clock)
            app[ORDERS] = parts.orders
            app[CHECKOUT] = parts.checkout
            app[BOOKINGS] = parts.bookings
            app[ISSUER] = parts.issuer
            app[WEBHOOK_EVENTS] = WebhookEvents(epochs.pool)
            catalog_api.open_catalog(app, epochs.pool, clock, catalog=parts.catalog)
            reader = connect(redis_url, blocking_reader=True)
            app[SEAT_MAPS] = SeatMaps(epochs, reader, clock, app[seats_api.STREAMS])
            async with (
                app[seats_api.STREAMS].running(),
                app[SEAT_MAPS].running(),
                app[STORE_CLOCK].running(),
            ):
                yield
                await checkout_api.finish_told(app)
            await reader.aclose()

    app[FRONT_CALLS] = SeatCalls(app).calls()
    app.cleanup_ctx.append(services)
    add_routes(app)
    return app


def add_routes(app: web.Application) -> None:
    """Add all that the shop answers."""
    add_operations(app, OPERATIONS)
    prove_all_declared(app, OPERATIONS)
    app.add_routes(handlers.routes)
    app.add_routes(order_pages.routes)
    app.router.add_get(r"/static/{path:.+}", app[RENDERER].static_files.handle)
    app.router.add_get("/favicon.ico", favicon)


async def favicon(request: web.Request) -> web.Response:
    """Send browsers that guess an address to the one that exists."""
    location = request.app[RENDERER].static_files.url("base/favicon.svg")
    return web.Response(status=301, headers={"Location": location})
