"""The admission gate: what lies behind the door answers to nobody without a pass, unless listed here."""

from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from gateway.app_keys import DOOR, IDENTITIES, ORIGIN_HEALTH, POLICY, ROOMS
from gateway.edge.credentials import (
    pass_in_cookie,
    pass_in_header,
    prove_device_once,
    tickets_of,
)
from gateway.edge.renewal import (
    FINISHING,
    RENEWED,
    finish_with_pass,
    give_renewed_pass,
    give_renewed_tickets,
    lapsed_passes,
    renew_pass,
)
from gateway.edge.shop_policy import Demand, is_ambiguous
from gateway.origin.door import VISIT_ENDED, VISIT_HEADER
from gateway.origin.health import FAILED, is_fault
from gateway.waiting_room.fan_in_line import SeenInside
from gateway.waiting_room.sales import Sale
from groundwork.errors import (
    DeviceProofInvalid,
    NotAdmitted,
    PassExpired,
    RequestInvalid,
    SaleNotFound,
    StoreUnavailable,
)
from groundwork.identity import OTHER_NAMES_MAX, Identity
from groundwork.plain_request import Asking
from groundwork.problem_json import REQUEST_ID, prefers_page
from groundwork.tokens import PassClaims

# Clients that keep nothing but their pass look at an order whose payment takes its time.
OWNING_MS_MAX: Final = 60 * 60_000
LOOKING: Final = ("GET", "HEAD")
SEEN: Final = web.RequestKey("seen_inside", SeenInside)


async def pass_on(request: web.Request) -> web.StreamResponse:
    """Hand the request to the shop, saying who asks; refuse it when the gate is closed to them."""
    if is_ambiguous(request.path, request.rel_url.raw_path):
        raise RequestInvalid("path", "must be written plainly")
    demand = request.app[POLICY].demand(request.method, request.path)
    needs = demand.needs
    identity = anonymous(request)
    if needs == "ticket":
        identity = owner_of(request)
    elif needs != "nothing":
        try:
            identity = await admitted_still(request, demand)
        except (NotAdmitted, PassExpired) as error:
            raise led_to_waiting_room(request, error) from error
    try:
        response = await forward(request, identity, waits_for_bank=demand.waits_for_bank)
    except Exception as error:
        if is_fault(error):
            note_failed(request, identity)
        raise
    if response.status in FAILED:
        note_failed(request, identity)
    if response.headers.get(VISIT_HEADER) == VISIT_ENDED and identity.kind == "pass":
        # A sale is not hidden because room for the next fan could not be made: silence ends the
        # visit, too.
        with suppress(StoreUnavailable):
            await request.app[ROOMS].line.visits.end(identity.sale_id, identity.fan_id)
    if not response.prepared:
        response.headers.popall(VISIT_HEADER, None)
    give_renewed_pass(request, response)
    if needs == "ticket":
        give_renewed_tickets(request, response)
    return response


def led_to_waiting_room(request: web.Request, refusal: NotAdmitted | PassExpired) -> Exception:
    """Return the refusal for a program, and for a browser the way to the waiting room."""
    return web.HTTPSeeOther(refusal.waiting_room_url) if prefers_page(request) else refusal


def note_failed(request: Asking, identity: Identity) -> None:
    """Remember that a fan inside was failed: they are given time, and a way back before others."""
    seen = request.get(SEEN)
    if seen is not None:
        request.app[ROOMS].note_failed(identity.sale_id, seen)


async def forward(
    request: web.Request, identity: Identity, *, waits_for_bank: bool = False
) -> web.StreamResponse:
    """Return the shop's answer. That to a fan of a sale counts for the sale's pacing.

    That to anybody else does not: whoever has no ticket has done no work, and could slow a sale down.
    """
    door = request.app[DOOR].forward
    signed = request.app[IDENTITIES].sign(identity)
    if not identity.sale_id:
        return await door(request, signed)
    return await request.app[ORIGIN_HEALTH].watch(
        identity.sale_id, door, request, signed, waits_for_bank=waits_for_bank
    )


def anonymous(request: web.Request) -> Identity:
    """Return the identity of somebody who needs none here."""
    return Identity(kind="anonymous", request_id=request[REQUEST_ID])


async def admitted_still(request: web.Request, demand: Demand) -> Identity:
    """Return the identity of a fan inside, also of one whose pass has ended before their visit.

    Where holds are finished, also of one whose pass has ended before what they hold: what has become of that,
    the shop says. Where a proof is needed,
    only of one who proves the device key, once for each proof. Raises as `admitted`, DeviceProofInvalid,
    and StoreUnavailable.
    """
    try:
        admission = admission_of(request)
    except PassExpired:
        sale = sale_in_path(request) or sale_in_referer(request)
        sale_id = sale.sale_id if sale else None
        if await renew_pass(request, sale_id):
            admission = admission_of(request)
        elif demand.finishes_holds and finish_with_pass(request, sale_id):
            admission = request[FINISHING]
        else:
            raise
    if demand.needs == "proof":
        await prove_device_once(request, admission)
    # Whose pass has ended is not inside any more: nothing keeps their room.
    is_inside = FINISHING not in request
    return (identity_inside if is_inside else identity_of)(request, admission)


def admitted(request: web.Request) -> Identity:
    """Return the identity of a fan inside. Raises NotAdmitted, PassExpired, SaleNotFound."""
    return identity_inside(request, admission_of(request))


def admission_of(request: Asking) -> PassClaims:
    """Return the pass by which the request is let in. Raises NotAdmitted, PassExpired, SaleNotFound."""
    sale = sale_in_path(request)
    admission = request.get(RENEWED) or pass_in_header(request)
    if admission is None:
        asked_from = sale or sale_in_referer(request)
        admission = pass_in_cookie(
            request, asked_from.sale_id if asked_from else None, waiting_room_of(request, sale)
        )
    if sale is not None and admission.sale_id != sale.sale_id:
        raise NotAdmitted(f"/sales/{sale.sale_id}")
    return admission


def identity_inside(request: Asking, admission: PassClaims) -> Identity:
    """Return the identity of the fan who has the pass, and note that they are here."""
    seen = SeenInside(admission.fan_id, admission.visit_id, admission.expires_at_ms)
    request[SEEN] = seen
    request.app[ROOMS].note_seen(admission.sale_id, seen)
    return identity_of(request, admission)


def identity_of(request: Asking, admission: PassClaims) -> Identity:
    """Return the identity of the fan who has the pass."""
    return Identity(
        kind="pass",
        fan_id=admission.fan_id,
        sale_id=admission.sale_id,
        visit_id=admission.visit_id,
        jkt=admission.jkt,
        seats_max=admission.seats_max,
        request_id=request[REQUEST_ID],
    )


def owner_of(request: web.Request) -> Identity:
    """Return who the request says it is, by pass or ticket, under all its names; else anonymous.

    A browser has another name in each sale, and an order's address does not say which sale it was. To who
    only looks a pass tells whose it is for a while after it has ended, too.
    """
    identity = anonymous(request)
    try:
        identity = admitted(request)
    except PassExpired:
        lapsed_ms_max = OWNING_MS_MAX if request.method in LOOKING else 0
        for lapsed in lapsed_passes(request, None, lapsed_ms_max):
            identity = msgspec.structs.replace(identity_of(request, lapsed), kind="ticket")
    except (NotAdmitted, DeviceProofInvalid, SaleNotFound):
        pass
    others: list[str] = []
    for ticket in tickets_of(request):
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


def sale_in_path(request: Asking) -> Sale | None:
    """Return the sale the request belongs to: that of the event it names, or the policy's.

    None where neither says one. Raises SaleNotFound for a sale that the policy names and nobody
    made: what is behind it stays closed.
    """
    return _sale_in(request, request.method, request.path)


def sale_in_referer(request: Asking) -> Sale | None:
    """Return the sale of the page that a call comes from.

    It chooses among the passes that the browser has, no more: which of them counts is not its word.
    """
    referer = request.headers.get("Referer")
    if not referer:
        return None
    with suppress(ValueError, SaleNotFound):
        path = urlsplit(referer).path
        return _sale_in(request, "GET", path) if path else None
    return None


def _sale_in(request: Asking, method: str, path: str) -> Sale | None:
    policy, rooms = request.app[POLICY], request.app[ROOMS]
    event_id = policy.event_in(path)
    sale = rooms.sale_of(event_id) if event_id else None
    if sale is not None:
        return sale
    sale_id = policy.demand(method, path).sale_id
    return rooms.room(sale_id).sale if sale_id else None


def waiting_room_of(request: Asking, sale: Sale | None) -> str:
    """Return the sale's waiting room, or the only one there is, or the list of what is on sale."""
    if sale is None and len(sales := request.app[ROOMS].sales()) == 1:
        sale = sales[0]
    return f"/sales/{sale.sale_id}" if sale else "/"
