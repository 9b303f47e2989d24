"""The page of a draw: what is published of it, and a check that runs in the fan's browser."""

from datetime import datetime

from aiohttp import web

from gateway.app_keys import RENDERER, ROOMS, SETTINGS
from gateway.draw.document import BeaconDocument, document_of
from gateway.pages.draw_view import BeaconView, DrawPage, State
from gateway.waiting_room import joining
from gateway.waiting_room.brand_pages import brand_view
from gateway.waiting_room.page import ticket_if_any
from groundwork.pages import html_response

routes = web.RouteTableDef()


@routes.get("/sales/{sale}/draw")
async def draw_page(request: web.Request) -> web.Response:
    """Show the sale's draw as it stands."""
    rooms = request.config_dict[ROOMS]
    room = rooms.room(request.match_info["sale"])
    sale = room.sale
    told = document_of(sale.sale_id, sale.opens_at, sale.draw)
    ticket = ticket_if_any(request, sale.sale_id)
    on_board = sale.draw.on_board(sale.opens_at_ms) if sale.draw else None
    entered = ticket if ticket and ticket.entry_number and on_board else None
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
        entry_number=entered.entry_number if entered else None,
        entered_as=(entered.entered_as or entered.fan_id) if entered else "",
        place=joining.place_of(entered, joining.phase_of(request, sale), on_board)
        if entered
        else None,
        brand=brand_view(sale),
    )
    return html_response(
        request,
        request.config_dict[RENDERER],
        "draw.html",
        view,
        headers={"Vary": "Accept-Language, Cookie"},
    )


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
