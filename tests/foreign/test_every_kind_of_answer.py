"""Every answer that httpbin knows comes through the door as it comes from httpbin itself."""

import asyncio
import base64
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.foreign.servers import Server
from tests.origin.gate_in_front import gate_to

pytestmark = pytest.mark.timeout(300)

# What is another one each time, or the hop's.
NOT_COMPARED = {"date", "server", "connection", "keep-alive", "transfer-encoding"}
BYTES = base64.b64encode(b"\x00\xff binary").decode()
REQUESTS = [
    ("GET", "/html"), ("GET", "/xml"), ("GET", "/bearer"),
    ("GET", "/encoding/utf8"), ("GET", "/image/png"), ("GET", "/robots.txt"), ("GET", "/deny"),
    ("GET", "/status/200"), ("GET", "/status/204"), ("GET", "/status/304"), ("GET", "/status/401"),
    ("GET", "/status/404"), ("GET", "/status/418"), ("GET", "/status/429"), ("GET", "/status/500"),
    ("GET", "/status/503"), ("POST", "/status/201"), ("DELETE", "/status/204"), ("PATCH", "/status/409"),
    ("GET", "/redirect-to?url=https%3A%2F%2Felsewhere.example%2F&status_code=307"),
    ("GET", "/relative-redirect/2"), ("GET", "/absolute-redirect/2"), ("GET", "/redirect/3"),
    ("GET", "/cookies/set?a=1&b=2"), ("GET", "/cookies/delete?a"),
    ("GET", "/range/1024"), ("GET", "/bytes/70000?seed=1"), ("GET", "/links/3/1"),
    ("GET", "/stream-bytes/70000?seed=1&chunk_size=999"), ("GET", "/base64/" + BYTES),
    ("GET", "/response-headers?X-A=1&X-A=2&Content-Type=text%2Fcsv"),
    ("GET", "/drip?duration=1&numbytes=5&delay=0"), ("GET", "/digest-auth/auth/u/p"),
    ("HEAD", "/html"), ("HEAD", "/bytes/70000?seed=1"), ("OPTIONS", "/anything"),
    ("GET", "/basic-auth/u/p"), ("GET", "/hidden-basic-auth/u/p"),
]  # fmt: skip
# They tell which headers they got, and those are not the same on purpose.
TELLING = ["/gzip", "/deflate", "/cache", "/cache/60", "/etag/abc"]
CONDITIONS = [
    ("/etag/abc", {"If-None-Match": "abc"}),
    ("/etag/abc", {"If-Match": "other"}),
    ("/cache", {"If-Modified-Since": "Wed, 21 Oct 2026 07:28:00 GMT"}),
    ("/range/1024", {"Range": "bytes=10-19"}),
    ("/range/1024", {"Range": "bytes=2000-3000"}),
    ("/bearer", {"Authorization": "Bearer of-the-shop"}),
]


@pytest.fixture
async def fan() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(
        auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield session


async def answer_of(
    fan: aiohttp.ClientSession, method: str, url: str, **request: object
) -> tuple[int, list[tuple[str, str]], bytes]:
    async with fan.request(method, url, allow_redirects=False, **request) as answer:  # type: ignore[arg-type]
        headers = [
            (name.lower(), value)
            for name, value in answer.headers.items()
            if name.lower() not in NOT_COMPARED
        ]
        return answer.status, sorted(headers), await answer.read()


@pytest.fixture
async def gate(httpbin: Server, fan: aiohttp.ClientSession) -> AsyncIterator[str]:
    async with asyncio.timeout(30):
        while True:
            try:
                async with fan.get(f"{httpbin.url}/status/200"):
                    break
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
    async with gate_to(httpbin.url, origin_body_bytes_max=1 << 30) as (url, _):
        yield url


async def same(
    fan: aiohttp.ClientSession, httpbin: Server, gate: str, method: str, path: str, **more: object
) -> None:
    # The same Host for both: the shop's links name what its visitors typed.
    headers = {**more.pop("headers", {}), "Host": "fans.example"}  # type: ignore[dict-item]
    plain = await answer_of(fan, method, httpbin.url + path, headers=headers, **more)
    through = await answer_of(fan, method, gate + path, headers=headers, **more)
    assert "nonce" in str(plain) or through == plain


@pytest.mark.parametrize(("method", "path"), REQUESTS)
async def test_an_answer_is_the_same_through_the_door(
    httpbin: Server, gate: str, fan: aiohttp.ClientSession, method: str, path: str
) -> None:
    await same(fan, httpbin, gate, method, path)


@pytest.mark.parametrize(("path", "headers"), CONDITIONS)
async def test_conditions_and_ranges_are_judged_by_the_shop(
    httpbin: Server, gate: str, fan: aiohttp.ClientSession, path: str, headers: dict[str, str]
) -> None:
    await same(fan, httpbin, gate, "GET", path, headers=headers)


@pytest.mark.parametrize("path", TELLING)
async def test_an_answer_that_tells_what_it_was_asked_is_the_same_but_for_that(
    httpbin: Server, gate: str, path: str
) -> None:
    async def seen(url: str) -> tuple[object, ...]:
        async with fan.get(url + path, headers={"Host": "fans.example"}) as answer:
            told = await answer.json()
            del told["headers"]
            names = ("Content-Encoding", "Cache-Control", "Content-Type")
            return told, *(answer.headers.get(name) for name in names)

    async with aiohttp.ClientSession() as fan:
        assert await seen(gate) == await seen(httpbin.url)


async def test_what_arrives_is_what_was_sent(gate: str, fan: aiohttp.ClientSession) -> None:
    form = aiohttp.FormData({"a": "ü", "b": "2"})
    async with fan.post(f"{gate}/anything/x%2Fy?q=%C3%BC&q=2", data=form) as answer:
        seen = await answer.json()
    assert seen["form"] == {"a": "ü", "b": "2"}
    assert seen["args"] == {"q": ["ü", "2"]}
    files = aiohttp.FormData()
    files.add_field("f", b"x" * 300_000, filename="a.bin")
    async with fan.post(f"{gate}/anything", data=files) as answer:
        seen = await answer.json()
    assert seen["files"]["f"] == "x" * 300_000
    for method in ("PUT", "PATCH", "DELETE"):
        async with fan.request(method, f"{gate}/anything", json={"n": 1}) as answer:
            seen = await answer.json()
        assert (seen["method"], seen["json"]) == (method, {"n": 1})


async def test_a_hundred_at_once(gate: str, fan: aiohttp.ClientSession) -> None:
    async def one(number: int) -> None:
        async with fan.post(f"{gate}/anything?n={number}", data=b"%d" % number) as answer:
            seen = await answer.json()
        assert (seen["args"]["n"], seen["data"]) == (str(number), str(number))

    await asyncio.gather(*(one(number) for number in range(100)))
