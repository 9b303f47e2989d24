"""What operators are told while a draw is made, late, or made without its beacon."""

from datetime import UTC, datetime

import msgspec
import pytest
from draw_world import Process
from own_beacon import CHAIN
from prometheus_client import REGISTRY

from gateway.draw import metrics
from gateway.draw.draw import BEACON_MARGIN_MS, Draw

OPENS_AT_MS = 1_780_000_000_000
HOUR_MS = 3_600_000


def told(name: str, sale_id: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"sale": sale_id})


def tell(sale_id: str, draw: Draw, after_ms: int) -> None:
    metrics.tell(sale_id, draw, OPENS_AT_MS, OPENS_AT_MS + after_ms)


async def test_a_draw_is_overdue_from_its_opening_until_it_is_made(process: Process) -> None:
    sale = await process.new_sale()
    await process.enter(sale, ["ada", "bob"])
    draw = await process.attend(sale)

    tell(sale.sale_id, draw, after_ms=-5_000)
    assert told("onsale_draw_entries", sale.sale_id) == 2
    assert told("onsale_draw_overdue_seconds", sale.sale_id) == 0
    tell(sale.sale_id, draw, after_ms=61_000)
    assert told("onsale_draw_overdue_seconds", sale.sale_id) == 61
    assert told("onsale_draw_seconds", sale.sale_id) is None

    made = msgspec.structs.replace(
        draw, state="drawn", drawn_at=datetime.fromtimestamp(OPENS_AT_MS / 1000 + 2, UTC)
    )
    tell(sale.sale_id, made, after_ms=90_000)
    assert told("onsale_draw_overdue_seconds", sale.sale_id) == 0
    assert told("onsale_draw_seconds", sale.sale_id) == pytest.approx(2)
    assert told("onsale_draw_beacon_missed", sale.sale_id) == 0


async def test_a_missed_beacon_is_told_for_a_day(process: Process) -> None:
    sale = await process.new_sale(chain=CHAIN, wait_ms=0)
    await process.open(sale)
    await process.attend(sale)
    process.clock.ahead_ms = BEACON_MARGIN_MS + 2_000

    drawn_at = datetime.fromtimestamp(OPENS_AT_MS / 1000 + 12, UTC)
    draw = msgspec.structs.replace(await process.attend(sale), drawn_at=drawn_at)

    tell(sale.sale_id, draw, after_ms=12_500)
    assert told("onsale_draw_beacon_missed", sale.sale_id) == 1
    tell(sale.sale_id, draw, after_ms=23 * HOUR_MS)
    assert told("onsale_draw_beacon_missed", sale.sale_id) == 1
    tell(sale.sale_id, draw, after_ms=25 * HOUR_MS)
    assert told("onsale_draw_beacon_missed", sale.sale_id) == 0
