"""The live seat map: every seat's status in this process's memory, fed by the event's change log."""

import asyncio
import base64
import gzip
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import msgspec
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from booking_core.seats.log_answers import Entry, entries_of, stock_of, value_of
from booking_core.seats.seats_document import SeatsDocument, stock_lines
from groundwork.clock import Clock
from groundwork.errors import StoreUnavailable
from groundwork.event_streams import EventStreams
from lua import LuaScript
from lua.epochs import Epochs
from lua.keys import event_keys, event_log_key

# Changes go out at most so often: four times a second looks live and lets them be sent in batches.
BATCH_EVERY_MS = 250
# What a reader that fell behind may still catch up on; beyond it the snapshot is cheaper.
BATCHES_KEPT = 240
# A map nobody has looked at for this long is given up; it is read anew when somebody comes.
IDLE_MS = 5 * 60_000
# Maps in one process: more events than are on sale in one house at one moment.
MAPS_MAX = 512
# Entries taken from the log at once.
LOG_ENTRIES_MAX = 2_000
# Waiting at the log for so long costs one call; the map also notices a new epoch then.
LOG_WAIT_MS = 1_000

# What a reader has: epoch and number.
Cursor = tuple[int, int]
RELOAD = b"event: reload\ndata: {}\n\n"

# What an entry of the log makes of its seats. A swap also leaves some.
CODE_OF = {
    "held": 1, "swapped": 1, "expired": 0, "released": 0, "opened": 0, "sold": 2, "blocked": 3,
}  # fmt: skip

log = structlog.get_logger()


class _LoggedHold(msgspec.Struct):
    seats: list[int] | dict[str, int]
    tier: str | None = None
    left: list[int] | dict[str, int] = []
    left_tier: str | None = None


_DECODER = msgspec.json.Decoder(_LoggedHold)


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes sent together: from the number before the first to the last, as a stream's event."""

    before: int
    last: int
    event: bytes


class SeatMap:
    """One event's seats as of a numbered change."""

    def __init__(self, event_id: str, on_change: Callable[[], None] = lambda: None) -> None:
        self.event_id = event_id
        self._on_change = on_change
        self.epoch = 0
        self.seq = 0
        self.codes = bytearray()
        self.stock: dict[str, int] = {}
        self.batches: deque[Batch] = deque(maxlen=BATCHES_KEPT)
        self.is_loaded = asyncio.Event()
        self.used_at_ms = 0.0
        self._body: tuple[bytes, bytes] | None = None

    def begin(self, epoch: int, seq: int, status: str, stock: dict[str, int]) -> None:
        """Take over a whole state; readers of the old one have to load it."""
        self.epoch, self.seq, self.stock = epoch, seq, stock
        self.codes = bytearray(status.encode().translate(DIGITS_TO_CODES))
        self.batches.clear()
        self._body = None
        self.is_loaded.set()
        self._wake()

    def apply(self, changes: dict[int, int], last: int) -> None:
        """Take in changed seats up to a number, and tell every stream in one batch."""
        before, self.seq = self.seq, last
        for seat_index, code in changes.items():
            self.codes[seat_index] = code
        self._body = None
        data = msgspec.json.encode(
            {
                "epoch": self.epoch,
                "from": before,
                "seq": last,
                "changes": sorted(changes.items()),
                "stock": stock_lines(self.stock),
            }
        )
        event = b"event: seats\nid: %d-%d\ndata: %b\n\n" % (self.epoch, last, data)
        self.batches.append(Batch(before, last, event))
        self._wake()

    def after(self, cursor: Cursor) -> tuple[bytes, Cursor]:
        """Return the batches that follow, or RELOAD for a reader who cannot catch up with them."""
        now = (self.epoch, self.seq)
        if cursor == now:
            return b"", cursor
        epoch, seq = cursor
        batches = [batch for batch in self.batches if batch.last > seq]
        # Another epoch, too far behind, or the map itself has lost its log and was read anew.
        if epoch != self.epoch or not batches or batches[0].before > seq:
            return RELOAD, now
        return b"".join(batch.event for batch in batches), now

    def body(self) -> tuple[bytes, bytes]:
        """Return the snapshot as JSON, plain and compressed; made once for each change."""
        if self._body is None:
            plain = msgspec.json.encode(
                SeatsDocument(
                    event_id=self.event_id,
                    epoch=self.epoch,
                    seq=self.seq,
                    count=len(self.codes),
                    status=base64.b64encode(packed(self.codes)).decode(),
                    stock=stock_lines(self.stock),
                )
            )
            self._body = (plain, gzip.compress(plain, compresslevel=6, mtime=0))
        return self._body

    def count(self, code: int) -> int:
        """Return how many seats have a status."""
        return self.codes.count(code)

    def _wake(self) -> None:
        self._on_change()


# The scripts write statuses as digits; the map keeps them as numbers. A free accessible place (4) and
# one beside it (5) are free: the plan says which they are.
DIGITS_TO_CODES = bytes.maketrans(b"012345", bytes([0, 1, 2, 3, 0, 0]))


def packed(codes: bytes | bytearray) -> bytes:
    """Return two bits a seat, four seats a byte, the first seat in the lowest bits."""
    padded = bytes(codes) + bytes(-len(codes) % 4)
    quarters = zip(padded[0::4], padded[1::4], padded[2::4], padded[3::4], strict=True)
    return bytes(a | b << 2 | c << 4 | d << 6 for a, b, c, d in quarters)


class SeatMaps:
    """The maps this process shows, each kept fresh by one reader of its event's log."""

    def __init__(self, epochs: Epochs, reader: Redis, clock: Clock, streams: EventStreams) -> None:
        self._epochs = epochs
        self._reader = reader
        # The library would make a dict of each entry, by a way four times as long.
        reader.set_response_callback("XREAD", entries_of)
        self._clock = clock
        self._streams = streams
        self._maps: dict[str, SeatMap] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._read_seats = LuaScript("read_seats")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Stop all readers at the end of the block."""
        try:
            yield
        finally:
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def map_of(self, event_id: str) -> SeatMap:
        """Return the event's map, loading it when nobody looked before.

        The caller has made sure that the event exists. Raises StoreUnavailable.
        """
        seat_map = self._maps.get(event_id)
        if seat_map is None:
            if len(self._maps) >= MAPS_MAX:
                self._give_up(min(self._maps.values(), key=lambda m: m.used_at_ms).event_id)
            tell = partial(self._streams.changed, event_id)
            seat_map = self._maps[event_id] = SeatMap(event_id, tell)
            self._tasks[event_id] = asyncio.create_task(self._follow(seat_map))
        seat_map.used_at_ms = self._clock.monotonic_ms()
        if not seat_map.is_loaded.is_set():
            try:
                await asyncio.wait_for(seat_map.is_loaded.wait(), 3.0)
            except TimeoutError as error:
                raise StoreUnavailable(retry_after=1) from error
        return seat_map

    def loaded(self, event_id: str) -> SeatMap | None:
        """Return the event's map if it need not be loaded first; `map_of` loads it."""
        seat_map = self._maps.get(event_id)
        if seat_map is None or not seat_map.is_loaded.is_set():
            return None
        seat_map.used_at_ms = self._clock.monotonic_ms()
        return seat_map

    def _is_idle(self, seat_map: SeatMap) -> bool:
        now_ms = self._clock.monotonic_ms()
        if self._streams.has_readers(seat_map.event_id):
            seat_map.used_at_ms = now_ms
        return now_ms - seat_map.used_at_ms >= IDLE_MS

    def _give_up(self, event_id: str) -> None:
        self._maps.pop(event_id, None)
        self._streams.end(event_id)  # browsers come back, and the map with them
        task = self._tasks.pop(event_id, None)
        if task is not None:
            task.cancel()

    async def _follow(self, seat_map: SeatMap) -> None:
        while not self._is_idle(seat_map):
            try:
                await self._load(seat_map)
                await self._follow_log(seat_map)
            except (StoreUnavailable, RedisError, OSError):
                await self._clock.sleep_ms(BATCH_EVERY_MS)
            except Exception:
                log.exception("a seat map lost its log", event_id=seat_map.event_id)
                await self._clock.sleep_ms(LOG_WAIT_MS)
        if self._maps.get(seat_map.event_id) is seat_map:
            self._give_up(seat_map.event_id)

    async def _load(self, seat_map: SeatMap) -> None:
        event_id = seat_map.event_id
        while True:
            epoch = self._epochs.epoch
            answer = await self._epochs.run(
                self._read_seats, ("event", event_id), event_keys(event_id), {}
            )
            if epoch == self._epochs.epoch:
                break  # else nobody can say of which epoch this answer is
        assert answer[0] == "seats", answer
        stock = {tier: int(free) for tier, free in zip(answer[3::2], answer[4::2], strict=True)}
        seat_map.begin(epoch, int(answer[1]), str(answer[2]), stock)

    async def _follow_log(self, seat_map: SeatMap) -> None:
        """Apply the log until an entry is missing or the epoch changes; then load anew."""
        epoch = seat_map.epoch
        key = event_log_key(seat_map.event_id, epoch)
        while self._epochs.epoch == epoch:
            entries: Sequence[Entry] = await self._reader.execute_command(
                *("XREAD", "COUNT", LOG_ENTRIES_MAX, "BLOCK", LOG_WAIT_MS),
                *("STREAMS", key, f"{seat_map.seq}-1"),
            )  # type: ignore[no-untyped-call]
            if self._is_idle(seat_map):
                return
            if not entries:
                # Nothing new, or a server that knows nothing of this log: ask the one that counts.
                if await self._is_behind(seat_map):
                    return
                continue
            if not await self._apply(seat_map, entries):
                return
            await self._clock.sleep_ms(BATCH_EVERY_MS)

    async def _is_behind(self, seat_map: SeatMap) -> bool:
        answer = await self._epochs.run(
            self._read_seats, ("event", seat_map.event_id), event_keys(seat_map.event_id), {}
        )
        return self._epochs.epoch != seat_map.epoch or int(answer[1]) < seat_map.seq

    async def _apply(self, seat_map: SeatMap, entries: Sequence[Entry]) -> bool:
        """Apply entries in order; says False when a number is missing."""
        changes: dict[int, int] = {}
        last, has_stock = seat_map.seq, False
        for entry_id, fields in entries:
            seq = int(entry_id.partition("-")[0])
            if seq != last + 1:
                return False
            last = seq
            hold = _DECODER.decode(value_of("reservation", fields))
            has_stock = has_stock or hold.tier is not None or hold.left_tier is not None
            if hold.left and isinstance(hold.left, list):
                changes.update(dict.fromkeys(hold.left, 0))
            code = CODE_OF.get(value_of("kind", fields))
            if code is not None and isinstance(hold.seats, list):
                changes.update(dict.fromkeys(hold.seats, code))
        if has_stock:
            stock = await self._epochs.store.call("HGETALL", event_keys(seat_map.event_id)["stock"])
            seat_map.stock = stock_of(stock)
        seat_map.apply(changes, last)
        return True
