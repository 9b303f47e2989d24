"""What goes over the wire on both sides of the gateway, byte by byte where it matters."""

import asyncio
import gzip
import hashlib
import re
from collections import Counter

import aiohttp
import pytest
from aiohttp import web

from groundwork.identity import HEADER_NAME
from tests.origin.gate_in_front import IDENTITY, RawServer, exchange, gate_to, get
from tests.support.opening import served

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def told_to_shop(
    *lines: str, method: str = "GET", path: str = "/", **settings: object
) -> bytes:
    """The head that the shop gets for a request with these header lines."""
    shop = RawServer(OK)
    async with shop.running() as origin, gate_to(origin, **settings) as (url, _):  # type: ignore[arg-type]
        await get(url, path, *lines, method=method)
    [head] = shop.heads
    return head


def values(head: bytes, name: str) -> list[str]:
    """The values of a header, in order."""
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(": ") for line in lines if line)
    return [value for key, _, value in pairs if key.lower() == name.lower()]


async def told_to_fan(answer: bytes, method: str = "GET", **settings: object) -> bytes:
    shop = RawServer(answer)
    async with shop.running() as origin, gate_to(origin, **settings) as (url, _):  # type: ignore[arg-type]
        return await get(url, method=method)


async def test_the_shop_gets_what_the_fan_sent_and_nothing_made_up() -> None:
    head = await told_to_shop("X-Mine: 1", "X-Mine: 2", "Accept: a/b", path="/a%2Fb?c=%20&d=1")
    assert head.startswith(b"GET /a%2Fb?c=%20&d=1 HTTP/1.1\r\n")
    assert values(head, "X-Mine") == ["1", "2"]
    names = {line.partition(":")[0].lower() for line in head.decode().split("\r\n")[1:] if line}
    assert names == {
        "host", "x-mine", "accept", "onsale-identity",
        "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host",
    }  # fmt: skip


async def test_headers_of_the_hop_stay_behind() -> None:
    head = await told_to_shop(
        "Connection: X-Hop , keep-alive", "X-Hop: 1", "Keep-Alive: timeout=5", "TE: trailers",
        "Trailer: X", "Upgrade: h2c", "HTTP2-Settings: x", "Proxy-Authorization: Basic x", "X-Kept: 1",
    )  # fmt: skip
    for name in (
        "Connection",
        "X-Hop",
        "Keep-Alive",
        "TE",
        "Trailer",
        "Upgrade",
        "Proxy-Authorization",
    ):
        assert values(head, name) in ([], ["keep-alive"]), name
    assert values(head, "X-Kept") == ["1"]


async def test_who_asks_is_said_by_the_gateway_alone() -> None:
    head = await told_to_shop(
        f"{HEADER_NAME}: forged", f"{HEADER_NAME.replace('-', '_')}: forged", "X_Forwarded_For: 6.6.6.6",
        "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil",
        "Forwarded: for=6.6.6.6", "X-Real-IP: 6.6.6.6", "X-Original-URL: /admin", "X-Rewrite-URL: /admin",
        "Onsale-Visit: ended", "X-Forwarded-Prefix: /x",
    )  # fmt: skip
    assert values(head, HEADER_NAME) == [IDENTITY]
    assert values(head, "X-Forwarded-For") == ["127.0.0.1"]
    assert values(head, "X-Forwarded-Proto") == ["http"]
    assert values(head, "X-Forwarded-Host") == ["shop.example"]
    for forged in (
        b"forged",
        b"6.6.6.6",
        b"evil",
        b"/admin",
        b"Forwarded:",
        b"Onsale-Visit",
        b"Prefix",
    ):
        assert forged not in head.replace(b"X-Forwarded", b""), forged


# What RFC 9110 lets a name be made of besides letters, digits and the hyphen.
OTHER_NAME_CHARACTERS = "!#$%&'*+.^_`|~"


async def test_no_spelling_of_our_names_reaches_the_shop() -> None:
    lines = [
        f"{name.replace('-', other)}: forged"
        for other in OTHER_NAME_CHARACTERS
        for name in (HEADER_NAME, "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP")
    ]
    kept = ("X-2-Mine: a_b.c~d!#|", "x9: %_*", "Sec-CH-UA-Mobile: ?1", "X--Two: 1")
    head = await told_to_shop(*lines, *kept)
    assert b"forged" not in head
    # As the least careful server reads them: whatever is no letter and no digit is an underscore.
    names = [line.partition(b":")[0] for line in head.splitlines()[1:] if line]
    read = Counter(re.sub(rb"[^A-Z0-9]", b"_", name.upper()) for name in names)
    assert max(read.values()) == 1, read
    for line in kept:
        name, _, value = line.partition(": ")
        assert values(head, name) == [value], "names that are one to everybody, and all values"


async def test_a_trusted_proxy_is_believed_and_added_to() -> None:
    lines = (
        "X-Forwarded-For: 6.6.6.6, 7.7.7.7",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Host: fans.example",
    )
    head = await told_to_shop(*lines, trusted_proxies="127.0.0.0/8")
    assert values(head, "X-Forwarded-For") == ["6.6.6.6, 7.7.7.7, 127.0.0.1"]
    assert values(head, "X-Forwarded-Proto") == ["https"]
    assert values(head, "X-Forwarded-Host") == values(head, "Host") == ["fans.example"]
    head = await told_to_shop(*lines, trusted_proxies="10.0.0.0/8")
    assert values(head, "X-Forwarded-For") == ["127.0.0.1"]


async def test_the_host_is_the_public_one_or_the_upstreams() -> None:
    assert values(await told_to_shop(), "Host") == ["shop.example"]
    head = await told_to_shop(public_url="https://fans.example")
    assert values(head, "Host") == values(head, "X-Forwarded-Host") == ["fans.example"]
    assert values(head, "X-Forwarded-Proto") == ["https"]
    [host] = values(await told_to_shop(origin_host="upstream"), "Host")
    assert host.startswith("127.0.0.1:")


async def own_head(path: str = "", **settings: object) -> bytes:
    """The head of a question that the gateway asks for itself, or of a check."""
    shop = RawServer(OK)
    async with shop.running() as origin, gate_to(origin, **settings) as (_, door):  # type: ignore[arg-type]
        if path:
            await door.ask(path, IDENTITY)
        else:
            async with asyncio.timeout(5):
                while not shop.heads:
                    await asyncio.sleep(0.01)
    return shop.heads[0]


@pytest.mark.parametrize(
    ("path", "more"),
    [("/left", {}), ("", {"origin_health_path": "/health", "origin_check_every_ms": 50})],
    ids=["question", "check"],
)
async def test_what_the_gateway_asks_for_itself_names_the_same_host(
    path: str, more: dict[str, object]
) -> None:
    [host] = values(await own_head(path, **more), "Host")
    assert host.startswith("127.0.0.1:")
    head = await own_head(path, public_url="https://fans.example", **more)
    assert values(head, "Host") == values(head, "X-Forwarded-Host") == ["fans.example"]
    assert values(head, "X-Forwarded-Proto") == ["https"]
    more["origin_host"] = "upstream"
    head = await own_head(path, public_url="https://fans.example", **more)
    [host] = values(head, "Host")
    assert host.startswith("127.0.0.1:")
    assert values(head, "X-Forwarded-Host") == ["fans.example"]


OURS = "onsale-pass-tour=a; __Host-onsale-ticket-tour=b~c"
# {"typ":"pass","iss":"onsale"} and {"iss":"shop"}, as a JWT has them.
OUR_TOKEN = "e30.eyJ0eXAiOiJwYXNzIiwiaXNzIjoib25zYWxlIn0.c2ln"
THEIR_TOKEN = "e30.eyJpc3MiOiJzaG9wIn0.c2ln"


async def test_tickets_and_passes_stay_with_the_gateway() -> None:
    head = await told_to_shop(f"Cookie: a=1; {OURS}; b=2", f"Authorization: DPoP {OUR_TOKEN}")
    assert values(head, "Cookie") == ["a=1; b=2"]
    assert values(head, "Authorization") == []
    assert values(await told_to_shop(f"Cookie: {OURS}"), "Cookie") == []
    for theirs in (f"Bearer {THEIR_TOKEN}", "Basic dXNlcjpwYXNz", "Bearer opaque", "Bearer a.b.c"):
        assert values(await told_to_shop(f"Authorization: {theirs}"), "Authorization") == [theirs]


async def test_a_shop_that_asks_for_tokens_gets_them() -> None:
    head = await told_to_shop(
        f"Cookie: a=1; {OURS}", f"Authorization: Bearer {OUR_TOKEN}", shop_sees_tokens=True
    )
    assert values(head, "Cookie") == [f"a=1; {OURS}"]
    assert values(head, "Authorization") == [f"Bearer {OUR_TOKEN}"]


async def test_the_fan_gets_what_the_shop_answered() -> None:
    answer = await told_to_fan(
        b"HTTP/1.1 418 I am a teapot\r\nContent-Length: 2\r\nSet-Cookie: a=1; Path=/\r\nETag: \"x\"\r\n"
        b"Set-Cookie: b=2\r\nSet-Cookie: onsale-pass-tour=stolen\r\nSet-Cookie: __Host-onsale-ticket-x=1\r\n"
        b"Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nOnsale-Visit: ended\r\n\r\nok"
    )  # fmt: skip
    assert answer.startswith(b"HTTP/1.1 418 I am a teapot\r\n")
    assert values(answer, "Set-Cookie") == ["a=1; Path=/", "b=2"]
    assert values(answer, "ETag") == ['"x"']
    assert values(answer, "Content-Length") == ["2"]
    assert values(answer, "X-Hop") == values(answer, "Keep-Alive") == []
    assert values(answer, "Content-Type") == [], "nor is a type made up"
    assert answer.endswith(b"\r\n\r\nok")


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("/next?a=1", "/next?a=1"),
        ("{origin}/next?a=1#b", "https://fans.example/next?a=1#b"),
        ("{origin}", "https://fans.example"),
        ("{origin}1/next", "{origin}1/next"),
        ("//{host}/next", "https://fans.example/next"),
        ("https://pay.example/x?back={origin}/", "https://pay.example/x?back={origin}/"),
    ],
)
async def test_addresses_of_an_upstream_become_public(location: str, told: str) -> None:
    shop = RawServer(b"")
    async with (
        shop.running() as origin,
        gate_to(origin, public_url="https://fans.example") as (url, _),
    ):
        names = {"origin": origin, "host": origin.removeprefix("http://")}
        shop.answer = (
            "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
            f"Location: {location.format(**names)}\r\n"
            f"Set-Cookie: a=1; Domain=127.0.0.1; Path=/\r\nSet-Cookie: b=1; Domain=fans.example\r\n\r\n"
        ).encode()
        answer = await get(url)
    assert answer.startswith(b"HTTP/1.1 302 Found\r\n"), "it is not followed"
    assert values(answer, "Location") == [told.format(**names)]
    assert values(answer, "Set-Cookie") == ["a=1; Path=/", "b=1; Domain=fans.example"]


async def test_a_redirect_may_be_several_times_as_long_as_what_was_asked_for() -> None:
    told = b"/login?next=" + b"%2525" * 10_000
    moved = b"HTTP/1.1 302 Found\r\nLocation: " + told + b"\r\nContent-Length: 0\r\n\r\n"
    assert b"Location: " + told in await told_to_fan(moved)


async def test_head_has_the_length_and_no_body() -> None:
    answer = await told_to_fan(b"HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n", method="HEAD")
    assert values(answer, "Content-Length") == ["500000"]
    assert answer.endswith(b"\r\n\r\n")
    answer = await told_to_fan(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", method="HEAD"
    )
    assert values(answer, "Content-Length") == []
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("status", [b"204 No Content", b'304 Not Modified\r\nETag: "x"'])
async def test_answers_without_a_body_have_none(status: bytes) -> None:
    shop = RawServer(b"HTTP/1.1 " + status + b"\r\n\r\n")
    async with shop.running() as origin, gate_to(origin) as (url, _):
        answer = await get(url, "/", 'If-None-Match: "x"')
    assert answer.startswith(b"HTTP/1.1 " + status.split(b"\r\n", maxsplit=1)[0])
    assert values(answer, "Content-Length") == values(answer, "Transfer-Encoding") == []
    assert answer.endswith(b"\r\n\r\n")
    assert values(shop.heads[0], "If-None-Match") == ['"x"'], "conditions are the shop's to judge"


async def test_an_answer_until_the_connection_closes_is_passed_on() -> None:
    async def close_after(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 100_000)
        writer.close()

    server = await asyncio.start_server(close_after, "127.0.0.1", 0)
    async with (
        server,
        gate_to(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as (url, _),
        aiohttp.ClientSession() as session,
        session.get(url) as answer,
    ):
        assert len(await answer.read()) == 100_000


SMUGGLED = {
    "two lengths": b"Content-Length: 4\r\nContent-Length: 40\r\n\r\nabcd",
    "length and chunks": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks in disguise": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks twice": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a blank before the colon": b"Content-Length : 4\r\n\r\nabcd",
    "a signed length": b"Content-Length: +4\r\n\r\nabcd",
    "two hosts": b"Host: other.example\r\nContent-Length: 0\r\n\r\n",
    "a folded header": b"X-A: 1\r\n Content-Length: 4\r\n\r\nabcd",
    "a chunk size that is none": b"Transfer-Encoding: chunked\r\n\r\n0x4\r\nabcd\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("rest", SMUGGLED.values(), ids=SMUGGLED.keys())
async def test_a_request_of_two_meanings_reaches_no_shop_whole(rest: bytes) -> None:
    shop = RawServer(OK)
    async with shop.running() as origin, gate_to(origin) as (url, _):
        received = await exchange(
            url,
            b"POST / HTTP/1.1\r\nHost: shop.example\r\n" + rest + b"GET /admin HTTP/1.1\r\n\r\n",
        )
    assert received.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400")), received[:200]
    assert not any(b"/admin" in head for head in shop.heads)


async def test_trace_and_connect_are_not_passed_on() -> None:
    shop = RawServer(OK)
    async with shop.running() as origin, gate_to(origin) as (url, _):
        for method in ("TRACE", "CONNECT"):
            head = await get(url, "/x", method=method)
            assert head.startswith((b"HTTP/1.1 400", b"HTTP/1.1 404")), method
    assert shop.heads == []


def echo_app() -> web.Application:
    async def echo(request: web.Request) -> web.Response:
        body = await request.read()
        return web.json_response(
            {
                "length": request.headers.get("Content-Length"),
                "chunked": request.headers.get("Transfer-Encoding"),
                "encoding": request.headers.get("Content-Encoding"),
                "expect": request.headers.get("Expect"),
                "bytes": len(body),
                "sha": hashlib.sha256(body).hexdigest(),
            }
        )

    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", echo)
    return app


async def test_bodies_go_with_their_length_or_in_chunks_as_they_came() -> None:
    async def parts() -> object:
        for _ in range(40):
            yield b"y" * 10_000

    async with (
        served(echo_app()) as origin,
        gate_to(origin) as (url, _),
        aiohttp.ClientSession() as fan,
    ):
        async with fan.post(url, data=b"x" * 400_000) as answer:
            seen = await answer.json()
        assert (seen["length"], seen["chunked"], seen["bytes"]) == ("400000", None, 400_000)
        assert seen["sha"] == hashlib.sha256(b"x" * 400_000).hexdigest()
        async with fan.post(url, data=parts()) as answer:
            seen = await answer.json()
        assert (seen["length"], seen["chunked"], seen["bytes"]) == (None, "chunked", 400_000)
        packed = gzip.compress(b"z" * 10_000)
        async with fan.put(url, data=packed, headers={"Content-Encoding": "gzip"}) as answer:
            seen = await answer.json()
        assert seen["encoding"] == "gzip"
        async with fan.post(url) as answer:
            assert (await answer.json())["length"] == "0"


async def test_a_body_over_the_limit_is_refused_before_or_while_it_is_sent() -> None:
    async with (
        served(echo_app()) as origin,
        gate_to(origin, origin_body_bytes_max=1000) as (url, _),
    ):
        head = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
        said = await exchange(
            url, head + b"Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n", until=b"\r\n\r\n"
        )
        assert said.startswith(b"HTTP/1.1 413"), "before the fan was told to send it"
        said = await exchange(
            url, head + b"Transfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n",
            until=b"body-too-large",
        )  # fmt: skip
        assert said.startswith(b"HTTP/1.1 413")
        said = await exchange(url, head + b"Content-Length: 1000\r\n\r\n" + b"x" * 1000)
        assert said.startswith(b"HTTP/1.1 200")


async def test_the_fan_is_told_to_go_on_once() -> None:
    async with served(echo_app()) as origin, gate_to(origin) as (url, _):
        said = await exchange(
            url,
            b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\n"
            b"Content-Length: 4\r\n\r\nabcd",
        )
    assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert said.count(b"100 Continue") == 1
    assert b'"expect": null' in said


async def test_gzip_passes_untouched() -> None:
    packed = gzip.compress(b"a page" * 10_000)
    answer = await told_to_fan(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
        + packed
    )
    assert values(answer, "Content-Encoding") == ["gzip"]
    assert answer.partition(b"\r\n\r\n")[2] == packed
