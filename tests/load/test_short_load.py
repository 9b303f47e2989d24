"""A sale rehearsed over HTTP by fans who mean it, with a verdict at the end."""

import os
import signal
from pathlib import Path

import pytest

from tests.running_system import (
    Rehearsed,
    RunningSystem,
    fans_at,
    read_metric,
    see_off,
    wait_until,
)

# The fixtures start a system, run the fans, and let the verdict take its time.
pytestmark = pytest.mark.timeout(300)

SECONDS_WITH_KILL = 25


def test_a_short_load_ends_with_a_clean_verdict(
    running: RunningSystem, rehearsed: Rehearsed
) -> None:
    assert rehearsed.exit_code == 0, rehearsed.output + running.logs()
    assert rehearsed.verdict["clean"], rehearsed.verdict["violations"]
    assert rehearsed.verdict["facts"]["confirmed bookings"] > 0
    assert set(rehearsed.verdict["checks"].values()) == {"kept"}


def test_every_booking_of_the_load_was_read_again(rehearsed: Rehearsed) -> None:
    facts = rehearsed.verdict["facts"]
    assert facts["bookings read again"] == facts["confirmed bookings"]


def test_the_shop_counts_as_sold_what_the_fans_were_told(rehearsed: Rehearsed) -> None:
    facts = rehearsed.verdict["facts"]
    assert rehearsed.sold == facts["confirmed seats"] + facts["confirmed pieces of stock"]


def test_redis_killed_in_the_middle_costs_nobody_a_seat_or_money(
    running: RunningSystem, rehearsed: Rehearsed, tmp_path: Path
) -> None:
    assert rehearsed.verdict["clean"]
    verdict_path = tmp_path / "verdict.json"
    redis, epoch = running.pids["redis"], read_metric(running, "onsale_store_epoch")

    def orders_sold() -> float:
        return read_metric(running, "onsale_orders_total", outcome="sold")

    before = orders_sold()
    with fans_at(running, verdict_path, seconds=SECONDS_WITH_KILL) as load:
        # In the thick of it: some have bought, others hold seats or are paying.
        wait_until("somebody bought", lambda: orders_sold() > before, SECONDS_WITH_KILL)
        os.kill(redis, signal.SIGKILL)
        wait_until("Redis was started again", lambda: running.pids["redis"] != redis, 10)
        ended = see_off(load, verdict_path, seconds=SECONDS_WITH_KILL)

    assert ended.exit_code == 0, ended.output + running.logs()
    assert ended.verdict["clean"], ended.verdict["violations"]
    assert ended.verdict["facts"]["confirmed bookings"] > 0
    assert read_metric(running, "onsale_store_epoch") > epoch, "the new store was noticed as new"
