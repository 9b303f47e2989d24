"""A server that shows every page in every state with made-up data: `python -m tests.pages.preview`.

Open `/` for the list. The API answers as the real one does, so that the scripts work too.
"""

import asyncio
import io
import json
import random
import secrets
import sys
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import altcha
import segno
from aiohttp import web

from gateway.pages.views import WaitingPage
from groundwork.pages import PageRenderer, html_response
from tests.pages import sample_arena, sample_room, sample_shop, sample_stadium, sample_views

ROOT = Path(__file__).parents[2]
HMAC_SECRET = "preview"
ROUTES = web.RouteTableDef()
RENDERER = web.AppKey("renderer", PageRenderer)
LINE = web.AppKey("line", dict)
# What the next reserves and swaps are answered: lists of status, code, members.
REFUSALS = web.AppKey("refusals", list)
STADIUM = web.AppKey("stadium", list)


def make_app() -> web.Application:
    app = web.Application()
    app[RENDERER] = PageRenderer(
        {"room": ROOT / "gateway/pages", "shop": ROOT / "booking_core/pages"}
    )
    app[LINE] = {"codes": sample_arena.arena_codes(), "seq": 1, "joined": None, "payments": {}}
    app[REFUSALS] = []
    app[STADIUM] = sample_arena.arena_codes(sample_stadium.STADIUM_SEATS)
    app.add_routes(ROUTES)
    app.router.add_get("/static/{path:.+}", app[RENDERER].static_files.handle)
    return app


def page(request: web.Request, template: str, view: object) -> web.Response:
    return html_response(request, request.app[RENDERER], template, view)


def live_board(**changes: Any) -> dict[str, Any]:
    """A board of now: what was said of moments stays as far away as it was in the sample."""
    now_ms = round(time.time() * 1000)
    made = sample_room.board(**changes)
    shift_ms = now_ms - sample_shop.NOW_MS
    made["opens_at"] = later(made["opens_at"], shift_ms)
    if made.get("rate_changed"):
        made["rate_changed"] = {
            **made["rate_changed"],
            "at": later(made["rate_changed"]["at"], shift_ms),
        }
    return made | {"at_ms": made["at_ms"] + shift_ms}


def later(moment: str, shift_ms: int) -> str:
    at = datetime.fromisoformat(moment) + timedelta(milliseconds=shift_ms)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@ROUTES.get("/")
async def index(request: web.Request) -> web.Response:
    return page(request, "on_sale.html", sample_shop.on_sale_pages()["all"])


@ROUTES.get("/show/{template}/{state}")
async def show(request: web.Request) -> web.Response:
    template, state = request.match_info["template"], request.match_info["state"]
    view = sample_views.ALL_PAGES[template][state]
    if template == "waiting_room.html":
        board = live_board(**json.loads(view.board_json))
        view = replace(
            view,
            now_ms=round(time.time() * 1000),
            board_json=json.dumps(board),
            sale_id=f"demo-{state.replace('_', '-')}",
        )
    return page(request, template, view)


@ROUTES.get("/events/{event}")
async def event(request: web.Request) -> web.Response:
    return page(request, "event.html", sample_shop.event_pages()["plain"])


@ROUTES.get("/sales/{sale}")
async def waiting_room(request: web.Request) -> web.Response:
    board = live_board()
    view = sample_room.waiting(board_json=json.dumps(board), now_ms=board["at_ms"])
    return page(request, "waiting_room.html", view)


@ROUTES.get("/events/{event}/seats")
async def seats_page(request: web.Request) -> web.Response:
    is_stadium = request.match_info["event"] == sample_stadium.EVENT_ID
    seated = sample_shop.seats_pages()["seated"]
    return page(request, "seats.html", sample_stadium.stadium_page() if is_stadium else seated)


@ROUTES.get("/checkout/{reservation}")
async def checkout(request: web.Request) -> web.Response:
    return page(request, "checkout.html", sample_shop.checkout_pages()["held"])


@ROUTES.get("/orders/{booking}")
async def order(request: web.Request) -> web.Response:
    return page(request, "order.html", sample_shop.order_pages()["confirmed"])


@ROUTES.get("/qr/{name}.svg")
async def qr(request: web.Request) -> web.Response:
    image = io.BytesIO()
    segno.make("ONSALE:" + "x" * 80, error="m").save(image, kind="svg", scale=4, border=2)
    return web.Response(body=image.getvalue(), content_type="image/svg+xml")


# --- the API of the waiting room


def view_of(sale: str) -> WaitingPage | None:
    return sample_room.waiting_pages().get(sale.removeprefix("demo-").replace("-", "_"))


def board_of(sale: str) -> dict[str, Any]:
    view = view_of(sale)
    return live_board(**json.loads(view.board_json)) if view else live_board()


@ROUTES.get("/api/sales/{sale}/status")
async def status(request: web.Request) -> web.Response:
    return web.json_response(board_of(request.match_info["sale"]))


@ROUTES.get("/api/sales/{sale}/events")
async def board_stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    board = board_of(request.match_info["sale"])
    for step in range(3600):
        board |= {
            "serving": board["serving"] + 4 * bool(step),
            "seq": board["seq"] + 1,
            "at_ms": board["at_ms"] + 1000 * bool(step),
        }
        await response.write(
            f"event: board\nid: {board['seq']}\ndata: {json.dumps(board)}\n\n".encode()
        )
        await asyncio.sleep(1)
    return response


@ROUTES.get("/api/sales/{sale}/challenge")
async def challenge(request: web.Request) -> web.Response:
    made = altcha.create_challenge(
        "PBKDF2/SHA-256",
        5000,
        counter=random.randrange(300, 500),
        expires_at=int(time.time()) + 900,
        data={"sale": request.match_info["sale"], "jkt": request.query.get("jkt", "")},
        hmac_secret=HMAC_SECRET,
        hmac_key_secret=HMAC_SECRET,
    )
    return web.json_response(made.to_dict())


@ROUTES.post("/api/sales/{sale}/join")
async def join(request: web.Request) -> web.Response:
    body = await request.json()
    result = altcha.verify_solution(body["altcha"], HMAC_SECRET, hmac_key_secret=HMAC_SECRET)
    if not result.verified:
        return problem(403, "bot-check-failed", reason="wrong")
    place = request.app[LINE]["joined"] = live_board()["serving"] + 24
    return web.json_response(
        {"ticket": "t", "fan_id": "f", "place": place, "entry_number": None, "phase": "open"},
        status=201,
    )


@ROUTES.get("/api/sales/{sale}/place")
async def place(request: web.Request) -> web.Response:
    view = view_of(request.match_info["sale"])
    place = view.place if view else request.app[LINE]["joined"]
    if place is None:
        return problem(401, "ticket-invalid")
    told = {"place": place, "entry_number": view.entry_number if view else None}
    if view and view.claim_within_ms is not None:
        told["claim_within_ms"] = view.claim_within_ms
    return web.json_response(told)


@ROUTES.post("/api/sales/{sale}/admit")
async def admit(request: web.Request) -> web.Response:
    return web.json_response(
        {"pass": "p", "expires_at": "", "go_to": "/events/demo-arena/seats"}, status=201
    )


@ROUTES.post("/api/sales/{sale}/leave")
async def leave(request: web.Request) -> web.Response:
    return web.Response(status=204)


# --- the API of the shop


@ROUTES.get("/api/events/{event}/plan")
async def plan(request: web.Request) -> web.Response:
    is_stadium = request.match_info["event"] == sample_stadium.EVENT_ID
    return web.json_response(
        sample_stadium.stadium_plan() if is_stadium else sample_arena.arena_plan()
    )


def codes_of(request: web.Request) -> list[int]:
    is_stadium = request.match_info["event"] == sample_stadium.EVENT_ID
    codes: list[int] = request.app[STADIUM] if is_stadium else request.app[LINE]["codes"]
    return codes


@ROUTES.get("/api/events/{event}/seats")
async def seats(request: web.Request) -> web.Response:
    return web.json_response(sample_arena.snapshot(codes_of(request), request.app[LINE]["seq"]))


@ROUTES.get("/api/events/{event}/seats/changes")
async def seat_changes(request: web.Request) -> web.StreamResponse:
    line = request.app[LINE]
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for _ in range(3600):
        await asyncio.sleep(2)
        codes = codes_of(request)
        changes = [[random.randrange(len(codes)), random.randrange(3)] for _ in range(6)]
        for index, code in changes:
            codes[index] = code
        line["seq"] += 1
        data = {
            "epoch": 1,
            "from": line["seq"] - 1,
            "seq": line["seq"],
            "changes": changes,
            "stock": [],
        }
        await response.write(
            f"event: seats\nid: 1-{line['seq']}\ndata: {json.dumps(data)}\n\n".encode()
        )
    return response


@ROUTES.delete("/api/bookings/{reservation}")
async def release(request: web.Request) -> web.Response:
    return web.Response(status=204)


@ROUTES.post("/api/bookings/{reservation}/swap")
@ROUTES.post("/api/bookings/reserve")
async def reserve(request: web.Request) -> web.Response:
    body = await request.json()
    if request.app[REFUSALS]:
        status_code, code, members = request.app[REFUSALS].pop(0)
        return problem(status_code, code, **members)
    if "A-1-1" in body.get("seat_ids", ()) or len(body.get("seat_ids", ())) == 3:
        return problem(409, "seats-taken", seat_ids=body["seat_ids"][:1])
    return web.json_response(
        {"reservation_id": f"demo-arena.{secrets.token_urlsafe(16)}"}, status=201
    )


@ROUTES.post("/api/bookings/{reservation}/extend")
async def extend(request: web.Request) -> web.Response:
    return web.json_response({"expires_in_ms": 600_000, "extendable": False})


@ROUTES.post("/api/bookings/complete")
async def complete(request: web.Request) -> web.Response:
    body = await request.json()
    if body["payment_method"] == "card_declined":
        return problem(402, "payment-declined", decline_reason="insufficient-funds")
    await asyncio.sleep(1)
    return web.json_response({"booking_id": "b", "status": "confirmed"}, status=201)


@ROUTES.get("/api/bookings/{booking}")
async def booking(request: web.Request) -> web.Response:
    return web.json_response({"status": "pending"})


def problem(status_code: int, code: str, **members: object) -> web.Response:
    return web.json_response(
        {"type": f"https://onsale.example/problems/{code}", "title": code, **members},
        status=status_code,
        content_type="application/problem+json",
    )


if __name__ == "__main__":
    web.run_app(make_app(), port=int(sys.argv[1]) if len(sys.argv) > 1 else 8899)
