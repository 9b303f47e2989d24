"""Redis is lost, or a process dies, anywhere between the first entry and the last place."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from draw_world import Process, opened_process

from gateway.draw.checking import check_draw
from gateway.draw.document import document_of
from gateway.draw.draw import Draw
from gateway.draw.records import DrawRecords
from gateway.waiting_room.sales import Sale
from groundwork.clock import SystemClock
from groundwork.errors import StoreUnavailable
from groundwork.postgres import Pool
from onsale.embedded.binaries import find_redis
from onsale.embedded.child_process import ChildProcess
from onsale.embedded.redis_server import RedisServer
from onsale.embedded.running import wait_until_ready

EARLY = [f"early-{number}" for number in range(20)]
LOST = [f"lost-{number}" for number in range(10)]


async def assert_fits(process: Process, sale: Sale) -> Draw:
    """The draw is made and stands up to whoever works it out again."""
    fresh = await process.sales.get(sale.sale_id)
    draw = fresh.draw
    assert draw is not None
    leaves = b"".join(
        [
            await DrawRecords(process.pool).leaves(sale.sale_id, chunk)
            for chunk in range(-(-draw.entries // 4096))
        ]
    )
    findings = list(check_draw(document_of(sale.sale_id, fresh.opens_at, draw), leaves))
    assert [finding.what for finding in findings if not finding.is_right] == []
    return draw


async def with_a_loss(process: Process) -> tuple[Sale, dict[str, int], dict[str, int]]:
    """A sale whose roster has some entries, while others were lost with everything in Redis."""
    sale = await process.new_sale()
    early = await process.enter(sale, EARLY)
    await process.attend(sale)
    lost = await process.enter(sale, LOST)
    await process.store.call("FLUSHALL")
    return sale, early, lost


async def test_a_lost_store_leaves_a_gap_and_takes_nobodys_number(process: Process) -> None:
    sale, early, lost = await with_a_loss(process)

    again = await process.enter(sale, [*EARLY, "new"])

    assert {fan: again[fan] for fan in EARLY} == early
    assert again["new"] > max(lost.values())
    told = await process.told(sale)
    assert all(told.lacks(number) for number in lost.values())
    assert not any(told.lacks(number) for number in early.values())
    assert not told.lacks(again["new"])


async def test_who_was_in_the_gap_enters_again_and_is_drawn_like_everybody(
    process: Process,
) -> None:
    sale, early, lost = await with_a_loss(process)
    again = await process.enter(sale, LOST)
    assert not set(again.values()) & set(lost.values())

    told = await process.drawn(sale)

    numbers = early | again
    places = [told.place_of(number, fan) for fan, number in numbers.items()]
    assert sorted(place or 0 for place in places) == list(range(1, len(numbers) + 1))
    assert (await assert_fits(process, sale)).gaps


async def test_who_never_entered_again_shares_a_place_within_the_draw(process: Process) -> None:
    sale, early, lost = await with_a_loss(process)

    told = await process.drawn(sale)

    assert told.count == len(early)
    shared = [told.place_of(number, fan) for fan, number in lost.items()]
    assert all(place and 1 <= place <= len(early) for place in shared)
    assert len(set(shared)) > 1
    await assert_fits(process, sale)
    late = await process.join(sale, "late")
    assert (late.place or 0) > len(early)


async def test_a_loss_between_sealing_and_drawing_changes_no_place(process: Process) -> None:
    sale = await process.new_sale()
    numbers = await process.enter(sale, EARLY)
    await process.open(sale)
    await process.entries.seal(sale.sale_id)
    await process.store.call("FLUSHALL")
    late = asyncio.create_task(process.join(sale, "late"))

    draw = await process.attend(sale)
    while draw.state != "drawn":
        draw = await process.attend(sale)

    found = await late
    told = await process.told(sale)
    assert told.count is not None
    # Nothing had reached the roster: they all share, or have entered again before the sealing.
    assert (found.place or told.place_of(found.entry_number or 0, "late") or 0) >= 1
    for fan, number in numbers.items():
        assert told.place_of(number, fan) is not None
    await assert_fits(process, sale)


async def test_after_the_draw_a_loss_gives_the_drawn_places_to_nobody_else(
    process: Process,
) -> None:
    sale = await process.new_sale()
    numbers = await process.enter(sale, EARLY)
    before = await process.drawn(sale)
    await process.store.call("FLUSHALL")

    late = await process.join(sale, "late")

    assert (late.place or 0) > len(EARLY)
    after = await process.told(sale)
    assert after == before
    assert (await process.join(sale, EARLY[3])).entry_number == numbers[EARLY[3]]


class KilledRedis:
    """A Redis with an append-only file, to be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.server = RedisServer(
            binaries=find_redis(), data_dir=folder / "data", socket=folder / "r.sock",
            log_path=folder / "redis.log",
        )  # fmt: skip
        self._process: ChildProcess | None = None

    async def start(self) -> None:
        await self.server.prepare()
        self._process = await ChildProcess.start(self.server.command())
        await wait_until_ready(self._process, self.server.is_ready, SystemClock())

    async def kill(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def stop(self) -> None:
        assert self._process is not None
        await self._process.stop()


@pytest.fixture
async def killed_redis(open_dir: Path) -> AsyncIterator[KilledRedis]:
    folder = open_dir / "draw-redis"
    folder.mkdir()
    redis = KilledRedis(folder)
    await redis.start()
    yield redis
    await redis.stop()


async def patiently(work: Callable[[], Awaitable[object]]) -> None:
    """Do it until the store is believed again."""
    async with asyncio.timeout(20):
        while True:
            try:
                await work()
            except StoreUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


async def test_a_redis_killed_while_fans_enter_costs_nobody_a_chance(
    killed_redis: KilledRedis, pool: Pool
) -> None:
    async with opened_process(killed_redis.server.url, pool) as process:
        sale = await process.new_sale()
        numbers: dict[str, int] = {}

        async def enter(fan: str) -> None:
            async def once() -> None:
                numbers.update(await process.enter(sale, [fan]))

            await patiently(once)

        entering = asyncio.gather(*(enter(f"fan-{number}") for number in range(400)))
        while len(numbers) < 50:
            await asyncio.sleep(0.001)
        await process.attend(sale)
        await killed_redis.kill()
        await killed_redis.start()
        await entering
        await patiently(lambda: process.attend(sale))
        # As `entered_again` does for a fan's page: who is in a gap enters once more.
        told = await process.told(sale)
        for fan in [fan for fan, number in numbers.items() if told.lacks(number)]:
            await enter(fan)
        drawn = await process.drawn(sale)

        places = [drawn.place_of(number, fan) for fan, number in numbers.items()]
        assert sorted(place or 0 for place in places) == list(range(1, 401))
        await assert_fits(process, sale)


class Died(Exception):
    """The process is gone."""


EFFECTS = [
    ("entries", "seal"), ("entries", "read"), ("records", "append"), ("records", "chunk_roots"),
    ("records", "seal"), ("records", "secret"), ("records", "finish"),
]  # fmt: skip


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("part", "effect"), EFFECTS, ids=[f"{p} {e}" for p, e in EFFECTS])
async def test_a_process_that_dies_at_any_step_leaves_one_draw_to_be_finished(
    two_processes: tuple[Process, Process],
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    effect: str,
    is_after: bool,
) -> None:
    one, other = two_processes
    sale = await one.new_sale()
    numbers = await one.enter(sale, EARLY)
    await one.open(sale)
    victim = getattr(one.drawing, f"_{part}")
    real = getattr(victim, effect)

    async def dies(*arguments: object) -> object:
        if is_after:
            await real(*arguments)
        raise Died

    monkeypatch.setattr(victim, effect, dies)
    with pytest.raises(Died):
        await one.attend(sale)

    assert (await other.join(sale, "meanwhile")).is_new
    draw = await other.attend(sale)

    assert draw.state == "drawn"
    told = await other.told(sale)
    assert told.count is not None
    assert told.count - len(EARLY) in (0, 1)
    places = {told.place_of(number, fan) for fan, number in numbers.items()}
    assert len(places) == len(EARLY)
    await assert_fits(other, sale)
