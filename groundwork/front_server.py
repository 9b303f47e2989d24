"""aiohttp's server with bounds on every connection and a quick way out: ready answers are written at once."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from aiohttp import HttpVersion11, web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestHandler, RequestPayloadError, _ErrInfo
from aiohttp.web_request import BaseRequest

from groundwork.body_count import BETWEEN_REQUESTS, UNKNOWN, bytes_owed
from groundwork.connection_watch import ConnectionWatch, Wait
from groundwork.front_calls import (
    FRONT_DOOR,
    FindAnswer,
    Found,
    FrontAnswer,
    FrontRequest,
    request_of,
)
from groundwork.malformed import REFUSAL_HEADERS, Refusal, head_size
from groundwork.plain_request import Peer
from groundwork.ready_answers import READY_ANSWERS, ReadyAnswers

# Before a connection is made.
NOBODY: Final = Peer("", "http")


class FrontProtocol(RequestHandler):
    """One connection. What is not a ready answer's request goes to aiohttp as it came.

    Bytes are looked at only where a request must begin: what came before ended with a whole one. So no
    part of a body or of a head is ever taken for a request. While aiohttp is at an earlier one, an
    answer waits for its turn among aiohttp's messages.
    """

    __slots__ = (
        "_answering",
        "_body_bytes_owed",
        "_came_behind",
        "_front",
        "_head_bytes",
        "_peer",
        "_takings",
        "owner",
    )

    def __init__(self, front: "FrontServer", **settings: Any) -> None:
        super().__init__(front, **settings)
        self._front = front
        self._peer = NOBODY
        self._body_bytes_owed = BETWEEN_REQUESTS
        # Of a head that has not come to its end.
        self._head_bytes = 0
        # How often the other end has taken what was too much for it at once.
        self._takings = 0
        # Who answers without the framework, and what came while they do.
        self._answering: asyncio.Task[None] | None = None
        self._came_behind = b""
        self.owner = ""

    def connection_made(self, transport: Any) -> None:
        """Take the connection, if there is room."""
        # On a Unix socket a peer has no address.
        address = str((transport.get_extra_info("peername") or ("",))[0])
        is_secure = transport.get_extra_info("sslcontext") is not None
        self._peer = Peer(address, "https" if is_secure else "http")
        self.owner = self._front.watch.owner_of(address)
        if self._front.watch.came(self):
            super().connection_made(transport)
        else:
            transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the room back, also when the connection becomes a stream that is bounded as such."""
        self._front.watch.went(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Answer at once, or let aiohttp do it."""
        if self._answering is not None:
            self._came_behind += data
            if self.transport is not None and self.transport.is_reading():
                self.transport.pause_reading()
            return
        if (
            self._body_bytes_owed == BETWEEN_REQUESTS
            and not self._messages
            and not self._upgraded
            and not self._paused  # who does not take answers gets none from here
        ):
            answer = self._front.find(data, self._peer)
            if answer is not None:
                self._answer(answer)
                return
        is_idle = self._waiter is not None and not self._waiter.done()
        if self._body_bytes_owed != UNKNOWN:
            self._body_bytes_owed = bytes_owed(data, self._body_bytes_owed)
        super().data_received(data)
        if is_idle:
            self._bound_head(len(data))
        if self._messages and isinstance(self._messages[-1][0], _ErrInfo):
            self._end_broken_body()

    def _end_broken_body(self) -> None:
        """Tell who reads a body that the rest of it is no body; aiohttp leaves them waiting for it."""
        if len(self._messages) > 1:
            payload = self._messages[-2][1]
        elif self._current_request is not None:
            payload = self._current_request._payload  # noqa: SLF001
        else:
            return
        if not payload.is_eof():
            self._messages.pop()
            payload.set_exception(RequestPayloadError("the body is malformed"))
            payload.feed_eof()
            self.close()  # after the answer that is under way

    def _answer(self, answer: bytes | Found) -> None:
        """Write the answer now, or have it written in its turn."""
        waiter = self._waiter
        is_idle = waiter is not None and not waiter.done()
        if is_idle and self.transport is not None:
            self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
            if isinstance(answer, bytes):
                self.transport.write(answer)
            else:
                self._answering = self._front.begin(self._answer_later(answer))
            return
        self._request_count += 1
        self._messages.append((FrontRequest(answer), EMPTY_PAYLOAD))  # type: ignore[arg-type]
        self._wake()

    def _wake(self) -> None:
        """Let aiohttp look at its messages."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _answer_later(self, answering: Found) -> None:
        """Write the answer when it is there, then look at what came behind its request."""
        try:
            try:
                answer = await answering()
            finally:
                self._front.ended(self._answering)
            self._answering = None
            if self.transport is None:
                return
            self.transport.write(answer)
            self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
            if self._came_behind:
                came, self._came_behind = self._came_behind, b""
                self.transport.resume_reading()
                self.data_received(came)
        except Exception as error:
            self.log_exception("Nobody answered", exc_info=error)
            self.force_close()
        except asyncio.CancelledError:
            self.force_close()
            raise

    def _process_keepalive(self) -> None:
        """End a connection that nobody has used for long; one with an answer under way is in use."""
        if self._answering is not None:
            self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        super()._process_keepalive()

    def _handle_request(self, request: Any, start_time: Any, request_handler: Any) -> Any:
        if isinstance(request, FrontRequest):
            request_handler = FrontRequest.answered
        return super()._handle_request(request, start_time, request_handler)

    async def finish_response(
        self, request: Any, resp: Any, start_time: float | None
    ) -> tuple[Any, bool]:
        """Send the answer; says whether the other end has gone.

        A connection ends where another protocol was asked for and none began: the library drops what
        came behind such a request, and would read on in the middle of the next.
        """
        if not isinstance(resp, FrontAnswer):
            if "Upgrade" in request.headers and self._payload_parser is None:
                resp.force_close()
            return await super().finish_response(request, resp, start_time)
        if self.transport is None:
            return resp, True
        self.transport.write(resp.data)
        return resp, False

    def _bound_head(self, bytes_count: int) -> None:
        """Refuse a head that is too large, whether or not it has come to its end."""
        self._head_bytes += bytes_count
        limit = self._front.watch.limits.head_bytes_max
        if self._head_bytes > limit and (
            not self._messages or any(head_size(message) > limit for message, _ in self._messages)
        ):
            refusal = _ErrInfo(431, LineTooLong(b"the head", limit), "the head is too large")
            self._messages.clear()
            self._messages.append((refusal, EMPTY_PAYLOAD))
            self._wake()
        if self._messages:
            self._head_bytes = 0

    def resume_writing(self) -> None:
        """The other end takes what it is sent."""
        self._takings += 1
        super().resume_writing()

    def waits(self) -> Iterator[tuple[Wait, object, float]]:
        """Yield what the other end lets us wait for."""
        transport = self.transport
        if transport is None:
            return
        if transport.get_write_buffer_size() > 0:
            yield Wait.TAKING, self._takings, 0
        if self._head_bytes and self.waits_since() is not None:
            yield Wait.HEAD, self._request_count, 0
        request = self._current_request
        if request is not None and not self._reading_paused and not self._upgraded:
            payload = request._payload  # noqa: SLF001 (who reads it by its public name is answered)
            if not payload.is_eof():
                yield Wait.BODY, self._request_count, payload.total_bytes

    def waits_since(self) -> float | None:
        """Return since when nothing is under way, by the loop's clock; None when something is."""
        is_busy = self._messages or self._answering is not None
        if self._waiter is None or self._waiter.done() or is_busy or not self.transport:
            return None
        return float(self._next_keepalive_close_time)

    def drop(self) -> None:
        """Break the connection off; what was not sent is dropped."""
        if self.transport is not None:
            self.transport.abort()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no request, and close: nobody knows where the next one would begin.

        Nothing of it is repeated, and a flood of them is a line a second in the log.
        """
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or request.writer.output_size > 0:
            return super().handle_error(request, status, exc, message)
        self._front.watch.malformed(type(exc).__name__)
        request._version = HttpVersion11  # noqa: SLF001 (the library guesses an older one)
        return Refusal(status, self._front.refusal_headers)


class FrontServer(web.Server):
    """Makes a FrontProtocol for each connection."""

    def __init__(self, app: web.Application, watch: ConnectionWatch, server: web.Server) -> None:
        super().__init__(
            server.request_handler,
            request_factory=partial(request_of, server.request_factory),
            handler_cancellation=server.handler_cancellation,
            loop=server._loop,  # noqa: SLF001 (aiohttp's own server, taken over as it is)
            **server._kwargs,  # noqa: SLF001
        )
        self._ready: ReadyAnswers | None = app.get(READY_ANSWERS)
        self._find: FindAnswer | None = app.get(FRONT_DOOR)
        self.refusal_headers: Mapping[str, str] = app.get(REFUSAL_HEADERS, {})
        self.watch = watch
        # Answers under way, also to who has hung up meanwhile.
        self._answering: set[asyncio.Task[None]] = set()

    def find(self, data: bytes, peer: Peer) -> bytes | Found | None:
        """Return the answer to the bytes, or who will give it; None leaves them to aiohttp."""
        answer = self._ready.find(data) if self._ready else None
        if answer is None and self._find is not None:
            return self._find(data, peer)
        return answer

    def begin(self, answer: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let an answer be given; the server does not stop before it has `ended`."""
        task = self._loop.create_task(answer)
        self._answering.add(task)
        return task

    def ended(self, answer: asyncio.Task[None] | None) -> None:
        """Wait no longer for an answer: it is there and goes out now, or there will be none."""
        if answer is not None:
            self._answering.discard(answer)

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 (aiohttp's)
        """Stop: answers under way are given first, those that take longer than `timeout` s are not."""
        if self._answering:
            _, late = await asyncio.wait(self._answering, timeout=timeout)
            for task in late:
                task.cancel()
        await super().shutdown(timeout)

    def __call__(self) -> RequestHandler:
        """Return the protocol of a new connection."""
        return FrontProtocol(self, loop=self._loop, **self._kwargs)
