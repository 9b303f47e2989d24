"""Where a request comes from, and what is counted against that."""

from aiohttp import web

from gateway.app_keys import ADDRESS_NAMES, CLIENT_ADDRESSES, LIMITS
from gateway.bot_checks.asked_from import AskedFrom
from gateway.bot_checks.limits import Limit


def asked_from(request: web.Request, sale_id: str) -> AskedFrom:
    """Return the names under which a sale counts what comes from the request's address."""
    address = request.config_dict[CLIENT_ADDRESSES].to_be_bounded(request)
    return request.config_dict[ADDRESS_NAMES].of(sale_id, address)


async def spend(request: web.Request, limit: Limit, sale_id: str, own: str = "") -> bool:
    """Count a request, and say whether what it asks for should be made harder.

    Raises TooManyRequests, StoreUnavailable.
    """
    limits = request.config_dict[LIMITS]
    return await limits.spend(limit, sale_id, own=own, asked_from=asked_from(request, sale_id))
