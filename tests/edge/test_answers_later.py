"""Answers that come later without the framework: in their order, in time, and waited for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from groundwork.connection_watch import Wait
from groundwork.front_calls import FRONT_DOOR, Found
from groundwork.front_runner import FrontRunner
from groundwork.front_server import FrontProtocol, FrontServer
from groundwork.plain_request import Peer

LATER = b"GET /later HTTP/1.1\r\nHost: x\r\n\r\n"
FRAMEWORK = b"GET /framework HTTP/1.1\r\nHost: x\r\n\r\n"
# As impatient as tests are.
KEEPALIVE_SECONDS = 0.1
SHORTLY = 0.05


def wire(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


@dataclass
class Desk:
    """Answers `/later` when it is told to, and counts what it was asked."""

    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0
    fails: bool = False

    def find(self, data: bytes, _peer: Peer) -> Found | None:
        return self._answer if data == LATER else None

    async def _answer(self) -> bytes:
        self.asked += 1
        number = self.asked
        await self.may_answer.wait()
        if self.fails:
            raise LookupError
        return wire(b"later %d" % number)


@dataclass
class Served:
    runner: FrontRunner
    port: int
    answering: set[asyncio.Task[None]]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    @property
    def protocols(self) -> list[FrontProtocol]:
        assert self.runner.server is not None
        return [each for each in self.runner.server.connections if isinstance(each, FrontProtocol)]


@asynccontextmanager
async def serving(desk: Desk, stop_seconds: float = 5.0) -> AsyncIterator[Served]:
    async def framework(_: web.Request) -> web.Response:
        return web.Response(text="framework")

    app = web.Application()
    app[FRONT_DOOR] = desk.find
    app.router.add_get("/framework", framework)
    runner = FrontRunner(
        app, access_log=None, keepalive_timeout=KEEPALIVE_SECONDS, shutdown_timeout=stop_seconds
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        assert isinstance(runner.server, FrontServer)
        yield Served(runner, runner.addresses[0][1], runner.server._answering)
    finally:
        desk.may_answer.set()
        await runner.cleanup()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.005)


async def answer(reader: asyncio.StreamReader) -> bytes:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return await reader.readexactly(length)


async def test_what_comes_behind_is_answered_behind() -> None:
    desk = Desk()
    async with serving(desk) as served:
        reader, writer = await served.connect()
        for piece in (LATER, FRAMEWORK, LATER[:9], LATER[9:] + FRAMEWORK):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)
        assert desk.asked == 1, "the second waits for the first"
        desk.may_answer.set()
        told = [await answer(reader) for _ in range(3)]
        assert told == [b"later 1", b"framework", b"404: Not Found"]
        writer.close()


async def test_requests_one_after_the_other_each_get_their_own() -> None:
    desk = Desk()
    desk.may_answer.set()
    async with serving(desk) as served:
        reader, writer = await served.connect()
        for number in range(1, 4):
            writer.write(LATER)
            assert await answer(reader) == b"later %d" % number
            writer.write(FRAMEWORK)
            assert await answer(reader) == b"framework"
        writer.close()


async def test_nobody_fills_the_memory_behind_an_answer() -> None:
    desk = Desk()
    async with serving(desk) as served:
        reader, writer = await served.connect()
        writer.write(LATER)
        await until(lambda: desk.asked == 1)
        for _ in range(64):
            writer.write(b"x" * 1_000_000)
        await asyncio.sleep(SHORTLY)
        [protocol] = served.protocols
        assert 0 < len(protocol._came_behind) <= 1_000_000
        desk.may_answer.set()
        assert await answer(reader) == b"later 1"
        writer.close()


async def test_a_connection_with_an_answer_under_way_is_not_idle() -> None:
    desk = Desk()
    async with serving(desk) as served:
        reader, writer = await served.connect()
        writer.write(FRAMEWORK)
        assert await answer(reader) == b"framework"
        [protocol] = served.protocols
        assert protocol.waits_since() is not None
        writer.write(LATER)
        await until(lambda: desk.asked == 1)
        assert protocol.waits_since() is None
        assert Wait.BODY not in [wait for wait, _, _ in protocol.waits()]
        await asyncio.sleep(4 * KEEPALIVE_SECONDS)
        desk.may_answer.set()
        assert await answer(reader) == b"later 1"
        # Now it is, and ends.
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_a_server_that_stops_waits_for_the_answer() -> None:
    desk = Desk()
    async with serving(desk) as served:
        reader, writer = await served.connect()
        writer.write(LATER)
        await until(lambda: desk.asked == 1)
        stopping = asyncio.create_task(served.runner.cleanup())
        await asyncio.sleep(SHORTLY)
        assert not stopping.done()
        desk.may_answer.set()
        assert await answer(reader) == b"later 1"
        assert await asyncio.wait_for(reader.read(), 5) == b""
        await stopping
        writer.close()


async def test_a_bug_ends_its_connection_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(fails=True)
    desk.may_answer.set()
    async with serving(desk) as served:
        reader, writer = await served.connect()
        writer.write(LATER)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        assert "Nobody answered" in caplog.text
        desk.fails = False
        other, other_writer = await served.connect()
        other_writer.write(LATER)
        assert await answer(other) == b"later 2"
        for each in (writer, other_writer):
            each.close()


async def test_an_answer_that_is_cancelled_ends_its_connection() -> None:
    desk = Desk()
    async with serving(desk) as served:
        reader, writer = await served.connect()
        writer.write(LATER)
        await until(lambda: desk.asked == 1)
        writer.write(FRAMEWORK)
        await asyncio.sleep(SHORTLY)
        [protocol] = served.protocols
        assert protocol._answering is not None
        protocol._answering.cancel()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_a_server_that_stops_waits_for_the_answer_to_who_hung_up() -> None:
    desk = Desk()
    async with serving(desk) as served:
        _, writer = await served.connect()
        writer.write(LATER)
        await until(lambda: desk.asked == 1)
        writer.transport.abort()
        await until(lambda: not served.protocols)
        stopping = asyncio.create_task(served.runner.cleanup())
        await asyncio.sleep(SHORTLY)
        assert not stopping.done(), "what it asked for is under way"
        desk.may_answer.set()
        await asyncio.wait_for(stopping, 5)


async def test_a_server_that_stops_does_not_wait_for_ever() -> None:
    desk = Desk()
    async with serving(desk, stop_seconds=SHORTLY) as served:
        reader, writer = await served.connect()
        writer.write(LATER)
        await until(lambda: desk.asked == 1)
        await asyncio.wait_for(served.runner.cleanup(), 5)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        assert served.answering == set()
        writer.close()


async def test_who_hangs_up_leaves_nothing_behind() -> None:
    desk = Desk()
    async with serving(desk) as served:
        _, writer = await served.connect()
        writer.write(LATER)
        await until(lambda: desk.asked == 1)
        writer.transport.abort()
        await until(lambda: not served.protocols)
        desk.may_answer.set()
        reader, again = await served.connect()
        again.write(LATER)
        assert await answer(reader) == b"later 2"
        again.close()
