"""Cookies made new on the way: of a pass that ended before its visit, of the tickets that open orders."""

from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web

from gateway.app_keys import CLOCK, ROOMS, SETTINGS, TOKENS
from gateway.edge import cookies
from gateway.edge.credentials import authorization, tickets_in_cookies
from groundwork.tokens import PassClaims

# As much as all that is ever given: ten minutes for an outage, ten for faults a fan met alone
# (lua/includes/frozen.lua, faults.lua). The browser keeps the cookie of a pass for so much longer.
LAPSED_MS_MAX: Final = 20 * 60_000
# What was held in the last moment of a pass lasts for eight minutes, four more when the fan asks for them,
# and its payment for five: the defaults of booking_core/settings.py, whose times a shop of one's own does not
# have. The cookie is kept for longer than that.
FINISHING_MS_MAX: Final = 17 * 60_000

# Any of these, without arguments, keeps an answer out of shared caches; `no-cache` does not, it is kept
# and asked about. These let it in, whatever else is said.
KEPT_BY_NONE: Final = frozenset({"private", "no-store"})
SHARED: Final = frozenset({"public", "s-maxage"})
# Older than the standard: of CDNs, of nginx.
TO_PROVIDERS: Final = frozenset({"surrogate-control", "edge-control", "x-accel-expires"})

# A day: who looks at their order again and again is signed a ticket once.
TICKET_OLD_MS: Final = 24 * 60 * 60_000

# What counts for this request instead of the pass that came with it.
RENEWED: Final = web.RequestKey("renewed_pass", PassClaims)
# The pass that has ended by which the fan finishes what they hold.
FINISHING: Final = web.RequestKey("finishing_pass", PassClaims)


async def renew_pass(request: web.Request, sale_id: str | None) -> bool:
    """Look for a lapsed pass whose visit goes on, and let its renewal count for this request.

    One call of the store, for a request that would be refused otherwise. Raises StoreUnavailable.
    """
    for lapsed in lapsed_passes(request, sale_id, LAPSED_MS_MAX):
        renewed = await request.app[ROOMS].line.visits.renew(lapsed)
        if renewed is not None:
            request[RENEWED] = renewed
            return True
    return False


def finish_with_pass(request: web.Request, sale_id: str | None) -> bool:
    """Look for a pass by which the fan may still finish what they hold, and let it count for that."""
    for lapsed in lapsed_passes(request, sale_id, FINISHING_MS_MAX):
        request[FINISHING] = lapsed
        return True
    return False


def lapsed_passes(
    request: web.Request, sale_id: str | None, lapsed_ms_max: int
) -> list[PassClaims]:
    """Return the header's pass, or the newest of the cookies, if it ended no longer ago than that."""
    is_secure = request.app[SETTINGS].is_secure
    sales = [sale_id] if sale_id else cookies.sales_with(request, cookies.PASS, is_secure=is_secure)
    texts = [authorization(request)]
    texts += [cookies.read(request, cookies.PASS, each, is_secure=is_secure) for each in sales]
    read = request.app[TOKENS].read_lapsed_pass
    found = [read(text, lapsed_ms_max) for text in texts if text]
    # One: what is asked of the store does not grow with what a browser sends.
    return [each for each in found if each and sale_id in (None, each.sale_id)][:1]


def give_renewed_pass(request: web.Request, response: web.StreamResponse) -> None:
    """Set the cookie of a pass that was renewed, where the answer has not begun and is the fan's alone.

    Without it the next request renews the pass again: it costs a call of the store, and nothing else.
    """
    claims = request.get(RENEWED)
    if claims is not None and not response.prepared and is_kept_private(request, response):
        give_pass(request, response, claims, request.app[TOKENS].sign_pass(claims))


def give_renewed_tickets(request: web.Request, response: web.StreamResponse) -> None:
    """Set the cookies of the fan's tickets anew, with an answer about an order of theirs.

    They are the only key to it, and events are sold longer ahead than a ticket lasts.
    """
    if response.prepared or response.status != HTTPStatus.OK:
        return
    settings, now_ms = request.app[SETTINGS], request.app[CLOCK].now_ms()
    old = [
        ticket
        for ticket in tickets_in_cookies(request)
        if now_ms - ticket.issued_at_ms >= TICKET_OLD_MS
    ]
    if not old or not is_kept_private(request, response):
        return
    for ticket in old:
        times = {"issued_at_ms": now_ms, "expires_at_ms": now_ms + settings.ticket_ms}
        text = request.app[TOKENS].sign_ticket(msgspec.structs.replace(ticket, **times))
        cookies.give(
            request,
            response,
            cookies.TICKET,
            ticket.sale_id,
            text,
            settings.ticket_ms // 1000,
            is_secure=settings.is_secure,
        )


def is_kept_private(request: web.Request, response: web.StreamResponse) -> bool:
    """Return whether no shared cache keeps the answer; where the shop says nothing, it is told to none.

    A cache may keep cookies with what it keeps (RFC 9111 section 7.3), also by its own guess, and give
    them to the next fan, who would shop in this one's name. What the shop lets caches keep stays so.
    """
    headers = response.headers
    if any(is_for_shared_caches(name.lower()) for name in headers):
        return False
    said = ",".join(headers.getall("Cache-Control", ())).lower()
    if not said:
        # What a cache puts together with an answer that it has: what it had been told of that counts.
        is_part = request.method == "HEAD" or response.status == HTTPStatus.NOT_MODIFIED
        if is_part or "Expires" in headers:
            return False
        headers["Cache-Control"] = "private"
        return True
    directives = {each.strip() for each in said.split(",")}
    # Within quotation marks are names of headers: of parts of an answer, which caches read differently.
    is_shared = '"' in said or any(each.partition("=")[0] in SHARED for each in directives)
    return not is_shared and not KEPT_BY_NONE.isdisjoint(directives)


def is_for_shared_caches(name: str) -> bool:
    """Say whether a header speaks to the caches of a provider, over Cache-Control (RFC 9213)."""
    return name in TO_PROVIDERS or name.endswith("-cache-control")


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
