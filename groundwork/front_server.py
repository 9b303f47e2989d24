"""aiohttp's server with a quick way out: ready answers are written before the framework is woken."""

import re
from typing import Any, Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from groundwork.ready_answers import READY_ANSWERS, ReadyAnswers

HEAD_END: Final = b"\r\n\r\n"
CONTENT_LENGTH: Final = re.compile(rb"\r\ncontent-length: ?([0-9]{1,9})\r\n")
# Where a connection's bytes end: so many of a body are still to come, or nobody can tell any more.
BETWEEN_REQUESTS: Final = 0
UNKNOWN: Final = -1


class FrontProtocol(RequestHandler):
    """One connection. What is not a ready answer's request goes to aiohttp as it came.

    Bytes are looked at only where a request must begin: aiohttp waits for one, and what it was given
    before ended with a whole request. So no part of a body or of a head is ever taken for a request.
    """

    __slots__ = ("_body_bytes_owed", "_ready")

    def __init__(self, manager: web.Server, ready: ReadyAnswers, **settings: Any) -> None:
        super().__init__(manager, **settings)
        self._ready = ready
        self._body_bytes_owed = BETWEEN_REQUESTS

    def data_received(self, data: bytes) -> None:
        """Answer at once, or let aiohttp do it."""
        waiter = self._waiter
        if (
            self._body_bytes_owed == BETWEEN_REQUESTS
            and waiter is not None
            and not waiter.done()
            and not self._paused  # who does not take answers gets none from here
            and self.transport is not None
        ):
            answer = self._ready.find(data)
            if answer is not None:
                self.transport.write(answer)
                self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
                return
        if self._body_bytes_owed != UNKNOWN:
            self._body_bytes_owed = bytes_owed(data, self._body_bytes_owed)
        super().data_received(data)


def bytes_owed(data: bytes, owed: int) -> int:
    """Return how many bytes of a body are missing after these, or UNKNOWN when that is not certain.

    `owed` are those that were missing before.
    """
    if owed == BETWEEN_REQUESTS and data:  # aiohttp calls itself with nothing, to go on reading
        end = data.find(HEAD_END)
        if end < 0:
            return UNKNOWN
        end += len(HEAD_END)
        head = data[:end].lower()
        if b"transfer-encoding" in head or b"upgrade" in head:
            return UNKNOWN
        if b"content-length" in head:
            length = CONTENT_LENGTH.search(head)
            if length is None or head.count(b"content-length") > 1:
                return UNKNOWN
            owed = int(length[1])
        data = data[end:]
    owed -= len(data)
    return owed if owed >= 0 else UNKNOWN


class FrontServer(web.Server):
    """Makes a FrontProtocol for each connection."""

    def __init__(self, ready: ReadyAnswers, server: web.Server) -> None:
        super().__init__(
            server.request_handler,
            request_factory=server.request_factory,
            handler_cancellation=server.handler_cancellation,
            loop=server._loop,  # noqa: SLF001 (aiohttp's own server, taken over as it is)
            **server._kwargs,  # noqa: SLF001
        )
        self._ready = ready

    def __call__(self) -> RequestHandler:
        """Return the protocol of a new connection."""
        return FrontProtocol(self, self._ready, loop=self._loop, **self._kwargs)


class FrontRunner(web.AppRunner):
    """Runs an application; one that has READY_ANSWERS gives them from a quick way out."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        ready = self.app.get(READY_ANSWERS)
        return server if ready is None else FrontServer(ready, server)
