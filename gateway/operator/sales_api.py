"""Steer sales over HTTP: what `onsale sale` does on the command line, by name and with a reason."""

from datetime import UTC
from typing import Annotated, Final

import msgspec
from aiohttp import web

from gateway.operator.guard import CALLER, OPERATORS
from gateway.operator.policies import Needs, PolicedRoutes
from gateway.waiting_room.sales import SALE_ID, Connection, Sale, SaleRecords
from groundwork.bodies import read_body
from groundwork.clock import Clock
from groundwork.edge_errors import NotAllowed
from groundwork.errors import SaleNotFound

SALES: Final = web.AppKey("operator_sales", SaleRecords)
CLOCK: Final = web.AppKey("operator_clock", Clock)
# Fans may read it; a sentence or two, in one line of the log.
Reason = Annotated[
    str, msgspec.Meta(min_length=3, max_length=500, pattern=r"\A[^\x00-\x1f\x7f-\x9f]*\Z")
]
# It may have several lines, and otherwise no control characters.
Message = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x09\x0b-\x1f\x7f-\x9f]*\Z")]
# Also for what would take a sale out of its close: the word of an admin is undone by an admin.
CLOSING: Final = Needs("admin", "sales:write")

routes = PolicedRoutes()


class Pause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why nobody is let in for a while; everybody who waits is shown it."""

    reason: Reason


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is named is changed; the reason is for the log."""

    reason: Reason
    rate_per_minute: int | None = None
    burst: int | None = None
    capacity: int | None = None
    message: Message | None = None


@routes.get("/operator/api/sales", Needs("viewer", "sales:read"))
async def sales(request: web.Request) -> web.Response:
    """Answer all sales and how they stand."""
    now_ms = request.app[CLOCK].now_ms()
    found = await request.app[SALES].all()
    return web.json_response({"sales": [told(sale, now_ms) for sale in found]})


@routes.post("/operator/api/sales/{sale}/pause", Needs("operator", "sales:write"))
async def pause(request: web.Request) -> web.Response:
    """Let nobody in for a while; places stay."""
    body = await read_body(request, Pause)
    return await change(request, "pause", body.reason, state="paused", pause_reason=body.reason)


@routes.post("/operator/api/sales/{sale}/resume", Needs("operator", "sales:write"))
async def resume(request: web.Request) -> web.Response:
    """Go on after a pause or a drain."""
    body = await read_body(request, Pause)
    return await change(request, "resume", body.reason, state="open", pause_reason="")


@routes.post("/operator/api/sales/{sale}/drain", Needs("operator", "sales:write"))
async def drain(request: web.Request) -> web.Response:
    """Take nobody new into the line; who waits is still called."""
    body = await read_body(request, Pause)
    return await change(request, "drain", body.reason, state="draining", pause_reason="")


@routes.post("/operator/api/sales/{sale}/close", CLOSING)
async def close(request: web.Request) -> web.Response:
    """End a sale."""
    body = await read_body(request, Pause)
    return await change(request, "close", body.reason, state="closed", pause_reason="")


@routes.post("/operator/api/sales/{sale}/set", Needs("operator", "sales:write"))
async def set_sale(request: web.Request) -> web.Response:
    """Change the rate, the burst, the capacity or the message."""
    body = await read_body(request, Change)
    named = {
        name: value
        for name, value in msgspec.structs.asdict(body).items()
        if name != "reason" and value is not None
    }
    return await change(request, "set", body.reason, **named)


async def change(request: web.Request, action: str, reason: str, **changes: object) -> web.Response:
    """Change a sale and write that down, in one transaction: neither is there without the other.

    Raises SaleNotFound, RequestInvalid, NotAllowed, StoreUnavailable.
    """
    sale_id, caller = request.match_info["sale"], request[CALLER]
    operators = request.app[OPERATORS]
    if not SALE_ID.fullmatch(sale_id):
        raise SaleNotFound

    async def before_it(open_connection: Connection, before: Sale, sale: Sale) -> None:
        is_reopened = before.state == "closed" != sale.state
        if is_reopened and not caller.may(CLOSING):
            raise NotAllowed(CLOSING.role)
        await operators.log.add_within(
            open_connection, caller.doer, f"{action}-sale", sale_id, reason, changes
        )

    sale = await request.app[SALES].change(sale_id, before_it, **changes)
    return web.json_response(told(sale, request.app[CLOCK].now_ms()))


def told(sale: Sale, now_ms: int) -> dict[str, object]:
    """Return what operators are told of a sale."""
    return {
        "sale": sale.sale_id,
        "name": sale.name,
        "phase": sale.phase(now_ms),
        "opens_at": sale.opens_at.astimezone(UTC).isoformat(),
        "rate_per_minute": sale.rate_per_minute,
        "burst": sale.burst,
        "capacity": sale.capacity,
        "message": sale.message,
        "pause_reason": sale.pause_reason,
    }
