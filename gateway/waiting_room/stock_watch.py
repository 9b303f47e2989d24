"""Watching the stock: one process at a time asks the shop what is left, and all of them know."""

import asyncio
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog

from gateway.origin.door import Door
from gateway.waiting_room.asking_pace import AskingPace
from gateway.waiting_room.sales import Sale
from gateway.waiting_room.stock import (
    NOTHING_TOLD,
    EventAnswer,
    StockNow,
    StockReading,
    combine,
    read_event,
    read_shared,
)
from groundwork.errors import StoreUnavailable
from groundwork.identity import Identity, IdentitySigner
from lua import LuaScript
from lua.epochs import Epochs
from lua.keys import sale_keys

log = structlog.get_logger()

# How often every process looks, and how long an answer is good. The shop's own count may be a
# second old, so that a fan sees a tier sell out within two.
LOOK_EVERY_MS: Final = 500
# A shop that does not know the question will hardly learn it within a sale.
UNTOLD_EVERY_MS: Final = 30_000
# Whoever was told to ask has longer than a door waits for an answer; then another one asks.
ASKING_MS: Final = 6_000
# Questions of a process under way at once: a tour of fifty events is asked in turns, not in a burst.
ASKED_AT_ONCE: Final = 4
# Events a process asks about in a second: a fifth of a core, where the shop is in it. Where fans wait or
# shop for more than half as many, each is asked about less often.
ASKED_A_SECOND_MAX: Final = 100
# The same of sales where nobody waits or shops, beside the others: what is left there hardly changes, and
# few read of it. Some together, for the shop reads them by one statement.
QUIET_ASKED_AT_ONCE: Final = 3
QUIET_ASKED_A_SECOND: Final = 10
QUIET_EVERY_MS_MIN: Final = 5_000
# So far apart that every one of thousands has its turn.
QUIET_EVERY_MS_MAX: Final = 60 * 60_000
# A sale of more events is not watched: its fans look into the shop.
EVENTS_MAX: Final = 100
# The last seats come back within this when a card is declined at once.
SETTLE_MS: Final = 3_000
# Nobody reads a page that changes its mind more often than this.
STAY_MS: Final = 15_000
# What no shop has said for so long is not told any longer; where it is asked less often, for twice that.
STALE_MS: Final = 60_000
# So many events cannot be on sale that what was said of one goes stale before it is asked about again.
EVERY_MS_MAX: Final = STALE_MS // 2


@dataclass(frozen=True, slots=True)
class _Said:
    """What the shop has just said, as the script takes it."""

    reading: str = ""
    left: int | str = ""
    taken: int | str = ""
    rest_ms: int = UNTOLD_EVERY_MS


class StockWatch:
    """What each sale's shop has left. Without a door it asks nobody, and knows what others ask."""

    def __init__(
        self, epochs: Epochs, door: Door | None, identities: IdentitySigner | None
    ) -> None:
        self._epochs = epochs
        self._door = door
        self._identities = identities
        self._watch_stock = LuaScript("watch_stock")
        self._crowded = AskingPace(ASKED_AT_ONCE, ASKED_A_SECOND_MAX, LOOK_EVERY_MS, EVERY_MS_MAX)
        self._quiet = AskingPace(
            QUIET_ASKED_AT_ONCE, QUIET_ASKED_A_SECOND, QUIET_EVERY_MS_MIN, QUIET_EVERY_MS_MAX
        )

    async def look(self, sale: Sale, *, is_quiet: bool = False) -> StockNow:
        """Return what is known of the sale's stock, having asked the shop if it is this one's turn.

        `is_quiet` says that nobody waits or shops there. Raises StoreUnavailable when Redis does not answer;
        a shop that does not is asked again.
        """
        pace = self._quiet if is_quiet else self._crowded
        pace.note(sale)
        every_ms = pace.every_ms
        asks, now = await self._share(sale, _Said(), every_ms, may_ask=self._can_ask(sale))
        if not asks:
            return now
        try:
            said = await self._ask_shop(sale, pace)
        except StoreUnavailable:
            log.warning("the shop does not say what is left", sale=sale.sale_id)
            return now
        return (await self._share(sale, said, every_ms, may_ask=False))[1]

    def _can_ask(self, sale: Sale) -> bool:
        return self._door is not None and 0 < len(sale.event_ids) <= EVENTS_MAX

    async def _share(
        self, sale: Sale, said: _Said, every_ms: int, *, may_ask: bool
    ) -> tuple[bool, StockNow]:
        answer = await self._epochs.run(
            self._watch_stock,
            ("sale", sale.sale_id),
            sale_keys(sale.sale_id),
            {
                "now_ms": "",
                "reading": said.reading,
                "left": said.left,
                "taken": said.taken,
                "every_ms": every_ms,
                "rest_ms": said.rest_ms,
                "may_ask": int(may_ask),
                "asking_ms": ASKING_MS,
                "settle_ms": SETTLE_MS,
                "stay_ms": STAY_MS,
            },
        )
        match answer:
            case ["stock", asks, str(text), _, int(taken), int(age_ms), is_sold_out, int(good_ms)]:
                reading = read_shared(text) if age_ms <= max(STALE_MS, 2 * good_ms) else None
                return asks == 1, StockNow(reading, taken, is_sold_out == 1)
        raise AssertionError(f"watch_stock.lua broke its contract: {answer!r}")

    async def _ask_shop(self, sale: Sale, pace: AskingPace) -> _Said:
        """Ask about every event. Raises StoreUnavailable when one question gets no answer."""

        async def ask(event_id: str) -> EventAnswer | None:
            return await pace.in_turn(lambda: self._ask_about(event_id))

        failures: tuple[BaseException, ...] = ()
        try:
            async with asyncio.TaskGroup() as group:  # the first failure ends the other questions
                asked = [group.create_task(ask(event_id)) for event_id in sale.event_ids]
        except* StoreUnavailable as failed:
            failures = failed.exceptions
        if failures:
            raise StoreUnavailable(retry_after=1) from failures[0]
        told = [answer for answer in (each.result() for each in asked) if answer is not None]
        if len(told) < len(asked):
            return _Said(NOTHING_TOLD)
        reading: StockReading = combine(told)
        text = msgspec.json.encode(reading).decode()
        return _Said(text, reading.left, reading.taken, rest_ms=0)

    async def _ask_about(self, event_id: str) -> EventAnswer | None:
        """Return what is left of an event; None when the shop does not know the question."""
        assert self._door is not None
        assert self._identities is not None
        identity = self._identities.sign(Identity(kind="anonymous"))
        answer = await self._door.ask(f"/api/events/{event_id}", identity)
        if answer.status >= 500 or answer.status == 429:
            raise StoreUnavailable(retry_after=1)
        return read_event(event_id, answer.body) if answer.status == 200 else None
