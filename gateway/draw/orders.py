"""Who stands behind in the draws that are made, worked out once in each process."""

import asyncio

import msgspec

from gateway.draw.cluster_records import ClusterRecords
from gateway.draw.draw import Draw
from gateway.draw.order import Order
from groundwork.postgres import Pool


class Orders:
    """Completes draws with the order that follows from their clusters and seed."""

    def __init__(self, pool: Pool) -> None:
        self._records = ClusterRecords(pool)
        self._known: dict[str, Order] = {}

    async def completed(self, sale_id: str, draw: Draw | None) -> Draw | None:
        """Return the draw with its order, when it is made and entries of it share chances."""
        if draw is None or draw.seed is None or draw.clusters is None or not draw.clusters.entries:
            return draw
        order = self._known.get(draw.seed)
        if order is None:
            content = await self._records.content(sale_id)
            # A farm of a million takes seconds, in which boards are to be shown.
            order = self._known[draw.seed] = await asyncio.to_thread(
                Order.made, bytes.fromhex(draw.seed), content, draw.entries
            )
        return msgspec.structs.replace(draw, order=order)
