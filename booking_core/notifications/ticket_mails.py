"""Sends tickets by e-mail: promised by the sale's commit, sent at least once, and marked when they are.

A worker that dies between sending and the mark sends again; both mails bear one Message-ID.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog

from booking_core import metrics
from booking_core.catalog.events import Catalog
from booking_core.ledger.order import Order, OrderState
from booking_core.ledger.orders import Orders
from booking_core.notifications.mail_views import TicketsMail
from booking_core.pages import make_renderer, shop_views
from booking_core.parts import Parts
from booking_core.settings import CoreSettings
from booking_core.tickets.issuing import TicketIssuer
from groundwork.errors import StoreUnavailable
from groundwork.languages import BY_CODE, ENGLISH
from groundwork.mail import Attachment, Mail, Mailer
from groundwork.mail_address import read_mail_address
from groundwork.mail_errors import MailRefused, MailUnavailable
from groundwork.pages import PageRenderer
from groundwork.postgres import Pool, connection
from lua.epochs import Epochs

KIND: Final = "tickets"
# As many as are sent side by side, each on a connection of its own; the PDFs keep one core busy.
BATCH_MAX: Final = 8
# A worker that dies leaves its mails to others after this: longer than any mail takes (SMTP_MS).
LEASE_MS: Final = 60_000
# Tried again after 2, 4, 8 … seconds, at most this many apart: servers ask for minutes (greylisting).
BACKOFF_SECONDS_MAX: Final = 600
# Who has waited for so long has looked at the order's page, or asked.
GIVE_UP_DAYS: Final = 3

# By then servers that put strangers off for a while (greylisting) have taken a mail.
LATE_MINUTES: Final = 15
OUTCOMES: Final = ("sent", "unavailable", "failed", "refused", "void", "given-up")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Due:
    order_id: str
    attempts: int
    is_old: bool


class TicketMails:
    """Works what is due; several workers at once share it."""

    def __init__(
        self,
        pool: Pool,
        orders: Orders,
        catalog: Catalog,
        issuer: TicketIssuer,
        renderer: PageRenderer,
        mailer: Mailer,
        shop_url: str,
    ) -> None:
        self._pool = pool
        self._orders = orders
        self._catalog = catalog
        self._issuer = issuer
        self._renderer = renderer
        self._mailer = mailer
        self._shop_url = shop_url
        for outcome in OUTCOMES:  # at 0, so that their first step is seen
            metrics.OUTBOX_DONE.labels("ticket_mail", outcome)

    async def count(self) -> None:
        """Show how many mails wait, and for how long."""
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                """SELECT count(*),
                    count(*) FILTER (WHERE created_at < now() - make_interval(mins => %s)),
                    coalesce(extract(epoch FROM now() - min(created_at)), 0)
                FROM ticket_mails WHERE done_at IS NULL""",
                (LATE_MINUTES,),
            )
            row = await cursor.fetchone()
        assert row is not None
        metrics.TICKET_MAILS_OPEN.set(int(str(row[0])))
        metrics.TICKET_MAILS_LATE.set(int(str(row[1])))
        metrics.TICKET_MAILS_OLDEST_SECONDS.set(float(str(row[2])))

    async def work(self) -> int:
        """Send some of what is due and return how many were taken."""
        due = await self._take()
        await asyncio.gather(*map(self._send, due))
        return len(due)

    async def _take(self) -> list[_Due]:
        async with connection(self._pool) as open_connection:
            cursor = await open_connection.execute(
                """UPDATE ticket_mails SET attempts = attempts + 1,
                    not_before = now() + %s * interval '1 millisecond'
                WHERE order_id IN (SELECT order_id FROM ticket_mails
                    WHERE done_at IS NULL AND not_before <= now()
                    ORDER BY not_before LIMIT %s FOR UPDATE SKIP LOCKED)
                RETURNING order_id::text, attempts, created_at < now() - make_interval(days => %s)""",
                (LEASE_MS, BATCH_MAX, GIVE_UP_DAYS),
            )
            rows = await cursor.fetchall()
        return [_Due(str(order_id), int(str(tries)), bool(old)) for order_id, tries, old in rows]

    async def _send(self, due: _Due) -> None:
        outcome = "failed"
        try:
            outcome = await self._outcome(due)
        except (MailUnavailable, StoreUnavailable):
            outcome = "unavailable"
        except Exception:
            log.exception("tickets were not mailed", order=due.order_id)
        metrics.OUTBOX_DONE.labels("ticket_mail", outcome).inc()
        if outcome in ("failed", "unavailable"):
            await self._later(due)
        else:
            await self._mark(due.order_id, outcome)

    async def _outcome(self, due: _Due) -> str:
        order = await self._orders.read(due.order_id)
        assert order is not None
        if order.state != OrderState.SOLD:
            return "void"
        if due.is_old:
            return "given-up"
        to = read_mail_address(order.email)
        if to is None:
            return "refused"
        language = BY_CODE.get(order.language, ENGLISH)
        subject, text = self._renderer.mail("mail_tickets.txt", await self._view(order), language)
        pdf = await self._issuer.pdf(order)
        mail = Mail(
            name=order.order_id,
            kind=KIND,
            to=to,
            subject=subject,
            text=text,
            language=language.code,
            attachments=(Attachment(f"tickets-{order.order_id}.pdf", pdf),),
        )
        try:
            await self._mailer.send(mail)
        except MailRefused:
            return "refused"
        return "sent"

    async def _view(self, order: Order) -> TicketsMail:
        event = await self._catalog.get(order.event_id)
        layout = await self._catalog.seat_layout(order.event_id)
        lines = await self._orders.lines(order.order_id)
        return TicketsMail(
            event=shop_views.head(event),
            booking_id=order.order_id,
            order_url=f"{self._shop_url}/orders/{order.order_id}",
            lines=shop_views.order_lines(event, layout, lines),
            total=order.amount_cents,
            charges=tuple(await self._orders.charges(order.order_id)),
        )

    async def _mark(self, order_id: str, outcome: str) -> None:
        async with connection(self._pool) as open_connection:
            await open_connection.execute(
                "UPDATE ticket_mails SET outcome = %s, done_at = now() WHERE order_id = %s",
                (outcome, order_id),
            )

    async def _later(self, due: _Due) -> None:
        seconds = min(BACKOFF_SECONDS_MAX, 2 ** min(due.attempts, 10))
        async with connection(self._pool) as open_connection:
            await open_connection.execute(
                """UPDATE ticket_mails SET not_before = now() + %s * interval '1 second'
                WHERE order_id = %s AND done_at IS NULL""",
                (seconds, due.order_id),
            )


def ticket_mails(
    parts: Parts, epochs: Epochs, settings: CoreSettings, mailer: Mailer | None
) -> TicketMails | None:
    """Return what mails tickets for these parts; None without a mailer, and the mails then wait."""
    if mailer is None:
        return None
    return TicketMails(
        epochs.pool,
        parts.orders,
        parts.catalog,
        parts.issuer,
        make_renderer(),
        mailer,
        settings.shop_url,
    )


async def mail_outcome(pool: Pool, order_id: str) -> str | None:
    """Return what became of an order's mail: "" while it is to be sent, None when there is none."""
    async with connection(pool) as open_connection:
        cursor = await open_connection.execute(
            "SELECT outcome FROM ticket_mails WHERE order_id = %s", (order_id,)
        )
        row = await cursor.fetchone()
    return None if row is None else str(row[0])
