"""Server-sent events without a task, a request or a buffer for each reader: the streams of one server."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, ClassVar, Final

from aiohttp import web
from prometheus_client import Counter as CounterMetric

from groundwork.clock import Clock
from groundwork.errors import TooManyRequests
from groundwork.event_channel import Channel, Feed, Reader
from groundwork.metrics import STREAMS_DROPPED

# Proxies cut a silent connection after a minute or less. A board changes more often than this while
# the line runs; a comment says that a silent stream is still there.
HEARTBEAT_MS: Final = 15_000
HEARTBEAT: Final = b": still here\n\n"
# A reader who has not taken what was sent within this has gone, or holds memory that others need.
BEHIND_MS_MAX: Final = 10_000
TEND_EVERY_MS: Final = 1_000
# The kernel gives up a connection whose other end has acknowledged nothing for so long: a phone that
# lost its network says no farewell.
UNACKNOWLEDGED_MS_MAX: Final = 30_000
# What the kernel keeps for a reader who does not read: dozens of boards; it takes twice the number.
SEND_BUFFER_BYTES: Final = 32 * 1024
# Polling is the same document; a browser that finds no stream does that.
BUSY_RETRY_SECONDS: Final = 30
HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


class EventStreams:
    """All open streams of one server: bounded in all and for each owner, kept alive, ended with it."""

    def __init__(
        self, clock: Clock, kind: str, *, streams_max: int, owner_streams_max: int
    ) -> None:
        self._clock = clock
        self._streams_max = streams_max
        self._owner_streams_max = owner_streams_max
        self._dropped: CounterMetric = STREAMS_DROPPED.labels(kind)
        self._channels: dict[str, Channel] = {}
        self._owners: Counter[str] = Counter()
        self._count = 0
        # Told of every stream that comes (1) or goes (-1), by its channel's name.
        self.on_count: Callable[[str, int], None] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tend the streams while the block runs."""
        task = asyncio.create_task(self._tend())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def channel(self, name: str, feed: Feed) -> Channel:
        """Return the channel of that name; a name that has another feed by now gets a new one."""
        channel = self._channels.get(name)
        if channel is None or channel.feed is not feed:
            self.end(name)
            channel = self._channels[name] = Channel(
                name, feed, partial(self._note, name), self._clock
            )
        return channel

    def changed(self, name: str) -> None:
        """Tell the readers of a channel what is new, if there are any."""
        channel = self._channels.get(name)
        if channel is not None:
            channel.changed()

    def end(self, name: str) -> None:
        """End the streams of a channel; what it told about is gone."""
        channel = self._channels.pop(name, None)
        if channel is not None:
            channel.finish()

    async def close_all(self, _app: web.Application) -> None:
        """End every stream, so that the server can stop (an on_shutdown signal)."""
        for name in list(self._channels):
            self.end(name)

    def open(
        self, channel: Channel, cursor: Any, greeting: bytes, owner: str = ""
    ) -> "EventStream":
        """Return the answer that becomes a stream: the greeting, then what follows the cursor.

        Raises TooManyRequests when there are too many, in all or of an owner ("" is nobody's).
        """
        if self._count >= self._streams_max:
            raise TooManyRequests(BUSY_RETRY_SECONDS)
        if owner and self._owners[owner] >= self._owner_streams_max:
            raise TooManyRequests(BUSY_RETRY_SECONDS)
        return EventStream(channel, cursor, greeting, owner)

    def has_readers(self, name: str) -> bool:
        """Say whether anybody reads the channel."""
        channel = self._channels.get(name)
        return channel is not None and bool(channel.readers)

    def _note(self, name: str, reader: Reader, change: int) -> None:
        self._count += change
        if self.on_count is not None:
            self.on_count(name, change)
        if reader.owner:
            self._owners[reader.owner] += change
            if self._owners[reader.owner] == 0:
                del self._owners[reader.owner]

    async def _tend(self) -> None:
        while True:
            await self._clock.sleep_ms(TEND_EVERY_MS)
            now_ms = self._clock.monotonic_ms()
            for channel in list(self._channels.values()):
                late = [
                    reader
                    for reader, since_ms in channel.behind.items()
                    if now_ms - since_ms > BEHIND_MS_MAX
                ]
                for reader in late:
                    self._dropped.inc()
                    reader.abort()
                if now_ms - channel.told_at_ms > HEARTBEAT_MS:
                    channel.beat(HEARTBEAT)


class EventStream(web.StreamResponse):
    """An answer that begins as any other and then leaves aiohttp: its connection is a Reader's.

    So the request, its parser, its task and its timers are given back; a waiting fan costs the
    connection and a Reader.
    """

    documented_status: ClassVar[int] = 200
    media_type: ClassVar[str] = "text/event-stream"

    def __init__(self, channel: Channel, cursor: Any, greeting: bytes, owner: str) -> None:
        super().__init__(headers=HEADERS)
        self._channel = channel
        self._cursor = cursor
        self._greeting = greeting
        self._owner = owner

    async def write_eof(self, data: bytes = b"") -> None:
        """Send the greeting and hand the connection over; HEAD gets the head alone."""
        request = self._req
        assert request is not None
        if request.method == "HEAD":
            await super().write_eof(data)
            return
        await self.write(self._greeting)
        protocol = request.protocol
        transport = protocol.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the reader has left")
        self._eof_sent = True
        reader = Reader(
            self._channel, self._cursor, self._owner, is_chunked="Transfer-Encoding" in self.headers
        )
        _bound(transport)
        reader.take_over(transport, is_behind=protocol.writing_paused)
        # For aiohttp the connection is over; the transport must not be closed with it.
        protocol.transport = None
        protocol.connection_lost(None)
        if reader not in self._channel.behind:
            self._channel.catch_up(reader)


def _bound(transport: asyncio.BaseTransport) -> None:
    """Bound what the kernel keeps for the connection, and for how long."""
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            connection.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS_MAX
            )
