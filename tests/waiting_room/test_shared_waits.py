"""Waits that one process measures and all processes tell."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from gateway.waiting_room.eta import Waits
from gateway.waiting_room.line_now import LaneNow, LineNow
from gateway.waiting_room.shared_waits import SharedWaits
from groundwork.redis_store import RedisStore, open_store
from lua.keys import waits_keys

MEMBERS = LaneNow("members", serving=10, last_place=60, gaps=(), called=10)
GENERAL_LINE = LaneNow("general", serving=40, last_place=1_000, gaps=(), called=40)
LINE = LineNow(
    now_ms=1_700_000_000_000, inside=0, calls_open=0, called_now=0, called=50, claimed=0,
    limit="rate", rate_now=600, no_show_thousandths=0, health_thousandths=1_000,
    admitted=0, at_turnstile=0, late=0, lanes=(MEMBERS, GENERAL_LINE),
)  # fmt: skip


@pytest.fixture
async def store(clean_redis: str) -> AsyncIterator[RedisStore]:
    async with open_store(clean_redis) as store:
        yield store


async def test_what_one_process_measured_all_tell_in_every_lane(store: RedisStore) -> None:
    waits = Waits()
    waits.note(LINE, 600)
    shared = SharedWaits(store)
    assert await shared.read("tour") is None

    await shared.share("tour", waits, LINE)
    told = await shared.read("tour")

    assert told is not None
    assert told.eta == waits.table(LINE)
    assert told.lane_eta == {"members": waits.table(LINE, "members")}
    assert told.eta_kept == waits.kept
    assert await shared.read_record("tour") == waits.to_record()


async def test_a_worker_of_before_tells_no_lanes(store: RedisStore) -> None:
    waits = Waits()
    waits.note(LINE, 600)
    before = {"at_ms": LINE.now_ms, "eta": waits.table(LINE), "eta_kept": waits.kept}
    await store.call("SET", waits_keys("tour")["waits"], msgspec.json.encode(before))

    told = await SharedWaits(store).read("tour")
    assert told is not None
    assert (told.eta, told.lane_eta) == (waits.table(LINE), {})
