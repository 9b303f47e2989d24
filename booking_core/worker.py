"""The shop's work that no request waits for: sweep, reconcile, outbox, rescue, count, audit."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import structlog

from booking_core import metrics
from booking_core.audit.auditor import WORKER_PAGES_MAX
from booking_core.ledger.old_rows import forget_old_rows
from booking_core.ledger.outbox import Outbox, open_entries
from booking_core.ledger.shop_counts import EventCounts, count_events, events_on_sale
from booking_core.notifications.ticket_mails import TicketMails
from booking_core.parts import Parts
from groundwork.clock import Clock
from groundwork.errors import StoreUnavailable
from lua.epochs import Epochs

# A hold that ran out is free again within this, and usually to the millisecond.
SWEEP_EVERY_MS = 500
RECONCILE_EVERY_MS = 200
# The buyer has their answer already; this is how soon the map shows the seat as sold.
OUTBOX_EVERY_MS = 100
# Of one order it does not matter which of these and its capture comes first.
PROJECTED = ("project_sold", "project_released", "project_cancelled")
# Tickets are on the page at once; a second more is none for a mail.
MAIL_EVERY_MS = 1_000
# Apart from the sending, which a slow server holds up; a big sale leaves some ten thousand to count.
COUNT_MAILS_EVERY_MS = 5_000
# How soon the provider is asked about a payment that is under way; seldomer the longer it takes.
RESCUE_EVERY_MS = 2_000
# Orders that wait for a silent provider keep one of these busy, and the others go on. Together they ask it
# no more at once than a busy minute's buyers do.
RESCUERS = 4
RESCUE_MAX = 16
# Money that is given back takes days to arrive; a second more is none.
REFUND_EVERY_MS = 1_000
COUNT_EVERY_MS = 1_000
# How soon seats that an operator kept for somebody, or opened to anybody, are shown so.
ALLOT_EVERY_MS = 1_000
# A seat shown wrongly, or money gone astray, is found within this.
AUDIT_EVERY_MS = 60_000
# What is a month old may be some minutes older; and it goes in small steps that no buyer feels.
FORGET_EVERY_MS = 10 * 60_000
FORGET_PAUSE_MS = 200
# What an audit finds of payments that no order has anything for.
STRAY_MONEY = ("money_without_sale", "reserved_without_order")
# The events to look after change seldom.
EVENTS_EVERY_MS = 2_000
# Work of many events at once, so that one slow answer does not hold up the rest.
EVENTS_AT_ONCE = 64

log = structlog.get_logger()


class ShopWorker:
    """Runs the rounds; several workers at once do no harm, they only share the work."""

    def __init__(
        self, parts: Parts, epochs: Epochs, clock: Clock, mails: TicketMails | None = None
    ) -> None:
        self._parts = parts
        self._epochs = epochs
        self._clock = clock
        self._mails = mails
        self._events: list[str] = []
        self._outbox = Outbox(
            epochs.pool,
            {
                "capture": parts.checkout.capture,
                "project_sold": parts.projection.show_sold,
                "project_released": parts.projection.show_released,
                "project_cancelled": parts.projection.show_cancelled,
            },
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep all rounds going while the block runs."""
        rounds: tuple[tuple[int, Callable[[], Awaitable[None]], str], ...] = (
            (EVENTS_EVERY_MS, self._read_events, "events"),
            (SWEEP_EVERY_MS, self._sweep, "sweep"),
            (RECONCILE_EVERY_MS, self._reconcile, "reconcile"),
            (OUTBOX_EVERY_MS, self._capture, "capture"),
            (OUTBOX_EVERY_MS, self._project, "project"),
            (MAIL_EVERY_MS, self._send_mails, "mail"),
            (COUNT_MAILS_EVERY_MS, self._count_mails, "mails waiting"),
            *((RESCUE_EVERY_MS, self._rescue, "rescue"),) * RESCUERS,
            (REFUND_EVERY_MS, self._refund, "refund"),
            (COUNT_EVERY_MS, self._count, "count"),
            (ALLOT_EVERY_MS, self._allot, "allot"),
            (AUDIT_EVERY_MS, self._audit, "audit"),
            (FORGET_EVERY_MS, self._forget, "forget"),
        )
        tasks = [asyncio.create_task(self._repeat(*each), name=each[2]) for each in rounds]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _repeat(self, every_ms: int, work: Callable[[], Awaitable[None]], name: str) -> None:
        while True:
            try:
                await work()
            except StoreUnavailable:
                log.warning("a store does not answer", work=name)
            except Exception:
                # One bad round must not end all rounds to come.
                log.exception("a round failed", work=name)
            await self._clock.sleep_ms(every_ms)

    async def _read_events(self) -> None:
        self._events = await events_on_sale(self._epochs.pool)
        for event_id in self._events:
            metrics.expect_event(event_id)

    async def _for_each_event(
        self, work: Callable[[str], Awaitable[None]], events: Sequence[str] | None = None
    ) -> None:
        """Work on all events, or on those named. The first failure is raised once all had their turn."""
        events = self._events if events is None else events
        failed: BaseException | None = None
        for start in range(0, len(events), EVENTS_AT_ONCE):
            chunk = events[start : start + EVENTS_AT_ONCE]
            answers = await asyncio.gather(
                *(work(event_id) for event_id in chunk), return_exceptions=True
            )
            for answer in answers:
                if isinstance(answer, BaseException):
                    failed = failed or answer
        if failed is not None:
            raise failed

    async def _sweep(self) -> None:
        metrics.SWEEPS.inc()

        async def sweep(event_id: str) -> None:
            while True:
                count, next_end_in_ms = await self._parts.holds.sweep(event_id)
                metrics.SWEPT_HOLDS.inc(count)
                if next_end_in_ms != 0:
                    return

        await self._for_each_event(sweep)

    async def _reconcile(self) -> None:
        """Copy all logs as far as they go.

        A batch of each in turn, and all asked again every while: who is thousands behind after a rush, or
        after we were away, holds up nobody else.
        """
        behind: list[str] = []

        async def reconcile(event_id: str) -> None:
            try:
                if await self._parts.reconciler.reconcile(event_id, self._epochs.epoch):
                    behind.append(event_id)
            except StoreUnavailable:
                raise
            except Exception:
                # One log that cannot be copied is no reason to leave the others.
                log.exception("an event's log is not copied", event_id=event_id)

        due, asked_all_ms = list(self._events), self._clock.monotonic_ms()
        while due:
            await self._for_each_event(reconcile, due)
            due, behind = behind, []
            now_ms = self._clock.monotonic_ms()
            if due and now_ms - asked_all_ms >= RECONCILE_EVERY_MS:
                due, asked_all_ms = list(self._events), now_ms

    async def _capture(self) -> None:
        """Take the money of what is sold: asks the provider, who may be slow."""
        while await self._outbox.work("capture"):
            pass

    async def _project(self) -> None:
        """Show in Redis what became of orders, however slow the provider is."""
        while await self._outbox.work(*PROJECTED):
            pass

    async def _send_mails(self) -> None:
        while self._mails is not None and await self._mails.work():
            pass

    async def _count_mails(self) -> None:
        if self._mails is not None:  # where none can be sent, none is late
            await self._mails.count()

    async def _rescue(self) -> None:
        """Carry on orders whose request has ended: crashed, answered 202, or past their deadline."""
        orders, taken = self._parts.orders, RESCUE_MAX
        while taken == RESCUE_MAX:
            order_ids = await orders.take_unattended(RESCUE_MAX)
            answers = await asyncio.gather(*map(self._carry_on, order_ids), return_exceptions=True)
            for answer in answers:
                if isinstance(answer, BaseException):
                    raise answer
            taken = len(order_ids)

    async def _carry_on(self, order_id: str) -> None:
        try:
            await self._parts.checkout.run(order_id)
        except StoreUnavailable:
            raise
        except Exception:
            # One order that cannot be carried on is no reason to leave the others.
            log.exception("an order is not carried on", order=order_id)
        finally:
            await self._parts.orders.put_down(order_id)

    async def _refund(self) -> None:
        while await self._parts.refunding.work():
            pass

    async def _allot(self) -> None:
        """Show what seats are kept for, and open accessible places once all others are sold."""
        await self._for_each_event(self._parts.allotting.open_places)
        await self._parts.allotting.show_newest(self._events)

    async def _forget(self) -> None:
        while await forget_old_rows(self._epochs.pool):
            await self._clock.sleep_ms(FORGET_PAUSE_MS)

    async def _audit(self) -> None:
        """Compare the stores and the provider, and put right what PostgreSQL's word decides."""
        audited = await self._parts.auditor.audit(
            self._events, repairs=True, pages_max=WORKER_PAGES_MAX
        )
        for finding in audited.findings if audited else ():
            if finding.kind in STRAY_MONEY:
                await self._parts.checkout.late.return_stray(finding.about)

    async def _count(self) -> None:
        for counts in await count_events(self._epochs.pool, self._events):
            _show(counts)
        open_count, oldest_seconds = await open_entries(self._epochs.pool)
        metrics.OUTBOX_OPEN.set(open_count)
        metrics.OUTBOX_OLDEST_SECONDS.set(oldest_seconds)
        metrics.ORDERS_UNSETTLED.set(await self._parts.orders.count_overdue())
        for event_id in self._events:
            await self._count_holds(event_id)

    async def _count_holds(self, event_id: str) -> None:
        status, stock = await self._parts.holds.read_status(event_id)
        for word, digits in (("free", "045"), ("held", "1"), ("sold", "2"), ("blocked", "3")):
            metrics.SEATS.labels(event_id, word).set(sum(map(status.count, digits)))
        for tier, free in stock.items():
            metrics.STOCK_AVAILABLE.labels(event_id, tier).set(max(0, free))


def _show(counts: EventCounts) -> None:
    metrics.OVERSOLD_SEATS.labels(counts.event_id).set(counts.oversold)
