"""Which payment provider takes the money, as the settings say."""

from collections.abc import Callable

import aiohttp

from booking_core import metrics
from booking_core.checkout.payments import Payments
from booking_core.checkout.practice_payments import PracticePayments
from booking_core.checkout.wire_payments import WirePayments
from booking_core.settings import CoreSettings
from groundwork.clock import Clock


def make_payments(settings: CoreSettings, session: aiohttp.ClientSession, clock: Clock) -> Payments:
    """Return the client of the payment provider that was chosen."""
    kind: type[WirePayments] = PracticePayments
    if settings.payment_provider == "stripe":
        # Here, because the library is an extra: whoever only practises need not have it.
        from booking_core.checkout.stripe_payments import StripePayments

        kind = StripePayments
    return kind(
        session,
        settings.provider_url,
        settings.payments_secret_key,
        clock,
        observe=_observer(settings.payment_provider),
    )


def _observer(provider: str) -> Callable[[str, str, float], None]:
    def observe(call: str, outcome: str, seconds: float) -> None:
        metrics.PAYMENT_CALLS.labels(provider, call, outcome).inc()
        metrics.PAYMENT_CALL_SECONDS.labels(provider, call).observe(seconds)

    return observe
