"""Bytes that no well-behaved client sends."""

import asyncio
import json
from urllib.parse import urlsplit

import pytest

from tests.support.fan import DeviceKey, Fan
from tests.support.shop import Shop
from tests.support.truth import held_by


async def answer_to(shop: Shop, content: bytes, *, is_cut: bool = False) -> bytes:
    """Send bytes as they are; return all that comes back until the server closes or falls silent."""
    port = urlsplit(shop.url).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(content)
        if is_cut:
            writer.write_eof()
        async with asyncio.timeout(5):
            return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, TimeoutError, ConnectionError):
        return b""
    finally:
        writer.close()


def request(fan: Fan, path: str, *headers: bytes, body: bytes = b"{}") -> bytes:
    lines = [
        f"POST {path} HTTP/1.1".encode(), b"Host: 127.0.0.1",
        f"Authorization: Bearer {fan.admission}".encode(), *headers,
    ]  # fmt: skip
    if not any(line.lower().startswith(b"transfer-encoding") for line in headers):
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    "header",
    [
        b"Idempotency-Key: \xff\xfe", b"Idempotency-Key: \xed\xa0\x80", b"Cookie: onsale-pass-tour=\xff",
        b"DPoP: \xff", b"Stripe-Signature: \xff", b"Accept: \xff", b"Content-Type: \xff",
        b"If-None-Match: \xff", b"X-Request-Id: \xff", b"Last-Event-ID: \xff",
    ],
)  # fmt: skip
@pytest.mark.parametrize("call", ["reserve", "complete", "join", "webhook"])
async def test_bytes_that_are_no_text_are_no_bug(shop: Shop, header: bytes, call: str) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    path, body = {
        "reserve": ("/api/bookings/reserve", f'{{"event_id":"{event}","seat_ids":["A-1"]}}'),
        "complete": (
            "/api/bookings/complete",
            json.dumps(
                {
                    "reservation_id": f"{event}.{'t' * 22}",
                    "payment_method": "card_ok",
                    "idempotency_key": "k",
                }
            ),
        ),
        "join": ("/api/sales/tour/join", '{"altcha":"x"}'),
        "webhook": ("/webhooks/payments/practice", "{}"),
    }[call]
    head = await answer_to(shop, request(fan, path, header, body=body.encode()))
    status = int(head.split(b" ")[1])
    assert status < 500, head
    if header.startswith(b"Idempotency-Key") and call in ("reserve", "complete"):
        assert status == 400
        assert await held_by(shop, event, fan.fan_id) == []
    # And everybody else is still served.
    assert (await Fan.inside(shop).reserve(event, "A-2")).status == 201


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ((b"Transfer-Encoding: chunked",), b"zz\r\n{}\r\n0\r\n\r\n"),
        ((b"Transfer-Encoding: chunked",), b"-1\r\n{}\r\n0\r\n\r\n"),
        ((b"Transfer-Encoding: chunked", b"Content-Length: 2"), b"2\r\n{}\r\n0\r\n\r\n"),
        ((b"Transfer-Encoding: nonsense",), b"{}"),
        ((b"Content-Length: 2", b"Content-Length: 3"), b"{} "),
        ((b"Content-Length: -1",), b"{}"),
        ((b"Host: other.example",), b"{}"),
        ((b"Bad Header: x",), b"{}"),
        ((b"X: " + b"x" * 20_000,), b"{}"),
        (tuple(b"X-%d: y" % n for n in range(2_000)), b"{}"),
    ],
)
async def test_requests_that_are_none_are_refused(
    shop: Shop, headers: tuple[bytes, ...], body: bytes
) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    head = await answer_to(shop, request(fan, "/api/bookings/reserve", *headers, body=body))
    assert head == b"" or 400 <= int(head.split(b" ")[1]) < 500, head
    assert await held_by(shop, event, fan.fan_id) == []
    assert (await fan.reserve(event, "A-2")).status == 201


async def test_a_body_that_breaks_off_holds_nothing(shop: Shop) -> None:
    event = await shop.new_event(3)
    fan = Fan.inside(shop)
    body = f'{{"event_id":"{event}","seat_ids":["A-1"]}}'.encode()
    whole = request(fan, "/api/bookings/reserve", body=body)
    for kept in (len(whole) - 1, len(whole) - 20, len(whole) - len(body)):
        head = await answer_to(shop, whole[:kept], is_cut=True)
        assert b" 500 " not in head
    assert await held_by(shop, event, fan.fan_id) == []
    assert await shop.seat_digits(event) == "000"


@pytest.mark.parametrize(
    "target",
    [
        b"http://evil.example/api/bookings/x", b"http://evil.example", b"//evil.example/", b"*",
        b"evil.example:443", b"/\x00", b"/%", b"/\xff", b"/?\xff", b"/#x", b"?x", b"http://[::1",
        b"/" * 3_000,
        b"http://evil.example:99999/x", b"/api/sales/tour/status?%ff", b"/..//..//x",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", [b"GET", b"OPTIONS", b"CONNECT"])
async def test_no_target_is_a_bug(shop: Shop, method: bytes, target: bytes) -> None:
    head = await answer_to(
        shop, method + b" " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    )
    assert head == b"" or int(head.split(b" ")[1]) < 500, head
    assert b"Location: http" not in head
    assert (await Fan(shop).call("GET", "/")).status == 200


@pytest.mark.parametrize(
    "host", [b"", b"evil.example", b"x" * 300, b"[::1", b"a:b:c", b"\xff", b"a b"]
)
async def test_no_host_is_a_bug(shop: Shop, host: bytes) -> None:
    await shop.default_sale()
    for path in (b"/", b"/sales/tour", b"/api/sales/tour/status", b"/api/bookings/x"):
        head = await answer_to(
            shop, b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
        )
        assert head == b"" or int(head.split(b" ")[1]) < 500, (path, head)
        assert b"evil" not in head
    fan = Fan(shop, DeviceKey())
    join = "/api/sales/tour/join"
    proof = fan.proven("POST", join)["DPoP"].encode()
    head = await answer_to(
        shop, request(fan, join, b"DPoP: " + proof, body=b'{"altcha":"x"}').replace(
            b"Host: 127.0.0.1", b"Host: " + host
        ),
    )  # fmt: skip
    assert head == b"" or int(head.split(b" ")[1]) < 500, head
