"""Readers who are slow, gone, silent, too many or not what they should be; on real sockets."""

import asyncio
import gc
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp.web_protocol import RequestHandler

from gateway import metrics
from gateway.app_keys import CLIENT_ADDRESSES, ROOMS
from gateway.edge.client_address import ClientAddresses
from gateway.waiting_room.live import STREAMS
from gateway.waiting_room.room import Room
from groundwork import event_streams
from groundwork.event_channel import SLICE, Channel, Reader, chunk
from groundwork.metrics import STREAMS_DROPPED
from tests.support.fan import Fan
from tests.support.opening import open_shop
from tests.support.shop import Shop

# More than all buffers between two ends hold.
LONG = b": " + b"m" * 1_000_000 + b"\n\n"
RECEIVE_BUFFER_BYTES = 64 * 1024
BOARDS = "/api/sales/{sale}/events"


class Ear:
    """A raw connection that asked for a stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def until(self, words: bytes) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.readuntil(words)

    async def rest(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.read()

    def reset(self) -> None:
        """Go as a killed browser goes: with a reset, not a farewell."""
        connection: socket.socket = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@asynccontextmanager
async def listening(
    shop: Shop, path: str, *headers: str, version: str = "1.1"
) -> AsyncIterator[Ear]:
    connection = socket.socket()
    # The kernel would let it grow with what comes, to many times LONG.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(
        connection, ("127.0.0.1", urlsplit(shop.url).port)
    )
    reader, writer = await asyncio.open_connection(sock=connection, limit=64 * len(LONG))
    lines = [f"GET {path} HTTP/{version}", "Host: x", *headers]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    try:
        yield Ear(reader, writer)
    finally:
        writer.transport.abort()


async def eventually(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            await asyncio.sleep(0.01)


@pytest.fixture
def long_boards(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Boards fill more than the buffers on the way as long as the list is not empty."""
    is_long: list[bool] = []
    after = Room.after

    def longer(room: Room, cursor: int) -> tuple[bytes, int]:
        events, now = after(room, cursor)
        return (events + LONG if events and is_long else events), now

    monkeypatch.setattr(Room, "after", longer)
    return is_long


def channel_of(shop: Shop, sale: str) -> Channel:
    return shop.gateway[STREAMS]._channels[sale]


def gauge(sale: str) -> float:
    return float(metrics.BOARD_STREAMS.labels(sale)._value.get())


@pytest.fixture
async def sale(shop: Shop) -> str:
    return await shop.new_sale()


def handlers() -> list[RequestHandler]:
    gc.collect()
    return [each for each in gc.get_objects() if isinstance(each, RequestHandler)]


async def test_nothing_of_the_request_is_kept(shop: Shop, sale: str) -> None:
    # What other tests in this process have left is not of this stream.
    known = handlers()
    async with listening(shop, BOARDS.format(sale=sale)) as ear:
        await ear.until(b"event: board")
        assert gauge(sale) == len(channel_of(shop, sale).readers) == 1
        [reader] = channel_of(shop, sale).readers

        def is_forgotten() -> bool:
            mine = [each for each in handlers() if not any(each is other for other in known)]
            return all(handler.transport is not None for handler in mine)

        await eventually(is_forgotten)
        assert reader._transport is not None
    await eventually(lambda: gauge(sale) == 0)
    assert channel_of(shop, sale).readers == set()


async def test_who_hangs_up_or_is_killed_is_forgotten(shop: Shop, sale: str) -> None:
    async with (
        listening(shop, BOARDS.format(sale=sale)) as stays,
        listening(shop, BOARDS.format(sale=sale)) as leaves,
        listening(shop, BOARDS.format(sale=sale)) as dies,
    ):
        for ear in (stays, leaves, dies):
            await ear.until(b"event: board")
        assert gauge(sale) == 3
        leaves.writer.close()
        dies.reset()
        await eventually(lambda: gauge(sale) == 1)
        await stays.until(b"event: board")


async def test_a_slow_reader_is_dropped_and_harms_nobody(
    shop: Shop, sale: str, long_boards: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_streams, "BEHIND_MS_MAX", 1_500)
    dropped = STREAMS_DROPPED.labels("board")._value
    before = dropped.get()
    async with (
        listening(shop, BOARDS.format(sale=sale)) as slow,
        listening(shop, BOARDS.format(sale=sale)) as quick,
    ):
        await slow.until(b"event: board")
        slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await quick.until(b"event: board")
        async with asyncio.timeout(20):
            long_boards.append(True)
            while dropped.get() == before:
                for reader in channel_of(shop, sale).behind:
                    assert reader._transport is not None
                    # One board waits for it, however many there were.
                    assert reader._transport.get_write_buffer_size() < 2 * len(LONG)
                await quick.until(b"event: board")
        await eventually(lambda: gauge(sale) == 1)
        long_boards.clear()
        await shop.change_sale(sale, message="still served")
        await quick.until(b"still served")
        slow.writer.transport.resume_reading()  # type: ignore[attr-defined]
        assert not (await slow.rest()).endswith(b"0\r\n\r\n")


async def test_who_catches_up_gets_the_newest_board(
    shop: Shop, sale: str, long_boards: list[bool]
) -> None:
    async with listening(shop, BOARDS.format(sale=sale)) as ear:
        await ear.until(b"event: board")
        ear.writer.transport.pause_reading()  # type: ignore[attr-defined]
        long_boards.append(True)
        await eventually(lambda: bool(channel_of(shop, sale).behind))
        long_boards.clear()
        for text in ("one", "two", "three"):
            await shop.change_sale(sale, message=text)
            await asyncio.sleep(1.1)  # boards have numbers by the second
        ear.writer.transport.resume_reading()  # type: ignore[attr-defined]
        received = await ear.until(b'"message":"three"')
        assert b'"message":"one"' not in received
        assert not channel_of(shop, sale).behind
        await ear.until(b"event: board")


async def test_the_kernel_gives_up_who_vanished(shop: Shop, sale: str) -> None:
    async with listening(shop, BOARDS.format(sale=sale)) as ear:
        await ear.until(b"event: board")
        [reader] = channel_of(shop, sale).readers
        assert reader._transport is not None
        connection = reader._transport.get_extra_info("socket")
        assert (
            connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            == event_streams.UNACKNOWLEDGED_MS_MAX
        )
        # The kernel takes twice what it is told.
        buffer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        assert buffer == 2 * event_streams.SEND_BUFFER_BYTES


async def test_a_silent_stream_has_a_heartbeat(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_streams, "HEARTBEAT_MS", 50)
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    path = f"/api/events/{event}/seats/changes"
    async with listening(shop, path, f"Authorization: Bearer {fan.admission}") as ear:
        for _ in range(2):
            await ear.until(b": still here\n\n")


async def test_an_old_client_gets_plain_bytes_and_the_end_by_closing(shop: Shop, sale: str) -> None:
    async with listening(shop, BOARDS.format(sale=sale), version="1.0") as ear:
        head = await ear.until(b"\r\n\r\n")
        assert b"chunked" not in head
        assert (await ear.until(b"\n\n")) == b"retry: 3000\n\n"
        assert (await ear.until(b"\n\n")).startswith(b"event: board\nid: ")


async def test_who_goes_on_talking_is_cut_off(shop: Shop, sale: str) -> None:
    async with listening(shop, BOARDS.format(sale=sale)) as ear:
        await ear.until(b"event: board")
        ear.writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP/1.1" not in await ear.rest()
    await eventually(lambda: gauge(sale) == 0)


async def test_streams_of_a_sale_that_is_gone_end_properly(shop: Shop, sale: str) -> None:
    async with listening(shop, BOARDS.format(sale=sale)) as ear:
        await ear.until(b"event: board")
        for outlet in shop.gateway[ROOMS].outlets:
            outlet.take_down(sale)
        assert (await ear.rest()).endswith(b"\n\n\r\n0\r\n\r\n")


async def test_a_server_that_stops_ends_every_stream(
    redis_url: str, database_dsn: str, open_dir: Path
) -> None:
    async with AsyncExitStack() as server, AsyncExitStack() as clients:
        shop = await server.enter_async_context(open_shop(redis_url, database_dsn, open_dir))
        event = await shop.new_event(3)
        credential = f"Authorization: Bearer {Fan.inside(shop).admission}"
        boards, seats = BOARDS.format(sale="tour"), f"/api/events/{event}/seats/changes"
        board = await clients.enter_async_context(listening(shop, boards))
        seat = await clients.enter_async_context(listening(shop, seats, credential))
        await board.until(b"event: board")
        await seat.until(b"retry: 2000")
        async with asyncio.timeout(8):
            await server.aclose()
        for ear in (board, seat):
            assert (await ear.rest()).endswith(b"0\r\n\r\n")


async def test_one_address_has_its_part(
    shop: Shop, sale: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(shop.gateway._state, CLIENT_ADDRESSES, ClientAddresses("127.0.0.0/8"))
    monkeypatch.setattr(shop.gateway[STREAMS], "_owner_streams_max", 2)
    path = BOARDS.format(sale=sale)
    here, there = "X-Forwarded-For: 8.8.8.8", "X-Forwarded-For: 8.8.4.4"
    async with listening(shop, path, here) as first, listening(shop, path, here) as second:
        for ear in (first, second):
            await ear.until(b"event: board")
        async with listening(shop, path, here) as third, listening(shop, path, there) as other:
            assert b" 429 " in await third.until(b"\r\n\r\n")
            await other.until(b"event: board")
        # Nobody knows how many stand behind an address that is not of the public internet.
        async with listening(shop, path) as local:
            await local.until(b"event: board")
        second.writer.close()
        await eventually(lambda: gauge(sale) == 1)
        async with listening(shop, path, here) as again:
            await again.until(b"event: board")
    await eventually(lambda: gauge(sale) == 0)
    assert not shop.gateway[STREAMS]._owners


async def test_a_fan_has_a_few_seat_maps(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    path = f"/api/events/{event}/seats/changes"
    header = f"Authorization: Bearer {fan.admission}"
    ears = [listening(shop, path, header) for _ in range(8)]
    for ear in ears:
        await (await ear.__aenter__()).until(b"retry: 2000")
    async with listening(shop, path, header) as ninth:
        assert b" 429 " in await ninth.until(b"\r\n\r\n")
    for ear in ears:
        await ear.__aexit__(None, None, None)


class Numbers:
    """A feed of numbers; it may fail."""

    def __init__(self) -> None:
        self.now = 0
        self.is_broken = False
        self.asked = 0

    def after(self, cursor: int) -> tuple[bytes, int]:
        self.asked += 1
        if self.is_broken:
            raise RuntimeError("broken")
        return (b"%d\n" % self.now if cursor != self.now else b""), self.now


class Pipe:
    """A transport that takes everything, and notes when."""

    def __init__(self, order: list[object]) -> None:
        self.order = order
        self.protocol: asyncio.BaseProtocol | None = None
        self.is_aborted = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def set_write_buffer_limits(self, high: int) -> None:
        assert high == 1

    def write(self, data: bytes) -> None:
        self.order.append(data)

    def abort(self) -> None:
        self.is_aborted = True


class StillClock:
    def now_ms(self) -> int:
        return 0

    def monotonic_ms(self) -> float:
        return 0.0

    async def sleep_ms(self, duration_ms: float) -> None:
        raise AssertionError


def piped(
    channel: Channel, order: list[object], count: int, *, is_chunked: bool = False
) -> list[Pipe]:
    pipes = [Pipe(order) for _ in range(count)]
    for pipe in pipes:
        reader = Reader(channel, 0, "", is_chunked=is_chunked)
        reader.take_over(pipe, is_behind=False)  # type: ignore[arg-type]
    return pipes


async def test_others_have_their_turn_while_a_crowd_is_told() -> None:
    order: list[object] = []
    feed = Numbers()
    channel = Channel("n", feed, lambda *_: None, StillClock())
    piped(channel, order, 2 * SLICE + 5)
    feed.now = 7
    asyncio.get_running_loop().call_soon(order.append, "another's turn")
    channel.changed()
    assert order == [b"7\n"] * SLICE
    # News in the middle: this round is finished as it began, and another one follows.
    feed.now = 8
    channel.changed()
    while len(order) < 2 * (2 * SLICE + 5) + 1:
        await asyncio.sleep(0)
    assert order.index("another's turn") == SLICE
    assert order.count(b"7\n") == order.count(b"8\n") == 2 * SLICE + 5
    assert feed.asked == 2, "made once for all"


class SlowClock(StillClock):
    """Each reading is a tenth of a second after the one before."""

    readings = 0

    def monotonic_ms(self) -> float:
        self.readings += 1
        return 100.0 * self.readings


async def test_a_long_round_rests_as_long_as_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[tuple[float, Callable[[], None]]] = []
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "call_later", lambda *rest: rests.append(rest) or True)
    order: list[object] = []
    feed = Numbers()
    channel = Channel("n", feed, lambda *_: None, SlowClock())
    piped(channel, order, 3)
    feed.now = 1
    channel.changed()
    feed.now = 2
    channel.changed()
    feed.now = 3
    channel.changed()
    assert order == [b"1\n"] * 3
    (seconds, rested), *others = rests
    assert (seconds, others) == (0.1, [])
    rested()
    assert order[3:] == [b"3\n"] * 3, "what came in the rest is told once, as it is then"
    rests.pop()[1]()
    feed.now = 4
    channel.changed()
    assert order[6:] == [b"4\n"] * 3


async def test_a_reader_who_is_behind_is_left_out_until_it_has_caught_up() -> None:
    order: list[object] = []
    feed = Numbers()
    channel = Channel("n", feed, lambda *_: None, StillClock())
    slow, _ = piped(channel, order, 2, is_chunked=True)
    assert isinstance(slow.protocol, Reader)
    slow.protocol.pause_writing()
    feed.now = 1
    channel.changed()
    channel.beat(b":\n\n")
    assert order == [chunk(b"1\n"), chunk(b":\n\n")]
    feed.now = 2
    slow.protocol.resume_writing()
    assert order[2:] == [chunk(b"2\n")]


async def test_a_feed_that_fails_breaks_all_its_streams_off() -> None:
    feed = Numbers()
    channel = Channel("n", feed, lambda *_: None, StillClock())
    pipes = piped(channel, [], 3)
    feed.is_broken = True
    channel.changed()
    assert all(pipe.is_aborted for pipe in pipes)
