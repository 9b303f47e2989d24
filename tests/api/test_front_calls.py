"""Calls answered before the framework: the same answers, and only for what cannot mean anything else."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from booking_core.app_keys import SHOP
from booking_core.catalog.event import StockTier
from booking_core.seats.holds import SeatHolds
from gateway.app_keys import ROOMS, SETTINGS
from gateway.edge.front_gate import FrontGate
from gateway.edge.one_meaning import refuse_other_meanings
from gateway.edge.other_sites import refuse_other_sites
from gateway.edge.request_id import request_id
from gateway.waiting_room.front_calls import CALLS
from groundwork.counted_soon import tell_counts
from groundwork.errors import StoreUnavailable
from groundwork.front_calls import FRONT_DOOR
from groundwork.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS
from groundwork.plain_request import HEAD_BYTES_MAX, Peer
from groundwork.problem_json import problem_json
from tests.support.fan import DeviceKey, Fan
from tests.support.shop import Shop

# With this a request is the framework's, and means the same.
SLOW = "TE: trailers"
PEER = Peer("127.0.0.1", "http")
RESERVE = "/api/bookings/reserve"
Read = tuple[int, dict[str, str], bytes]


@pytest.fixture(autouse=True)
def _events_stay_known(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine: what was looked at need not be read again."""
    monkeypatch.setattr(shop.core[SHOP]._events, "_age_ms", None)


class Wire:
    """One connection on which bytes go out as they are, and whole answers come back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, data: bytes) -> Read:
        self.writer.write(data)
        return await self.answer()

    async def answer(self) -> Read:
        async with asyncio.timeout(5):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            pairs = [line.split(": ", 1) for line in lines]
            headers = {name: value for name, value in pairs if name != "Set-Cookie"}
            cookies = [value for name, value in pairs if name == "Set-Cookie"]
            assert len(headers) + len(cookies) == len(lines), "no other header comes twice"
            if cookies:
                headers["Set-Cookie"] = "\n".join(cookies)
            assert headers.pop("Date").endswith(" GMT")
            body = await self.reader.readexactly(int(headers.get("Content-Length", 0)))
            return int(first.split(" ")[1]), headers, body


@asynccontextmanager
async def wire(shop: Shop) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(shop.url).port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


def asked(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    length = [f"Content-Length: {len(body)}"] if method == "POST" else []
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, *length]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def bearer(fan: Fan) -> str:
    return f"Authorization: Bearer {fan.admission}"


async def seats_seen(shop: Shop) -> tuple[str, Fan]:
    """The address of an event's snapshot that somebody has looked at this second, and who did."""
    event, fan = await shop.new_event(40), Fan.inside(shop)
    path = f"/api/events/{event}/seats"
    assert (await fan.call("GET", path)).status == 200
    return path, fan


def is_found(shop: Shop, data: bytes) -> bool:
    return shop.gateway[FRONT_DOOR](data, PEER) is not None


async def both_ways(shop: Shop, method: str, path: str, *headers: str) -> Read:
    """The one answer that both ways give; the first is taken before the framework."""
    assert is_found(shop, asked(method, path, *headers))
    assert not is_found(shop, asked(method, path, *headers, SLOW))
    async with wire(shop) as fan:
        front = await fan.ask(asked(method, path, *headers))
        framework = await fan.ask(asked(method, path, *headers, SLOW))
    assert front == framework
    return front


@pytest.mark.parametrize(
    "encoding", ["", "Accept-Encoding: gzip, deflate, br", "Accept-Encoding: br"]
)
async def test_a_snapshot_is_the_same_both_ways(shop: Shop, encoding: str) -> None:
    path, fan = await seats_seen(shop)
    status, headers, _ = await both_ways(shop, "GET", path, bearer(fan), *filter(None, [encoding]))
    assert status == 200
    assert headers.get("Content-Encoding") == ("gzip" if "gzip" in encoding else None)
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_a_pass_counts_wherever_the_gate_takes_it(shop: Shop) -> None:
    path, fan = await seats_seen(shop)
    other = Fan.inside(shop, await shop.new_sale())
    cookie = f"__Host-onsale-pass-tour={fan.admission}"
    for header in (
        f"Authorization: DPoP {fan.admission}",
        f"authorization:  bearer {fan.admission} ",
        f"Cookie: a=b; {cookie}",
        f"Cookie: onsale-pass-tour={fan.admission}",  # plain http, for development only
        f"Cookie: onsale-pass-{other.sale_id}={other.admission}; {cookie}; c=d",
    ):
        assert (await both_ways(shop, "GET", path, header))[0] == 200


async def test_who_is_not_let_in_is_told_so_by_the_framework(shop: Shop) -> None:
    path, fan = await seats_seen(shop)
    now_ms = shop.clock.now_ms()
    ended = Fan.inside(shop, issued_at_ms=now_ms - 3_600_000, expires_at_ms=now_ms - 1_800_000)
    elsewhere = Fan.inside(shop, await shop.new_sale())
    for header in (
        "X: y", "Authorization: Bearer x", f"Authorization: Basic {fan.admission}",
        f"Authorization: Bearer {fan.ticket}", f"Authorization: Bearer {fan.admission[:-20]}{'A' * 20}",
        bearer(ended), bearer(elsewhere), f"Cookie: __Host-onsale-pass-tour={elsewhere.admission}",
        f"Cookie: __Host-onsale-pass-{elsewhere.sale_id}={fan.admission}",
    ):  # fmt: skip
        data = asked("GET", path, header)
        assert not is_found(shop, data), header
        async with wire(shop) as one:
            assert (await one.ask(data))[0] == 403, header
    assert is_found(shop, asked("GET", path, bearer(fan)))


async def test_what_would_have_to_be_read_first_is_the_frameworks(shop: Shop) -> None:
    event, fan = await shop.new_event(40), Fan.inside(shop)
    path = f"/api/events/{event}/seats"
    assert not is_found(shop, asked("GET", path, bearer(fan)))
    assert (await fan.call("GET", path)).status == 200
    assert is_found(shop, asked("GET", path, bearer(fan)))


UNPLAIN = [
    "content-length : 5", "Content-Length: 5", "Transfer-Encoding: chunked", "TE: trailers",
    "Upgrade: h2c", "Expect: 100-continue", "Range: bytes=0-1", "Connection: close",
    "Connection: keep-alive, Upgrade", 'If-None-Match: "a"', "If-Match: *", "Server: x",
    "X: a\r\n folded: b", "X: a\nContent-Length: 5", "X: a\rContent-Length: 5", "X: \x00",
    "X: \x7f", "X: é", "Bad Header: x", "no colon", ": no name", "Host: another", "host: another",
    "X: 1\r\nx: 2", "Trailer: x", "Content-Encoding: gzip", "Content-Location: /",
    "X: " + "x" * HEAD_BYTES_MAX, "\r\n".join(f"X{n}: y" for n in range(70)), "X" * 65 + ": y",
    'Cookie: a="b"', "Cookie: a", "Cookie: a=b;c=d", "Cookie: a=b,c=d;", "Cookie: a=b c=d",
    "Proxy-Connection: close", "Sec-WebSocket-Key1: x",
]  # fmt: skip


async def test_what_may_mean_something_else_is_the_frameworks(shop: Shop) -> None:
    path, fan = await seats_seen(shop)
    # By cookie, so that cookies are looked at.
    cookie = f"__Host-onsale-pass-tour={fan.admission}"
    for header in UNPLAIN:
        both = f"{header}; {cookie}" if header[:6] == "Cookie" else f"Cookie: {cookie}\r\n{header}"
        assert not is_found(shop, asked("GET", path, "Accept: */*", both)), header
        assert not is_found(shop, asked("GET", path, both, "Accept: */*")), header
    assert is_found(shop, asked("GET", path, f"Cookie: {cookie}"))


async def test_what_is_not_one_whole_request_is_the_frameworks(shop: Shop) -> None:
    path, fan = await seats_seen(shop)
    whole = asked("GET", path, bearer(fan))
    assert is_found(shop, whole)
    for other in (
        whole[:-1], whole + b"x", whole + whole, whole.replace(b"1.1", b"1.0"), whole[1:], b"", b"\r\n",
        whole.replace(b"GET", b"HEAD"), whole.replace(b"GET", b"POST"), whole.replace(b"GET", b"get"),
        whole.replace(b"/seats", b"/seats?x"), whole.replace(b"/seats", b"/seats/"),
        whole.replace(b"/api", b"//api"), whole.replace(b"/api", b"/./api"),
        whole.replace(b"/seats", b"/%73eats"), whole.replace(b"/seats ", b"/seats  "),
        whole.replace(b"\r", b""), b"GET %b HTTP/1.1\r\n\r\n" % path.encode(),
    ):  # fmt: skip
        assert not is_found(shop, other), other[:80]


async def test_answers_come_in_the_order_they_were_asked_for(shop: Shop) -> None:
    path, fan = await seats_seen(shop)
    snapshot = asked("GET", path, bearer(fan))
    jwks = asked("GET", "/.well-known/jwks.json")
    async with wire(shop) as one:
        for pieces in ([jwks, snapshot, jwks, snapshot], [jwks + snapshot, jwks + snapshot]):
            for piece in pieces:
                one.writer.write(piece)
                await asyncio.sleep(0)  # each arrives alone, and before the one before is answered
            answers = [await one.answer() for _ in range(4)]
            assert [b'"keys"' in body for _, _, body in answers] == [True, False] * 2


async def test_every_answer_is_counted_in_both_tiers_like_the_frameworks(shop: Shop) -> None:
    def counted(route: str, status: str) -> list[tuple[float, float]]:
        tell_counts()
        return [
            (
                HTTP_REQUESTS.labels(tier, route, status)._value.get(),
                sum(each.get() for each in HTTP_REQUEST_SECONDS.labels(tier, route)._buckets),
            )
            for tier in ("gateway", "core")
        ]

    path, fan = await seats_seen(shop)
    for (method, address, body), route, status in (
        (("GET", path, b""), "/api/events/{event}/seats", "200"),
        (("POST", RESERVE, b"{}"), RESERVE, "400"),
        (("POST", "/api/sales/tour/join", b"{}"), "/api/sales/{sale}/join", "400"),
    ):
        tiers = 1 if route.endswith("join") else 2
        before = counted(route, status)[:tiers]
        for headers in ((), (SLOW,)):
            async with wire(shop) as one:
                for _ in range(5):
                    data = asked(method, address, bearer(fan), *headers, body=body)
                    assert (await one.ask(data))[0] == int(status)
            now = counted(route, status)[:tiers]
            assert [(a - c, b - d) for (a, b), (c, d) in zip(now, before, strict=True)] == [
                (5, 5)
            ] * tiers, (route, headers)
            before = now


async def reserve_both_ways(
    shop: Shop, fan: Fan, body: bytes, *headers: str
) -> tuple[Read, dict[str, Any]]:
    """The one answer that both ways give, but for what is each one's own."""
    answers = []
    for slow in ((), (SLOW,)):
        data = asked("POST", RESERVE, bearer(fan), *headers, *slow, body=body)
        async with wire(shop) as one:
            status, told, content = await one.ask(data)
        found = json.loads(content)
        told.pop("Content-Length")  # the rest of a hold's time has more digits or fewer
        for own in ("instance", "expires_in_ms"):
            found.pop(own, None)
        answers.append(((status, told), found))
    assert answers[0] == answers[1]
    (status, told), found = answers[0]
    return (status, told, b""), found


def wanted(**body: object) -> bytes:
    return json.dumps(body).encode()


async def test_a_reserve_is_the_same_both_ways(shop: Shop) -> None:
    event = await shop.new_event(40, [StockTier("standing", "Standing", 4_000, 10)])
    for number, wish in enumerate(
        (
            {"seat_ids": ["A-1", "A-2"]},
            {"best_available": {"quantity": 2}},
            {"stock": {"tier": "standing", "quantity": 3}},
        )
    ):
        fan = Fan.inside(shop)
        # A repeat is answered as before, whichever way it comes.
        header, body = f"Idempotency-Key: {number}", wanted(event_id=event, **wish)
        (status, _, _), hold = await reserve_both_ways(shop, fan, body, header)
        assert status == 201
        assert hold["seats"] or hold["stock"]
    fan = Fan.inside(shop)
    body = wanted(
        event_id=event, seat_ids=["A-20"], idempotency_key="in the body", user_id=fan.fan_id
    )
    (status, headers, _), hold = await reserve_both_ways(shop, fan, body)
    assert (status, headers["Cache-Control"]) == (201, "no-store")
    assert [seat["seat_id"] for seat in hold["seats"]] == ["A-20"]
    assert is_found(shop, asked("POST", RESERVE, bearer(fan), body=body))


async def test_a_reserve_is_refused_the_same_both_ways(shop: Shop) -> None:
    event, fan = await shop.new_event(8, seats_max=3), Fan.inside(shop)
    elsewhere = await shop.new_event(8, sale_id=await shop.new_sale())
    other = wanted(event_id=event, seat_ids=["A-1"], offer=False)
    assert (await Fan.inside(shop).call("POST", RESERVE, data=other)).status == 201
    for body, code in (
        (b"", "request-invalid"), (b"{", "request-invalid"), (b"[]", "request-invalid"),
        (b"\xff", "request-invalid"), (b"[" * 5_000, "request-invalid"),
        (wanted(event_id=event), "request-invalid"), (wanted(event_id=7), "request-invalid"),
        (wanted(event_id=event, seat_ids=["no"]), "request-invalid"),
        (wanted(event_id=event, seat_ids=["A-2"], idempotency_key="\n"), "request-invalid"),
        (wanted(event_id="nothing", seat_ids=["A-2"]), "event-not-found"),
        (wanted(event_id="No!", seat_ids=["A-2"]), "event-not-found"),
        (wanted(event_id=elsewhere, seat_ids=["A-2"]), "not-admitted"),
        (wanted(event_id=event, seat_ids=["A-2"], user_id="another"), "not-yours"),
        (wanted(event_id=event, seat_ids=["A-2", "A-3", "A-4", "A-5"]), "over-seat-limit"),
        (other, "seats-taken"),
    ):  # fmt: skip
        assert is_found(shop, asked("POST", RESERVE, bearer(fan), body=body)), body[:80]
        (_, headers, _), problem = await reserve_both_ways(shop, fan, body)
        assert problem["code"] == code, body[:80]
        assert headers["Content-Type"].startswith("application/problem+json")
    assert await shop.seat_digits(event) == "10000000"


async def join_both_ways(
    shop: Shop, fan: Fan, sale: str, altcha: str, *headers: str, **body: Any
) -> tuple[int, dict[str, str], dict[str, Any]]:
    """The one answer to a join that both ways give, but for what is each one's own."""
    path, answers = f"/api/sales/{sale}/join", []
    for slow in ((), (SLOW,)):
        proven = [f"DPoP: {value}" for value in fan.proven("POST", path).values()]
        if fan.key:
            proven.append(f"Host: {urlsplit(shop.url).netloc}")
        data = asked("POST", path, *headers, *proven, *slow, body=wanted(altcha=altcha, **body))
        if fan.key:
            data = data.replace(b"Host: 127.0.0.1\r\n", b"", 1)
        assert is_found(shop, data) is not bool(slow)
        async with wire(shop) as one:
            status, told, content = await one.ask(data)
        found = json.loads(content)
        if ticket := found.pop("ticket", ""):
            claims = shop.tokens.read_ticket(ticket, sale)
            assert (claims.fan_id, claims.jkt) == (found["fan_id"], fan.key and fan.key.jkt)
            assert f"__Host-onsale-ticket-{sale}={ticket};" in told["Set-Cookie"]
            told["Set-Cookie"] = re.sub(r"=e[^;]+", "=…", told["Set-Cookie"])
            told.pop("Content-Length")
        found.pop("instance", None)
        answers.append((status, told, found))
    assert answers[0] == answers[1]
    return answers[0]


async def test_a_join_is_the_same_both_ways(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop, DeviceKey())
    altcha = await fan.solved(sale)
    status, headers, found = await join_both_ways(shop, fan, sale, altcha)
    assert (status, headers["Cache-Control"]) == (201, "no-store")
    assert headers["Set-Cookie"].count("\n") == 1  # over plain http it has its bare name, too
    assert found["place"] == 1
    # Without a key by the ticket that comes along, as a header or as a cookie.
    keyless = Fan(shop)
    assert (await keyless.join(sale)).status == 201
    for header in (
        f"Authorization: Bearer {keyless.ticket}",
        f"Cookie: a=b; onsale-ticket-{sale}={keyless.ticket}",
    ):
        altcha = await keyless.solved(sale)
        status, _, found = await join_both_ways(shop, keyless, sale, altcha, header)
        assert (status, found["place"], found["fan_id"]) == (201, 2, keyless.fan_id)


async def test_a_join_with_too_many_cookies_takes_the_oldest_back_both_ways(shop: Shop) -> None:
    sale, fan = await shop.new_sale(), Fan(shop)
    await fan.join(sale)
    others = "; ".join(f"__Host-onsale-ticket-old-{n}={fan.ticket}" for n in range(12))
    cookie = f"Cookie: onsale-ticket-{sale}={fan.ticket}; {others}"
    altcha = await fan.solved(sale)
    _, headers, _ = await join_both_ways(shop, fan, sale, altcha, cookie)
    ended = [line for line in headers["Set-Cookie"].split("\n") if "Max-Age=0" in line]
    assert ended
    assert all(line.split("=")[0].split("-")[-2] == "old" for line in ended)


async def test_a_join_is_refused_the_same_both_ways(shop: Shop) -> None:
    sale, closed = await shop.new_sale(), await shop.new_sale(state="closed")
    fan = Fan(shop)
    good, used = await fan.solved(sale), await fan.solved(sale)
    assert (await Fan(shop).join(sale, altcha=used)).status == 201
    for where, altcha, headers, more, code in (
        (sale, "", (), {}, "bot-check-failed"), (sale, "x" * 5_000, (), {}, "request-invalid"),
        (sale, used, (), {}, "bot-check-failed"), (sale, "e30=", (), {}, "bot-check-failed"),
        (sale, good, ("DPoP: nonsense",), {}, "device-proof-invalid"),
        (sale, good, ("DPoP: ",), {}, "device-proof-invalid"),
        (sale, good, ("Accept: text/html",), {"access_code": 7}, "request-invalid"),
        (sale, good, (), {"access_code": "no such code"}, "access-code-invalid"),
        ("no-such-sale", good, (), {}, "sale-not-found"), (closed, good, (), {}, "sale-closed"),
    ):  # fmt: skip
        status, told, found = await join_both_ways(shop, fan, where, altcha, *headers, **more)
        assert (found["code"], status) == (code, found["status"]), (code, altcha[:20])
        assert "Set-Cookie" not in told
    path = f"/api/sales/{sale}/join"
    for body in (b"", b"{", b"[]", b"\xff", b'{"altcha": 7}'):
        async with wire(shop) as one:
            status, _, content = await one.ask(asked("POST", path, body=body))
        assert (status, json.loads(content)["code"]) == (400, "request-invalid")


async def test_a_join_that_another_site_sends_or_that_is_not_plain_is_the_frameworks(
    shop: Shop,
) -> None:
    sale = await shop.new_sale()
    path = f"/api/sales/{sale}/join"
    assert is_found(shop, asked("POST", path, body=b"{}"))
    for header in (
        "Sec-Fetch-Site: cross-site", "Origin: https://elsewhere.example", 'Cookie: a="b"', "X: é",
        "X-Forwarded-For: 8.8.8.8\r\nX-Forwarded-For: 8.8.4.4",
    ):  # fmt: skip
        assert not is_found(shop, asked("POST", path, header, body=b"{}")), header
    for other in (f"/api/sales/{sale}/joins", "/api/sales/No/join", f"{path}?x", f"{path}/"):
        assert not is_found(shop, asked("POST", other, body=b"{}")), other
    assert not is_found(shop, asked("GET", path))
    nameless = asked("POST", path, body=b"{}").replace(b"Host: 127.0.0.1", b"X: y")
    assert not is_found(shop, nameless)
    for origin in ("http://[", "http://[::1", "null"):
        async with wire(shop) as one:
            answer = await one.ask(asked("POST", path, f"Origin: {origin}", body=b"{}"))
        assert answer[0] == 403, origin
    async with wire(shop) as one:
        assert (await one.ask(asked("POST", path, "Sec-Fetch-Site: cross-site", body=b"{}")))[
            0
        ] == 403


async def test_what_another_site_sends_is_the_frameworks_to_refuse(shop: Shop) -> None:
    event, fan = await shop.new_event(8), Fan.inside(shop)
    body = wanted(event_id=event, seat_ids=["A-1"])
    for header in ("Sec-Fetch-Site: cross-site", "Origin: https://elsewhere.example"):
        data = asked("POST", RESERVE, bearer(fan), header, body=body)
        assert not is_found(shop, data)
        async with wire(shop) as one:
            assert (await one.ask(data))[0] == 403
    ours = ("Sec-Fetch-Site: same-origin", "Origin: http://127.0.0.1")
    assert is_found(shop, asked("POST", RESERVE, bearer(fan), *ours, body=body))
    assert await shop.seat_digits(event) == "00000000"


async def test_our_own_failures_are_told_and_remembered_the_same_both_ways(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: object, **__: object) -> None:
        raise StoreUnavailable(retry_after=1)

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    event, sale = await shop.new_event(8), "tour"
    for method, failing, status in (("hold", silent, 503), ("hold", broken, 500)):
        fan = Fan.inside(shop, sale)
        with monkeypatch.context() as patch:
            patch.setattr(SeatHolds, method, failing)
            body = wanted(event_id=event, seat_ids=["A-1"])
            async with wire(shop) as one:
                assert (await one.ask(asked("POST", RESERVE, bearer(fan), body=body)))[0] == status
            failed = {each.fan_id for each in shop.gateway[ROOMS].room(sale).fans_seen.failed}
            (told, headers, _), _ = await reserve_both_ways(shop, Fan.inside(shop, sale), body)
        assert told == status
        assert headers.get("Retry-After") == ("1" if status == 503 else None)
        assert fan.fan_id in failed


async def test_a_fan_who_hangs_up_has_the_hold_that_was_under_way(shop: Shop) -> None:
    event, fan = await shop.new_event(8), Fan.inside(shop)
    async with wire(shop) as one:
        one.writer.write(
            asked("POST", RESERVE, bearer(fan), body=wanted(event_id=event, seat_ids=["A-1"]))
        )
        await one.writer.drain()
        await asyncio.sleep(0)
        one.writer.transport.abort()
    async with asyncio.timeout(5):
        while await shop.seat_digits(event) != "10000000":
            await asyncio.sleep(0.02)
    assert (await fan.call("GET", f"/api/events/{event}/seats")).status == 200


async def test_no_more_is_taken_than_the_setting_says(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = shop.gateway[SETTINGS]
    data = asked("POST", "/api/sales/tour/join", body=b"{" + b" " * 2_000 + b"}")
    assert is_found(shop, data)
    small = msgspec.structs.replace(settings, body_bytes_max=1_024)
    monkeypatch.setitem(shop.gateway._state, SETTINGS, small)
    assert FrontGate(shop.gateway, CALLS).find(data, PEER) is None


def test_the_gate_before_the_framework_knows_all_that_stands_in_it(shop: Shop) -> None:
    """A new middleware must be thought of in gateway/edge/front_gate.py, and named here."""
    known = [request_id, problem_json, refuse_other_meanings, refuse_other_sites]
    others = [each for each in shop.gateway.middlewares if each not in known]
    assert [each.__qualname__ for each in others] == ["access_log.<locals>.middleware"]
    assert [each.__qualname__ for each in shop.core.middlewares] == [
        "access_log.<locals>.middleware", "problem_json", "read_identity",
    ]  # fmt: skip
