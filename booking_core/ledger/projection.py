"""Shows in Redis what PostgreSQL has decided: sold seats, and seats that are free again."""

from typing import Final

import structlog

from booking_core import metrics
from booking_core.catalog.events import Catalog
from booking_core.ledger.order import Order, OrderLine, OrderState
from booking_core.ledger.orders import Orders
from booking_core.seats.hold import Hold
from booking_core.seats.holds import SeatHolds

# The steps in which nothing is claimed for an order.
WITHOUT_PLACES: Final = (OrderState.AWAITED, OrderState.RELEASED, OrderState.CANCELLED)

log = structlog.get_logger()


class Projection:
    """The outbox's handlers for the kinds project_sold, project_released and project_cancelled."""

    def __init__(self, orders: Orders, holds: SeatHolds, catalog: Catalog) -> None:
        self._orders = orders
        self._holds = holds
        self._catalog = catalog

    async def show_sold(self, order_id: str) -> None:
        """Show the order's seats as sold."""
        order, lines = await self._read(order_id), await self._orders.lines(order_id)
        metrics.SEATS_SOLD.labels(order.event_id).inc(sum(line.quantity for line in lines))
        ended = await self._show(order, lines, "sold")
        if ended:
            # Two fans held a seat, one before and one after a fail-over; the first to claim won.
            log.warning("holds of others ended by a sale", order=order_id, holds=ended)

    async def show_released(self, order_id: str) -> None:
        """Show the order's seats as free, unless somebody holds them again, or pays for them anew."""
        order = await self._read(order_id)
        newest = await self._orders.by_reservation(order.reservation_id, order.fan_id)
        if newest is not None and newest.state not in WITHOUT_PLACES and not newest.is_let_go:
            return  # another card for the same hold: the outcome of that order ends it
        await self._show(order, await self._orders.lines(order_id), "released")

    async def show_cancelled(self, order_id: str) -> None:
        """Show the seats of a cancelled sale as free; as sold before that, if nobody has yet."""
        order, lines = await self._read(order_id), await self._orders.lines(order_id)
        # One that was told is counted in every epoch since: a fill begins with the sales. One that is not
        # told yet is told once in an epoch, by us or by its own entry, whoever comes first.
        if not await self._orders.is_sale_told(order_id):
            await self._show(order, lines, "sold")
        await self._show(order, lines, "cancelled")

    async def _show(self, order: Order, lines: list[OrderLine], outcome: str) -> int:
        hold = await self._as_hold(order, lines)
        return await self._holds.settle(hold, outcome, order.order_id)

    async def _read(self, order_id: str) -> Order:
        order = await self._orders.read(order_id)
        assert order is not None, f"the outbox names an order that is not there: {order_id}"
        return order

    async def _as_hold(self, order: Order, lines: list[OrderLine]) -> Hold:
        seat_ids = [line.seat_id for line in lines if line.seat_id is not None]
        indexes: tuple[int, ...] = ()
        if seat_ids:
            layout = await self._catalog.seat_layout(order.event_id)
            indexes = tuple(layout.index_of[seat_id] for seat_id in seat_ids)
        return Hold(
            order.reservation_id,
            order.event_id,
            order.fan_id,
            indexes,
            "" if seat_ids else lines[0].tier,
            0 if seat_ids else lines[0].quantity,
            0,
            is_extended=False,
        )
