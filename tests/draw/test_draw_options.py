"""How a sale chooses its draw: with clusters unless it says otherwise, and nothing for no draw."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from gateway.draw import order, permutation
from gateway.draw.draw import Draw, DrawClusters
from groundwork.errors import RequestInvalid
from onsale.draw_options import planned
from onsale.sale_show import clusters_text

NOW = datetime(2026, 6, 1, 10, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def test_entries_of_one_rush_share_chances_unless_the_sale_says_otherwise() -> None:
    for no_clusters, name in ((False, order.NAME), (True, permutation.NAME)):
        plan = planned(LATER, NOW, None, 120, no_draw=False, no_clusters=no_clusters)
        assert plan is not None
        assert plan.permutation == name


def test_without_a_draw_nothing_can_be_said_of_clusters() -> None:
    assert planned(NOW, NOW, None, 120, no_draw=False, no_clusters=False) is None
    with pytest.raises(RequestInvalid, match="no-clusters"):
        planned(LATER, NOW, None, 120, no_draw=True, no_clusters=True)
    with pytest.raises(RequestInvalid, match="no-clusters"):
        planned(NOW, NOW, None, 120, no_draw=False, no_clusters=True)


def test_an_operator_sees_what_is_shared() -> None:
    before = Draw(
        state="committed", commitment="", permutation=order.NAME, chain=None, wait_ms=0, entries=0,
        last_entry=0, root=None, sealed_at=None, round=None, outcome=None, signature=None, seed=None,
        drawn_at=None, secret=None, gaps=(),
    )  # fmt: skip
    clusters = DrawClusters(digest="", entries=5_000, chances=12, histogram=())
    assert clusters_text(before) == "found when the roster is sealed"
    assert clusters_text(replace(before, clusters=clusters)) == "5000 entries share 12 chances"
    assert clusters_text(replace(before, permutation=permutation.NAME)).startswith("none")
