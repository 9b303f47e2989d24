"""A door with nothing before it but what every request passes: no stores, no waiting room."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from gateway.edge.hosts import Hosts
from gateway.edge.one_meaning import HOSTS, refuse_other_meanings
from gateway.edge.request_id import request_id
from gateway.origin.fan_body import expect_later
from gateway.origin.opening import open_http_door
from gateway.origin.over_http import HttpDoor
from gateway.origin.pool import Resolve, resolve_name
from gateway.origin.settings import OriginSettings
from groundwork.access_log import access_log
from groundwork.clock import SystemClock
from groundwork.problem_json import problem_json
from tests.support.opening import served

IDENTITY = "v1.signed.here"


def gateway_app(door: HttpDoor) -> web.Application:
    async def pass_on(request: web.Request) -> web.StreamResponse:
        return await door.forward(request, IDENTITY)

    async def end_streams(_: web.Application) -> None:
        await door.end_streams()

    app = web.Application(
        middlewares=[request_id, access_log("test"), problem_json, refuse_other_meanings]
    )
    app[HOSTS] = Hosts(())
    app.router.add_route("*", "/{path:.*}", pass_on, expect_handler=expect_later)
    app.on_shutdown.append(end_streams)
    return app


@asynccontextmanager
async def gate_to(
    *origin_urls: str, public_url: str = "", resolve: Resolve = resolve_name, **settings: Any
) -> AsyncIterator[tuple[str, HttpDoor]]:
    """Yield the address of a gateway in front of these, and its door."""
    origin = OriginSettings(origin_urls=",".join(origin_urls), **settings)
    async with (
        open_http_door(origin, SystemClock(), random.Random(7), public_url, resolve) as door,
        served(gateway_app(door)) as url,
    ):
        yield url, door


class RawServer:
    """Keeps what it is sent, and answers with bytes that are given."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.heads: list[bytes] = []
        self.keeps_waiting = False
        self.connections = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                if self.keeps_waiting:
                    continue
                if not self.answer:
                    break
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self.handle, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()


async def exchange(url: str, content: bytes, *, until: bytes = b"") -> bytes:
    """Send bytes as they are; return what comes until the server closes, or `until` was seen."""
    at = urlsplit(url)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    received = b""
    try:
        writer.write(content)
        async with asyncio.timeout(5):
            while not (until and until in received):
                part = await reader.read(65_536)
                if not part:
                    break
                received += part
    except (TimeoutError, ConnectionError):
        pass
    finally:
        writer.close()
    return received


async def get(url: str, path: str = "/", *lines: str, method: str = "GET") -> bytes:
    """Return the whole answer to a request whose connection is closed after it."""
    head = [f"{method} {path} HTTP/1.1", "Host: shop.example", "Connection: close", *lines]
    return await exchange(url, "\r\n".join([*head, "", ""]).encode("latin-1"))
