"""Names in paths, methods and headers that nobody should send: no bug, and nothing kept."""

import pytest
from yarl import URL

from booking_core.catalog.event import StockTier
from tests.support.fan import Fan
from tests.support.refusals import CALLS, assert_nothing_kept
from tests.support.shop import Shop


@pytest.fixture(scope="module")
async def event(shop: Shop) -> str:
    return await shop.new_event(12, [StockTier("print", "Print", 1_000, 50)])


NAMES = [
    "%00", "a%00b", "%2F", "..%2F..%2Fetc%2Fpasswd", "%2e%2e", "%E2%98%83", "%ED%A0%80", "%FF",
    "x" * 4_000, "%0d%0aSet-Cookie:x=1", "%25", "%", "*", "'", "{event}.", ".{event}", "-",
    "{event}.%00" + "t" * 21, "{event}%0a", "%F0%9F%8E%AB", "a b", "%20",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
async def test_no_name_in_a_path_is_a_bug(shop: Shop, event: str, name: str) -> None:
    fan = Fan.inside(shop)
    name = name.format(event=event)
    for method, path in [
        ("GET", f"/events/{name}"), ("GET", f"/events/{name}/seats"), ("GET", f"/sales/{name}"),
        ("GET", f"/checkout/{name}"), ("GET", f"/orders/{name}"), ("GET", f"/api/events/{name}"),
        ("GET", f"/api/events/{name}/plan"), ("GET", f"/api/events/{name}/seats"),
        ("GET", f"/api/events/{name}/seats/changes"), ("GET", f"/api/bookings/{name}"),
        ("DELETE", f"/api/bookings/{name}"), ("POST", f"/api/bookings/{name}/extend"),
        ("POST", f"/checkout/{name}/pay"), ("POST", f"/checkout/{name}/release"),
        ("POST", f"/events/{name}/reserve"), ("GET", f"/api/sales/{name}/status"),
        ("GET", f"/api/sales/{name}/events"), ("POST", f"/api/sales/{name}/leave"),
        ("POST", f"/sales/{name}/join"), ("GET", f"/static/{name}"), ("GET", f"/{name}"),
        ("POST", f"/webhooks/payments/{name}"), ("GET", f"/orders/{name}/tickets/{name}/qr.svg"),
    ]:  # fmt: skip
        async with shop.session.request(
            method, URL(shop.url + path, encoded=True), allow_redirects=False,
            headers={"Authorization": f"Bearer {fan.admission}"},
        ) as answer:  # fmt: skip
            assert answer.status < 500, (method, path)
            assert answer.status not in (200, 201), (method, path)
            assert "x=1" not in answer.headers.get("Set-Cookie", "")
            await answer.read()
    await assert_nothing_kept(shop, event, fan)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "BREW"])
async def test_other_methods_are_no_bug(shop: Shop, event: str, method: str) -> None:
    for fan in (Fan(shop), Fan.inside(shop)):
        for _, path in [*CALLS, ("", "/"), ("", "/api/events/{event}/seats"), ("", "/sales/tour")]:
            path = path.format(event=event, token="t" * 22)
            reply = await fan.call(method, path)
            assert reply.status < 500, (path, reply)
            if reply.status == 405:
                assert reply.headers["Allow"], path
        if fan.fan_id:
            await assert_nothing_kept(shop, event, fan)


HEADERS = [
    {"Authorization": "Bearer"}, {"Authorization": "Bearer " + "x" * 5_000},
    {"Authorization": "\u2603"}, {"Authorization": "Basic dXNlcjpwYXNz"},
    {"Cookie": "onsale-pass-tour=\u2603; __Host-onsale-ticket-tour=x"}, {"Cookie": ";;;=;=="},
    {"DPoP": "x"}, {"DPoP": "\u2603"}, {"DPoP": "a.b." + "c" * 86}, {"DPoP": "x" * 5_000},
    {"If-None-Match": "\u2603"}, {"Last-Event-ID": "\u2603"}, {"Accept": "\u2603"},
    {"Accept-Encoding": "\u2603"}, {"Expect": "nonsense"}, {"X-Forwarded-For": "\u2603"},
    {"Range": "bytes=-1"}, {"Idempotency-Key": "\u2603"}, {"Stripe-Signature": "t=\u0661,v1=\u2603"},
]  # fmt: skip


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: ascii(headers)[:40])
async def test_no_header_is_a_bug(shop: Shop, event: str, headers: dict[str, str]) -> None:
    fan = Fan.inside(shop)
    for method, path in [*CALLS, ("GET", "/"), ("GET", "/sales/tour"), ("GET", "/api/sales/tour/status"),
                         ("GET", "/api/sales/tour/place"), ("GET", "/api/events/{event}/seats"),
                         ("GET", "/api/events/{event}/plan"), ("GET", "/orders/x")]:  # fmt: skip
        path = path.format(event=event, token="t" * 22)
        reply = await fan.call(method, path, headers=headers)
        assert reply.status < 500, (path, reply)
    await assert_nothing_kept(shop, event, fan)
