"""The line of a sale in Redis: one typed method for each of its scripts."""

import asyncio
from functools import lru_cache

import msgspec

from gateway.bot_checks.asked_from import NOWHERE, AskedFrom
from gateway.bot_checks.limiting import limited, used_up
from gateway.bot_checks.limits import ADMITS, JOINS, again_limit
from gateway.draw.entries import Entries
from gateway.settings import GatewaySettings
from gateway.waiting_room.fan_in_line import Joined, Visit
from gateway.waiting_room.line_now import NO_ANSWERS, LineNow, OriginAnswers, StockLeft
from gateway.waiting_room.line_records import GENERAL
from gateway.waiting_room.moves import restore_moved
from gateway.waiting_room.sales import Sale, SaleRecords
from gateway.waiting_room.visits import Visits
from groundwork.clock import TokenSource
from groundwork.errors import (
    BotCheckFailed,
    DeviceProofInvalid,
    NotYourTurn,
    StoreUnavailable,
    TicketMoved,
)
from lua import KnownKeys, LuaScript
from lua.epochs import Epochs
from lua.keys import sale_keys, spent_key

# Longer than any proof is good for (ten minutes and the skew of clocks), so none can come twice.
SPENT_MS = 15 * 60_000
# Whoever joined from an address is counted there for a day: as long as a rush and its eve.
DEVICES_MS = 24 * 60 * 60_000
# With fewer places left than this the next block is leased beside the joins, so nobody waits for it.
PLACES_LEFT_MIN = 5_000
# A day: more than any outage is made good for, see lua/includes/frozen.lua.
AWAY_MS_MAX = 24 * 60 * 60_000
# Stands for the entry numbers where a lane is named: no lane can be called so.
ENTRIES = ""
# A full house empties at the pace of buyers: come back in a few seconds.
FULL_RETRY_SECONDS = 5
# Who stands at the turnstile asks at least so often, for includes/turnstile.lua takes silence for leaving.
TURNSTILE_RETRY_SECONDS_MAX = 10
# Keys of sales that are joined, put together once; half a kilobyte each.
SALES_REMEMBERED_MAX = 1_024


class Line:
    """Places and calls of all sales, and how visits begin."""

    def __init__(
        self,
        epochs: Epochs,
        records: SaleRecords,
        entries: Entries,
        tokens: TokenSource,
        settings: GatewaySettings,
    ) -> None:
        self._epochs = epochs
        self._records = records
        self._entries = entries
        self._tokens = tokens
        self._settings = settings
        # What this process has told its fans, by sale and lane: no store that was lost takes it back.
        self._serving_seen: dict[tuple[str, str], int] = {}
        # When it was last told to move a sale's line, and when that last went well.
        self._asked_at_ms: dict[str, int] = {}
        self._moved_at_ms: dict[str, int] = {}
        self.visits = Visits(epochs, settings)
        self._leases: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._again = again_limit(settings.pass_ms)
        self._join_line = LuaScript("join_line")
        self._raise_ceiling = LuaScript("raise_ceiling")
        self._call_places = LuaScript("call_places")
        self._admit_fan = LuaScript("admit_fan")
        self._open_line = LuaScript("open_line")
        epochs.register("sale", self._open)

    async def join(
        self,
        sale_id: str,
        fan_id: str,
        proof: str,
        device: str | None,
        lane: str = GENERAL,
        asked_from: AskedFrom = NOWHERE,
        came_from: str = "",
    ) -> Joined:
        """Return the fan's place in the lane, or entry number; the same at every repeat.

        `came_from` is kept with an entry to a draw whose clusters share chances: see entries.py.
        `proof` names the spent proof of work, `device` the spent DPoP proof. Raises BotCheckFailed or
        DeviceProofInvalid when somebody else has used one of them; TooManyRequests when too many new
        fans come from where they ask.
        """
        limits = limited(JOINS, sale_id, asked_from=asked_from)
        own = {
            **limits.keys,
            "proof": spent_key(sale_id, f"proof:{proof}"),
            "device": spent_key(sale_id, f"device:{device or 'none:' + fan_id}"),
        }
        keys = _known_keys(self._join_line, sale_id).before(own)
        args: dict[str, str | int] = {
            "fan_id": fan_id,
            "lane": lane,
            "spent_ms": SPENT_MS,
            "now_ms": "",
            "limits": limits.rows,
            "devices_ms": DEVICES_MS,
            "came_from": came_from,
        }
        for _ in range(2):
            answer = await self._epochs.run(self._join_line, ("sale", sale_id), keys, args)
            # To nearly all, and a pattern takes its time for each.
            if (said := answer[0]) in ("joined", "joined_before"):
                return Joined(answer[1], said == "joined", answer[2])
            match answer:
                case ["entered" | "entered_before" as word, int(number), int(left)]:
                    return Joined(None, word == "entered", left, number)
                case ["moved"]:
                    raise TicketMoved
                case ["replayed", "proof"]:
                    raise BotCheckFailed("replayed")
                case ["replayed", "device"]:
                    raise DeviceProofInvalid("replayed")
                case ["used_up", int(wait_ms), str(whose)]:
                    raise used_up(JOINS, sale_id, wait_ms, whose)
                case ["no_places", int(last)]:
                    await self.lease_more(sale_id, last, lane)
                case ["no_entries", int()]:
                    await self.lease_more(sale_id, lane=ENTRIES)
                case answer:
                    raise AssertionError(f"join_line.lua broke its contract: {answer!r}")
        raise StoreUnavailable(retry_after=1)

    async def lease_more(self, sale_id: str, above: int = 0, lane: str = GENERAL) -> None:
        """Lease the lane's next block of places above a place in PostgreSQL and tell Redis.

        With ENTRIES for a lane it is a block of entry numbers.
        A thousand fans who find none left at the same moment share one block.
        """
        scope = (sale_id, lane)
        task = self._leases.get(scope)
        if task is None:
            task = self._leases[scope] = asyncio.create_task(
                self._lease_block(sale_id, above, lane)
            )
            task.add_done_callback(lambda _: self._leases.pop(scope, None))
        await asyncio.wait([task])
        if task.cancelled() or isinstance(task.exception(), StoreUnavailable):
            raise StoreUnavailable(retry_after=1)
        task.result()

    async def _lease_block(self, sale_id: str, above: int, lane: str) -> None:
        if lane == ENTRIES:
            await self._entries.lease_more(sale_id)
            return
        lease = await self._records.lease_places(sale_id, above, lane)
        of = "ceiling" if lane == GENERAL else f"ceiling:{lane}"
        answer = await self._epochs.run(
            self._raise_ceiling,
            ("sale", sale_id),
            sale_keys(sale_id),
            {"of": of, "ceiling": lease.ceiling},
        )
        assert answer[0] == "raised", answer

    async def call_places(
        self,
        sale: Sale,
        now_ms: int,
        stock: StockLeft | None = None,
        answers: OriginAnswers = NO_ANSWERS,
    ) -> LineNow:
        """Move the serving numbers as far as they may go, and return how the line stands.

        `stock` is None when nobody knows what is left; then it binds nobody.
        """
        sale_id, lanes = sale.sale_id, sale.lane_ids
        self._asked_at_ms[sale_id] = now_ms
        seen = [[lane, self._serving_seen.get((sale_id, lane), 0)] for lane in lanes]
        answer = await self._epochs.run(
            self._call_places,
            ("sale", sale_id),
            sale_keys(sale_id),
            {
                "now_ms": "",
                "rate_per_minute": sale.rate_now(now_ms),
                "burst": sale.burst,
                "capacity": sale.capacity,
                "answer_ms": self._settings.answer_ms,
                "lanes": msgspec.json.encode(seen).decode(),
                "seats_left": stock.seats_left if stock else "",
                "seats_per_fan": repr(stock.seats_per_fan) if stock else "1",
                "answers_good": answers.good,
                "answers_bad": answers.bad,
                "away_ms": self._away_ms(sale_id),
            },
        )
        assert answer[0] == "line", answer
        self._moved_at_ms[sale_id] = now_ms
        line = msgspec.convert(answer[1:], LineNow)
        for lane in line.lanes:
            self._serving_seen[sale_id, lane.lane] = lane.serving
        return line

    def _away_ms(self, sale_id: str) -> int:
        """Return how long this process could not move the line, as far as it knows.

        One that has just begun knows nothing, and goes by what the line itself remembers.
        """
        moved_at_ms = self._moved_at_ms.get(sale_id)
        if moved_at_ms is None:
            return AWAY_MS_MAX
        return min(AWAY_MS_MAX, max(0, self._asked_at_ms.get(sale_id, 0) - moved_at_ms))

    async def admit(
        self, sale: Sale, fan_id: str, place: int, device: str | None, lane: str = GENERAL
    ) -> Visit:
        """Return the fan's visit, the same at every repeat while it lasts.

        Raises NotYourTurn before the place is called, or when the fan has to wait at the turnstile: a
        moment for those who came before, or, coming late, for room; TooManyRequests for who asks
        without pause, or comes back from visit after visit.
        """
        sale_id = sale.sale_id
        limits, again = (limited(limit, sale_id, fan_id) for limit in (ADMITS, self._again))
        answer = await self._epochs.run(
            self._admit_fan,
            ("sale", sale_id),
            {
                **sale_keys(sale_id),
                "own": limits.keys["own"],
                "again": again.keys["own"],
                "device": spent_key(sale_id, f"device:{device or 'none:' + fan_id}"),
            },
            {
                "now_ms": "",
                "fan_id": fan_id,
                "lane": lane,
                "place": place,
                "visit_id": self._tokens.token(),
                "visit_ms": self._settings.pass_ms,
                "capacity": sale.capacity,
                "answer_ms": self._settings.answer_ms,
                "proof_id": fan_id,
                "spent_ms": SPENT_MS,
                "limits": limits.rows,
                "again": again.rows,
            },
        )
        match answer:
            case ["admitted" | "admitted_before", str(visit_id), int(ends_at_ms)]:
                return Visit(visit_id, ends_at_ms)
            case ["not_called", int(ahead)]:
                raise NotYourTurn(retry_after=1, ahead=ahead)
            case ["soon", int(wait_ms)]:
                told_ms = min(TURNSTILE_RETRY_SECONDS_MAX * 1000, wait_ms)
                raise NotYourTurn(-(-told_ms // 1000), ahead=0, called=True, retry_after_ms=told_ms)
            case ["full", int(ahead)]:
                raise NotYourTurn(retry_after=FULL_RETRY_SECONDS, ahead=ahead, called=True)
            case ["moved"]:
                raise TicketMoved
            case ["used_up", int(wait_ms), "again"]:
                raise used_up(self._again, sale_id, wait_ms, "own")
            case ["used_up", int(wait_ms), str(whose)]:
                raise used_up(ADMITS, sale_id, wait_ms, whose)
            case ["replayed", _]:
                raise DeviceProofInvalid("replayed")
        raise AssertionError(f"admit_fan.lua broke its contract: {answer!r}")

    async def _open(self, sale_id: str, epoch: int) -> None:
        """Begin the line in a new epoch (called by Epochs, one process at a time)."""
        await restore_moved(self._epochs, self._epochs.pool, sale_id)
        opening = await self._entries.fill(sale_id)
        # No places are given while entries are taken; a block leased now would become a gap.
        lease = await self._records.lease_places(sale_id, is_held=bool(opening["entering"]))
        lanes = [
            await self._records.lease_places(sale_id, lane=lane)
            for lane in await self._records.lanes_begun(sale_id)
        ]
        answer = await self._open_line.run(
            self._epochs.store,
            epoch,
            sale_keys(sale_id),
            {
                "last_place": lease.last_place,
                "leased": lease.leased,
                "ceiling": lease.ceiling,
                "serving": lease.serving,
                **opening,
                "lanes": msgspec.json.encode(lanes).decode(),
                "now_ms": "",
                "inside": await self._records.inside_noted(sale_id),
                "silent_ms": self._settings.silent_ms,
                # Who has just begun saw no outage, and an empty line remembers none.
                "away_ms": self._away_ms(sale_id) if sale_id in self._moved_at_ms else 0,
            },
        )
        assert answer[0] in ("opened", "open_before"), answer
        if answer[0] == "opened":
            await self._entries.note_loss(sale_id, opening, int(answer[3]))


@lru_cache(SALES_REMEMBERED_MAX)
def _known_keys(script: LuaScript, sale_id: str) -> KnownKeys:
    """Return the sale's keys for the script."""
    return script.known_keys(sale_keys(sale_id))
