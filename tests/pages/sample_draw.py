"""The page of a draw in every state, made up."""

from datetime import timedelta
from typing import Any

from gateway.pages.draw_view import BeaconView, DrawPage
from tests.pages.sample_room import COMMITMENT
from tests.pages.sample_shop import NOW

HASH = "b2" * 32


def draw_page(**changes: Any) -> DrawPage:
    values: dict[str, Any] = {
        "sale_id": "demo",
        "name": "Mira Okafor, European tour",
        "site": "https://tickets.example",
        "opens_at": NOW,
        "state": "committed",
        "commitment": COMMITMENT,
        "entries": 48_310,
    }
    return DrawPage(**values | changes)


def beacon(**changes: Any) -> BeaconView:
    values = {"name": "drand-quicknet", "round": 28_104_233, "at": NOW + timedelta(seconds=12)}
    return BeaconView(**values | changes)


def draw_pages() -> dict[str, DrawPage]:
    drawn: dict[str, Any] = {
        "state": "drawn", "root": HASH, "secret": HASH, "seed": HASH, "entry_number": 20_481,
        "entered_as": "f_fan", "place": 3_117,
    }  # fmt: skip
    return {
        "drawn": draw_page(**drawn, beacon=beacon(outcome="used")),
        "committed": draw_page(beacon=beacon(), entry_number=20_481, entered_as="f_fan"),
        "sealed": draw_page(state="sealed", root=HASH, beacon=beacon()),
        "without_a_beacon": draw_page(**drawn),
        "beacon_missed": draw_page(**drawn, beacon=beacon(outcome="missed")),
        "none": draw_page(state="none", commitment="", entries=0),
    }
