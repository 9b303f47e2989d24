"""A django-oscar shop on two servers behind the gate: bought from, killed, slowed down, and brought back."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.app_keys import DOOR
from gateway.edge.shop_policy import read_policy_file
from gateway.origin.circuit import CircuitState
from gateway.origin.over_http import HttpDoor
from gateway.origin.settings import OriginSettings
from tests.foreign.servers import OSCAR, Server
from tests.support.fan import Fan
from tests.support.opening import open_shop
from tests.support.shop import Shop

pytestmark = pytest.mark.timeout(300)

PATIENCE_S = 30.0
SALE = "posters"
PASS = f"onsale-pass-{SALE}"
# The first that fill.py makes.
POSTER = "/catalogue/poster-0_1/"
# "Seconds" after the return of a server: the longest rest with its jitter, two checks, a request.
RECOVERY_S = 10.0


@pytest.fixture(scope="module")
async def front(
    redis_url: str, database_dsn: str, open_dir: Path, oscars: list[Server]
) -> AsyncIterator[Shop]:
    """The whole gateway in front of the two, with the sale open."""
    origin = OriginSettings(
        origin_urls=",".join(server.url for server in oscars), origin_health_path="/catalogue/"
    )
    policy = read_policy_file(OSCAR / "policy.toml")
    async with open_shop(redis_url, database_dsn, open_dir, origin=origin, policy=policy) as shop:
        await shop.new_sale(SALE)
        await until(lambda: all(up.is_healthy for up in door_of(shop).pool.upstreams))
        await until_served_by(shop, {"one", "two"})
        yield shop


def door_of(shop: Shop) -> HttpDoor:
    door = shop.gateway[DOOR]
    assert isinstance(door, HttpDoor)
    return door


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(0.05)


async def until_served_by(shop: Shop, names: set[str]) -> None:
    seen: set[str | None] = set()
    async with asyncio.timeout(PATIENCE_S):
        while not names <= seen:
            seen |= set((await crowd(shop, 4, seconds=0.3))[1])


async def crowd(
    shop: Shop, fans: int, seconds: float = 0.0, meanwhile: Any = None
) -> tuple[Counter[int], Counter[str | None]]:
    """Fans who look at a poster without a pause; returns statuses, and who answered."""
    statuses: Counter[int] = Counter()
    servers: Counter[str | None] = Counter()
    is_over = asyncio.Event()

    async def fan() -> None:
        while not is_over.is_set():
            async with shop.session.get(shop.url + POSTER) as answer:
                body = await answer.read()
                statuses[answer.status] += 1
                servers[answer.headers.get("X-Served-By")] += 1
                assert answer.status != 200 or body.rstrip().endswith(b"</html>")

    fans_at_work = [asyncio.create_task(fan()) for _ in range(fans)]
    if meanwhile is not None:
        await meanwhile
    else:
        await asyncio.sleep(seconds)
    is_over.set()
    await asyncio.gather(*fans_at_work)
    return statuses, servers


@asynccontextmanager
async def browser(shop: Shop) -> AsyncIterator[aiohttp.ClientSession]:
    """What a fan shops with: it keeps cookies and follows redirects."""
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Accept": "text/html"}
    ) as session:
        yield session


async def submit(
    session: aiohttp.ClientSession, page_url: str, form_url: str, /, **fields: str
) -> tuple[str, str]:
    """Fill in a form of a page and send it; returns where that led, and the page there."""
    async with session.get(page_url) as page:
        text = await page.text()
        assert page.status == 200, (page_url, page.status)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text)
    assert token, page_url
    data = {"csrfmiddlewaretoken": token[1], **fields}
    async with session.post(form_url, data=data, headers={"Referer": page_url}) as answer:
        return str(answer.url), await answer.text()


async def test_a_fan_buys_a_poster_through_the_gate(front: Shop) -> None:
    base = front.url
    async with browser(front) as session:
        async with session.get(f"{base}/") as answer:  # a redirect of the shop to its catalogue
            assert (answer.status, answer.url.path) == (200, "/catalogue/")
            assert "Content-Security-Policy" not in answer.headers, "its own would be there"
        async with session.get(base + POSTER) as answer:
            page = await answer.text()
        add = re.search(r'action="(/basket/add/\d+/)"', page)
        assert add
        # Looking is free; buying is behind the waiting room.
        for path in ("/basket/", "/checkout/", "/accounts/login/"):
            async with session.get(base + path, allow_redirects=False) as answer:
                assert answer.status == 303
                assert answer.headers["Location"] == f"/sales/{SALE}"
        fan = Fan(front)
        await fan.join(SALE)
        await fan.let_in()
        async with session.get(f"{base}/sales/{SALE}", cookies={PASS: fan.admission}) as answer:
            assert 'data-go-to="/catalogue/"' in await answer.text()
        session.cookie_jar.update_cookies({PASS: fan.admission})
        await submit(session, base + POSTER, base + add[1], quantity="2")
        url, text = await submit(
            session, f"{base}/checkout/", f"{base}/checkout/",
            username="fan@example.org", options="anonymous",
        )  # fmt: skip
        assert url == f"{base}/checkout/shipping-address/"
        url, text = await submit(
            session, url, url, first_name="Ada", last_name="Fan", line1="Street 1", line4="Berlin",
            postcode="10115", country="DE",
        )  # fmt: skip
        preview = f"{base}/checkout/preview/"
        url, text = await submit(session, preview, preview, action="place_order")
        assert url == f"{base}/checkout/thank-you/", text
        assert "fan@example.org" in text or "Poster" in text
    await front.refresh_rooms()
    board = (await fan.call("GET", f"/api/sales/{SALE}/status")).json
    assert board["inside"] == 0, "the page of thanks has ended the visit"


async def test_each_is_killed_under_load_and_no_fan_notices(
    front: Shop, oscars: list[Server]
) -> None:
    async def kill_and_return() -> None:
        for server, upstream in zip(oscars, door_of(front).pool.upstreams, strict=True):
            await asyncio.sleep(0.5)
            server.kill()
            await asyncio.sleep(2)
            server.start()
            await until(lambda up=upstream: up.circuit.state is CircuitState.CLOSED)  # type: ignore[misc]

    statuses, servers = await crowd(front, 24, meanwhile=kill_and_return())
    assert set(statuses) == {200}
    assert statuses[200] > 100
    print(f"{statuses[200]} requests: one answered {servers['one']}, two {servers['two']}")
    assert set(servers) == {"one", "two"}
    await until_served_by(front, {"one", "two"})


async def test_one_hangs_under_load_and_no_fan_is_refused(
    front: Shop, oscars: list[Server]
) -> None:
    async def hang_and_go_on() -> None:
        oscars[0].hang()
        await until(lambda: not door_of(front).pool.upstreams[0].is_healthy)
        await until(lambda: door_of(front).pool.upstreams[0].outstanding == 0)
        oscars[0].go_on()
        await until(lambda: door_of(front).pool.upstreams[0].is_healthy)

    statuses, servers = await crowd(front, 8, meanwhile=hang_and_go_on())
    assert set(statuses) == {200}
    assert servers["two"] > servers["one"]
    await until_served_by(front, {"one", "two"})


async def test_the_slow_one_gets_less(front: Shop, filled_shop: dict[str, str]) -> None:
    slow = Path(filled_shop["SHOP_DIR"], "one-is-slow")
    slow.touch()
    try:
        # Long enough for many answers of the other one, also where it shares a core with many.
        statuses, servers = await crowd(front, 8, seconds=3.5)
    finally:
        slow.unlink()
    assert set(statuses) == {200}
    assert 0 < servers["one"] < servers["two"] / 2


async def test_all_are_killed_and_it_is_over_soon_after_their_return(
    front: Shop, oscars: list[Server]
) -> None:
    for server in oscars:
        server.kill()
    async with front.session.get(f"{front.url}/catalogue/") as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert (await answer.json(content_type=None))["code"] == "origin-unavailable"
    async with front.session.get(
        f"{front.url}/catalogue/", headers={"Accept": "text/html"}
    ) as answer:
        assert answer.status == 503
        assert "We need a moment" in await answer.text()
    await crowd(front, 4, seconds=1)
    assert all(up.circuit.state is not CircuitState.CLOSED for up in door_of(front).pool.upstreams)
    # The waiting room needs no shop.
    assert (await Fan(front).call("GET", f"/api/sales/{SALE}/status")).status == 200
    for server in oscars:
        server.start()
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.timeout(PATIENCE_S):
        while any(
            up.circuit.state is not CircuitState.CLOSED for up in door_of(front).pool.upstreams
        ):
            await crowd(front, 2, seconds=0.2)
    assert loop.time() - began < RECOVERY_S
    assert set((await crowd(front, 8, seconds=1))[0]) == {200}
