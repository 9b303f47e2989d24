"""Bytes that no well-behaved client sends."""

import asyncio
from urllib.parse import urlsplit

import pytest

from tests.support.fan import Fan
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
            head = await reader.readuntil(b"\r\n\r\n")
            return head
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
        b"Idempotency-Key: \xff\xfe", b"Idempotency-Key: \xed\xa0\x80", b"Cookie: onsale-pass=\xff",
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
            f'{{"reservation_id":"{event}.{"t" * 22}","payment_method":"card_ok",'
            '"idempotency_key":"k"}',
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
