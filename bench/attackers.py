"""Who attacks, as a process of its own: connections that let the server wait, and requests that are none.

`python -m bench.attackers slow|flood PORT NUMBER` says `ready` when all of it is under way, and what
came of it when it is told to stop.
"""

import asyncio
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count, cycle
from typing import cast

import uvloop

from bench.material import SALE_ID

# Of 127.0.0.0/8: as many as nobody bounds by address, for they are not of the public internet.
ADDRESSES_PER_NET = 250
# One byte in this: each connection shows life, and none gets anywhere.
DRIP_SECONDS = 1.0
# Not all at once, for they know nothing of each other. No multiple of the number of kinds.
DRIP_TURNS = 25
# Opened at once: fewer than a listener's backlog.
OPENED_AT_ONCE = 200
# Who reads nothing should not have it kept on this side.
RECEIVE_BYTES = 4 * 1024
# Pauses before a dropped attacker comes back, one after the other; at once would be another attack.
BACK_SECONDS = (0.5, 1.7, 2.9, 4.1, 5.3, 0.9, 2.1, 3.3, 4.5)
# A file of 20 KB so often: more than is kept for who does not read.
ASKED_AT_ONCE = 12
FLOODERS = 200

HOST = "Host: 127.0.0.1\r\n"
STATUS = f"/api/sales/{SALE_ID}/status"
JOIN = f"/api/sales/{SALE_ID}/join"
# What each kind sends at once, and what of it drips.
SLOW_KINDS: tuple[tuple[bytes, bytes], ...] = (
    (f"GET {STATUS} HTTP/1.1\r\n{HOST}X-Slow: ".encode(), b"y"),
    (f"POST {JOIN} HTTP/1.1\r\n{HOST}Content-Length: 60000\r\n\r\n".encode(), b"{"),
    (f"GET /static/base/base.css HTTP/1.1\r\n{HOST}\r\n".encode() * ASKED_AT_ONCE, b""),
    (b"", b""),
)


def _post(path: str, headers: str, body: str) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\n{HOST}{headers}Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


FORGED = "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJvbnNhbGUifQ.x\r\n"
BAD_REQUESTS: tuple[bytes, ...] = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS where there is none
    f"POST {JOIN} HTTP/1.1\r\n{HOST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n".encode(),
    f"GET {STATUS} HTTP/1.1\r\n{HOST}X: {'x' * 20_000}\r\n\r\n".encode(),
    _post(JOIN, "", '{"altcha":"bm90aGluZw=="}'),
    _post(JOIN, "", "{" * 1_000),
    _post("/api/bookings/reserve", FORGED, '{"event_id":"x","seat_ids":["A-1"]}'),
    _post("/webhooks/payments/practice", "", '{"type":"paid"}'),
    f"GET /api/sales/{SALE_ID}/place HTTP/1.1\r\n{HOST}{FORGED}\r\n".encode(),
    f"GET /wp-login.php HTTP/1.1\r\n{HOST}\r\n".encode(),
    f"GET /../../etc/passwd HTTP/1.1\r\n{HOST}\r\n".encode(),
)  # fmt: skip


class SlowClient(asyncio.Protocol):
    """One connection that lets the server wait."""

    def __init__(self, clients: "SlowClients", number: int) -> None:
        self._clients = clients
        self._number = number
        self._begin, self._drip = SLOW_KINDS[number % len(SLOW_KINDS)]
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what is sent at once."""
        self._transport = cast("asyncio.Transport", transport)
        if self._begin:
            self._transport.pause_reading()
            self._transport.write(self._begin)

    def drip(self) -> None:
        """Send one byte more."""
        if self._transport is not None and self._drip:
            self._transport.write(self._drip)

    def connection_lost(self, exc: Exception | None) -> None:
        """Come back."""
        self._transport = None
        self._clients.lost(self._number)

    def close(self) -> None:
        """Leave."""
        if self._transport is not None:
            self._transport.abort()


class SlowClients:
    """So many slow connections, each from an address of its own; who is dropped comes back."""

    def __init__(self, port: int, clients: int) -> None:
        self._port = port
        self._clients = clients
        self._open: dict[int, SlowClient] = {}
        self._is_leaving = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.dropped = 0

    @asynccontextmanager
    async def attacking(self) -> AsyncIterator[None]:
        """Let the server wait while the block runs; it begins when all are connected."""
        for start in range(0, self._clients, OPENED_AT_ONCE):
            numbers = range(start, min(start + OPENED_AT_ONCE, self._clients))
            await asyncio.gather(*(self._come(number) for number in numbers))
        dripping = asyncio.create_task(self._keep_dripping())
        try:
            yield
        finally:
            self._is_leaving = True
            for task in (dripping, *self._tasks):
                task.cancel()
            await asyncio.gather(dripping, *self._tasks, return_exceptions=True)
            for client in list(self._open.values()):
                client.close()

    def lost(self, number: int) -> None:
        """Count a client that was dropped, and let it come back."""
        self._open.pop(number, None)
        if not self._is_leaving:
            self.dropped += 1
            task = asyncio.create_task(self._come(number, BACK_SECONDS[number % len(BACK_SECONDS)]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _come(self, number: int, after_seconds: float = 0.0) -> None:
        await asyncio.sleep(after_seconds)
        connection = socket.socket()
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        net, host = divmod(number, ADDRESSES_PER_NET)
        connection.bind((f"127.0.{net + 1}.{host + 1}", 0))
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_connect(connection, ("127.0.0.1", self._port))
            _, client = await loop.create_connection(
                lambda: SlowClient(self, number), sock=connection
            )
        except OSError:
            connection.close()
            self.lost(number)
        else:
            self._open[number] = client

    async def _keep_dripping(self) -> None:
        for turn in count():
            await asyncio.sleep(DRIP_SECONDS / DRIP_TURNS)
            for number, client in list(self._open.items()):
                if number % DRIP_TURNS == turn % DRIP_TURNS:
                    client.drip()


class Flood:
    """Bad requests of every kind at a rate, whatever becomes of them."""

    def __init__(self, port: int, per_second: float) -> None:
        self._port = port
        self._per_second = per_second
        self.statuses: Counter[str] = Counter()

    @asynccontextmanager
    async def attacking(self) -> AsyncIterator[None]:
        """Flood while the block runs."""
        kinds = cycle(BAD_REQUESTS)
        loop = asyncio.get_running_loop()
        began, sent = loop.time(), 0

        async def keep_asking() -> None:
            nonlocal sent
            while True:
                connection = None
                with suppress(OSError):
                    connection = await asyncio.open_connection("127.0.0.1", self._port)
                if connection is None:
                    await asyncio.sleep(BACK_SECONDS[0])
                    continue
                reader, writer = connection
                try:
                    while True:
                        due = began + sent / self._per_second
                        sent += 1
                        await asyncio.sleep(max(0.0, due - loop.time()))
                        writer.write(next(kinds))
                        head = await reader.readuntil(b"\r\n\r\n")
                        self.statuses[head[9:12].decode("ascii", "replace")] += 1
                        await reader.readexactly(_length(head))
                except (OSError, asyncio.IncompleteReadError):
                    pass  # what is no request is answered once, and its connection closed
                finally:
                    writer.transport.abort()

        tasks = [asyncio.create_task(keep_asking()) for _ in range(FLOODERS)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _length(head: bytes) -> int:
    _, _, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r")[0] or 0)


async def attack(kind: str, port: int, number: int) -> None:
    """Attack until told to stop, and print what came of it."""
    stopped = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stopped.set)
    if kind == "slow":
        slow = SlowClients(port, number)
        async with slow.attacking():
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            await stopped.wait()
        sys.stdout.write(f"dropped {slow.dropped}\n")
    else:
        flood = Flood(port, number)
        async with flood.attacking():
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            await stopped.wait()
        sys.stdout.write(f"answered {dict(sorted(flood.statuses.items()))}\n")


if __name__ == "__main__":
    uvloop.run(attack(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
