"""A server with nothing behind it but the bounds of its connections, for tests that are in a hurry."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from groundwork.connection_watch import ConnectionLimits, ConnectionWatch
from groundwork.front_runner import FrontRunner, nobody
from groundwork.front_site import FrontSite
from groundwork.malformed import REFUSAL_HEADERS
from groundwork.problem_json import problem_json
from groundwork.ready_answers import READY_ANSWERS, ReadyAnswers

HURRIED = ConnectionLimits(head_ms=600, body_ms=600, body_bytes_per_second=100, taking_ms=600)
LARGE_BYTES = 4 * 1024 * 1024


def small_app() -> web.Application:
    async def take(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    async def give(_: web.Request) -> web.Response:
        return web.Response(body=b"x" * LARGE_BYTES)

    async def ready(_: web.Request) -> web.Response:
        return web.Response(body=b"ready")

    app = web.Application(middlewares=[problem_json])
    app.router.add_post("/take", take)
    app.router.add_get("/give", give)
    app.router.add_get("/ready", ready)
    # Two polls that arrive together are the framework's, and all that follow on their connection.
    app.router.add_get("/large", give)
    app[REFUSAL_HEADERS] = {"X-Content-Type-Options": "nosniff"}
    app[READY_ANSWERS] = ReadyAnswers("test", {})
    app[READY_ANSWERS].put("/ready", "/ready", b"ready", '"1"', {}, 0)
    app[READY_ANSWERS].put("/large", "/large", b"y" * 65_536, '"2"', {}, 0)
    return app


@asynccontextmanager
async def small_server(
    limits: ConnectionLimits = HURRIED,
    owner_of: Callable[[str], str] = nobody,
    is_kernel_bounded: bool = False,
    **settings: Any,
) -> AsyncIterator[tuple[int, ConnectionWatch]]:
    """Yield the port and the watch of a running server."""
    runner = FrontRunner(
        small_app(),
        access_log=None,
        limits=limits,
        owner_of=owner_of,
        shutdown_timeout=0.1,
        **settings,
    )
    await runner.setup()
    try:
        kind = FrontSite if is_kernel_bounded else web.TCPSite
        await kind(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1], runner.watch
    finally:
        await runner.cleanup()
