"""Seats over HTTP: the live map, and reserving, extending and letting go of holds."""

import re
from typing import Annotated, Final

import msgspec
from aiohttp import web

from booking_core.app_keys import CLOCK, SHOP
from booking_core.callers import admitted_fan, check_user_id, inside_fan
from booking_core.catalog.event import SLUG, Event
from booking_core.catalog.seat_layout import SeatLayout
from booking_core.seats.app_keys import HOLDS, SEAT_MAPS
from booking_core.seats.hold import Hold, SeatsTakenByIndex
from booking_core.seats.reserving import describe_hold
from booking_core.seats.seat_map import RELOAD
from groundwork.bodies import KEY_CHARACTERS_MAX, idempotency_key, read_body
from groundwork.errors import EventNotFound, RequestInvalid, SeatsTaken
from groundwork.event_streams import EventStreams

routes = web.RouteTableDef()

# One request names at most so many seats; fans have lower limits, set with each event.
SEATS_NAMED_MAX: Final = 100
NO_STORE: Final = {"Cache-Control": "no-store"}
# What a reader has, as this stream's ids say it: epoch and number.
SINCE: Final = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
GREETING: Final = b"retry: 2000\n\n"
# A fan looks at the map in a few tabs at most.
FAN_STREAMS_MAX: Final = 8

STREAMS: Final[web.AppKey[EventStreams]] = web.AppKey("seat_streams")

SeatName = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
TierName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Quantity = Annotated[int, msgspec.Meta(ge=1, le=SEATS_NAMED_MAX)]


class BestAvailable(msgspec.Struct, frozen=True):
    """Choose for me: `category` is a tier; `accessible` asks for accessible seats only."""

    quantity: Quantity
    category: TierName | None = None
    accessible: bool = False


class Stock(msgspec.Struct, frozen=True):
    """A quantity of a tier without seats."""

    tier: TierName
    quantity: Quantity


class ReserveBody(msgspec.Struct, frozen=True):
    """What a reserve says: exactly one of seat_ids, best_available, stock."""

    event_id: Annotated[str, msgspec.Meta(max_length=63)]
    seat_ids: (
        Annotated[list[SeatName], msgspec.Meta(min_length=1, max_length=SEATS_NAMED_MAX)] | None
    ) = None
    best_available: BestAvailable | None = None
    stock: Stock | None = None
    user_id: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    idempotency_key: (
        Annotated[str, msgspec.Meta(min_length=1, max_length=KEY_CHARACTERS_MAX)] | None
    ) = None


@routes.get("/api/events/{event}/seats")
async def snapshot(request: web.Request) -> web.Response:
    """Answer every seat's status as of a numbered change: ready bytes, no store is asked."""
    event = await event_named(request, request.match_info["event"])
    admitted_fan(request, event)
    seat_map = await request.config_dict[SEAT_MAPS].map_of(event.event_id)
    plain, compressed = seat_map.body()
    headers = {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Vary": "Accept-Encoding",
    }
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=compressed, headers={**headers, "Content-Encoding": "gzip"})
    return web.Response(body=plain, headers=headers)


@routes.get("/api/events/{event}/seats/changes")
async def changes(request: web.Request) -> web.StreamResponse:
    """Send changed seats in batches; a reader that missed some is told to load the map anew.

    `Last-Event-ID`, or `?since=<epoch>-<seq>`, says what the reader has.
    """
    event = await event_named(request, request.match_info["event"])
    fan_id = admitted_fan(request, event)
    seat_map = await request.config_dict[SEAT_MAPS].map_of(event.event_id)
    since = request.headers.get("Last-Event-ID") or request.query.get("since") or ""
    greeting, cursor = GREETING, (seat_map.epoch, seat_map.seq)
    if since:
        found = SINCE.fullmatch(since)
        # A number that this map has not reached is another process's, or made up.
        if found and int(found[1]) == seat_map.epoch and int(found[2]) <= seat_map.seq:
            cursor = (seat_map.epoch, int(found[2]))
        else:
            greeting += RELOAD
    streams = request.config_dict[STREAMS]
    return streams.open(streams.channel(event.event_id, seat_map), cursor, greeting, fan_id)


@routes.post("/api/bookings/reserve")
async def reserve(request: web.Request) -> web.Response:
    """Hold what was asked for, all or nothing."""
    inside_fan(request)
    body = await read_body(request, ReserveBody)
    event = await event_named(request, body.event_id)
    fan_id = admitted_fan(request, event)
    check_user_id(body.user_id, fan_id)
    operation_id = idempotency_key(request, body.idempotency_key) or None
    wanted = (body.seat_ids, body.best_available, body.stock)
    if sum(want is not None for want in wanted) != 1:
        raise RequestInvalid("body", "must have exactly one of seat_ids, best_available, stock")
    layout = await request.config_dict[SHOP].seat_layout(event.event_id)
    hold = await hold_wanted(request, event, layout, fan_id, body, operation_id)
    return hold_response(request, event, layout, hold, 201)


async def hold_wanted(
    request: web.Request,
    event: Event,
    layout: SeatLayout,
    fan_id: str,
    body: ReserveBody,
    operation_id: str | None,
) -> Hold:
    """Hold what the body asks for. Raises the refusals of SeatHolds, seats by their names."""
    holds = request.config_dict[HOLDS]
    if body.seat_ids is not None:
        return await hold_named(request, event, layout, fan_id, body.seat_ids, operation_id)
    if body.best_available is not None:
        best = body.best_available
        tiers = [best.category] if best.category else list(layout.tiers)
        if not tiers or not set(tiers) <= set(layout.tiers):
            raise RequestInvalid(
                "best_available.category", "must be a tier of the event with seats"
            )
        allowed = sorted(layout.accessible) if best.accessible else []
        if best.accessible and not allowed:
            raise RequestInvalid("best_available.accessible", "this event has no accessible seats")
        return await holds.hold_best(
            event.event_id, fan_id, best.quantity, tiers, event.seats_max, operation_id, allowed
        )
    assert body.stock is not None
    if body.stock.tier not in {tier.tier for tier in event.tiers if tier.is_stock}:
        raise RequestInvalid("stock.tier", "must be a tier of the event without seats")
    return await holds.hold_stock(
        event.event_id,
        fan_id,
        body.stock.tier,
        body.stock.quantity,
        event.seats_max,
        operation_id,
    )


async def hold_named(
    request: web.Request,
    event: Event,
    layout: SeatLayout,
    fan_id: str,
    seat_ids: list[str],
    operation_id: str | None,
) -> Hold:
    """Hold seats by name. Raises SeatsTaken, RequestInvalid for names the event does not have."""
    unique = list(dict.fromkeys(seat_ids))
    unknown = [seat_id for seat_id in unique if seat_id not in layout.index_of]
    if unknown:
        raise RequestInvalid("seat_ids", f"the event has no seat {unknown[0]!r}")
    try:
        return await request.config_dict[HOLDS].hold_seats(
            event.event_id,
            fan_id,
            [layout.index_of[seat_id] for seat_id in unique],
            event.seats_max,
            operation_id,
        )
    except SeatsTakenByIndex as refusal:
        raise SeatsTaken(
            tuple(layout.seat_ids[index] for index in refusal.seat_indexes)
        ) from refusal


@routes.post("/api/bookings/{reservation}/extend")
async def extend(request: web.Request) -> web.Response:
    """Give the hold its one extension."""
    hold = await request.config_dict[HOLDS].extend(
        request.match_info["reservation"], inside_fan(request)
    )
    shop = request.config_dict[SHOP]
    event, layout = await shop.get(hold.event_id), await shop.seat_layout(hold.event_id)
    return hold_response(request, event, layout, hold, 200)


async def event_named(request: web.Request, event_id: str) -> Event:
    """Return the event. Raises EventNotFound, also for what cannot be an event's name."""
    if not SLUG.fullmatch(event_id):
        raise EventNotFound
    return await request.config_dict[SHOP].get(event_id)


def hold_response(
    request: web.Request, event: Event, layout: SeatLayout, hold: Hold, status: int
) -> web.Response:
    """Return a hold as the API shows it."""
    body = describe_hold(event, layout, hold, request.config_dict[CLOCK].now_ms())
    return web.Response(
        body=msgspec.json.encode(body),
        status=status,
        content_type="application/json",
        headers=NO_STORE,
    )
