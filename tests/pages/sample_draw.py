"""The page of a draw in every state, made up."""

from datetime import timedelta
from typing import Any

from gateway.pages.draw_view import BeaconView, ClustersView, DrawPage, ShareView
from tests.pages.sample_room import COMMITMENT
from tests.pages.sample_shop import NOW

HASH = "b2" * 32
CLUSTERS = ClustersView(entries=5_036, chances=36, sizes=((5_000, 12, 1), (12, 8, 3)))


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
        "clustered": draw_page(**drawn, clusters=CLUSTERS),
        "clustered_without_one": draw_page(**drawn, clusters=ClustersView()),
        "takes_part": draw_page(
            **drawn, clusters=CLUSTERS, share=ShareView(entries=5_000, chances=12, takes_part=True)
        ),
        "stands_behind": draw_page(
            **drawn, clusters=CLUSTERS, share=ShareView(entries=5_000, chances=12, takes_part=False)
        ),
        "none": draw_page(state="none", commitment="", entries=0),
    }
