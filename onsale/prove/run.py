"""One run from the first process to the verdict."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from groundwork.clock import SystemClock, SystemTokenSource
from onsale.cannot_start import named_file
from onsale.prove.asking import Asking
from onsale.prove.buyers import Attempt, Buyer
from onsale.prove.ending import quiet, read_ending
from onsale.prove.history import History, Recorder
from onsale.prove.house import House, open_house
from onsale.prove.line_fans import LineFans
from onsale.prove.machinery import beside
from onsale.prove.nemesis import Nemesis
from onsale.prove.stage import open_sale
from onsale.prove.town import Town

# How long buyers ask for what they do not know yet, once all is repaired.
ASK_AGAIN_WITHIN_MS = 60_000
ASK_AGAIN_EVERY_MS = 500
TELL_EVERY_MS = 10_000
# Fans of the line beside the buyers, each followed by another: some hundred places in some minutes.
IN_LINE = 2


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What was asked for."""

    minutes: float
    seed: int
    faults: list[str]
    buyers: int
    history: Path
    folder: Path


async def prove(wanted: Wanted, tell: Callable[[str], None]) -> History:
    """Run it, and return what happened. Raises CannotStart when the house or the file cannot be opened."""
    clock = SystemClock()
    with named_file(wanted.history):
        wanted.history.parent.mkdir(parents=True, exist_ok=True)
        file = wanted.history.open("wb")
    with file:
        recorder = Recorder(clock, file)
        async with AsyncExitStack() as stack:
            house = await stack.enter_async_context(open_house(wanted.folder, clock))
            tell("the house is open; buyers come")
            session = await stack.enter_async_context(
                aiohttp.ClientSession(
                    cookie_jar=aiohttp.DummyCookieJar(),
                    connector=aiohttp.TCPConnector(limit=0),
                )
            )
            await open_sale(house.pool, clock)
            asking = Asking(session, house.gateway_urls, recorder, clock)
            town = Town(house.pool, clock, asking, house.tokens, session)
            await town.restock()
            rng = random.Random(wanted.seed)  # noqa: S311 (the same seed, the same faults)
            nemesis = Nemesis(house, recorder, rng, clock, wanted.faults)
            buyers = [
                Buyer(asking, town, SystemTokenSource(), own_chance(wanted.seed, number))
                for number in range(wanted.buyers)
            ]
            line = [
                LineFans(asking, house.ring, SystemTokenSource(), own_chance(wanted.seed, -number))
                for number in range(1, IN_LINE + 1)
            ]
            living = [*(buyer.live() for buyer in buyers), *(fan.live() for fan in line)]
            await rage(wanted, house, nemesis, living, town, tell, recorder)
            return await conclude(house, recorder, buyers, tell)


def own_chance(seed: int, number: int) -> random.Random:
    """Return what one buyer throws their dice with."""
    return random.Random(f"{seed} {number}")  # noqa: S311 (nothing secret)


async def rage(
    wanted: Wanted,
    house: House,
    nemesis: Nemesis,
    lives: list[Coroutine[Any, Any, None]],
    town: Town,
    tell: Callable[[str], None],
    recorder: Recorder,
) -> None:
    """Let buyers buy and the nemesis rage until the time is over; all of it is repaired then."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(beside(town.keep_stocked()))
        living = [await stack.enter_async_context(beside(life)) for life in lives]
        raging = await stack.enter_async_context(beside(nemesis.rage()))
        over_at = house.clock.monotonic_ms() + wanted.minutes * 60_000
        while (left_ms := over_at - house.clock.monotonic_ms()) > 0:
            await asyncio.wait(
                [raging, *living],
                timeout=min(left_ms, TELL_EVERY_MS) / 1000,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in (raging, *living):
                if task.done():
                    task.result()
            history = recorder.history
            tell(
                f"{left_ms / 1000:.0f} s left; {len(history.ops):,} calls,"
                f" {len(history.faults)} faults, {len(town.events)} events"
            )


async def conclude(
    house: House, recorder: Recorder, buyers: list[Buyer], tell: Callable[[str], None]
) -> History:
    """Wait for quiet, let buyers ask for what they do not know, and read the ending."""
    tell("all is repaired; waiting until it is quiet")
    for wire in house.wires.values():
        wire.heal()
    is_quiet = await quiet(house)
    open_attempts = [(buyer, attempt) for buyer in buyers for attempt in buyer.open]
    tell(f"asking again for {len(open_attempts)} payments")
    give_up_at = house.clock.monotonic_ms() + ASK_AGAIN_WITHIN_MS
    while open_attempts and house.clock.monotonic_ms() < give_up_at:
        open_attempts = [each for each in open_attempts if not await _is_clear(*each)]
        await house.clock.sleep_ms(ASK_AGAIN_EVERY_MS)
    is_quiet = await quiet(house) and is_quiet
    return recorder.conclude(await read_ending(house, is_quiet=is_quiet))


async def _is_clear(buyer: Buyer, attempt: Attempt) -> bool:
    return await buyer.ask_again(attempt)
