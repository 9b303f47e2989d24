"""The parts of the shop, joined once for the application and for the worker."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from booking_core.audit.auditor import Auditor
from booking_core.audit.findings import Findings
from booking_core.audit.provider_check import ProviderCheck
from booking_core.audit.provider_list import ProviderList
from booking_core.audit.store_check import StoreCheck
from booking_core.catalog.events import Catalog
from booking_core.checkout.booking import Bookings
from booking_core.checkout.checkout import Checkout
from booking_core.checkout.late_payments import LatePayments
from booking_core.checkout.providers import make_payments
from booking_core.checkout.refunding import Refunding
from booking_core.ledger.cancellations import Cancellations
from booking_core.ledger.late_orders import LateOrders
from booking_core.ledger.orders import Orders
from booking_core.ledger.projection import Projection
from booking_core.ledger.reconciler import Reconciler
from booking_core.ledger.recovery import Recovery
from booking_core.ledger.refunds import Refunds
from booking_core.seats.allotting import Allotting
from booking_core.seats.holds import SeatHolds
from booking_core.settings import CoreSettings
from booking_core.tickets.issuing import TicketIssuer
from groundwork.clock import Clock, SystemTokenSource
from groundwork.keys import KeyRing
from groundwork.postgres import Pool
from groundwork.redis_store import RedisStore
from groundwork.tokens import Tokens
from lua.epochs import Epochs


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Everything of the shop that has no address of its own."""

    catalog: Catalog
    holds: SeatHolds
    orders: Orders
    checkout: Checkout
    bookings: Bookings
    refunding: Refunding
    issuer: TicketIssuer
    projection: Projection
    reconciler: Reconciler
    allotting: Allotting
    auditor: Auditor


@asynccontextmanager
async def open_parts(
    settings: CoreSettings, ring: KeyRing, epochs: Epochs, clock: Clock
) -> AsyncIterator[Parts]:
    """Yield the parts on these stores; closes the connections to the provider on the way out."""
    catalog = Catalog(epochs.pool, clock)
    # Spreads askers over equally good seats; guards nothing.
    holds = SeatHolds(epochs, SystemTokenSource(), random.Random(), settings)  # noqa: S311
    orders = Orders(epochs.pool)
    issuer = TicketIssuer(orders, catalog, Tokens(ring, clock))
    reconciler = Reconciler(epochs.store, epochs.pool, clock)
    Recovery(epochs, epochs.pool, catalog, clock, reconciler)
    # Unlimited connections: slow cards must not make other buyers wait for a free one.
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        payments = make_payments(settings, session, clock)
        late = LatePayments(
            LateOrders(epochs.pool), orders, payments, holds, catalog, clock,
            settings.payment_patience_ms,
        )  # fmt: skip
        checkout = Checkout(
            orders, payments, holds, lambda order_id: f"{settings.shop_url}/orders/{order_id}",
            late, Cancellations(epochs.pool),
        )  # fmt: skip
        bookings = Bookings(holds, orders, catalog, checkout, issuer, SystemTokenSource(), settings)
        yield Parts(
            catalog=catalog,
            holds=holds,
            orders=orders,
            checkout=checkout,
            bookings=bookings,
            refunding=Refunding(Refunds(epochs.pool), payments),
            issuer=issuer,
            projection=Projection(orders, holds, catalog),
            reconciler=reconciler,
            allotting=Allotting(epochs.pool, catalog, holds),
            auditor=make_auditor(
                epochs.pool,
                epochs.store,
                catalog,
                ProviderList(session, settings.provider_url, settings.payments_secret_key),
            ),
        )


def make_auditor(
    pool: Pool, store: RedisStore, catalog: Catalog, provider: ProviderList
) -> Auditor:
    """Return an auditor of these stores and this provider."""
    findings = Findings(pool)
    return Auditor(
        pool, StoreCheck(store, pool, catalog), ProviderCheck(provider, pool, findings), findings
    )
