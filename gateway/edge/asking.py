"""Where a request comes from, and what is counted against that."""

from gateway.app_keys import ADDRESS_NAMES, CLIENT_ADDRESSES, LIMITS
from gateway.bot_checks.asked_from import AskedFrom
from gateway.bot_checks.limits import Limit
from groundwork.plain_request import Asking


def asked_from(request: Asking, sale_id: str) -> AskedFrom:
    """Return the names under which a sale counts what comes from the request's address."""
    return request.app[ADDRESS_NAMES].of(sale_id, request.app[CLIENT_ADDRESSES].read(request))


async def spend(request: Asking, limit: Limit, sale_id: str, own: str = "") -> bool:
    """Count a request, and say whether what it asks for should be made harder.

    Raises TooManyRequests, StoreUnavailable.
    """
    limits = request.app[LIMITS]
    return await limits.spend(limit, sale_id, own=own, asked_from=asked_from(request, sale_id))
