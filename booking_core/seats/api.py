"""Seats over HTTP: the live map, and reserving, extending and letting go of holds."""

import re
from typing import Final

import msgspec
from aiohttp import web

from booking_core.app_keys import IDENTITY, SHOP
from booking_core.callers import (
    admitted_fan,
    check_user_id,
    fan_admitted,
    inside_fan,
    seats_allowed,
)
from booking_core.catalog.event import SLUG, Event
from booking_core.catalog.seat_layout import SeatLayout
from booking_core.seats.app_keys import (
    CHANNELS,
    HOLDS,
    SEAT_MAPS,
    STORE_CLOCK,
)
from booking_core.seats.hold import Hold, RefusedByIndex, event_of
from booking_core.seats.reserving import ReservationDocument, describe_hold
from booking_core.seats.seat_map import RELOAD
from booking_core.seats.seats_document import SeatsDocument
from booking_core.seats.wanted import ReserveBody, WantedBody, make_wish, named
from groundwork.bodies import checked_key, idempotency_key
from groundwork.errors import (
    EventNotFound,
    ExtensionRefused,
    HoldLost,
    IdempotencyKeyReused,
    NotAdmitted,
    NotYours,
    OverSeatLimit,
    RequestInProgress,
    RequestInvalid,
    ReservationNotFound,
    SeatsTaken,
    SoldOut,
    StoreUnavailable,
    TooManyRequests,
)
from groundwork.event_streams import EventStream, EventStreams
from groundwork.identity import Identity
from groundwork.operations import IDEMPOTENCY_KEY, ApiRoutes, Credential, Header
from groundwork.seat_errors import HeldLongEnough, LeavesOrphan, SeatsKept
from groundwork.typed_answers import Created, Encoded, Json

routes = ApiRoutes("Seats")
PASS: Final = Credential("pass")
LAST_EVENT_ID: Final = Header("Last-Event-ID", "The id of the last event that the reader has.")

# What asking for seats may meet, whichever way it is asked.
WISH_REFUSALS: Final = (
    *(NotAdmitted, NotYours, EventNotFound, SeatsTaken, SeatsKept, LeavesOrphan, SoldOut),
    *(OverSeatLimit, HoldLost, RequestInProgress, IdempotencyKeyReused, StoreUnavailable),
)
HOLD_REFUSALS: Final = (*WISH_REFUSALS, HeldLongEnough)
SNAPSHOT_PATH: Final = "/api/events/{event}/seats"
RESERVE_PATH: Final = "/api/bookings/reserve"
SNAPSHOT_HEADERS: Final = {"Cache-Control": "no-store", "Vary": "Accept-Encoding"}
SNAPSHOT_GZIP_HEADERS: Final = {**SNAPSHOT_HEADERS, "Content-Encoding": "gzip"}
# What a reader has, as this stream's ids say it: epoch and number.
SINCE: Final = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
GREETING: Final = b"retry: 2000\n\n"
# A fan looks at the map in a few tabs at most.
FAN_STREAMS_MAX: Final = 8

STREAMS: Final[web.AppKey[EventStreams]] = web.AppKey("seat_streams")


class ChangesQuery(msgspec.Struct, frozen=True):
    """What the reader has, `<epoch>-<seq>`; the header `Last-Event-ID` comes first."""

    since: str = ""


@routes.get(
    SNAPSHOT_PATH,
    refuses=[NotAdmitted, EventNotFound, StoreUnavailable],
    credential=PASS,
)
async def snapshot(request: web.Request) -> Json[SeatsDocument]:
    """Answer every seat's status as of a numbered change."""
    # Ready bytes: no store is asked.
    event = await event_named(request, request.match_info["event"])
    admitted_fan(request, event)
    seat_map = await request.config_dict[SEAT_MAPS].map_of(event.event_id)
    plain, compressed = seat_map.body()
    if takes_gzip(request.headers.get("Accept-Encoding", "")):
        return Json(Encoded[SeatsDocument](compressed), SNAPSHOT_GZIP_HEADERS)
    return Json(Encoded[SeatsDocument](plain), SNAPSHOT_HEADERS)


def takes_gzip(accept_encoding: str) -> bool:
    """Say whether who takes these encodings gets the compressed map."""
    return "gzip" in accept_encoding


@routes.get(
    "/api/events/{event}/seats/changes",
    refuses=[NotAdmitted, EventNotFound, TooManyRequests, StoreUnavailable],
    headers=[LAST_EVENT_ID],
    credential=PASS,
)
async def changes(request: web.Request, query: ChangesQuery) -> EventStream:
    """Send changed seats in batches; a reader that missed some is told to load the map anew.

    Server-sent events: `event: seats` with `{"epoch", "from", "seq", "changes": [[seat, state], …],
    "stock"}`, `event: reload` when the reader has to get the snapshot again.
    """
    event = await event_named(request, request.match_info["event"])
    fan_id = admitted_fan(request, event)
    seat_map = await request.config_dict[SEAT_MAPS].map_of(event.event_id)
    since = request.headers.get("Last-Event-ID") or query.since
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


@routes.post(RESERVE_PATH, refuses=HOLD_REFUSALS, headers=[IDEMPOTENCY_KEY], credential=PASS)
async def reserve(request: web.Request, body: ReserveBody) -> Created[ReservationDocument]:
    """Hold what was asked for, all or nothing."""
    inside_fan(request)
    key = request.headers.get("Idempotency-Key", "")
    return Created(await reserve_for(request.app, request[IDENTITY], body, key))


async def reserve_for(
    app: web.Application, identity: Identity, body: ReserveBody, key_in_header: str
) -> ReservationDocument:
    """Hold what the body asks for, and describe it. Raises HOLD_REFUSALS."""
    event = await event_called(app, body.event_id)
    check_user_id(body.user_id, fan_admitted(identity, event))
    operation_id = checked_key(key_in_header, body.idempotency_key) or None
    layout = await app[SHOP].seat_layout(event.event_id)
    hold = await hold_wanted(app, identity, event, layout, body, operation_id)
    return describe_hold(event, layout, hold, app[STORE_CLOCK].now_ms())


async def hold_wanted(
    app: web.Application,
    identity: Identity,
    event: Event,
    layout: SeatLayout,
    body: WantedBody,
    operation_id: str | None,
) -> Hold:
    """Hold what the body asks for, as long as the fan may.

    Raises RequestInvalid, HeldLongEnough, and the refusals of SeatHolds by name.
    """
    channel = await app[CHANNELS].channel_of(event.event_id, body.channel_key)
    wish, seats_max = make_wish(event, layout, body, channel), seats_allowed(identity, event)
    try:
        return await app[HOLDS].hold(
            event.event_id, identity.fan_id, wish, seats_max, operation_id, takes_turns=True
        )
    except RefusedByIndex as refusal:
        raise named(event, layout, refusal, app[STORE_CLOCK].now_ms()) from refusal


@routes.post(
    "/api/bookings/{reservation}/swap",
    refuses=[*WISH_REFUSALS, ReservationNotFound],
    headers=[IDEMPOTENCY_KEY],
    credential=PASS,
)
async def swap(request: web.Request, body: WantedBody) -> Json[ReservationDocument]:
    """Change what a hold has, all or nothing: nothing is let go before all of the new is won."""
    fan_id = inside_fan(request)
    reservation_id = request.match_info["reservation"]
    check_user_id(body.user_id, fan_id)
    operation_id = idempotency_key(request, body.idempotency_key) or None
    shop, event_id = request.config_dict[SHOP], event_of(reservation_id)
    event, layout = await shop.get(event_id), await shop.seat_layout(event_id)
    hold = await swap_wanted(request, event, layout, reservation_id, fan_id, body, operation_id)
    return Json(describe_hold(event, layout, hold, request.config_dict[STORE_CLOCK].now_ms()))


async def swap_wanted(
    request: web.Request,
    event: Event,
    layout: SeatLayout,
    reservation_id: str,
    fan_id: str,
    body: WantedBody,
    operation_id: str | None,
) -> Hold:
    """Change a hold to the wish. Raises as `hold_wanted` does, and HoldLost, RequestInProgress."""
    holds, now_ms = request.config_dict[HOLDS], request.config_dict[STORE_CLOCK].now_ms()
    channel = await request.config_dict[CHANNELS].channel_of(event.event_id, body.channel_key)
    wish, seats_max = (
        make_wish(event, layout, body, channel),
        seats_allowed(request[IDENTITY], event),
    )
    try:
        return await holds.swap(reservation_id, fan_id, wish, seats_max, operation_id)
    except RefusedByIndex as refusal:
        raise named(event, layout, refusal, now_ms) from refusal


@routes.post(
    "/api/bookings/{reservation}/extend",
    refuses=[
        *(RequestInvalid, NotAdmitted, ReservationNotFound, EventNotFound),
        *(HoldLost, ExtensionRefused, StoreUnavailable),
    ],
    headers=[IDEMPOTENCY_KEY],
    credential=PASS,
)
async def extend(request: web.Request) -> Json[ReservationDocument]:
    """Give the hold its one extension."""
    hold = await request.config_dict[HOLDS].extend(
        request.match_info["reservation"],
        inside_fan(request),
        idempotency_key(request, None) or None,
    )
    shop = request.config_dict[SHOP]
    event, layout = await shop.get(hold.event_id), await shop.seat_layout(hold.event_id)
    return Json(describe_hold(event, layout, hold, request.config_dict[STORE_CLOCK].now_ms()))


async def event_named(request: web.Request, event_id: str) -> Event:
    """Return the event. Raises EventNotFound, also for what cannot be an event's name."""
    return await event_called(request.app, event_id)


async def event_called(app: web.Application, event_id: str) -> Event:
    """Return the event as `event_named` does."""
    known = app[SHOP].known(event_id)
    if known is not None:
        return known
    if not SLUG.fullmatch(event_id):
        raise EventNotFound
    return await app[SHOP].get(event_id)
