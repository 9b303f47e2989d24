"""Moving a place to another device: a signed link from the old one, a key's proof from the new one."""

import msgspec
from aiohttp import web

from gateway.app_keys import ROOMS
from gateway.edge.credentials import prove_device
from gateway.pages.qr import link_qr
from gateway.waiting_room import joining, moving
from gateway.waiting_room.api import NO_STORE, Text, give_ticket, moment_of
from groundwork.bodies import read_body
from groundwork.errors import DeviceProofInvalid

routes = web.RouteTableDef()


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
    made = await moving.make_link(request, sale_id, body.ticket)
    return web.json_response(
        {
            "link": made.token,
            "url": made.url,
            "qr": link_qr(made.url),
            "expires_at": moment_of(made.claims.expires_at_ms),
        },
        status=201,
        headers=NO_STORE,
    )


@routes.post("/api/sales/{sale}/move/claim")
async def claim_place(request: web.Request) -> web.Response:
    """Give the link's place to the device whose key is proven; the same device may ask again."""
    body = await read_body(request, ClaimBody)
    sale_id = request.config_dict[ROOMS].room(request.match_info["sale"]).sale.sale_id
    proof = prove_device(request, None)
    if proof is None:
        # Without a key nobody could tell the same device from one that copied the link.
        raise DeviceProofInvalid("missing")
    given = await moving.claim_with_key(request, sale_id, body.link, proof.jkt)
    response = web.json_response(joining.told(given), status=201, headers=NO_STORE)
    give_ticket(request, response, given)
    return response
