"""Whom we fail is remembered and loses nothing; a pass is renewed while its visit goes on, and only then."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from io import BytesIO
from types import SimpleNamespace
from urllib.parse import quote

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict
from prometheus_client import REGISTRY

from gateway.app_keys import DOOR, ROOMS
from gateway.origin.door import Door
from gateway.origin.in_process import InProcessDoor
from gateway.waiting_room.visits import Visits
from groundwork.errors import StoreUnavailable
from groundwork.token_claims import PassClaims
from lua.keys import sale_keys
from tests.support.fan import Fan, Reply
from tests.support.opening import door_to, served
from tests.support.shop import Shop

Ask = Callable[[str], Awaitable[Reply]]
MINUTE_MS = 60_000


@pytest.fixture
async def sale(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> str:
    """A sale whose fans are told to the line when the test says so."""

    async def away(*_: object) -> None:
        raise StoreUnavailable(retry_after=1)

    monkeypatch.setattr(shop.gateway[ROOMS].line.visits, "touch", away)
    return await shop.new_sale()


def odd_shop() -> web.Application:
    """A shop that answers as its path asks."""

    async def answer(request: web.Request) -> web.StreamResponse:
        what = request.path.rpartition("/")[2]
        if what == "bug":
            raise RuntimeError("of the test")
        if what == "broken":
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(b"half an")
            assert request.transport is not None
            request.transport.abort()
            return response
        return web.Response(status=int(what), headers=CIMultiDict(request.query))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


@pytest.fixture
async def fan(shop: Shop, sale: str) -> Fan:
    """A fan who was let in by the line."""
    fan = Fan(shop)
    assert (await fan.join(sale)).status == 201
    assert (await fan.let_in()).status == 201
    return fan


@pytest.fixture(params=["in this process", "over HTTP"])
async def ask(
    request: pytest.FixtureRequest, shop: Shop, fan: Fan, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ask]:
    odd = odd_shop()
    async with served(odd) as url, door_to(url) as over_http:
        door: Door = InProcessDoor(odd) if "in" in request.param else over_http
        monkeypatch.setitem(shop.gateway._state, DOOR, door)
        yield lambda what: fan.call("GET", f"/api/bookings/{what}")


def failed(shop: Shop, sale: str) -> set[str]:
    return {each.fan_id for each in shop.gateway[ROOMS].room(sale).fans_seen.failed}


async def tell(shop: Shop) -> None:
    rooms = shop.gateway[ROOMS]
    with pytest.MonkeyPatch.context() as again:
        again.setattr(rooms.line.visits, "touch", partial(Visits.touch, rooms.line.visits))
        await rooms._touch_visits()


@pytest.mark.parametrize("what", ["500", "502", "503", "504", "bug"])
async def test_what_only_we_can_be_blamed_for_is_a_fault(
    shop: Shop, sale: str, fan: Fan, ask: Ask, what: str
) -> None:
    assert (await ask(what)).status >= 500
    assert failed(shop, sale) == {fan.fan_id}


@pytest.mark.parametrize("what", ["200", "303", "400", "404", "409", "429", "501", "508"])
async def test_what_a_fan_asked_for_is_none(shop: Shop, sale: str, ask: Ask, what: str) -> None:
    assert (await ask(what)).status == int(what)
    assert failed(shop, sale) == set()


async def test_a_shop_that_is_away_is_a_fault(
    shop: Shop, sale: str, fan: Fan, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with door_to("http://127.0.0.1:1") as door:
        monkeypatch.setitem(shop.gateway._state, DOOR, door)
        assert (await fan.call("GET", "/api/bookings/x")).status == 503
    assert failed(shop, sale) == {fan.fan_id}


async def test_an_answer_that_breaks_off_is_a_fault(
    shop: Shop, sale: str, fan: Fan, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(odd_shop()) as url, door_to(url) as door:
        monkeypatch.setitem(shop.gateway._state, DOOR, door)
        with suppress(aiohttp.ClientError):
            await fan.call("GET", "/api/bookings/broken")
    assert failed(shop, sale) == {fan.fan_id}


async def test_a_fan_who_hangs_up_or_sends_too_much_has_failed_themselves(
    shop: Shop, sale: str, fan: Fan, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung_up = asyncio.Event()

    async def leave(*_: object) -> web.StreamResponse:
        hung_up.set()
        raise ConnectionResetError

    monkeypatch.setitem(shop.gateway._state, DOOR, SimpleNamespace(forward=leave))
    with suppress(aiohttp.ClientError):
        await fan.call("GET", "/api/bookings/x")
    assert hung_up.is_set()
    async with served(odd_shop()) as url, door_to(url) as door:
        monkeypatch.setitem(shop.gateway._state, DOOR, door)
        reply = await fan.call(
            "POST", "/api/bookings/200/extend", data=BytesIO(bytes(1024 * 1024 + 1))
        )
    assert reply.status == 413
    assert failed(shop, sale) == set()


async def test_who_is_not_inside_is_failed_and_given_nothing(
    shop: Shop, sale: str, ask: Ask
) -> None:
    assert (await Fan(shop).call("GET", "/api/events/500")).status == 500
    assert failed(shop, sale) == set()


async def test_a_fault_is_told_to_the_line_and_counted_once(
    shop: Shop, sale: str, fan: Fan, ask: Ask
) -> None:
    def total(name: str) -> float:
        return REGISTRY.get_sample_value(f"onsale_fault_{name}_total", {"sale": sale}) or 0.0

    end = await pass_end(fan)
    await ask("503")
    await tell(shop)
    assert failed(shop, sale) == set()
    await asyncio.sleep(0.05)
    await ask("500")
    await tell(shop)
    await ask("200")
    await tell(shop)

    given = await pass_end(fan) - end
    assert given >= 50
    assert total("credits") == 1
    assert total("seconds_given") == pytest.approx(given / 1000)


async def test_who_was_seen_in_an_outage_of_the_store_stays_in_mind(
    shop: Shop, sale: str, fan: Fan, ask: Ask
) -> None:
    await ask("200")
    await ask("500")
    await shop.gateway[ROOMS]._touch_visits()
    room = shop.gateway[ROOMS].room(sale)
    assert {each.fan_id for each in room.fans_seen.seen} == {fan.fan_id} == failed(shop, sale)


async def pass_end(fan: Fan) -> int:
    """When the fan's visit ends by what the line says."""
    store, keys = fan.shop.redis, sale_keys(fan.sale_id)
    stored = await store.hget(keys["visit_ids"], fan.fan_id)  # type: ignore[misc]
    assert stored is not None
    return int(stored.rpartition(":" if isinstance(stored, str) else b":")[2])


def lapsed(fan: Fan, visit_id: str, ago_ms: int) -> str:
    """A pass of the fan's that ended so long ago."""
    ended_at_ms = fan.shop.clock.now_ms() - ago_ms
    return fan.shop.tokens.sign_pass(
        PassClaims(
            fan_id=fan.fan_id, sale_id=fan.sale_id, visit_id=visit_id,
            issued_at_ms=ended_at_ms - 15 * MINUTE_MS, expires_at_ms=ended_at_ms,
        )
    )  # fmt: skip


async def visit_of(fan: Fan) -> str:
    stored = await fan.shop.redis.hget(sale_keys(fan.sale_id)["visit_ids"], fan.fan_id)  # type: ignore[misc]
    text = stored if isinstance(stored, str) else stored.decode()  # type: ignore[union-attr]
    return str(text.rpartition(":")[0])


@pytest.mark.parametrize("way", ["header", "cookie"])
async def test_a_pass_that_ended_before_its_visit_is_replaced_on_the_way(
    shop: Shop, sale: str, fan: Fan, way: str
) -> None:
    event = await shop.new_event(3, sale_id=sale)
    fan.admission = lapsed(fan, await visit_of(fan), MINUTE_MS)
    if way == "cookie":
        fan.headers["Cookie"] = f"onsale-pass-{sale}={fan.admission}"
        fan.admission = ""

    reply = await fan.call("GET", f"/api/events/{event}/seats")

    assert reply.status == 200
    cookie = reply.cookies[f"onsale-pass-{sale}"]
    renewed = shop.tokens.read_pass(cookie.partition(";")[0])
    assert renewed.expires_at_ms >= await pass_end(fan)
    assert (await fan.reserve(event, "A-1")).status == 201, "and it may do all that a pass may"


# What a shop says of caches, and what the fan is told of them where the cookie may come along.
KEPT_BY_SHARED_CACHES = [
    "Cache-Control=public, max-age=60", "Cache-Control=max-age=60", "Cache-Control=no-cache",
    "Cache-Control=s-maxage=60, private", "Cache-Control=private, public", "Cache-Control=must-revalidate",
    'Cache-Control=private="set-cookie", max-age=60', "Cache-Control=PUBLIC", "Cache-Control=x-private",
    "Cache-Control=private&CDN-Cache-Control=max-age=60",
    "Cache-Control=no-store&Surrogate-Control=max-age=60", "X-Accel-Expires=60",
    "Expires=Sun, 29 Nov 2099 20:00:00 GMT", "Cache-Control=max-age=9&Cache-Control=public",
    'Cache-Control=no-cache="a,private,b"',
]  # fmt: skip
THE_FANS_ALONE = {
    "Cache-Control=private": "private",
    "Cache-Control=Private, max-age=60": "Private, max-age=60",
    "Cache-Control=no-cache, no-store": "no-cache, no-store",
    "Cache-Control=max-age=0&Cache-Control=private": "max-age=0",
    "X-Other=1": "private",
}


@pytest.mark.parametrize("said", KEPT_BY_SHARED_CACHES)
async def test_a_pass_is_not_given_with_what_a_shared_cache_may_keep(
    shop: Shop, sale: str, fan: Fan, ask_elsewhere: Ask, said: str
) -> None:
    fan.admission = lapsed(fan, await visit_of(fan), MINUTE_MS)
    reply = await ask_elsewhere(f"200?{quoted(said)}")
    assert reply.status == 200, "the fan is served all the same"
    assert f"onsale-pass-{sale}" not in reply.cookies
    told = said.partition("Cache-Control=")[2].partition("&")[0]
    assert reply.headers.get("Cache-Control", "") == told, "the shop's word stays"


@pytest.mark.parametrize("said", THE_FANS_ALONE)
async def test_a_pass_is_given_with_what_is_the_fans_alone(
    shop: Shop, sale: str, fan: Fan, ask_elsewhere: Ask, said: str
) -> None:
    fan.admission = lapsed(fan, await visit_of(fan), MINUTE_MS)
    reply = await ask_elsewhere(f"200?{quoted(said)}")
    assert f"onsale-pass-{sale}" in reply.cookies
    assert reply.headers["Cache-Control"] == THE_FANS_ALONE[said]


async def test_what_is_put_together_with_a_kept_answer_brings_no_pass(
    shop: Shop, sale: str, fan: Fan, ask_elsewhere: Ask
) -> None:
    fan.admission = lapsed(fan, await visit_of(fan), MINUTE_MS)
    unchanged = await ask_elsewhere("304")
    head = await fan.call("HEAD", "/elsewhere/200")
    for reply in (unchanged, head):
        assert f"onsale-pass-{sale}" not in reply.cookies
        assert "Cache-Control" not in reply.headers


@pytest.fixture
def ask_elsewhere(ask: Ask, fan: Fan) -> Ask:
    """Ask for what our own shop's policy names nowhere, so that it needs a pass."""
    return lambda what: fan.call("GET", f"/elsewhere/{what}")


def quoted(said: str) -> str:
    return "&".join(
        f"{name}={quote(value)}" for name, _, value in (p.partition("=") for p in said.split("&"))
    )


async def test_no_other_pass_is_renewed(shop: Shop, sale: str, fan: Fan) -> None:
    event = await shop.new_event(3, sale_id=sale)
    visit_id = await visit_of(fan)
    for what, text in {
        "another visit": lapsed(fan, uuid.uuid4().hex, MINUTE_MS),
        "too long ago": lapsed(fan, visit_id, 21 * MINUTE_MS),
        "not ours": lapsed(fan, visit_id, MINUTE_MS)[:-4] + "AAAA",
        "nobody's": lapsed(Fan(shop, fan_id="f_x", sale_id=sale), visit_id, MINUTE_MS),
    }.items():
        fan.admission = text
        reply = await fan.call("GET", f"/api/events/{event}/seats")
        assert reply.status == 403, what
        assert f"onsale-pass-{sale}" not in reply.cookies, what


async def test_who_has_left_is_not_brought_back_by_an_old_pass(
    shop: Shop, sale: str, fan: Fan
) -> None:
    event = await shop.new_event(3, sale_id=sale)
    visit_id = await visit_of(fan)
    await shop.gateway[ROOMS].line.visits.end(sale, fan.fan_id)
    fan.admission = lapsed(fan, visit_id, MINUTE_MS)

    reply = await fan.call("GET", f"/api/events/{event}/seats")
    assert (reply.status, reply.code) == (403, "pass-expired")
