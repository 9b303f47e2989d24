"""Moving a place to another device: a signed link from the old one, a key's proof from the new one."""

from typing import Annotated

import msgspec
from aiohttp import web

from gateway.app_keys import ROOMS
from gateway.edge.credentials import prove_device
from gateway.pages.qr import link_qr
from gateway.waiting_room import moving
from gateway.waiting_room.api import TICKET_OR_BODY, Text, give_ticket, moment_of
from gateway.waiting_room.documents import MoveLinkDocument, TicketDocument, ticket_document
from groundwork.errors import (
    DeviceProofInvalid,
    MoveLinkInvalid,
    MoveRefused,
    SaleNotFound,
    StoreUnavailable,
    TicketInvalid,
    TicketMoved,
    TooManyRequests,
)
from groundwork.operations import DPOP, ApiRoutes
from groundwork.typed_answers import Created

routes = ApiRoutes("Waiting room")


class LinkBody(msgspec.Struct, frozen=True):
    """What a move says; `event` is the event the fan came for, to which the link leads on."""

    ticket: Text | None = None
    event: Annotated[str, msgspec.Meta(max_length=63)] | None = None


class ClaimBody(msgspec.Struct, frozen=True):
    """What the other device says: the link's token."""

    link: Text


@routes.post(
    "/api/sales/{sale}/move",
    refuses=[
        *(SaleNotFound, TicketInvalid, TicketMoved, DeviceProofInvalid, MoveRefused),
        *(TooManyRequests, StoreUnavailable),
    ],
    headers=[DPOP],
    credential=TICKET_OR_BODY,
)
async def make_link(request: web.Request, body: LinkBody) -> Created[MoveLinkDocument]:
    """Answer a link that moves the fan's place; until it is used the place stays where it is."""
    sale_id = request.config_dict[ROOMS].room(request.match_info["sale"]).sale.sale_id
    made = await moving.make_link(request, sale_id, body.ticket, body.event or "")
    return Created(
        MoveLinkDocument(
            link=made.token,
            url=made.url,
            qr=link_qr(made.url),
            expires_at=moment_of(made.claims.expires_at_ms),
        )
    )


@routes.post(
    "/api/sales/{sale}/move/claim",
    refuses=[
        *(SaleNotFound, DeviceProofInvalid, MoveLinkInvalid, MoveRefused, TicketMoved),
        *(TooManyRequests, StoreUnavailable),
    ],
    headers=[DPOP],
)
async def claim_place(request: web.Request, body: ClaimBody) -> Created[TicketDocument]:
    """Give the link's place to the device whose key is proven; the same device may ask again."""
    sale_id = request.config_dict[ROOMS].room(request.match_info["sale"]).sale.sale_id
    proof = prove_device(request, None)
    if proof is None:
        # Without a key nobody could tell the same device from one that copied the link.
        raise DeviceProofInvalid("missing")
    given = await moving.claim_with_key(request, sale_id, body.link, proof.jkt)
    response = Created(ticket_document(given))
    give_ticket(request, response, given)
    return response
