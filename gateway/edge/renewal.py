"""A pass that has ended is replaced on the way while its visit goes on: we gave the fan time since."""

from typing import Final

from aiohttp import web

from gateway.app_keys import ROOMS, SETTINGS, TOKENS
from gateway.edge import cookies
from gateway.edge.credentials import authorization
from groundwork.tokens import PassClaims

# As much as all that is ever given: ten minutes for an outage, ten for faults a fan met alone
# (lua/includes/frozen.lua, faults.lua). The browser keeps the cookie of a pass for so much longer.
LAPSED_MS_MAX: Final = 20 * 60_000

# What counts for this request instead of the pass that came with it.
RENEWED: Final = web.RequestKey("renewed_pass", PassClaims)


async def renew_pass(request: web.Request, sale_id: str | None) -> bool:
    """Look for a lapsed pass whose visit goes on, and let its renewal count for this request.

    One call of the store, for a request that would be refused otherwise. Raises StoreUnavailable.
    """
    for lapsed in lapsed_passes(request, sale_id):
        renewed = await request.app[ROOMS].line.visits.renew(lapsed)
        if renewed is not None:
            request[RENEWED] = renewed
            return True
    return False


def lapsed_passes(request: web.Request, sale_id: str | None) -> list[PassClaims]:
    """Return what could be renewed: the header's pass, or the newest of the cookies."""
    is_secure = request.app[SETTINGS].is_secure
    sales = [sale_id] if sale_id else cookies.sales_with(request, cookies.PASS, is_secure=is_secure)
    texts = [authorization(request)]
    texts += [cookies.read(request, cookies.PASS, each, is_secure=is_secure) for each in sales]
    read = request.app[TOKENS].read_lapsed_pass
    found = [read(text, LAPSED_MS_MAX) for text in texts if text]
    # One: what is asked of the store does not grow with what a browser sends.
    return [each for each in found if each and sale_id in (None, each.sale_id)][:1]


def give_renewed_pass(request: web.Request, response: web.StreamResponse) -> None:
    """Set the cookie of a pass that was renewed, where the answer has not begun."""
    claims = request.get(RENEWED)
    if claims is not None and not response.prepared:
        give_pass(request, response, claims, request.app[TOKENS].sign_pass(claims))


def give_pass(
    request: web.Request, response: web.StreamResponse, claims: PassClaims, text: str
) -> None:
    """Set the cookie of a pass."""
    settings = request.config_dict[SETTINGS]
    cookies.give(
        request,
        response,
        cookies.PASS,
        claims.sale_id,
        text,
        (settings.pass_ms + LAPSED_MS_MAX) // 1000,
        is_secure=settings.is_secure,
    )
