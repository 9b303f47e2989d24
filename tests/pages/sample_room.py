"""The waiting page in every state, made up."""

import json
from datetime import datetime, timedelta
from typing import Any

from gateway.pages.views import Eta, RoomEvent, WaitingPage
from tests.pages.sample_shop import NOW, NOW_MS, head


def board(**changes: Any) -> dict[str, Any]:
    return {
        "sale": "demo",
        "name": "Mira Okafor, European tour",
        "phase": "open",
        "opens_at": (NOW - timedelta(minutes=20)).strftime("%Y-%m-%dT%H:%M:%SZ"),
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


def waiting(board_changes: dict[str, Any] | None = None, **changes: Any) -> WaitingPage:
    shown = board(**(board_changes or {}))
    fields: dict[str, Any] = {
        "sale_id": "demo",
        "name": shown["name"],
        "phase": shown["phase"],
        "opens_at": datetime.fromisoformat(shown["opens_at"]),
        "now_ms": shown["at_ms"],
        "at_ms": shown["at_ms"],
        "board_json": json.dumps(shown),
        "wait_token": "wait-for-it",
        "serving": shown["serving"],
        "last_place": shown["last_place"],
        "waiting": shown["waiting"],
        "rate_per_minute": shown["rate_per_minute"],
        "message": shown["message"],
        "pause_reason": shown["pause_reason"],
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


def waiting_pages() -> dict[str, WaitingPage]:
    soon = {
        "phase": "before",
        "opens_at": (NOW + timedelta(minutes=42, seconds=9)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "serving": 0,
    }
    in_line = {"place": 12_408, "serving_at_join": 9000, "eta": Eta(p10=250, p50=310, p90=470)}
    paused = {"phase": "paused", "pause_reason": "The card company is having trouble."}
    return {
        "before": waiting(soon),
        "entered": waiting(soon, entry_number=2417),
        "open": waiting(),
        "access_code": waiting(wants_access_code=True),
        "drawing": waiting(entry_number=2417),
        "waiting": waiting(**in_line),
        "waiting_message": waiting(
            {"message": "Gold is nearly gone; the upper ring has plenty left."}, **in_line
        ),
        "paused": waiting(paused, **in_line),
        "paused_outside": waiting(paused),
        "called": waiting(place=11_100, claim_within_ms=292_000),
        "inside": waiting(place=11_100, go_to="/events/demo-arena/seats"),
        "refused": waiting(refusal="expired"),
        "full": waiting({"phase": "draining"}),
        "sold_out": waiting({"phase": "sold_out"}, **in_line),
        "closed": waiting({"phase": "closed"}),
    }
