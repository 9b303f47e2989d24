"""The catalogue over HTTP: search, one event, one seat plan. All of it is public and cacheable."""

from datetime import date
from typing import Annotated, Final

import msgspec
from aiohttp import ETag, web

from booking_core.catalog.availability import AvailabilityReader, LedgerAvailability
from booking_core.catalog.charges import Kind
from booking_core.catalog.event import (
    SLUG,
    YEARS,
    Availability,
    Event,
    availability_of,
    starts_at_text,
)
from booking_core.catalog.events import Catalog
from booking_core.catalog.plan_document import PlanColumns, PlanDocuments
from booking_core.catalog.search import PAGE_MAX, EventSearch, FoundEvent, Search
from groundwork.bodies import read_query
from groundwork.clock import Clock
from groundwork.errors import EventNotFound, NotFound, RequestInvalid, StoreUnavailable
from groundwork.operations import IF_NONE_MATCH, ApiRoutes
from groundwork.postgres import Pool
from groundwork.typed_answers import Encoded, Json, NotModified

CATALOG: Final = web.AppKey("catalog", Catalog)
EVENT_SEARCH: Final = web.AppKey("event_search", EventSearch)
PLAN_DOCUMENTS: Final = web.AppKey("plan_documents", PlanDocuments)
AVAILABILITY: Final[web.AppKey[AvailabilityReader]] = web.AppKey("availability", AvailabilityReader)

TEXT_LENGTH_MAX: Final = 100  # longer than any name of an artist or a place
DAY: Final = r"^2[01][0-9]{2}-[0-9]{2}-[0-9]{2}$"  # of the years events may be in
# Beyond every price there is.
PRICE_MAX: Final = 10**12 - 1
# As old as the numbers are anyway, so that a CDN can take the crowd.
EVENT_CACHE: Final = "public, max-age=1"
# A plan never changes once its event exists.
PLAN_CACHE: Final = "public, max-age=86400"

routes = ApiRoutes("Events")

Words = Annotated[str, msgspec.Meta(max_length=TEXT_LENGTH_MAX)]


class SearchQuery(msgspec.Struct, frozen=True):
    """What is looked for; what is left out is anything. `price_max` is in minor units."""

    q: Words = ""
    city: Words = ""
    category: Words = ""
    date: Annotated[str, msgspec.Meta(pattern=DAY)] | msgspec.UnsetType = msgspec.UNSET
    price_max: Annotated[int, msgspec.Meta(ge=0, le=PRICE_MAX)] | msgspec.UnsetType = msgspec.UNSET
    page: Annotated[int, msgspec.Meta(ge=1, le=PAGE_MAX)] = 1


class FoundEventDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An event of a search; prices in minor units. `time_zone` is an IANA name, of the house's clock."""

    event_id: str
    name: str
    venue: str
    city: str
    category: str
    starts_at: str
    time_zone: str
    sale_id: str
    currency: str
    price_min: int
    price_max: int
    available: int
    availability: Availability


class SearchDocument(msgspec.Struct, frozen=True):
    """A page of what was found."""

    events: list[FoundEventDocument]
    page: int
    pages: int
    total: int


class TierDocument(msgspec.Struct, frozen=True):
    """A price tier; the price is in minor units."""

    tier: str
    name: str
    price: int
    color: str
    quantity: int
    available: int


class EventChargeDocument(msgspec.Struct, frozen=True):
    """A fee or tax: minor units of `per_ticket` and `per_order`, of the others basis points."""

    name: str
    kind: Kind
    value: int


class EventDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An event, its tiers, and what is left of them; prices in minor units of the currency.

    `starts_at` is in UTC; `time_zone` is the IANA name of the zone in whose clock it is told.
    """

    event_id: str
    name: str
    venue: str
    city: str
    category: str
    description: str
    starts_at: str
    time_zone: str
    currency: str
    sale_id: str
    waiting_room_url: str
    seated: bool
    seats_max: int
    tiers: list[TierDocument]
    charges: list[EventChargeDocument]
    price_min: int
    price_max: int
    available: int
    availability: Availability
    plan_url: str | None
    seats_url: str | None


def open_catalog(
    app: web.Application,
    pool: Pool,
    clock: Clock,
    *,
    catalog: Catalog | None = None,
    availability: AvailabilityReader | None = None,
) -> None:
    """Put everything that the handlers here need into the application.

    Hand in the catalogue that other parts use too, so that a layout is kept once.
    """
    app[CATALOG] = catalog or Catalog(pool, clock)
    app[EVENT_SEARCH] = EventSearch(pool, clock)
    app[PLAN_DOCUMENTS] = PlanDocuments(app[CATALOG], clock)
    app[AVAILABILITY] = availability or LedgerAvailability(pool, clock)


@routes.get("/api/events/search", refuses=[StoreUnavailable])
async def search_events(request: web.Request, query: SearchQuery) -> Json[SearchDocument]:
    """Answer with a page of the events that match."""
    result = await request.config_dict[EVENT_SEARCH].find(search_of(query))
    found = [found_document(event) for event in result.events]
    return Json(
        SearchDocument(found, result.page, result.pages, result.total),
        {"Cache-Control": EVENT_CACHE},
    )


@routes.get("/api/events/{event}", refuses=[EventNotFound, StoreUnavailable])
async def show_event(request: web.Request) -> Json[EventDocument]:
    """Answer with one event, its tiers and what is left of them."""
    event = await request.config_dict[CATALOG].get(read_event_id(request))
    left = await request.config_dict[AVAILABILITY].available(event.event_id)
    return Json(
        event_document(event, {tier.tier: left.get(tier.tier, 0) for tier in event.tiers}),
        {"Cache-Control": EVENT_CACHE},
    )


@routes.get(
    "/api/events/{event}/plan",
    refuses=[EventNotFound, NotFound, StoreUnavailable],
    headers=[IF_NONE_MATCH],
)
async def show_plan(request: web.Request) -> Json[PlanColumns] | NotModified:
    """Answer with the seat plan, or with 304 when the asker has it."""
    plan = await request.config_dict[PLAN_DOCUMENTS].get(read_event_id(request))
    # Weak: the same plan, compressed or not.
    tag = ETag(plan.tag, is_weak=True)
    headers = {"Cache-Control": PLAN_CACHE, "Vary": "Accept-Encoding"}
    if any(known.value in (plan.tag, "*") for known in request.if_none_match or ()):
        response: Json[PlanColumns] | NotModified = NotModified(headers)
    elif "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        response = Json(Encoded[PlanColumns](plan.gzipped), headers)
    else:
        response = Json(Encoded[PlanColumns](plan.plain()), headers)
    response.etag = tag
    return response


def read_event_id(request: web.Request) -> str:
    """Return the event id of the address; what cannot be one is not found."""
    event_id = request.match_info["event"]
    if not SLUG.fullmatch(event_id):
        raise EventNotFound
    return event_id


def read_search(request: web.Request) -> Search:
    """Return the search of the query, bounded and typed; raises RequestInvalid naming the field."""
    return search_of(read_query(request, SearchQuery))


def search_of(query: SearchQuery) -> Search:
    """Return what is looked for. Raises RequestInvalid for a day that no calendar has."""
    return Search(
        text=query.q,
        city=query.city,
        category=query.category,
        day=_day(query.date) if query.date is not msgspec.UNSET else None,
        price_max=query.price_max if query.price_max is not msgspec.UNSET else None,
        page=query.page,
    )


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise RequestInvalid(field="date", rule="must be a day such as 2027-05-31") from error
    if not YEARS[0] <= day.year <= YEARS[1]:
        raise RequestInvalid(field="date", rule=f"must be of the years {YEARS[0]} to {YEARS[1]}")
    return day


def found_document(event: FoundEvent) -> FoundEventDocument:
    """Return a found event as the interface says it."""
    return FoundEventDocument(
        event_id=event.event_id,
        name=event.name,
        venue=event.venue,
        city=event.city,
        category=event.category,
        starts_at=starts_at_text(event.starts_at),
        time_zone=event.time_zone,
        sale_id=event.sale_id,
        currency=event.currency,
        price_min=event.price_min,
        price_max=event.price_max,
        available=event.available,
        availability=event.availability,
    )


def event_document(event: Event, left: dict[str, int]) -> EventDocument:
    """Return an event as the interface says it; `left` is what is available by tier."""
    available = sum(left.values())
    path = f"/api/events/{event.event_id}"
    return EventDocument(
        event_id=event.event_id,
        name=event.name,
        venue=event.venue,
        city=event.city,
        category=event.category,
        description=event.description,
        starts_at=starts_at_text(event.starts_at),
        time_zone=event.time_zone,
        currency=event.currency,
        sale_id=event.sale_id,
        waiting_room_url=f"/sales/{event.sale_id}",
        seated=event.is_seated,
        seats_max=event.seats_max,
        tiers=[
            TierDocument(
                tier=tier.tier,
                name=tier.name,
                price=tier.price,
                color=tier.color,
                quantity=tier.quantity,
                available=left[tier.tier],
            )
            for tier in event.tiers
        ],
        charges=[EventChargeDocument(each.name, each.kind, each.value) for each in event.charges],
        price_min=event.price_min,
        price_max=event.price_max,
        available=available,
        availability=availability_of(available, event.quantity),
        plan_url=f"{path}/plan" if event.is_seated else None,
        seats_url=f"{path}/seats" if event.is_seated else None,
    )
