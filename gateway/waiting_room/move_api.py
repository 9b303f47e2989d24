"""Moving a place to another device: a signed link from the old one, a key's proof from the new one."""

from typing import Final

import msgspec
from aiohttp import web

from gateway.app_keys import CLOCK, MOVES, ROOMS, SETTINGS, TOKEN_SOURCE, TOKENS
from gateway.edge.credentials import prove_device, read_ticket
from gateway.waiting_room import joining
from gateway.waiting_room.api import NO_STORE, Text, give_ticket, moment_of
from groundwork.bodies import read_body
from groundwork.errors import DeviceProofInvalid
from groundwork.tokens import MoveClaims, TicketClaims

routes = web.RouteTableDef()

# Long enough to find the other device, short enough that a link in a chat's history is worth nothing.
LINK_MS: Final = 10 * 60_000


class LinkBody(msgspec.Struct, frozen=True):
    """What a move says."""

    ticket: Text | None = None


class ClaimBody(msgspec.Struct, frozen=True):
    """What the other device says: the link's token."""

    link: Text


@routes.post("/api/sales/{sale}/move")
async def make_link(request: web.Request) -> web.Response:
    """Answer a link that moves the fan's place; until it is used the place stays where it is."""
    body = await read_body(request, LinkBody)
    sale_id = request.config_dict[ROOMS].room(request.match_info["sale"]).sale.sale_id
    ticket = read_ticket(request, sale_id, body.ticket)
    prove_device(request, ticket.jkt)
    await request.config_dict[MOVES].refuse_moved(sale_id, ticket.fan_id, ticket.lane)
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
    return web.json_response(
        {
            "link": request.config_dict[TOKENS].sign_move(claims),
            "expires_at": moment_of(claims.expires_at_ms),
        },
        status=201,
        headers=NO_STORE,
    )


@routes.post("/api/sales/{sale}/move/claim")
async def claim_place(request: web.Request) -> web.Response:
    """Give the link's place to the device whose key is proven; the same device may ask again."""
    body = await read_body(request, ClaimBody)
    room = request.config_dict[ROOMS].room(request.match_info["sale"])
    sale_id = room.sale.sale_id
    proof = prove_device(request, None)
    if proof is None:
        # Without a key nobody could tell the same device from one that copied the link.
        raise DeviceProofInvalid("missing")
    link = request.config_dict[TOKENS].read_move(body.link, sale_id)
    fan_id = joining.fan_id_of(request, sale_id, proof.jkt)
    await request.config_dict[MOVES].move(link, fan_id)
    now_ms = request.config_dict[CLOCK].now_ms()
    claims = TicketClaims(
        fan_id=fan_id,
        sale_id=sale_id,
        place=link.place,
        entry_number=link.entry_number,
        lane=link.lane,
        entered_as=link.entered_as or link.fan_id,
        jkt=proof.jkt,
        issued_at_ms=now_ms,
        expires_at_ms=now_ms + request.config_dict[SETTINGS].ticket_ms,
    )
    given = joining.signed(request, room, claims)
    response = web.json_response(joining.told(given), status=201, headers=NO_STORE)
    give_ticket(request, response, given)
    return response
