"""Gives money back that an operator asked for: as often tried as it takes, given once."""

import asyncio
from dataclasses import dataclass

import structlog

from booking_core.checkout.payments import PaymentRefused, Payments, PaymentUnknown
from booking_core.ledger.refunds import OpenRefund, Refunds

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Refunding:
    """The worker's part of a refund."""

    refunds: Refunds
    payments: Payments

    async def work(self) -> int:
        """Give what is due, and return how many refunds were tried."""
        due = await self.refunds.take()
        await asyncio.gather(*map(self._give, due))
        return len(due)

    async def _give(self, refund: OpenRefund) -> None:
        try:
            await self.payments.refund(refund.payment_id, refund.amount_cents, refund.order_id)
        except PaymentUnknown as unknown:
            log.info("a refund's outcome is not known yet", order=refund.order_id, why=unknown.why)
        except PaymentRefused as refusal:
            # Nothing gets lost by asking again, and somebody may put our account in order meanwhile.
            log.error("a refund was refused", order=refund.order_id, code=refusal.code)
        else:
            await self.refunds.note_done(refund)
            return
        await self.refunds.note_failed(refund)
