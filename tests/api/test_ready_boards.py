"""Polls answered before the framework: the same answer, only for what cannot mean anything else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from prometheus_client import Histogram

from gateway.app_keys import ROOMS
from groundwork.body_count import BETWEEN_REQUESTS, UNKNOWN, bytes_owed
from groundwork.counted_soon import observe_many
from groundwork.errors import StoreUnavailable
from groundwork.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS
from groundwork.ready_answers import READY_ANSWERS, REQUEST_BYTES_MAX
from groundwork.redis_store import RedisStore
from tests.support.fan import Fan
from tests.support.shop import Shop

ROUTE = "/api/sales/{sale}/status"


class Wire:
    """One connection on which bytes go out as they are, and whole answers come back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, *pieces: bytes) -> tuple[int, dict[str, str], bytes]:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0.01)  # lets each piece arrive alone
        return await self.answer()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        async with asyncio.timeout(5):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            assert len(headers) == len(lines), "no header comes twice"
            body = await self.reader.readexactly(int(headers.get("Content-Length", 0)))
            return int(first.split(" ")[1]), headers, body


@asynccontextmanager
async def wire(shop: Shop) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(shop.url).port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


def poll(sale: str, *headers: str, method: str = "GET") -> bytes:
    lines = [f"{method} /api/sales/{sale}/status HTTP/1.1", "Host: 127.0.0.1", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def given(shop: Shop, sale: str) -> int:
    """How often this sale's board was given without the framework, since it was made."""
    answer = shop.gateway[READY_ANSWERS]._answers.get(poll(sale).partition(b"\r\n")[0])
    return answer.given + answer.given_not_modified if answer else 0


@pytest.fixture
async def sale(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> str:
    """A closed sale whose board is not made anew while the test looks at it."""
    sale = await shop.new_sale(state="closed")
    monkeypatch.setattr(shop.gateway[ROOMS], "outlets", [])
    return sale


async def test_the_ready_answer_is_the_frameworks_answer(shop: Shop, sale: str) -> None:
    async with wire(shop) as ready, wire(shop) as framework:
        for header, status in (("Accept: */*", 200), ("If-None-Match: {etag}", 304)):
            etag = (await framework.ask(poll(sale, "Range: bytes=0-")))[1]["ETag"]
            before = given(shop, sale)
            mine = await ready.ask(poll(sale, header.format(etag=etag)))
            assert given(shop, sale) == before + 1
            theirs = await framework.ask(poll(sale, header.format(etag=etag), "Range: bytes=0-"))
            assert given(shop, sale) == before + 1
            for _, headers, _ in (mine, theirs):
                assert headers.pop("Date").endswith(" GMT")
            assert mine == theirs
            assert mine[0] == status


@pytest.mark.parametrize(
    "header",
    [
        "Content-Length: 0", "content-length : 5", "Transfer-Encoding: chunked", "TE: trailers",
        "Upgrade: h2c", "Expect: 100-continue", "Range: bytes=0-1", "Connection: close",
        "Connection: keep-alive, Upgrade", 'If-None-Match: "a", "b"', "If-None-Match: *",
        "If-Match: *", "X: a\r\n folded: b", "X: a\nContent-Length: 5", "X: a\rContent-Length: 5",
        "X: \x00", "Bad Header: x", "no colon", ": no name",
        'If-None-Match: "a"\r\nIf-None-Match: "b"', "X: " + "x" * REQUEST_BYTES_MAX,
    ],
)  # fmt: skip
async def test_what_may_mean_something_else_is_the_frameworks(
    shop: Shop, sale: str, header: str
) -> None:
    assert shop.gateway[READY_ANSWERS].find(poll(sale, "Accept: */*", header)) is None
    assert shop.gateway[READY_ANSWERS].find(poll(sale, header, "Accept: */*")) is None


@pytest.mark.parametrize(
    "request_bytes",
    [
        poll("S", method="HEAD"), poll("S", method="POST"), poll("S")[:-1], poll("S") + b"x",
        poll("S") + poll("S"), poll("S").replace(b"1.1", b"1.0"), poll("S").replace(b"\r", b""),
        poll("S").replace(b"status", b"status?x"), poll("S").replace(b"S", b"nobody", 1), b"", b"\r\n",
        b"GET /api/sales/S/status HTTP/1.1\r\n\r\n",
    ],
)  # fmt: skip
async def test_what_is_not_one_whole_request_is_the_frameworks(
    shop: Shop, sale: str, request_bytes: bytes
) -> None:
    named = request_bytes.replace(b"/S/", f"/{sale}/".encode())
    assert shop.gateway[READY_ANSWERS].find(named) is None


@pytest.mark.parametrize(
    "header",
    [
        "Cookie: __Host-onsale-ticket=x", "Connection: keep-alive", "User-Agent: Mozilla/5.0 (é)",
        "Accept-Language:", 'If-None-Match: "another"', 'If-None-Match: W/"another"',
    ],
)  # fmt: skip
async def test_what_browsers_send_is_ready(shop: Shop, sale: str, header: str) -> None:
    async with wire(shop) as fan:
        before = given(shop, sale)
        for _ in range(3):
            assert (await fan.ask(poll(sale, header)))[0] == 200
        assert given(shop, sale) == before + 3


async def test_one_connection_serves_both(shop: Shop, sale: str) -> None:
    """As a browser uses it: a page, polls, a join, polls again, also when bodies come apart."""
    body = b'{"altcha":"x"}'
    join = b"POST /api/sales/%b/join HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (
        sale.encode(),
        len(body),
    )
    async with wire(shop) as fan:
        assert (await fan.ask(b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\n\r\n"))[0] == 200
        for pieces in ([join + body], [join, body], [join, body[:5], body[5:]]):
            before = given(shop, sale)
            assert (await fan.ask(*pieces))[0] == 410
            await asyncio.sleep(0.02)  # the framework waits for the next request again
            assert (await fan.ask(poll(sale)))[0] == 200
            assert given(shop, sale) == before + 1


async def test_a_request_that_comes_in_pieces_is_not_ready(shop: Shop, sale: str) -> None:
    whole = poll(sale)
    async with wire(shop) as fan:
        for cut in (1, 30, len(whole) - 1):
            assert (await fan.ask(whole[:cut], whole[cut:]))[0] == 200
        assert (await fan.ask(whole))[0] == 200
    assert given(shop, sale) == 0


async def test_a_body_or_head_that_looks_like_a_poll_is_none(shop: Shop, sale: str) -> None:
    inner = poll(sale)
    join = b"POST /api/sales/%b/join HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (
        sale.encode(),
        len(inner),
    )
    async with wire(shop) as fan:
        # One answer for the join whose body it was, and none for the poll in it.
        assert (await fan.ask(join, inner))[0] == 400
        status, headers, _ = await fan.ask(
            b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\n\r\n"
        )
        assert (status, headers["Content-Type"]) == (200, "application/json")
    async with wire(shop) as fan:
        # The beginning of another request's head: together they are one, of some other path.
        assert (await fan.ask(b"GET /api/nothing HTTP/1.1\r\nX: ", inner))[0] == 403
    assert given(shop, sale) == 0


async def test_polls_in_one_piece_are_answered_in_order(shop: Shop, sale: str) -> None:
    async with wire(shop) as fan:
        jwks = b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\n\r\n"
        fan.writer.write(jwks + poll(sale) + jwks + poll(sale))
        types = [(await fan.answer())[1]["Content-Type"] for _ in range(4)]
        assert types == ["application/json"] * 4


async def test_who_does_not_read_is_not_given_more_and_more(shop: Shop, sale: str) -> None:
    async with wire(shop) as fan:
        fan.writer.transport.pause_reading()  # type: ignore[attr-defined]
        before = given(shop, sale)
        asked = 0
        async with asyncio.timeout(10):
            for _ in range(400):
                fan.writer.write(poll(sale) * 50)
                asked += 50
                if fan.writer.transport.get_write_buffer_size() > 100_000:
                    break
                await asyncio.sleep(0.001)
    assert asked > 1_000
    assert given(shop, sale) - before < asked


async def test_a_sale_that_is_gone_is_gone(shop: Shop, sale: str) -> None:
    answers = shop.gateway[READY_ANSWERS]
    assert answers.find(poll(sale))
    answers.drop(f"/api/sales/{sale}/status")
    assert answers.find(poll(sale)) is None
    answers.drop(f"/api/sales/{sale}/status")


async def test_every_poll_is_counted(shop: Shop) -> None:
    def counted() -> tuple[float, float, float]:
        seconds = HTTP_REQUEST_SECONDS.labels("gateway", ROUTE)
        return (
            HTTP_REQUESTS.labels("gateway", ROUTE, "200")._value.get(),
            HTTP_REQUESTS.labels("gateway", ROUTE, "304")._value.get(),
            sum(bucket.get() for bucket in seconds._buckets),
        )

    sale = await shop.new_sale(state="closed")
    await shop.refresh_rooms()
    etag = (await Fan(shop).call("GET", f"/api/sales/{sale}/status")).headers["ETag"]
    await shop.refresh_rooms()
    before = counted()
    async with wire(shop) as fan:
        for _ in range(5):
            await fan.ask(poll(sale))
        for _ in range(3):
            await fan.ask(poll(sale, f"If-None-Match: {etag}"))
    await shop.refresh_rooms()  # counts are handed over with the next board
    assert tuple(now - then for now, then in zip(counted(), before, strict=True)) == (5, 3, 8)


async def test_a_poll_asks_no_store(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    sale = await shop.new_sale()

    def silent(*_: object) -> None:
        raise StoreUnavailable(retry_after=1)

    monkeypatch.setattr(RedisStore, "send", silent)
    async with wire(shop) as fan:
        for headers in ((), ("Range: bytes=0-",)):
            replies = [await fan.ask(poll(sale, *headers)) for _ in range(3)]
            # Early or not: the same bytes, as long as the board is the same.
            assert len({body for _, _, body in replies}) == 1
            assert {status for status, _, _ in replies} == {200}


@pytest.mark.parametrize(
    ("data", "owed", "left"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0, BETWEEN_REQUESTS),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\nG", 0, UNKNOWN),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", 0, UNKNOWN),
        (b"", 0, BETWEEN_REQUESTS), (b"", 7, 7),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 0, 5),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde", 0, BETWEEN_REQUESTS),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcdef", 0, UNKNOWN),
        (b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde", 0, UNKNOWN),
        (b"POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\nabcde", 0, UNKNOWN),
        (b"POST / HTTP/1.1\nContent-Length: 5\r\n\r\nabcde", 0, UNKNOWN),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, UNKNOWN),
        (b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n", 0, UNKNOWN),
        (b"abc", 5, 2), (b"abcde", 5, BETWEEN_REQUESTS), (b"abcdef", 5, UNKNOWN),
    ],
)  # fmt: skip
def test_where_a_connection_stands(data: bytes, owed: int, left: int) -> None:
    assert bytes_owed(data, owed) == left


def test_observing_many_is_observing_often() -> None:
    def made() -> Histogram:
        return Histogram("seconds", "", buckets=(0.001, 0.01, 0.1), registry=None)

    for value in (0.0, 0.001, 0.05, 7.0):
        often, many = made(), made()
        for _ in range(4):
            often.observe(value)
        observe_many(many, value, 4)
        samples = [
            [
                (sample.name, sample.labels, sample.value)
                for sample in next(iter(each.collect())).samples
            ]
            for each in (often, many)
        ]
        assert samples[0] == samples[1]
