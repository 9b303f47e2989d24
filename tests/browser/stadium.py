"""Puts a stadium on sale in a running demo: `python -m tests.browser.stadium DATA_DIR`."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from booking_core.catalog.arena import ARENA_PRICES, make_arena
from booking_core.catalog.event import EventDraft
from booking_core.catalog.events import Catalog
from onsale.connections import with_pool

STADIUM_SEATS = 60_000


def main(data_dir: Path) -> None:
    """Put it on sale beside the demo's own events."""
    draft = EventDraft(
        event_id="stadium",
        sale_id="demo",
        name="City Derby, Round 9",
        venue="Riverside Stadium",
        city="Porto",
        category="Sport",
        starts_at=datetime(2027, 9, 4, 19, 0, tzinfo=UTC),
        currency="EUR",
    )
    plan = make_arena(STADIUM_SEATS)
    with_pool(data_dir, lambda pool: Catalog(pool).create_seated_event(draft, plan, ARENA_PRICES))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
