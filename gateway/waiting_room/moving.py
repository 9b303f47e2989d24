"""The two acts of a move: a link from the device that has the place, the claim of the one that takes it."""

import asyncio
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from gateway import metrics
from gateway.app_keys import CLOCK, MOVES, ROOMS, SETTINGS, TOKEN_SOURCE, TOKENS
from gateway.bot_checks.limits import CLAIMS, LINKS
from gateway.edge.asking import spend
from gateway.edge.credentials import prove_device, read_ticket_in_line
from gateway.waiting_room import joining
from gateway.waiting_room.fan_names import named
from gateway.waiting_room.sales import SALE_ID
from groundwork.errors import BookingError, MoveRefused
from groundwork.tokens import MoveClaims, TicketClaims

# Long enough to find the other device, short enough that a link in a chat's history is worth nothing.
LINK_MS: Final = 10 * 60_000


@dataclass(frozen=True, slots=True)
class LinkMade:
    """A link that moves a place: its token, the address that a browser opens, what it says."""

    token: str
    url: str
    claims: MoveClaims


async def make_link(
    request: web.Request, sale_id: str, ticket_text: str | None, event_id: str = ""
) -> LinkMade:
    """Make a link that moves the fan's place; until it is used the place stays where it is.

    `event_id` is the event the fan came for, "" for none; the link leads on to it. Raises
    TicketInvalid, DeviceProofInvalid, TicketMoved, TooManyRequests; MoveRefused, reason: mailbox,
    where that is what has the place on every device.
    """
    ticket = read_ticket_in_line(request, sale_id, ticket_text)
    prove_device(request, ticket.jkt)
    if request.config_dict[ROOMS].room(sale_id).sale.one_per_mailbox:
        raise MoveRefused("mailbox")
    # In one tick: both calls travel in one pipeline.
    await asyncio.gather(
        spend(request, LINKS, sale_id, ticket.entered_as or ticket.fan_id),
        request.config_dict[MOVES].refuse_moved(sale_id, ticket.fan_id, ticket.lane),
    )
    now_ms = request.config_dict[CLOCK].now_ms()
    claims = MoveClaims(
        fan_id=ticket.fan_id,
        sale_id=sale_id,
        move_id=request.config_dict[TOKEN_SOURCE].token(),
        place=ticket.place,
        entry_number=ticket.entry_number,
        lane=ticket.lane,
        entered_as=ticket.entered_as,
        issued_at_ms=now_ms,
        expires_at_ms=now_ms + LINK_MS,
    )
    token = request.config_dict[TOKENS].sign_move(claims)
    site = request.config_dict[SETTINGS].public_url or str(request.url.origin())
    metrics.MOVES.labels(sale_id, "link").inc()
    wanted = f"&event={event_id}" if SALE_ID.fullmatch(event_id) else ""
    return LinkMade(token, f"{site}/sales/{sale_id}/move?link={token}{wanted}", claims)


async def claim_with_key(
    request: web.Request, sale_id: str, token: str, jkt: str
) -> joining.TicketGiven:
    """Give the link's place to the device whose key was proven; the same device may ask again.

    Raises MoveLinkInvalid, MoveRefused, TooManyRequests.
    """
    return await _claim(request, sale_id, token, named(request, f"{sale_id}:key:{jkt}"), jkt)


async def claim_by_form(
    request: web.Request, sale_id: str, token: str, claim_id: str
) -> joining.TicketGiven:
    """Give the link's place to a browser without JavaScript; the same form may come again.

    `claim_id` is a secret of the page that was shown to this browser: without a key nothing else
    tells it from one that copied the link. Raises as `claim_with_key` does.
    """
    return await _claim(
        request, sale_id, token, named(request, f"{sale_id}:claim:{claim_id}"), None
    )


async def _claim(
    request: web.Request, sale_id: str, token: str, fan_id: str, jkt: str | None
) -> joining.TicketGiven:
    room = request.config_dict[ROOMS].room(sale_id)
    try:
        link = request.config_dict[TOKENS].read_move(token, sale_id)
        await spend(request, CLAIMS, sale_id, link.entered_as or link.fan_id)
        await request.config_dict[MOVES].move(link, fan_id)
    except BookingError:
        metrics.MOVES.labels(sale_id, "refused").inc()
        raise
    metrics.MOVES.labels(sale_id, "moved").inc()
    now_ms = request.config_dict[CLOCK].now_ms()
    claims = TicketClaims(
        fan_id=fan_id,
        sale_id=sale_id,
        place=link.place,
        entry_number=link.entry_number,
        lane=link.lane,
        entered_as=link.entered_as or link.fan_id,
        jkt=jkt,
        issued_at_ms=now_ms,
        expires_at_ms=now_ms + request.config_dict[SETTINGS].ticket_ms,
    )
    return joining.signed(request, room, claims)
