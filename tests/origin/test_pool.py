"""Who gets the next request, what is asked again and what is not, and who comes and goes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from gateway.origin.circuit import CircuitState
from gateway.origin.over_http import HttpDoor
from groundwork.errors import StoreUnavailable
from tests.origin.gate_in_front import RawServer, gate_to
from tests.running_system import free_port
from tests.support.opening import served

# Tests wait for what they want to see, up to this.
PATIENCE_S = 10.0
# No check interferes with what a test is about, unless it says so.
QUIET = {"origin_check_every_ms": 60_000}
QUICK = {"origin_check_every_ms": 50, "origin_rest_ms": 100, "origin_rest_ms_max": 200}


class Instance:
    """One server of a shop that says its name, as slowly and as badly as it is told to."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.delay_s = 0.0
        self.status = 200
        self.dies_of: Callable[[web.Request], bool] = lambda _request: False
        self.asked: list[str] = []
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._stack = AsyncExitStack()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/health":
            return web.Response(status=self.status)
        self.asked.append(request.method)
        await asyncio.sleep(self.delay_s)
        if self.dies_of(request):
            assert request.transport is not None
            request.transport.abort()
        return web.Response(text=self.name, status=self.status)

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        await self._stack.enter_async_context(served(app, self.port, cancels_handlers=True))

    async def stop(self) -> None:
        await self._stack.aclose()


@pytest.fixture
async def one() -> AsyncIterator[Instance]:
    instance = Instance("one")
    await instance.start()
    yield instance
    await instance.stop()


@pytest.fixture
async def two() -> AsyncIterator[Instance]:
    instance = Instance("two")
    await instance.start()
    yield instance
    await instance.stop()


@asynccontextmanager
async def fans_at(*origins: str, **settings: Any) -> AsyncIterator[tuple["Fans", HttpDoor]]:
    async with gate_to(*origins, **settings) as (url, door), aiohttp.ClientSession() as session:
        yield Fans(session, url), door


class Fans:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def ask(self, method: str = "GET", path: str = "/", **more: Any) -> tuple[int, str]:
        async with self.session.request(method, self.url + path, **more) as answer:
            text = await answer.text()
            is_problem = answer.content_type == "application/problem+json"
            return answer.status, (await answer.json(content_type=None))[
                "code"
            ] if is_problem else text

    async def crowd(self, count: int, **more: Any) -> Counter[tuple[int, str]]:
        return Counter(await asyncio.gather(*(self.ask(**more) for _ in range(count))))


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(0.01)


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"onsale_origin_{name}", labels) or 0.0


async def test_equals_share_the_requests(one: Instance, two: Instance) -> None:
    one.delay_s = two.delay_s = 0.02
    async with fans_at(one.url, two.url, **QUIET) as (fans, _):
        shares = await fans.crowd(60)
        assert shares == {(200, "one"): 30, (200, "two"): 30}
        # With nothing under way chance decides, not the order of the setting.
        first = {(await fans.ask())[1] for _ in range(20)}
        assert first == {"one", "two"}


async def test_who_is_slow_gets_less(one: Instance, two: Instance) -> None:
    one.delay_s, two.delay_s = 0.1, 0.01
    async with fans_at(one.url, two.url, **QUIET) as (fans, _):

        async def fan() -> None:
            for _ in range(15):
                await fans.ask()

        await asyncio.gather(*(fan() for _ in range(8)))
    assert len(two.asked) > 2 * len(one.asked)
    assert one.asked, "less is not nothing"


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_safe_request_is_asked_again_elsewhere(
    one: Instance, two: Instance, method: str
) -> None:
    one.dies_of = lambda _request: True
    async with fans_at(one.url, two.url, **QUIET) as (fans, _):
        answers = await fans.crowd(20, method=method)
    assert {status for status, _ in answers} == {200}
    assert one.asked
    assert len(two.asked) == 20


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_what_changes_something_is_never_asked_twice(
    one: Instance, two: Instance, method: str
) -> None:
    one.dies_of = two.dies_of = lambda _request: True
    settings = {**QUIET, "origin_breaks_after": 100}
    async with fans_at(one.url, two.url, **settings) as (fans, _):
        for more in ({}, {"data": b"abc"}):
            answers = await fans.crowd(10, method=method, **more)
            assert answers == {(502, "answer-lost"): 10}
    assert len(one.asked) + len(two.asked) == 20


async def test_a_safe_method_with_a_body_is_not_asked_twice(one: Instance, two: Instance) -> None:
    one.dies_of = two.dies_of = lambda _request: True
    async with fans_at(one.url, two.url, **QUIET) as (fans, _):
        assert await fans.ask("GET", data=b"abc") == (502, "answer-lost")
    assert len(one.asked) + len(two.asked) == 1


async def test_a_kept_connection_that_was_closed_repeats_no_delete() -> None:
    """aiohttp's client would, by itself."""
    shop = RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    async with shop.running() as origin, fans_at(origin, **QUIET) as (fans, _):
        assert await fans.ask("DELETE") == (200, "ok")
        shop.answer = b""  # reads the request, and closes the kept connection
        assert await fans.ask("DELETE") == (502, "answer-lost")
        assert len(shop.heads) == 2
        assert shop.connections == 1


async def test_a_connection_that_was_never_made_has_carried_nothing(one: Instance) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    async with fans_at(nobody, one.url, **QUIET) as (fans, door):
        for more in ({}, {"data": b"abc"}):
            assert await fans.crowd(20, method="POST", **more) == {(200, "one"): 20}
        [dead] = [up for up in door.pool.upstreams if up.origin.port != one.port]
        assert dead.circuit.state is CircuitState.OPEN
    assert len(one.asked) == 40


async def test_an_answer_that_breaks_off_before_its_first_byte_goes_out_is_asked_again(
    one: Instance,
) -> None:
    half = RawServer(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        half.heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(half.answer)
        writer.close()

    half.handle = closing  # type: ignore[method-assign]
    async with half.running() as origin, fans_at(origin, one.url, **QUIET) as (fans, _):
        assert await fans.crowd(10) == {(200, "one"): 10}
        assert half.heads
        unsafe = await fans.crowd(10, method="POST")
    assert set(unsafe) <= {(200, "one"), (502, "answer-lost")}


async def test_retries_do_not_multiply_an_outage(one: Instance, two: Instance) -> None:
    one.dies_of = two.dies_of = lambda _request: True
    settings = {**QUIET, "origin_breaks_after": 1000}
    async with fans_at(one.url, two.url, **settings) as (fans, door):
        door._attempts._budget._saved = 4.0
        before = sample("retries_total", outcome="no_budget")
        answers = await fans.crowd(40)
    assert answers == {(503, "origin-unavailable"): 40}
    assert 40 < len(one.asked) + len(two.asked) <= 40 + 4 + 40 / 5
    assert sample("retries_total", outcome="no_budget") > before


async def test_all_down_is_said_at_once_and_over_within_a_moment_of_their_return(
    one: Instance, two: Instance
) -> None:
    async with fans_at(one.url, two.url, **QUICK) as (fans, door):
        await one.stop()
        await two.stop()
        answers = await fans.crowd(30)
        assert answers == {(503, "origin-unavailable"): 30}
        async with fans.session.get(fans.url) as answer:
            assert int(answer.headers["Retry-After"]) >= 2
        assert all(up.circuit.state is not CircuitState.CLOSED for up in door.pool.upstreams)
        await one.start()
        await two.start()
        async with asyncio.timeout(PATIENCE_S):
            while any(up.circuit.state is not CircuitState.CLOSED for up in door.pool.upstreams):
                await fans.ask()
        assert {status for status, _ in await fans.crowd(20)} == {200}


async def test_an_open_circuit_spares_the_server_and_is_told_once(one: Instance) -> None:
    one.status = 504
    with capture_logs() as logs:
        async with fans_at(one.url, **QUIET) as (fans, door):
            assert await fans.crowd(5) == {(504, "one"): 5}
            assert await fans.crowd(20) == {(503, "origin-unavailable"): 20}
            assert len(one.asked) == 5
            label = door.pool.upstreams[0].label
    told = [entry for entry in logs if entry["event"] == "upstream circuit open"]
    assert [(entry["upstream"], entry["why"]) for entry in told] == [(label, "bad_gateway")]
    assert sample("failures_total", upstream=label, reason="bad_gateway") == 5


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
async def test_the_shops_own_word_opens_no_circuit(one: Instance, status: int) -> None:
    one.status = status
    async with fans_at(one.url, **QUIET) as (fans, door):
        assert await fans.crowd(20) == {(status, "one"): 20}
        assert door.pool.upstreams[0].circuit.state is CircuitState.CLOSED


GARBLED = {
    "a header without end": b"HTTP/1.1 200 OK\r\nX: "
    + b"x" * 70_000
    + b"\r\nContent-Length: 0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
    "another protocol": b"220 mail.example ESMTP\r\n",
}


@pytest.mark.parametrize("answer", GARBLED.values(), ids=GARBLED)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_answer_that_cannot_be_read_closes_no_server_and_goes_to_no_other(
    answer: bytes, method: str
) -> None:
    shop = RawServer(answer)
    async with shop.running() as origin, fans_at(origin, **QUIET) as (fans, door):
        [upstream] = door.pool.upstreams
        before = sample("failures_total", upstream=upstream.label, reason="garbled")
        for _ in range(6):  # more often than breaks a circuit
            assert await fans.ask(method) == (502, "answer-lost")
        assert upstream.circuit.state is CircuitState.CLOSED
        assert sample("failures_total", upstream=upstream.label, reason="garbled") == before + 6
        assert len(shop.heads) == 6
        shop.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        assert await fans.ask(method) == (200, "ok")


async def test_a_question_of_our_own_that_is_answered_with_garbage_closes_no_server() -> None:
    shop = RawServer(GARBLED["two lengths"])
    async with shop.running() as origin, fans_at(origin, **QUIET) as (_, door):
        for _ in range(6):
            with pytest.raises(StoreUnavailable):
                await door.ask("/left", "v1.signed.here")
        assert door.pool.upstreams[0].circuit.state is CircuitState.CLOSED


@pytest.mark.parametrize("health_path", ["", "/health"])
async def test_who_answers_nothing_that_can_be_read_is_found_by_checks(
    one: Instance, health_path: str
) -> None:
    shop = RawServer(GARBLED["another protocol"])
    settings = {**QUICK, "origin_health_path": health_path}
    async with shop.running() as origin, fans_at(origin, one.url, **settings) as (fans, door):
        [garbled, _] = door.pool.upstreams
        async with asyncio.timeout(PATIENCE_S):
            while garbled.is_healthy:
                await fans.ask()
        assert await fans.crowd(10) == {(200, "one"): 10}
        shop.answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        if not health_path:
            await until(lambda: garbled.is_healthy)


async def test_who_answers_one_page_with_garbage_passes_its_checks() -> None:
    """Whoever finds such a page must not be able to take the server from everybody."""
    page, garbage = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", GARBLED["two lengths"]
    shop = RawServer(page)
    async with shop.running() as origin, fans_at(origin, **QUICK) as (fans, door):
        [upstream] = door.pool.upstreams
        for _ in range(4):
            shop.answer = garbage
            assert await fans.ask() == (502, "answer-lost")
            shop.answer = page
            await until(lambda: not upstream.is_garbled)
            assert upstream.is_healthy
    assert any(head.startswith(b"HEAD / ") for head in shop.heads)


async def test_a_page_that_takes_longer_than_a_check_makes_no_server_unhealthy() -> None:
    """One answer could not be read, and the page that is asked for then is a slow one."""
    shop = RawServer(GARBLED["two lengths"])
    settings = {**QUICK, "origin_check_ms": 50}
    async with shop.running() as origin, fans_at(origin, **settings) as (fans, door):
        [upstream] = door.pool.upstreams
        assert await fans.ask() == (502, "answer-lost")
        shop.keeps_waiting = True
        before = len(shop.heads)
        await until(lambda: len(shop.heads) >= before + 6)
        assert upstream.is_garbled
        assert upstream.is_healthy


async def test_who_fails_the_checks_gets_nothing_and_is_told_once_each_way(
    one: Instance, two: Instance
) -> None:
    with capture_logs() as logs:
        settings = {**QUICK, "origin_health_path": "/health"}
        async with fans_at(one.url, two.url, **settings) as (fans, door):
            [first, _] = door.pool.upstreams
            one.status = 500
            await until(lambda: not first.is_healthy)
            assert await fans.crowd(10) == {(200, "two"): 10}
            one.status = 200
            await until(lambda: first.is_healthy)
            assert {name for _, name in await fans.crowd(20)} == {"one", "two"}
    told = [entry["event"] for entry in logs if "healthy" in entry["event"]]
    assert told == ["upstream unhealthy", "upstream healthy"]


async def test_checks_that_refuse_everybody_decide_nothing(one: Instance) -> None:
    """A health path that is wrong must not close the shop."""
    settings = {**QUICK, "origin_health_path": "/health"}
    async with fans_at(one.url, **settings) as (fans, door):
        one.status = 404
        await until(lambda: not door.pool.upstreams[0].is_healthy)
        assert await fans.ask() == (404, "one")


async def test_who_hangs_is_found_by_checks_and_given_up(one: Instance, two: Instance) -> None:
    one.delay_s = 60
    settings = {**QUIET, "origin_answer_ms": 100}
    async with fans_at(one.url, two.url, **settings) as (fans, door):
        answers = await fans.crowd(20)
        assert set(answers) == {(200, "two"), (503, "origin-unavailable")}
        [first, _] = door.pool.upstreams
        assert first.circuit.state is CircuitState.OPEN
        assert sample("failures_total", upstream=first.label, reason="silent") > 0
        assert await fans.crowd(10) == {(200, "two"): 10}
        assert first.outstanding == 0


async def test_who_waits_at_a_server_that_fails_its_checks_is_answered_by_another(
    one: Instance, two: Instance
) -> None:
    one.delay_s, one.status = 60, 500
    settings = {**QUICK, "origin_health_path": "/health", "origin_answer_ms": 2_000}
    async with fans_at(one.url, two.url, **settings) as (fans, door):
        buying = asyncio.gather(*(fans.ask("POST", data=b"x") for _ in range(8)))
        await until(lambda: door.pool.upstreams[0].outstanding > 0)
        assert await fans.crowd(20) == {(200, "two"): 20}
        # What may have been done is not asked twice.
        assert set(await buying) == {(200, "two"), (502, "answer-lost")}


async def test_who_waits_is_left_where_nobody_is_better(one: Instance) -> None:
    one.delay_s, one.status = 1, 500
    async with fans_at(one.url, **QUICK, origin_health_path="/health") as (fans, door):
        looking = asyncio.gather(*(fans.ask() for _ in range(4)))
        await until(lambda: not door.pool.upstreams[0].is_healthy)
        assert set(await looking) == {(500, "one")}


async def test_what_may_have_been_done_and_was_not_answered_is_said_so(one: Instance) -> None:
    one.delay_s = 60
    async with fans_at(one.url, **QUIET, origin_answer_ms=100) as (fans, _):
        assert await fans.ask("POST", data=b"x") == (502, "answer-lost")


async def test_each_address_of_a_name_is_an_upstream_and_leaves_when_it_is_gone(
    one: Instance,
) -> None:
    addresses = ["127.0.0.1", "127.0.0.2"]
    lookups = 0

    async def resolve(host: str, port: int) -> list[str]:
        nonlocal lookups
        lookups += 1
        assert host == "shop.internal"
        if not addresses:
            raise OSError("no such name")
        return list(addresses)

    seconds = Instance("second")
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", seconds.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.2", one.port).start()
    try:
        async with fans_at(
            f"http://shop.internal:{one.port}",
            resolve=resolve, origin_lookup_every_ms=50, origin_check_every_ms=60_000,
        ) as (fans, door):  # fmt: skip
            assert {name for _, name in await fans.crowd(20)} == {"one", "second"}
            seconds.delay_s = 0.3
            leaving = asyncio.gather(*(fans.ask() for _ in range(10)))
            await until(lambda: len(seconds.asked) > 10)
            addresses.remove("127.0.0.2")
            await until(lambda: len(door.pool.upstreams) == 1)
            assert {status for status, _ in await leaving} == {200}, "what was under way ends well"
            assert await fans.crowd(10) == {(200, "one"): 10}
            await until(lambda: not door.pool._leaving)
            addresses.clear()
            seen = lookups
            await until(lambda: lookups > seen + 1)
            assert await fans.ask() == (200, "one"), "a name server that is away takes nobody out"
    finally:
        await runner.cleanup()
