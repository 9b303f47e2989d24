"""A waiting room whose board a test changes under the eyes of a browser."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.pages import preview, sample_room

# Streams never end by themselves, and nobody reads them any more when a test is over.
SHUTDOWN_SECONDS_MAX = 0.1


class BoardStream:
    """Shows the page of one sale, and pushes what the test tells to everybody who looks."""

    def __init__(self, server: TestServer, page: dict[str, Any]) -> None:
        self.url = ""
        self.server = server
        self.page = page
        self.board = preview.live_board()
        self.changed = asyncio.Condition()
        self.place: dict[str, Any] = {"place": None, "entry_number": None}
        self.places_asked = 0
        # Whether streams are refused, and whether those that are open say nothing.
        self.is_refusing = self.is_silent = False
        self.streams = self.polls = 0

    async def tell(self, **changes: Any) -> None:
        """Push a newer board."""
        fresh = preview.live_board(**changes)
        self.board = fresh | {"seq": self.board["seq"] + 1}
        await self.push()

    async def push(self) -> None:
        """Push the board as it is."""
        async with self.changed:
            self.changed.notify_all()

    async def answer(self, request: web.Request) -> web.StreamResponse | None:
        """Answer what the preview would answer with boards of its own."""
        if request.path == "/sales/demo":
            view = sample_room.waiting(
                board_json=json.dumps(self.board), now_ms=self.board["at_ms"], **self.page
            )
            return preview.page(request, "waiting_room.html", view)
        if request.path.endswith("/place"):
            self.places_asked += 1
            return web.json_response(self.place)
        if request.path.endswith("/status"):
            self.polls += 1
            return web.json_response(self.board)
        return await self._stream(request) if request.path.endswith("/events") else None

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if self.is_refusing:
            return preview.problem(429, "too-many-requests", retry_after=30)
        self.streams += 1
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        async with self.changed:
            while True:
                if not self.is_silent:
                    data = json.dumps(self.board)
                    await response.write(f"event: board\ndata: {data}\n\n".encode())
                await self.changed.wait()


@asynccontextmanager
async def board_stream(**page: Any) -> AsyncIterator[BoardStream]:
    """Serve the preview with such a waiting room in front."""
    app = preview.make_app()
    stream = BoardStream(TestServer(app), page)

    @web.middleware
    async def answer_first(request: web.Request, handler: Any) -> web.StreamResponse:
        return await stream.answer(request) or await handler(request)

    app.middlewares.append(answer_first)
    await stream.server.start_server(shutdown_timeout=SHUTDOWN_SECONDS_MAX)
    stream.url = f"http://localhost:{stream.server.port}/sales/demo"
    yield stream
    await stream.server.close()
