"""The waiting page in every state, made up."""

import json
from datetime import timedelta
from typing import Any

from gateway.pages.views import BrandView, Picture, RoomEvent, WaitingPage
from tests.pages.sample_shop import NOW, NOW_MS, head

COMMITMENT = "5f0c1c6f3b8a2f4e9d7c6b5a49382716051423324150697887a6b5c4d3e2f101"
STOCK = [
    {
        "event": "demo-arena",
        "name": "Mira Okafor: Northern Lights",
        "currency": "EUR",
        "available": 1_832,
        "tiers": [
            {"tier": "front", "name": "Front block", "price_cents": 12_000, "available": 0},
            {"tier": "gold", "name": "Gold", "price_cents": 8_500, "available": 31},
            {"tier": "upper", "name": "Upper ring", "price_cents": 4_550, "available": 1_801},
        ],
    }
]
LANES = [
    {
        "lane": "members",
        "name": "Members",
        "waiting": 3,
        "called": 120,
        "serving": 120,
        "eta": [
            {"distance": 1, "p10": 2, "p50": 2, "p90": 3},
            {"distance": 10, "p10": 3, "p50": 5, "p90": 9},
        ],
    },
    {"lane": "general", "name": "General", "waiting": 37_143, "called": 11_167, "serving": 11_167},
]


def moment(**later: float) -> str:
    return (NOW + timedelta(**later)).strftime("%Y-%m-%dT%H:%M:%SZ")


def board(**changes: Any) -> dict[str, Any]:
    return {
        "sale": "demo",
        "name": "Mira Okafor, European tour",
        "phase": "open",
        "opens_at": moment(minutes=-20),
        "serving": 11_167,
        "last_place": 48_310,
        "waiting": 37_143,
        "rate_per_minute": 238.4,
        "inside": 1904,
        "message": "",
        "pause_reason": "",
        "eta": [
            {"distance": 100, "p10": 15, "p50": 25, "p90": 50},
            {"distance": 1000, "p10": 200, "p50": 250, "p90": 380},
            {"distance": 10_000, "p10": 2000, "p50": 2500, "p90": 3800},
        ],
        "poll": {"after_ms": 3000, "jitter_ms": 1000},
        "events": ["demo-arena"],
        "seq": 812,
        "at_ms": NOW_MS,
    } | changes


def told(**changes: Any) -> dict[str, Any]:
    """Everything a sale can tell, as changes of a board."""
    return {
        "stock": STOCK,
        "odds": {"likely": 2_000, "uncertain": 5_000},
        "eta_kept": {"told": 1_240, "kept": 1_023},
        "rate_changed": {"at": moment(minutes=-4), "per_minute": 240},
        "draw": {"state": "drawn", "commitment": COMMITMENT, "count": 36_021},
        "lanes": LANES,
    } | changes


def waiting(board_changes: dict[str, Any] | None = None, **changes: Any) -> WaitingPage:
    fields: dict[str, Any] = {
        "sale_id": "demo",
        "now_ms": NOW_MS,
        "board_json": json.dumps(board(**(board_changes or {}))),
        "wait_token": "wait-for-it",
        "answer_ms": 120_000,
        "events": (
            RoomEvent(
                event_id="demo-arena",
                name=head().name,
                venue=head().venue,
                city=head().city,
                starts_at=head().starts_at,
            ),
        ),
    }
    return WaitingPage(**(fields | changes))


def branded() -> BrandView:
    return BrandView(
        stylesheet_url="/sales/demo/brand.css?v=sample",
        logo=Picture(url="/sales/demo/pictures/logo.webp", width=360, height=96),
        image=Picture(url="/sales/demo/pictures/image.webp", width=1600, height=640),
    )


def waiting_pages() -> dict[str, WaitingPage]:
    soon: dict[str, Any] = {
        "phase": "before",
        "opens_at": moment(minutes=42, seconds=9),
        "serving": 0,
    }
    committed = {"draw": {"state": "committed", "commitment": COMMITMENT}}
    with_beacon = {"draw": committed["draw"] | {"beacon": {"wait_seconds": 120}}}
    in_line: dict[str, Any] = {"place": 12_408, "serving_at_join": 9000}
    paused = {"phase": "paused", "pause_reason": "The card company is having trouble."}
    return {
        "before": waiting(soon | committed),
        "before_with_beacon": waiting(soon | with_beacon),
        "before_without_draw": waiting(soon),
        "before_by_days": waiting(soon | committed | {"opens_at": moment(days=3, hours=7)}),
        "entered": waiting(soon | committed, entry_number=2417),
        "entered_without_draw": waiting(soon, entry_number=2417),
        "open": waiting(told()),
        "mailbox_wanted": waiting(told(), mailbox="wanted"),
        "mailbox_confirmed": waiting(told(), mailbox="confirmed"),
        "mailbox_in_line": waiting(told(), **in_line, mailbox="confirmed"),
        "access_code": waiting(wants_access_code=True),
        "drawing": waiting(
            soon
            | {"opens_at": moment(seconds=-4)}
            | {"draw": {"state": "sealed", "count": 36_021}},
            entry_number=2417,
        ),
        "drawing_with_beacon": waiting(
            soon
            | {"opens_at": moment(seconds=-4)}
            | {"draw": {"state": "sealed", "count": 36_021, "beacon": {"wait_seconds": 120}}},
            entry_number=2417,
        ),
        "waiting": waiting(told(), **in_line, entry_number=2417, is_from_draw=True),
        "waiting_untold": waiting(**in_line),
        "waiting_uncertain": waiting(told(odds={"likely": 500, "uncertain": 5_000}), **in_line),
        "waiting_unlikely": waiting(told(odds={"likely": 500, "uncertain": 900}), **in_line),
        "waiting_message": waiting(
            told(message="Gold is nearly gone; the upper ring has plenty left."), **in_line
        ),
        "waiting_far": waiting(told(), place=48_310),
        "waiting_unknown": waiting({"eta": [], "rate_per_minute": 0}, **in_line),
        "waiting_stale": waiting(told(at_ms=NOW_MS - 40_000), **in_line),
        "member": waiting(told(), place=123, lane="members"),
        "branded": waiting(told(), **in_line, brand=branded()),
        "paused": waiting(told(**paused), **in_line),
        "paused_outside": waiting(paused),
        "called": waiting(told(), place=11_100, claim_within_ms=112_000),
        "called_late": waiting(place=11_100, claim_within_ms=0),
        "called_unknown": waiting(place=11_100),
        "called_paused": waiting(told(**paused), place=11_100),
        "called_postponed": waiting(soon | {"serving": 11_167}, place=11_100),
        "inside": waiting(place=11_100, go_to="/events/demo-arena/seats"),
        "moved": waiting(told(), is_moved=True),
        "refused": waiting(refusal="expired"),
        "refused_in_line": waiting(told(), **in_line, refusal="too-early", wants_access_code=True),
        "full": waiting({"phase": "draining"}),
        "sold_out": waiting({"phase": "sold_out"}, **in_line),
        "sold_out_outside": waiting({"phase": "sold_out"}),
        "closed": waiting({"phase": "closed", "at_ms": NOW_MS - 40_000}),
    }
