"""Whoever lets us wait is dropped, with whatever they let us wait for; nobody else is."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY

from groundwork.connection_watch import ConnectionLimits
from groundwork.front_server import FrontProtocol
from groundwork.front_site import UNSENT_BYTES_MAX
from tests.edge.slow_server import HURRIED, LARGE_BYTES, small_server

POLL = b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n"
UPLOAD = b"POST /take HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\n"
# As long as a limit of HURRIED and two looks, with room for a busy machine.
DROPPED_SECONDS_MAX = 6.0
# Several drips within each limit: who is merely slow never falls silent.
DRIP_SECONDS = 0.1


@asynccontextmanager
async def connected(
    port: int, address: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    # Of an answer that nobody reads, the kernel keeps no more than this on our side.
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    connection.setblocking(False)
    connection.bind((address, 0))
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=connection)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def dropped(reason: str) -> float:
    return REGISTRY.get_sample_value("onsale_connections_dropped_total", {"reason": reason}) or 0.0


async def drip(writer: asyncio.StreamWriter, content: bytes) -> None:
    for at in range(len(content)):
        if writer.is_closing():
            return
        writer.write(content[at : at + 1])
        await asyncio.sleep(DRIP_SECONDS)


async def seconds_until_dropped(reader: asyncio.StreamReader) -> float:
    began = time.monotonic()
    async with asyncio.timeout(DROPPED_SECONDS_MAX):
        try:
            assert await reader.read() == b""
        except ConnectionResetError:
            pass
    return time.monotonic() - began


SLOW = [
    ("head", b"", b"GET /ready HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"y" * 100),
    ("head", b"GET /ready HTTP/1.1\r\n", b""),
    ("head", b"GET /rea", b"d" * 100),
    ("body", UPLOAD, b""),
    ("body", UPLOAD, b"x" * 100),
    (
        "body",
        b"POST /take HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1\r\nx\r\n" * 100,
    ),
]
# Also where it is not the first request of its connection, and after answers of both ways.
BEFORE = [b"", POLL, UPLOAD + b"x" * 400]


async def test_who_sends_slowly_is_dropped() -> None:
    async def send(port: int, before: bytes, sent: bytes, dripped: bytes) -> float:
        async with connected(port) as (reader, writer):
            if before:
                writer.write(before)
                await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(5 if before == POLL else 3)
            writer.write(sent)
            dripping = asyncio.create_task(drip(writer, dripped))
            try:
                return await seconds_until_dropped(reader)
            finally:
                dripping.cancel()

    count = {reason: dropped(reason) for reason in ("head", "body")}
    async with small_server() as (port, _):
        took = await asyncio.gather(
            *(send(port, before, sent, drip) for before in BEFORE for _, sent, drip in SLOW)
        )
    assert min(took) > 0.5
    assert {reason: dropped(reason) - count[reason] for reason in count} == {"head": 9, "body": 9}


@pytest.mark.parametrize("path", [b"/give", b"/large"], ids=["framework", "ready"])
async def test_who_does_not_take_answers_is_dropped(path: bytes) -> None:
    async with small_server() as (port, _), connected(port) as (reader, writer):
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        count = dropped("answer")
        async with asyncio.timeout(DROPPED_SECONDS_MAX):
            while dropped("answer") == count:
                # As much as no kernel keeps for anybody.
                writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
                await asyncio.sleep(0.005)


async def test_what_was_not_taken_does_not_outlive_the_request() -> None:
    """aiohttp closes the connection, and would keep its last bytes for ever for who reads none."""
    async with small_server() as (port, watch), connected(port) as (reader, writer):
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET /give HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(DROPPED_SECONDS_MAX):
            while not watch._open:
                await asyncio.sleep(0.01)
            while watch._open:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("is_bounded", [False, True])
async def test_the_kernel_keeps_little_for_who_reads_nothing(is_bounded: bool) -> None:
    async with (
        small_server(replace(HURRIED, taking_ms=30_000), is_kernel_bounded=is_bounded) as (
            port,
            watch,
        ),
        connected(port) as (reader, writer),
    ):
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET /give HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.5)
        [connection] = watch._open
        assert isinstance(connection, FrontProtocol)
        assert connection.transport
        in_kernel = LARGE_BYTES - connection.transport.get_write_buffer_size()
        assert (in_kernel < 8 * UNSENT_BYTES_MAX) == is_bounded, in_kernel


async def test_a_phone_that_goes_on_slowly_is_served() -> None:
    """Twice as long as the shortest time for a body, at the least rate and more: nobody is dropped."""
    async with small_server() as (port, _), connected(port) as (reader, writer):
        writer.write(UPLOAD)
        for _ in range(16):
            writer.write(b"x" * 25)
            await asyncio.sleep(0.1)
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(3) == b"400"


async def test_a_large_answer_may_take_longer_than_a_piece_of_it() -> None:
    async with small_server() as (port, _), connected(port) as (reader, writer):
        writer.write(b"GET /give HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        taken = 0
        began = time.monotonic()
        while taken < LARGE_BYTES:
            taken += len(await reader.readexactly(LARGE_BYTES // 16))
            await asyncio.sleep(0.1)
        assert time.monotonic() - began > HURRIED.taking_ms / 1000 * 2


async def test_an_idle_connection_is_kept_for_the_next_request() -> None:
    async with small_server() as (port, _), connected(port) as (reader, writer):
        for _ in range(2):
            writer.write(POLL)
            await reader.readuntil(b"\r\n\r\nready")
            await asyncio.sleep(1.5)  # longer than any limit of a request


# Little more than 32 KiB: what is still on its way when a connection is closed takes the answer along.
LINES = (
    b"".join(b"X-%d: %b\r\n" % (n, b"y" * 4_080) for n in range(8)) + b"Z: " + b"z" * 80 + b"\r\n"
)
HEAD = b"GET /ready HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "head",
    [
        HEAD + LINES + b"\r\n",
        HEAD + LINES,
    ],
    ids=["whole", "endless"],
)
@pytest.mark.parametrize("piece", [1_000, 100_000])
async def test_a_head_has_32_kilobytes_in_all(head: bytes, piece: int) -> None:
    async with (
        small_server(replace(HURRIED, head_ms=10_000)) as (port, _),
        connected(port) as (reader, writer),
    ):
        for at in range(0, len(head), piece):
            writer.write(head[at : at + piece])
            await asyncio.sleep(0.001)
        async with asyncio.timeout(5):
            answer = await reader.read()
    first, _, body = answer.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 431 ")
    assert json.loads(body)["code"] == "head-too-large"
    lines = first.decode().lower().split("\r\n")
    assert "connection: close" in lines
    assert "x-content-type-options: nosniff" in lines
    assert not any(line.startswith("server:") for line in lines)


async def test_many_small_requests_at_once_are_no_large_head() -> None:
    async with small_server() as (port, _), connected(port) as (reader, writer):
        ask = UPLOAD + b"x" * 400
        writer.write(ask * 100)
        for _ in range(100):
            await reader.readuntil(b"\r\n\r\n400")


async def test_room_is_made_by_who_was_idle_the_longest() -> None:
    limits = ConnectionLimits(connections_max=8)
    async with small_server(limits) as (port, watch):
        held: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        for number in range(8):
            held.append(await asyncio.open_connection("127.0.0.1", port))
            if number == 0:  # something of the first is under way
                held[0][1].write(UPLOAD)
            await asyncio.sleep(0.02)
        newest = await asyncio.open_connection("127.0.0.1", port)
        newest[1].write(POLL)
        await newest[0].readuntil(b"ready")
        assert await held[1][0].read() == b"", "the second was the one that could go"
        held[0][1].write(b"x" * 400)
        await held[0][0].readuntil(b"\r\n\r\n400")
        held[2][1].write(POLL)
        await held[2][0].readuntil(b"ready")
        assert len(watch._open) == 8
        for _, writer in (*held, newest):
            writer.transport.abort()


@pytest.mark.parametrize("is_busy", [False, True])
async def test_one_address_has_its_part_of_the_room(is_busy: bool) -> None:
    limits = ConnectionLimits(connections_max=100, address_connections_max=4)
    async with small_server(limits, owner_of=lambda address: address) as (port, _):
        greedy = [
            await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.9.1", 0))
            for _ in range(4)
        ]
        if is_busy:
            for _, writer in greedy:
                writer.write(UPLOAD)
        await asyncio.sleep(0.05)
        async with connected(port, "127.0.9.2") as (reader, writer):
            writer.write(POLL)
            await reader.readuntil(b"ready")
        async with connected(port, "127.0.9.1") as (reader, writer):
            writer.write(POLL)
            if is_busy:
                assert await seconds_until_dropped(reader) < 5
            else:
                await reader.readuntil(b"ready")
                assert await greedy[0][0].read() == b""
        for _, writer in greedy:
            writer.transport.abort()


async def test_connections_that_end_give_their_room_back() -> None:
    limits = ConnectionLimits(connections_max=4, address_connections_max=2)
    async with small_server(limits, owner_of=lambda address: address) as (port, watch):
        for _ in range(20):
            async with connected(port) as (reader, writer):
                writer.write(POLL)
                await reader.readuntil(b"ready")
        async with asyncio.timeout(2):
            while watch._open or watch._owners:
                await asyncio.sleep(0.01)
