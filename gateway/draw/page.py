"""The page of a draw: what is published of it, and a check that runs in the fan's browser."""

from datetime import datetime

from aiohttp import web

from gateway.app_keys import RENDERER, ROOMS, SETTINGS
from gateway.draw.document import BeaconDocument, document_of
from gateway.draw.draw import Draw
from gateway.draw.order import Share
from gateway.pages.draw_view import BeaconView, ClustersView, DrawPage, ShareView, State
from gateway.waiting_room import joining
from gateway.waiting_room.brand_pages import brand_view
from gateway.waiting_room.page import ticket_if_any
from gateway.waiting_room.places import place_of, share_of
from groundwork.pages import html_response

routes = web.RouteTableDef()

# The largest, which are what fans ask about; the data have all.
SIZES_SHOWN = 10


@routes.get("/sales/{sale}/draw")
async def draw_page(request: web.Request) -> web.Response:
    """Show the sale's draw as it stands."""
    rooms = request.config_dict[ROOMS]
    room = rooms.room(request.match_info["sale"])
    sale = room.sale
    told = document_of(sale.sale_id, sale.opens_at, sale.draw)
    ticket = ticket_if_any(request, sale.sale_id)
    entered = ticket if ticket and ticket.entry_number and sale.draw else None
    state: State = sale.draw.state if sale.draw else "none"
    view = DrawPage(
        sale_id=sale.sale_id,
        name=sale.name,
        site=request.config_dict[SETTINGS].public_url or str(request.url.origin()),
        opens_at=sale.opens_at,
        state=state,
        commitment=told.commitment or "",
        entries=told.entries,
        root=told.root or "",
        secret=told.secret or "",
        seed=told.seed or "",
        beacon=beacon_view(told.beacon),
        clusters=clusters_view(sale.draw),
        share=share_view(share_of(entered, sale.draw)) if entered else None,
        entry_number=entered.entry_number if entered else None,
        entered_as=(entered.entered_as or entered.fan_id) if entered else "",
        place=place_of(entered, joining.phase_of(request, sale), sale.draw) if entered else None,
        brand=brand_view(sale),
    )
    return html_response(
        request,
        request.config_dict[RENDERER],
        "draw.html",
        view,
        headers={"Vary": "Accept-Language, Cookie"},
    )


def clusters_view(draw: Draw | None) -> ClustersView | None:
    """Return what the page shows of the clusters."""
    if draw is None or not draw.has_clusters:
        return None
    if draw.clusters is None:
        return ClustersView()
    return ClustersView(
        entries=draw.clusters.entries,
        chances=draw.clusters.chances,
        sizes=draw.clusters.histogram[:SIZES_SHOWN],
    )


def share_view(share: Share | None) -> ShareView | None:
    """Return what the page shows of the fan's own chance, if it is shared."""
    if share is None:
        return None
    return ShareView(entries=share.entries, chances=share.chances, takes_part=share.takes_part)


def beacon_view(told: BeaconDocument | None) -> BeaconView | None:
    """Return what the page shows of the beacon."""
    if told is None:
        return None
    return BeaconView(
        name=told.chain.name,
        round=told.round,
        at=datetime.fromisoformat(told.at),
        outcome=told.outcome,
    )
