"""WebSockets through the gateway: a connection on either side, messages handed across."""

import asyncio
from dataclasses import dataclass
from typing import Final

import aiohttp
from aiohttp import WSMsgType, web
from multidict import CIMultiDict
from yarl import URL

from gateway.origin.calls import Call, Wait
from gateway.origin.onward_headers import OF_THE_HANDSHAKE
from gateway.origin.settings import OriginSettings
from gateway.origin.upstream import Upstream
from groundwork.errors import RequestInvalid

GOING_AWAY: Final = 1001
# Sent when a side vanished without a word; RFC 6455 forbids sending 1005 and 1006 themselves.
NO_WORD: Final = 1011
SENDABLE_MIN, NOT_SENDABLE = 1000, frozenset({1004, 1005, 1006, 1015})
# A side that does not answer a close within this is gone.
CLOSE_SECONDS: Final = 2.0

Side = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


@dataclass(frozen=True, slots=True)
class Closing:
    """How a side ends."""

    code: int
    reason: str = ""


def is_web_socket(request: web.Request) -> bool:
    """Say whether the request asks for a WebSocket. Other upgrades are ignored, as HTTP allows."""
    return (
        request.method == "GET"
        and request.headers.get("Upgrade", "").lower() == "websocket"
        and "upgrade" in request.headers.get("Connection", "").lower()
    )


def refuse_bad_handshake(request: web.Request) -> None:
    """Raise RequestInvalid for a handshake that we could not answer: the shop is not asked for it."""
    offered = protocols_of(request)
    if not web.WebSocketResponse(protocols=offered).can_prepare(request).ok:
        raise RequestInvalid("request", "is no handshake of a WebSocket")


async def open_to_shop(
    session: aiohttp.ClientSession,
    upstream: Upstream,
    request: web.Request,
    headers: CIMultiDict[str],
    settings: OriginSettings,
) -> aiohttp.ClientWebSocketResponse:
    """Return the connection to the shop. Raises WSServerHandshakeError when it refuses."""
    for name in OF_THE_HANDSHAKE:
        headers.popall(name, None)
    return await session.ws_connect(
        URL(upstream.base + request.rel_url.raw_path_qs, encoded=True),
        headers=headers,
        protocols=protocols_of(request),
        server_hostname=upstream.server_hostname,
        # Pings and closings are the two ends' business.
        autoping=False,
        autoclose=False,
        max_msg_size=settings.origin_message_bytes_max,
        timeout=aiohttp.ClientWSTimeout(ws_receive=None, ws_close=CLOSE_SECONDS),
    )


def protocols_of(request: web.Request) -> list[str]:
    """Return the subprotocols the fan offers."""
    offered = ",".join(request.headers.getall("Sec-WebSocket-Protocol", ()))
    return [name.strip() for name in offered.split(",") if name.strip()]


async def relay(
    request: web.Request,
    shop: aiohttp.ClientWebSocketResponse,
    call: Call,
    settings: OriginSettings,
) -> web.StreamResponse:
    """Hand messages across until either side closes; the other is closed with the same code."""
    fan = web.WebSocketResponse(
        protocols=[shop.protocol] if shop.protocol else (),
        autoping=False,
        autoclose=False,
        compress=False,
        max_msg_size=settings.origin_message_bytes_max,
        timeout=CLOSE_SECONDS,
    )
    try:
        await fan.prepare(request)
    except BaseException:
        # The fan left meanwhile: nobody else knows of the shop's side.
        await close(shop, Closing(GOING_AWAY))
        raise
    call.is_stream = True
    call.waits_for(Wait.NOTHING, 0)
    ends = [asyncio.create_task(hand_across(*sides)) for sides in ((fan, shop), (shop, fan))]
    closing = Closing(NO_WORD)
    try:
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        closing = next((end.result() for end in done if end.exception() is None), closing)
    except asyncio.CancelledError:
        if call.was_cut() is None:
            raise
        closing = Closing(GOING_AWAY)
    finally:
        # First: a side that is still listened to would take our closing for its own.
        for end in ends:
            end.cancel()
        await asyncio.gather(*ends, return_exceptions=True)
        await asyncio.gather(close(fan, closing), close(shop, closing))
    return fan


async def hand_across(source: Side, target: Side) -> Closing:
    """Hand messages to the other side, one at a time; returns how the source ended."""
    while True:
        message = await source.receive()
        match message.type:
            case WSMsgType.TEXT:
                await target.send_str(message.data)
            case WSMsgType.BINARY:
                await target.send_bytes(message.data)
            case WSMsgType.PING:
                await target.ping(message.data)
            case WSMsgType.PONG:
                await target.pong(message.data)
            case WSMsgType.CLOSE:
                return Closing(message.data or NO_WORD, message.extra or "")
            case _:
                return Closing(source.close_code or NO_WORD)


async def close(side: Side, closing: Closing) -> None:
    """Close a side, if it is still open, with a code that may be sent."""
    if side.closed:
        return
    is_sendable = closing.code >= SENDABLE_MIN and closing.code not in NOT_SENDABLE
    try:
        await side.close(
            code=closing.code if is_sendable else NO_WORD, message=closing.reason.encode()
        )
    except (ConnectionError, aiohttp.ClientError, RuntimeError):
        return  # gone already
