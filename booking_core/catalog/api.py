"""The catalogue over HTTP: search, one event, one seat plan. All of it is public and cacheable."""

import re
from datetime import date
from typing import Any, Final

from aiohttp import ETag, web

from booking_core.catalog.availability import AvailabilityReader, LedgerAvailability
from booking_core.catalog.event import SLUG, Event, availability_of, starts_at_text
from booking_core.catalog.events import Catalog
from booking_core.catalog.plan_document import PlanDocuments
from booking_core.catalog.search import PAGE_MAX, EventSearch, FoundEvent, Search
from groundwork.clock import Clock
from groundwork.errors import EventNotFound, RequestInvalid
from groundwork.postgres import Pool

CATALOG: Final = web.AppKey("catalog", Catalog)
EVENT_SEARCH: Final = web.AppKey("event_search", EventSearch)
PLAN_DOCUMENTS: Final = web.AppKey("plan_documents", PlanDocuments)
AVAILABILITY: Final[web.AppKey[AvailabilityReader]] = web.AppKey("availability", AvailabilityReader)

TEXT_LENGTH_MAX: Final = 100  # longer than any name of an artist or a place
PRICE: Final = re.compile(r"[0-9]{1,12}")
DAY: Final = re.compile(r"2[01][0-9]{2}-[0-9]{2}-[0-9]{2}")  # of the years events may be in
PAGE: Final = re.compile(r"[0-9]{1,3}")
# As old as the numbers are anyway, so that a CDN can take the crowd.
EVENT_CACHE: Final = "public, max-age=1"
# A plan never changes once its event exists.
PLAN_CACHE: Final = "public, max-age=86400"

routes = web.RouteTableDef()


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


@routes.get("/api/events/search")
async def search_events(request: web.Request) -> web.Response:
    """Answer with a page of the events that match."""
    result = await request.config_dict[EVENT_SEARCH].find(read_search(request))
    return web.json_response(
        {
            "events": [found_document(event) for event in result.events],
            "page": result.page,
            "pages": result.pages,
            "total": result.total,
        },
        headers={"Cache-Control": EVENT_CACHE},
    )


@routes.get("/api/events/{event}")
async def show_event(request: web.Request) -> web.Response:
    """Answer with one event, its tiers and what is left of them."""
    event = await request.config_dict[CATALOG].get(read_event_id(request))
    left = await request.config_dict[AVAILABILITY].available(event.event_id)
    return web.json_response(
        event_document(event, {tier.tier: left.get(tier.tier, 0) for tier in event.tiers}),
        headers={"Cache-Control": EVENT_CACHE},
    )


@routes.get("/api/events/{event}/plan")
async def show_plan(request: web.Request) -> web.Response:
    """Answer with the seat plan, or with 304 when the asker has it."""
    plan = await request.config_dict[PLAN_DOCUMENTS].get(read_event_id(request))
    # Weak: the same plan, compressed or not.
    tag = ETag(plan.tag, is_weak=True)
    headers = {"Cache-Control": PLAN_CACHE, "Vary": "Accept-Encoding"}
    if any(known.value in (plan.tag, "*") for known in request.if_none_match or ()):
        response = web.Response(status=304, headers=headers)
    elif "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"] = "gzip"
        response = web.Response(body=plan.gzipped, headers=headers, content_type="application/json")
    else:
        response = web.Response(body=plan.plain(), headers=headers, content_type="application/json")
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
    return Search(
        text=_read_text(request, "q"),
        city=_read_text(request, "city"),
        category=_read_text(request, "category"),
        day=_read_day(request),
        price_max=_read_number(request, "price_max", PRICE, "must be whole minor units, 0 or more"),
        page=_read_page(request),
    )


def found_document(event: FoundEvent) -> dict[str, Any]:
    """Return a found event as the interface says it."""
    return {
        "event_id": event.event_id,
        "name": event.name,
        "venue": event.venue,
        "city": event.city,
        "category": event.category,
        "starts_at": starts_at_text(event.starts_at),
        "sale_id": event.sale_id,
        "currency": event.currency,
        "price_min": event.price_min,
        "price_max": event.price_max,
        "available": event.available,
        "availability": event.availability,
    }


def event_document(event: Event, left: dict[str, int]) -> dict[str, Any]:
    """Return an event as the interface says it; `left` is what is available by tier."""
    available = sum(left.values())
    path = f"/api/events/{event.event_id}"
    return {
        "event_id": event.event_id,
        "name": event.name,
        "venue": event.venue,
        "city": event.city,
        "category": event.category,
        "description": event.description,
        "starts_at": starts_at_text(event.starts_at),
        "currency": event.currency,
        "sale_id": event.sale_id,
        "waiting_room_url": f"/sales/{event.sale_id}",
        "seated": event.is_seated,
        "seats_max": event.seats_max,
        "tiers": [
            {
                "tier": tier.tier,
                "name": tier.name,
                "price": tier.price,
                "color": tier.color,
                "quantity": tier.quantity,
                "available": left[tier.tier],
            }
            for tier in event.tiers
        ],
        "price_min": event.price_min,
        "price_max": event.price_max,
        "available": available,
        "availability": availability_of(available, event.quantity),
        "plan_url": f"{path}/plan" if event.is_seated else None,
        "seats_url": f"{path}/seats" if event.is_seated else None,
    }


def _read_text(request: web.Request, field: str) -> str:
    text = request.query.get(field, "").strip()
    if len(text) > TEXT_LENGTH_MAX:
        raise RequestInvalid(field=field, rule=f"must be at most {TEXT_LENGTH_MAX} characters")
    return text


def _read_day(request: web.Request) -> date | None:
    text = request.query.get("date", "").strip()
    if not text:
        return None
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # a thirteenth month
    raise RequestInvalid(field="date", rule="must be a day such as 2027-05-31")


def _read_number(request: web.Request, field: str, form: re.Pattern[str], rule: str) -> int | None:
    text = request.query.get(field, "").strip()
    if not text:
        return None
    if not form.fullmatch(text):
        raise RequestInvalid(field=field, rule=rule)
    return int(text)


def _read_page(request: web.Request) -> int:
    rule = f"must be 1 to {PAGE_MAX}"
    page = _read_number(request, "page", PAGE, rule)
    if page is None:
        return 1
    if not 1 <= page <= PAGE_MAX:
        raise RequestInvalid(field="page", rule=rule)
    return page
