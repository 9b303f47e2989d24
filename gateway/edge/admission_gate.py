"""The admission gate: what lies behind the door answers to nobody without a pass, unless listed here."""

import re
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from gateway.app_keys import DOOR, IDENTITIES, ORIGIN_HEALTH, ROOMS
from gateway.edge.credentials import prove_device, read_pass, read_ticket
from gateway.origin.door import VISIT_ENDED, VISIT_HEADER
from gateway.waiting_room.sales import Sale
from groundwork.errors import (
    DeviceProofInvalid,
    NotAdmitted,
    PassExpired,
    StoreUnavailable,
    TicketInvalid,
)
from groundwork.identity import OTHER_NAMES_MAX, Identity
from groundwork.problem_json import REQUEST_ID, prefers_page

# What may be seen before the waiting room: what is on sale, and what the payment provider reports.
# A path that is not here needs a pass, also one that nobody has thought of yet.
PUBLIC: Final = re.compile(
    r"""
    /  | /favicon\.ico | /static/.+ | /webhooks/payments/[^/]+
    | /events/[^/]+ | /api/events/search | /api/events/[^/]+ | /api/events/[^/]+/plan
    """,
    re.VERBOSE,
)
# Orders are read long after the pass has ended: the ticket shows whose they are, too.
OF_THE_FAN: Final = re.compile(
    r"/orders/[^/]+ | /orders/[^/]+/.+ | /api/bookings/[0-9a-f-]{36}", re.VERBOSE
)
EVENT: Final = r"([a-z0-9][a-z0-9-]{0,62})"
# A reservation's name begins with its event's.
EVENT_IN_PATH: Final = re.compile(
    rf"/(?:api/)?(?:events/{EVENT}(?:/|$)|(?:checkout|bookings)/{EVENT}\.)"
)
# Taking money and giving seats away are proven by the device key a pass is bound to.
PROVEN: Final = re.compile(r"/api/bookings/complete|/checkout/[^/]+/pay")


async def pass_on(request: web.Request) -> web.StreamResponse:
    """Hand the request to the shop, saying who asks; refuse it when the gate is closed to them."""
    path = request.path
    identity = anonymous(request)
    if PUBLIC.fullmatch(path) and request.method in ("GET", "HEAD", "POST"):
        pass
    elif OF_THE_FAN.fullmatch(path) and request.method in ("GET", "HEAD"):
        identity = owner_of(request)
    else:
        try:
            identity = admitted(request)
        except (NotAdmitted, PassExpired) as error:
            if prefers_page(request):
                raise web.HTTPSeeOther(error.waiting_room_url) from error
            raise
    response = await forward(request, identity)
    if response.headers.get(VISIT_HEADER) == VISIT_ENDED and identity.kind == "pass":
        # A sale is not hidden because room for the next fan could not be made: silence ends the
        # visit, too.
        with suppress(StoreUnavailable):
            await request.app[ROOMS].line.end_visit(identity.sale_id, identity.fan_id)
    if not response.prepared:
        response.headers.popall(VISIT_HEADER, None)
    return response


async def forward(request: web.Request, identity: Identity) -> web.StreamResponse:
    """Return the shop's answer. Where it belongs to a sale, it counts for that sale's pacing."""
    door = request.app[DOOR].forward
    signed = request.app[IDENTITIES].sign(identity)
    sale_id = identity.sale_id
    if not sale_id:
        sale = sale_in_path(request)
        if sale is None:
            return await door(request, signed)
        sale_id = sale.sale_id
    return await request.app[ORIGIN_HEALTH].watch(sale_id, door, request, signed)


def anonymous(request: web.Request) -> Identity:
    """Return the identity of somebody who needs none here."""
    return Identity(kind="anonymous", request_id=request[REQUEST_ID])


def admitted(request: web.Request) -> Identity:
    """Return the identity of a fan inside. Raises NotAdmitted, PassExpired, DeviceProofInvalid."""
    sale = sale_in_path(request)
    asked_from = sale or sale_in_referer(request)
    admission = read_pass(
        request, asked_from.sale_id if asked_from else None, waiting_room_of(request, sale)
    )
    if sale is not None and admission.sale_id != sale.sale_id:
        raise NotAdmitted(f"/sales/{sale.sale_id}")
    if PROVEN.fullmatch(request.path):
        prove_device(request, admission.jkt)
    request.app[ROOMS].note_seen(admission.sale_id, admission.fan_id)
    return Identity(
        kind="pass",
        fan_id=admission.fan_id,
        sale_id=admission.sale_id,
        visit_id=admission.visit_id,
        jkt=admission.jkt,
        request_id=request[REQUEST_ID],
    )


def owner_of(request: web.Request) -> Identity:
    """Return who the request says it is, by pass or ticket, under all its names; else anonymous.

    A browser has another name in each sale, and an order's address does not say which sale it was.
    """
    identity = anonymous(request)
    with suppress(NotAdmitted, PassExpired, DeviceProofInvalid):
        identity = admitted(request)
    others: list[str] = []
    for sale in request.app[ROOMS].sales():
        with suppress(TicketInvalid):
            ticket = read_ticket(request, sale.sale_id)
            if identity.kind == "anonymous":
                identity = Identity(
                    kind="ticket",
                    fan_id=ticket.fan_id,
                    sale_id=ticket.sale_id,
                    jkt=ticket.jkt,
                    request_id=request[REQUEST_ID],
                )
            else:
                others.append(ticket.fan_id)
    return msgspec.structs.replace(identity, other_fan_ids=tuple(others[:OTHER_NAMES_MAX]))


def sale_in_path(request: web.Request) -> Sale | None:
    """Return the sale whose event is asked for, None where no event of ours is named."""
    return _sale_in(request, request.path)


def sale_in_referer(request: web.Request) -> Sale | None:
    """Return the sale of the page that a call comes from.

    It chooses among the passes that the browser has, no more: which of them counts is not its word.
    """
    with suppress(ValueError):
        return _sale_in(request, urlsplit(request.headers.get("Referer", "")).path)
    return None


def _sale_in(request: web.Request, path: str) -> Sale | None:
    found = EVENT_IN_PATH.match(path)
    return request.app[ROOMS].sale_of(found[1] or found[2]) if found else None


def waiting_room_of(request: web.Request, sale: Sale | None) -> str:
    """Return the sale's waiting room, or the only one there is, or the list of what is on sale."""
    sales = request.app[ROOMS].sales()
    if sale is None and len(sales) == 1:
        sale = sales[0]
    return f"/sales/{sale.sale_id}" if sale else "/"
