"""Every answer of the shop is good or bad, counted for its sale; what fans do wrong is not its fault."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import REGISTRY

from gateway.app_keys import DOOR, ORIGIN_HEALTH
from gateway.origin.door import Door
from gateway.origin.health import AnswerCounts
from gateway.origin.in_process import InProcessDoor
from gateway.settings import GatewaySettings
from groundwork.errors import StoreUnavailable
from tests.support.fan import DeviceKey, Fan
from tests.support.opening import door_to, open_shop, served
from tests.support.shop import Shop

SLOW_MS = 100
PutUp = Callable[[str], Awaitable[None]]
PAYING = "/api/bookings/complete"


@pytest.fixture(scope="module")
async def shop(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    settings = GatewaySettings(origin_slow_ms=SLOW_MS)
    async with open_shop(redis_url, database_dsn, open_dir, gateway=settings) as shop:
        yield shop


@pytest.fixture
async def sale(shop: Shop) -> str:
    return await shop.new_sale(state="closed")  # its line is left alone, and so are its counts


def counts(shop: Shop, sale: str) -> AnswerCounts:
    return shop.gateway[ORIGIN_HEALTH].take(sale)


def odd_shop() -> web.Application:
    """A shop that answers as its path asks."""

    async def answer(request: web.Request) -> web.StreamResponse:
        what = request.path.rpartition("/")[2]
        await request.read()
        match what:
            case "slow" | "complete":
                await asyncio.sleep(2 * SLOW_MS / 1000)
            case "bug":
                raise RuntimeError("of the test")
            case "gone":
                raise web.HTTPGone
            case "stream":
                response = web.StreamResponse()
                await response.prepare(request)
                await asyncio.sleep(2 * SLOW_MS / 1000)
                await response.write(b"late")
                return response
        return web.Response(status=int(what) if what.isdigit() else 200)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


@pytest.fixture(params=["in this process", "over HTTP"])
async def odd(
    request: pytest.FixtureRequest, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """The odd shop, behind either door."""
    app = odd_shop()
    async with served(app) as url, door_to(url) as over_http:
        door: Door = InProcessDoor(app) if "in" in request.param else over_http
        monkeypatch.setitem(shop.gateway._state, DOOR, door)
        yield


@pytest.fixture
def ask(odd: None, shop: Shop, sale: str) -> PutUp:
    """Ask the odd shop as a fan inside the sale."""

    async def ask_one(what: str) -> None:
        await Fan.inside(shop, sale).call("GET", f"/api/bookings/{what}")

    return ask_one


@pytest.mark.parametrize(
    ("what", "counted"),
    [
        ("200", AnswerCounts(good=1)),
        ("303", AnswerCounts(good=1)),
        ("404", AnswerCounts(good=1)),
        ("429", AnswerCounts(good=1)),
        ("gone", AnswerCounts(good=1)),
        ("500", AnswerCounts(failed=1)),
        ("503", AnswerCounts(failed=1)),
        # These name what was asked for, or come from a box between: neither is a shop that is unwell.
        ("501", AnswerCounts(good=1)),
        ("508", AnswerCounts(good=1)),
        ("bug", AnswerCounts(failed=1)),
        ("slow", AnswerCounts(slow=1)),
        # It ends late, but it began at once.
        ("stream", AnswerCounts(good=1)),
    ],
)
async def test_what_an_answer_counts_as(
    shop: Shop, sale: str, ask: PutUp, what: str, counted: AnswerCounts
) -> None:
    counts(shop, sale)
    await ask(what)
    assert counts(shop, sale) == counted
    assert counts(shop, sale) == AnswerCounts(), "each answer is handed on once"


async def test_no_answer_is_a_bad_one(
    shop: Shop, sale: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with door_to("http://127.0.0.1:1") as door:
        monkeypatch.setitem(shop.gateway._state, DOOR, door)
        reply = await Fan.inside(shop, sale).call("GET", "/api/bookings/x")
    assert reply.status == 503
    assert counts(shop, sale) == AnswerCounts(failed=1)


async def test_a_fan_who_hangs_up_says_nothing(
    shop: Shop, sale: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung_up = asyncio.Event()

    class Breaking:
        async def forward(self, request: web.Request, identity: str) -> web.StreamResponse:
            hung_up.set()
            raise ConnectionResetError

    monkeypatch.setitem(shop.gateway._state, DOOR, Breaking())
    with suppress(aiohttp.ClientError):
        await Fan.inside(shop, sale).call("GET", "/api/bookings/x")
    assert hung_up.is_set()
    assert counts(shop, sale) == AnswerCounts()


async def test_answers_to_who_has_done_no_work_count_for_no_sale(shop: Shop) -> None:
    sale = await shop.new_sale()
    event = await shop.new_event(3, sale_id=sale)
    await shop.change_sale(sale, state="closed")
    counts(shop, sale)
    assert (await Fan(shop).call("GET", f"/api/events/{event}")).status == 200
    offer = f"/api/bookings/{event}.x/offer"
    assert (await Fan(shop).call("POST", offer, json={})).status == 400
    assert counts(shop, sale) == AnswerCounts()


async def slow_body() -> AsyncIterator[bytes]:
    """A body whose last byte comes late."""
    yield b"{"
    await asyncio.sleep(2 * SLOW_MS / 1000)
    yield b"}"


@pytest.mark.parametrize(
    ("what", "counted"), [("200", AnswerCounts(good=1)), ("slow", AnswerCounts(slow=1))]
)
async def test_how_slowly_a_fan_sends_says_nothing_of_the_shop(
    shop: Shop, sale: str, odd: None, what: str, counted: AnswerCounts
) -> None:
    fan = Fan.inside(shop, sale)
    reply = await fan.call("POST", f"/read/{what}", data=slow_body())
    assert reply.status == 200
    assert counts(shop, sale) == counted


async def test_a_slow_bank_is_no_slow_shop(shop: Shop, sale: str, odd: None) -> None:
    key = DeviceKey()
    fan = Fan.inside(shop, sale, key=key)
    fan.scheme = "DPoP"
    reply = await fan.call("POST", PAYING, json={}, headers=fan.proven("POST", PAYING))
    assert reply.status == 200
    assert counts(shop, sale) == AnswerCounts(good=1)


async def test_what_is_handed_on_is_counted_for_the_operators(
    shop: Shop, sale: str, ask: PutUp
) -> None:
    def total(outcome: str) -> float:
        labels = {"sale": sale, "outcome": outcome}
        return REGISTRY.get_sample_value("onsale_origin_answers_total", labels) or 0.0

    await ask("200")
    await ask("500")
    taken = counts(shop, sale)
    assert (taken.good, taken.bad) == (1, 1)
    assert (total("good"), total("failed"), total("slow")) == (1, 1, 0)


@pytest.mark.parametrize("kind", ["in this process", "over HTTP"])
async def test_the_gateway_asks_the_shop_by_itself(kind: str) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        match request.path:
            case "/big":
                return web.Response(body=b"x" * 300_000)
            case "/slow":
                await asyncio.sleep(60)
            case "/stream":
                response = web.StreamResponse()
                await response.prepare(request)
                return response
            case "/gone":
                raise web.HTTPGone
        return web.json_response([request.path_qs, request.headers["Onsale-Identity"]])

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with served(app) as url, door_to(url) as over_http:
        door: Door = InProcessDoor(app) if "in" in kind else over_http
        answered = await door.ask("/api/events/a?b=%2F", "signed")
        assert (answered.status, answered.body) == (200, b'["/api/events/a?b=%2F", "signed"]')
        assert (await door.ask("/gone", "signed")).status == 410
        with pytest.raises(StoreUnavailable):
            await door.ask("/big", "signed")
    with pytest.raises(StoreUnavailable):
        async with door_to("http://127.0.0.1:1") as nowhere:
            await nowhere.ask("/", "signed")


@pytest.mark.parametrize("kind", ["in this process", "over HTTP"])
async def test_a_shop_that_keeps_the_gateway_waiting_is_not_waited_for(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.origin.in_process.ANSWER_SECONDS_MAX", 0.05)
    monkeypatch.setattr("gateway.origin.over_http.ANSWER_SECONDS_MAX", 0.05)

    async def never(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", never)
    async with served(app, cancels_handlers=True) as url, door_to(url) as over_http:
        door: Door = InProcessDoor(app) if "in" in kind else over_http
        with pytest.raises(StoreUnavailable):
            await door.ask("/", "signed")
