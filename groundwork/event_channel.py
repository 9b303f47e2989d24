"""One source of server-sent events and its readers: the same bytes to all, a slice of them at a time."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import structlog

from groundwork.clock import Clock

# Readers written to in one turn of the event loop: two milliseconds, then others have their turn.
SLICE: Final = 200
# A round of writing rests for as long as it took: with tens of thousands of readers, news that come
# every second would else leave no time to those who join. Shorter rounds need no rest.
ROUND_MS_MIN: Final = 50
LAST_CHUNK: Final = b"0\r\n\r\n"

log = structlog.get_logger()


class Feed(Protocol):
    """What is told. A cursor says what a reader has; only the feed knows what it means."""

    def after(self, cursor: Any) -> tuple[bytes, Any]:
        """Return the events that follow (b"" for none) and the cursor of who has them."""


def chunk(data: bytes) -> bytes:
    """Return the data as a chunk of HTTP/1.1."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Reader(asyncio.Protocol):
    """One open stream, and all that is kept for it: the request is over and forgotten.

    What the transport could not send yet is the only thing that waits for a reader; until it is
    gone the reader gets nothing more, and then what is new at that time.
    """

    __slots__ = ("_channel", "_is_chunked", "_transport", "cursor", "owner")

    def __init__(self, channel: "Channel", cursor: Any, owner: str, *, is_chunked: bool) -> None:
        self._channel = channel
        self._transport: asyncio.Transport | None = None
        self._is_chunked = is_chunked
        self.cursor = cursor
        self.owner = owner

    def take_over(self, transport: asyncio.Transport, *, is_behind: bool) -> None:
        """Speak on this connection from now on."""
        self._transport = transport
        transport.set_protocol(self)
        self._channel.readers.add(self)
        self._channel.count(self, 1)
        if is_behind:
            self.pause_writing()
        # Whatever cannot be sent at once means that the reader is behind. Not 0: transports with TLS
        # take that for behind at once, with nothing that could be sent.
        transport.set_write_buffer_limits(high=1)

    def write(self, plain: bytes, chunked: bytes) -> None:
        """Send the events in the framing of this stream."""
        if self._transport is not None:
            self._transport.write(chunked if self._is_chunked else plain)

    def pause_writing(self) -> None:
        """The reader does not keep up."""
        self._channel.behind.setdefault(self, self._channel.now_ms())

    def resume_writing(self) -> None:
        """The reader has taken all; it gets what came meanwhile."""
        if self._channel.behind.pop(self, None) is not None:
            self._channel.catch_up(self)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002
        """Who has asked for a stream has nothing more to say on this connection."""
        self.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Forget the reader."""
        self._transport = None
        self._channel.forget(self)

    def finish(self) -> None:
        """End the stream as HTTP ends an answer; nobody waits for a reader who is behind."""
        if self._transport is None:
            return
        if self in self._channel.behind:
            self._transport.abort()
            return
        if self._is_chunked:
            self._transport.write(LAST_CHUNK)
        self._transport.close()

    def abort(self) -> None:
        """Break the connection off; what was not sent is dropped."""
        if self._transport is not None:
            self._transport.abort()


class Channel:
    """All readers of one feed in this process."""

    def __init__(
        self, name: str, feed: Feed, count: Callable[["Reader", int], None], clock: Clock
    ) -> None:
        self.name = name
        self.feed = feed
        self.count = count
        self.readers: set[Reader] = set()
        # Since when they are.
        self.behind: dict[Reader, float] = {}
        self.told_at_ms = clock.monotonic_ms()
        self._clock = clock
        self._round: Iterator[Reader] | None = None
        self._began_ms = 0.0
        self._rest: asyncio.TimerHandle | None = None
        self._is_due_again = False
        # What this round has for each cursor; most readers have the same.
        self._told: dict[Any, tuple[bytes, bytes, Any]] = {}

    def now_ms(self) -> float:
        """Return a reading to measure lengths with."""
        return self._clock.monotonic_ms()

    def changed(self) -> None:
        """Tell every reader what is new. A round under way is finished first, and its rest."""
        if self._round is not None or self._rest is not None:
            self._is_due_again = True
        elif self.readers:
            self._began_ms = self.now_ms()
            self._round = iter(list(self.readers))
            self._tell_a_slice()

    def catch_up(self, reader: Reader) -> None:
        """Tell one reader what is new."""
        events, framed, reader.cursor = self._after(reader.cursor)
        if events:
            reader.write(events, framed)

    def beat(self, comment: bytes) -> None:
        """Show every reader that the stream is alive, and the proxies between us."""
        self.told_at_ms = self.now_ms()
        framed = chunk(comment)
        for reader in self.readers - self.behind.keys():
            reader.write(comment, framed)

    def forget(self, reader: Reader) -> None:
        """The reader has gone."""
        if reader in self.readers:
            self.readers.discard(reader)
            self.behind.pop(reader, None)
            self.count(reader, -1)

    def finish(self) -> None:
        """End every stream; browsers come back."""
        for reader in list(self.readers):
            reader.finish()

    def _after(self, cursor: Any) -> tuple[bytes, bytes, Any]:
        """Return the events that follow, plain and framed, and the cursor of who has them.

        A feed that fails breaks every stream off: browsers come back, and nobody misses a thing.
        """
        try:
            events, after = self.feed.after(cursor)
        except Exception:
            log.exception("a feed failed", channel=self.name)
            for reader in list(self.readers):
                reader.abort()
            return b"", b"", cursor
        return events, chunk(events), after

    def _tell_a_slice(self) -> None:
        assert self._round is not None
        behind, told = self.behind, self._told
        left = SLICE
        for reader in self._round:
            if reader in behind or reader not in self.readers:
                continue
            cursor = reader.cursor
            if cursor not in told:
                told[cursor] = self._after(cursor)
            events, framed, reader.cursor = told[cursor]
            if events:
                reader.write(events, framed)
                left -= 1
                if left == 0:
                    asyncio.get_running_loop().call_soon(self._tell_a_slice)
                    return
        self.told_at_ms = self.now_ms()
        self._round = None
        self._told = {}
        took_ms = self.told_at_ms - self._began_ms
        if took_ms < ROUND_MS_MIN:
            self._rested()
        else:
            self._rest = asyncio.get_running_loop().call_later(took_ms / 1000, self._rested)

    def _rested(self) -> None:
        self._rest = None
        if self._is_due_again:
            self._is_due_again = False
            self.changed()
