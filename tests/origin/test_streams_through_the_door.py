"""Long answers, long bodies, slow readers, fans who leave, and two ends that talk."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from tests.origin.gate_in_front import exchange, gate_to
from tests.support.opening import served

PATIENCE_S = 10.0
MEGABYTE = 1 << 20
# What the kernel and both servers may hold of a stream whose reader has stopped: the socket buffers
# of three connections. Far less than what is offered.
HELD_BYTES_MAX = 24 * MEGABYTE
OFFERED_BYTES = 96 * MEGABYTE


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(0.01)


class StreamingShop:
    """Streams, takes uploads, and notes how far it came."""

    def __init__(self) -> None:
        self.sent = 0
        self.received = 0
        self.opened = 0
        self.prepare = web.WebSocketResponse.prepare
        self.ended: list[str] = []
        self.go_on = asyncio.Event()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_get("/stream", self.stream)
        app.router.add_route("*", "/wait", self.wait)
        app.router.add_get("/news", self.news)
        app.router.add_post("/upload", self.upload)
        app.router.add_post("/early", self.early)
        app.router.add_get("/socket", self.socket)
        app.router.add_get("/refusing", self.refuse)
        return app

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(OFFERED_BYTES // MEGABYTE):
            await response.write(b"x" * MEGABYTE)
            self.sent += MEGABYTE
        return response

    async def wait(self, request: web.Request) -> web.Response:
        try:
            await self.go_on.wait()
            self.ended.append("answered")
        except asyncio.CancelledError:
            self.ended.append("cancelled")
            raise
        return web.Response(text="late")

    async def news(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        try:
            for number in range(1000):
                await response.write(b"data: %d\n\n" % number)
                await self.go_on.wait()
                self.go_on.clear()
        except (ConnectionError, asyncio.CancelledError):
            self.ended.append("news")
            raise
        return response

    async def upload(self, request: web.Request) -> web.Response:
        async for part in request.content.iter_any():
            self.received += len(part)
            await self.go_on.wait()
        return web.Response(text=str(self.received))

    async def early(self, request: web.Request) -> web.Response:
        return web.Response(status=403, text="no need to go on")

    async def socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("chat", "other"))
        await self.prepare(socket, request)
        self.opened += 1
        await socket.send_str(str(request.headers["Onsale-Identity"]))
        try:
            async for message in socket:
                if message.data == "end":
                    await socket.close(code=4001, message=b"enough")
                elif message.type is WSMsgType.TEXT:
                    await socket.send_str(message.data[::-1])
                else:
                    await socket.send_bytes(message.data + b"!")
        finally:
            self.ended.append(f"socket {socket.close_code}")
        return socket

    async def refuse(self, request: web.Request) -> web.Response:
        return web.Response(status=403)


@pytest.fixture
async def shop() -> StreamingShop:
    return StreamingShop()


@pytest.fixture
async def origin(shop: StreamingShop) -> AsyncIterator[str]:
    async with served(shop.app(), cancels_handlers=True) as url:
        yield url


@pytest.fixture
async def fan() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_a_slow_reader_holds_the_shop_back_and_not_our_memory(
    shop: StreamingShop, origin: str, fan: aiohttp.ClientSession
) -> None:
    async with gate_to(origin) as (url, _), fan.get(f"{url}/stream") as answer:
        await answer.content.read(1)
        before = -1
        while shop.sent != before:  # until nothing moves any more
            before = shop.sent
            await asyncio.sleep(0.3)
        assert 0 < shop.sent <= HELD_BYTES_MAX
        count = 1
        async for part in answer.content.iter_any():
            count += len(part)
        assert count == OFFERED_BYTES


async def test_a_reader_who_stops_is_let_go(
    shop: StreamingShop, origin: str, fan: aiohttp.ClientSession
) -> None:
    async with (
        gate_to(origin, origin_fan_ms=200) as (url, door),
        fan.get(f"{url}/stream") as answer,
    ):
        await answer.content.read(1)
        await until(lambda: door.pool.upstreams[0].outstanding == 0)
        with pytest.raises(aiohttp.ClientPayloadError):
            while await answer.content.read(MEGABYTE):
                pass


async def test_a_slow_shop_holds_the_upload_back_and_not_our_memory(
    shop: StreamingShop, origin: str, fan: aiohttp.ClientSession
) -> None:
    offered = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal offered
        for _ in range(OFFERED_BYTES // MEGABYTE):
            yield b"x" * MEGABYTE
            offered += MEGABYTE

    async with gate_to(origin, origin_body_bytes_max=1 << 30) as (url, _):
        sending = asyncio.ensure_future(fan.post(f"{url}/upload", data=body()))
        before = -1
        while offered != before or not shop.received:
            before = offered
            await asyncio.sleep(0.3)
        assert 0 < offered <= HELD_BYTES_MAX
        shop.go_on.set()
        async with await sending as answer:
            assert await answer.text() == str(OFFERED_BYTES)


async def test_an_answer_before_the_bodys_end_is_passed_on(origin: str) -> None:
    async with gate_to(origin) as (url, _):
        said = await exchange(
            url,
            b"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n" + b"x" * 1000,
            until=b"no need to go on",
        )
    assert said.startswith(b"HTTP/1.1 403")


async def test_a_fan_who_stops_sending_is_not_waited_for(shop: StreamingShop, origin: str) -> None:
    async with gate_to(origin, origin_fan_ms=200) as (url, door):
        shop.go_on.set()
        said = await exchange(
            url, b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n" + b"x" * 1000
        )
        assert said == b"", "the connection is closed"
        await until(lambda: door.pool.upstreams[0].outstanding == 0)


async def test_events_come_as_they_are_sent(
    shop: StreamingShop, origin: str, fan: aiohttp.ClientSession
) -> None:
    async with gate_to(origin) as (url, _), fan.get(f"{url}/news") as answer:
        for number in range(5):
            assert await answer.content.readuntil(b"\n\n") == b"data: %d\n\n" % number
            shop.go_on.set()


async def test_a_shop_that_falls_silent_within_its_answer_breaks_it_off(
    shop: StreamingShop, origin: str, fan: aiohttp.ClientSession
) -> None:
    async with gate_to(origin, origin_silence_ms=200) as (url, _), fan.get(f"{url}/news") as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
    await until(lambda: shop.ended == ["news"])


@pytest.mark.parametrize("path", ["/wait", "/news"])
async def test_the_shop_stops_working_for_a_fan_who_has_left(
    shop: StreamingShop,
    origin: str,
    fan: aiohttp.ClientSession,
    path: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with gate_to(origin) as (url, door):
        asking = asyncio.ensure_future(fan.get(url + path))
        await until(lambda: door.pool.upstreams[0].outstanding == 1)
        if path == "/news":
            (await asking).close()
        asking.cancel()
        await until(lambda: shop.ended)
        assert shop.ended in (["cancelled"], ["news"])
        await until(lambda: door.pool.upstreams[0].outstanding == 0)
    assert not caplog.records, "it is no error"


async def test_what_changes_something_goes_on_when_the_fan_has_left(
    shop: StreamingShop, origin: str, fan: aiohttp.ClientSession
) -> None:
    async with gate_to(origin) as (url, door):
        asking = asyncio.ensure_future(fan.post(f"{url}/wait"))
        await until(lambda: door.pool.upstreams[0].outstanding == 1)
        asking.cancel()
        await asyncio.sleep(0.6)  # more than twice as long as it takes to notice
        assert shop.ended == []
        shop.go_on.set()
        await until(lambda: shop.ended == ["answered"])


async def test_at_a_stop_streams_end_and_requests_are_answered(
    shop: StreamingShop, origin: str, fan: aiohttp.ClientSession
) -> None:
    async with gate_to(origin) as (url, door):
        stream = await fan.get(f"{url}/news")
        assert await stream.content.readuntil(b"\n\n")
        asking = asyncio.ensure_future(fan.get(f"{url}/wait"))
        await until(lambda: door.pool.upstreams[0].outstanding == 2)
        await door.end_streams()
        assert await stream.read() == b"", (
            "its end is a proper one: the browser comes back by itself"
        )
        shop.go_on.set()
        async with await asking as answer:
            assert await answer.text() == "late"


async def test_two_ends_talk_through_the_gateway(
    shop: StreamingShop, origin: str, fan: aiohttp.ClientSession
) -> None:
    async with gate_to(origin) as (url, door):
        async with fan.ws_connect(f"{url}/socket", protocols=("other", "x")) as socket:
            assert socket.protocol == "other", "the shop chooses"
            assert await socket.receive_str() == "v1.signed.here"
            await socket.send_str("abc")
            assert await socket.receive_str() == "cba"
            await socket.send_bytes(b"\x00\xff")
            assert await socket.receive_bytes() == b"\x00\xff!"
            await socket.ping(b"are you there")
            assert door.pool.upstreams[0].outstanding == 1
            await socket.send_str("end")
            message = await socket.receive()
            assert (message.type, socket.close_code, message.extra) == (
                WSMsgType.CLOSE,
                4001,
                "enough",
            )
        await until(lambda: door.pool.upstreams[0].outstanding == 0)


async def test_the_fans_close_reaches_the_shop_and_so_does_a_lost_connection(
    shop: StreamingShop, origin: str, fan: aiohttp.ClientSession
) -> None:
    async with gate_to(origin) as (url, _):
        socket = await fan.ws_connect(f"{url}/socket")
        await socket.receive_str()
        await socket.close(code=4002)
        await until(lambda: shop.ended == ["socket 4002"])
        socket = await fan.ws_connect(f"{url}/socket")
        await socket.receive_str()
        connection: Any = socket._response.connection
        connection.transport.abort()
        await until(lambda: len(shop.ended) == 2)


async def test_at_a_stop_sockets_are_told_to_come_back(
    shop: StreamingShop, origin: str, fan: aiohttp.ClientSession
) -> None:
    async with gate_to(origin) as (url, door):
        socket = await fan.ws_connect(f"{url}/socket")
        await socket.receive_str()
        await door.end_streams()
        await socket.receive()
        assert socket.close_code == 1001
        await until(lambda: shop.ended == ["socket 1001"])


async def test_a_message_over_the_limit_ends_the_socket(
    shop: StreamingShop, origin: str, fan: aiohttp.ClientSession
) -> None:
    async with gate_to(origin, origin_message_bytes_max=1024) as (url, _):
        socket = await fan.ws_connect(f"{url}/socket")
        await socket.receive_str()
        await socket.send_str("x" * 2000)
        await socket.receive()
        assert socket.close_code == 1009
        await until(lambda: shop.ended)


@pytest.mark.parametrize(("path", "status"), [("/refusing", 403), ("/nowhere", 404)])
async def test_a_handshake_that_the_shop_refuses_is_refused(
    origin: str, fan: aiohttp.ClientSession, path: str, status: int
) -> None:
    async with gate_to(origin) as (url, _):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await fan.ws_connect(url + path)
    assert refusal.value.status == status


KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="


@pytest.mark.parametrize(
    "lines",
    [
        ("Sec-WebSocket-Version: 13",),
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: short"),
        ("Sec-WebSocket-Version: 99", KEY),
    ],
)
async def test_a_handshake_that_is_none_leaves_no_connection_at_the_shop(
    shop: StreamingShop, origin: str, lines: tuple[str, ...]
) -> None:
    async with gate_to(origin) as (url, door):
        head = ["GET /socket HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: websocket"]
        said = await exchange(
            url, "\r\n".join([*head, *lines, "", ""]).encode(), until=b"request-invalid"
        )
        assert said.startswith(b"HTTP/1.1 400")
        assert shop.opened == 0
        assert not door._session.connector._acquired


async def test_a_fan_who_leaves_while_the_shop_shakes_hands_leaves_no_connection_there(
    shop: StreamingShop, origin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(_: web.WebSocketResponse, request: web.Request) -> None:
        raise ConnectionResetError("the fan left")

    async with gate_to(origin) as (url, _):
        monkeypatch.setattr(shop, "prepare", web.WebSocketResponse.prepare)
        monkeypatch.setattr(web.WebSocketResponse, "prepare", gone)
        head = ["GET /socket HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: websocket"]
        await exchange(url, "\r\n".join([*head, "Sec-WebSocket-Version: 13", KEY, "", ""]).encode())
        await until(lambda: shop.ended == ["socket 1001"])


async def test_a_socket_to_nobody_is_a_503(fan: aiohttp.ClientSession) -> None:
    async with gate_to("http://127.0.0.1:1") as (url, _):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            await fan.ws_connect(url)
    assert refusal.value.status == 503


async def test_an_upgrade_to_something_else_is_a_plain_request(origin: str) -> None:
    async with gate_to(origin) as (url, _):
        said = await exchange(
            url,
            b"GET /refusing HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n",
            until=b"\r\n\r\n",
        )
    assert said.startswith(b"HTTP/1.1 403")
