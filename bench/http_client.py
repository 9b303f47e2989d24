"""A small HTTP/1.1 client that costs far less than the servers it asks: prepared bytes, bare sockets."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

# Longer than any answer that is worth counting; then the run is broken and should say so.
SILENCE_SECONDS = 20.0
# A server that is up answers its simplest address at once.
PROBE_SECONDS = 1.0
# How often the end of an open loop is looked for; its length is not what is measured.
DRAIN_LOOK_SECONDS = 0.01
HEAD_END = b"\r\n\r\n"


class Broken(Exception):
    """The server hung up, or answered something that is no answer."""


@dataclass(slots=True)
class Tally:
    """What a round of requests came to: how many, how fast, and with what statuses."""

    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    last_body: bytes = b""

    @property
    def count(self) -> int:
        """How many requests were answered."""
        return sum(self.statuses.values())

    @property
    def per_second(self) -> float:
        """Answers per second."""
        return self.count / self.seconds if self.seconds else 0.0

    def percentile_ms(self, percent: float) -> float:
        """The latency that so many percent stay within, in milliseconds."""
        ordered = sorted(self.latencies)
        if not ordered:
            return 0.0
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


OnAnswer = Callable[["Connection", int, bytes], None]


class Connection(asyncio.Protocol):
    """One keep-alive connection with one request under way at most.

    Answers come by callback: a task for each request would cost as much as the server's own work.
    """

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._buffer = b""
        self._length = -1  # of the whole answer, once its head was read
        self._on_answer: OnAnswer | None = None
        self.broken: Broken | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # uvloop's transports can write without being of the class.
        self._transport = cast("asyncio.WriteTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whoever waits for an answer: status 0 is none."""
        self.broken = Broken(f"hung up: {exc}")
        if self._on_answer is not None:
            on_answer, self._on_answer = self._on_answer, None
            on_answer(self, 0, b"")

    def data_received(self, data: bytes) -> None:
        """Collect the answer; every answer of ours names its length."""
        if self._buffer:
            data = self._buffer + data
        if self._length < 0:
            end = data.find(HEAD_END)
            if end >= 0:
                self._length = end + len(HEAD_END) + body_length(data[:end])
        if self._length < 0 or len(data) < self._length:
            self._buffer = data
            return
        self._buffer, self._length = b"", -1
        on_answer, self._on_answer = self._on_answer, None
        if on_answer is not None:
            on_answer(self, int(data[9:12]), data)

    def send(self, request: bytes, on_answer: OnAnswer) -> None:
        """Ask, and have the status and the whole answer, head and body, told."""
        assert self._transport is not None
        if self.broken:
            raise self.broken
        self._on_answer = on_answer
        self._transport.write(request)

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Return the status and the whole answer."""
        answered: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self.send(request, lambda _, status, answer: answered.set_result((status, answer)))
        return await answered

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()


def body_length(head: bytes) -> int:
    """Return what the head says about the body's length."""
    at = head.find(b"Content-Length:")
    if at < 0:
        if head[9:12] in (b"204", b"304"):
            return 0
        raise Broken(f"an answer without a length: {head[:200]!r}")
    end = head.find(b"\r", at)
    return int(head[at + len(b"Content-Length:") : end if end > 0 else None])


async def answers(port: int, path: str) -> bool:
    """Say whether the server answers 200 there."""
    try:
        async with connections(port, 1) as opened, asyncio.timeout(PROBE_SECONDS):
            return (await opened[0].ask(request("GET", path, port)))[0] == 200
    except (OSError, Broken, TimeoutError):
        return False


@asynccontextmanager
async def connections(port: int, count: int) -> AsyncIterator[list[Connection]]:
    """Yield open connections to a port of this machine."""
    loop = asyncio.get_running_loop()
    opened = [
        (await loop.create_connection(Connection, "127.0.0.1", port))[1] for _ in range(count)
    ]
    try:
        yield opened
    finally:
        for connection in opened:
            connection.close()


async def closed_loop(
    opened: Sequence[Connection], requests: Iterator[bytes], seconds: float
) -> Tally:
    """Let every connection ask again as soon as it was answered, until the time or requests end."""
    tally = Tally()
    statuses, latencies, clock = tally.statuses, tally.latencies, time.perf_counter
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asking: dict[Connection, float] = {}

    def ask(connection: Connection, now: float) -> None:
        request = next(requests, None) if now < until else None
        if request is not None:
            asking[connection] = now
            connection.send(request, answered)
        elif not asking and not ended.done():
            ended.set_result(None)

    def answered(connection: Connection, status: int, answer: bytes) -> None:
        now = clock()
        statuses[status] = statuses.get(status, 0) + 1
        latencies.append(now - asking.pop(connection))
        tally.last_body = answer
        ask(connection, now)

    began = clock()
    until = began + seconds
    for connection in opened:
        ask(connection, began)
    async with asyncio.timeout(seconds + SILENCE_SECONDS):
        await ended
    tally.seconds = clock() - began
    return tally


async def open_loop(
    opened: Sequence[Connection], requests: Iterator[bytes], per_second: float, seconds: float
) -> Tally:
    """Ask at fixed moments, whether or not earlier answers have come.

    A latency counts from the moment the request was due: waiting for a free connection is waiting.
    """
    tally = Tally()
    free = deque(opened)
    waiting: deque[float] = deque()
    asking: dict[Connection, float] = {}

    def answered(connection: Connection, status: int, answer: bytes) -> None:
        tally.latencies.append(time.perf_counter() - asking.pop(connection))
        tally.statuses[status] = tally.statuses.get(status, 0) + 1
        tally.last_body = answer
        free.append(connection)
        start()

    def start() -> None:
        while waiting and free:
            connection = free.popleft()
            asking[connection] = waiting.popleft()
            connection.send(next(requests), answered)

    began = time.perf_counter()
    for number in range(int(per_second * seconds)):
        due = began + number / per_second
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        waiting.append(due)
        start()
    async with asyncio.timeout(SILENCE_SECONDS):
        while asking or waiting:
            await asyncio.sleep(DRAIN_LOOK_SECONDS)
    tally.seconds = time.perf_counter() - began
    return tally


def request(
    method: str, path: str, port: int, headers: str = "", body: bytes | None = None
) -> bytes:
    """Return a request as a browser's fetch sends it, headers of ours included."""
    length = (
        "" if body is None else f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    head = (
        f"{method} {path} HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{port}\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0\r\n"
        "Accept: application/json\r\n"
        "Accept-Language: en-GB,en;q=0.7,de;q=0.3\r\n"
        "Accept-Encoding: gzip, deflate\r\n"
        f"{headers}{length}\r\n"
    )
    return head.encode() + (body or b"")
