"""Every query about the servers of a shop, asked of a Prometheus that watched one of two fail, and both."""

import asyncio
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web
from prometheus_client import generate_latest

from loadtest.evidence import ask
from tests.operators.promql import (
    Query,
    filled_in,
    is_of_servers,
    panel_queries,
    parts_of,
    rule_queries,
)
from tests.origin.gate_in_front import gate_to
from tests.running_system import free_port, prometheus_at
from tests.support.opening import served

pytestmark = pytest.mark.timeout(120)

PANELS = [query for query in panel_queries() if is_of_servers(query)]
RULES = [rule for rule in rule_queries() if is_of_servers(rule)]
PARTS = [part for rule in RULES for part in parts_of(rule)]
# Two scrapes of one second must see each state; a busy machine scrapes late.
PHASE_SECONDS = 4.0


@dataclass(frozen=True)
class Watched:
    """Where a Prometheus is, and when it saw the servers."""

    url: str
    began_at: float
    ended_at: float

    def evaluate(self, expr: str) -> list[float]:
        span = {"start": self.began_at, "end": self.ended_at, "step": 1}
        query = urlencode({"query": filled_in(expr), **span})
        status, body = ask(f"{self.url}/api/v1/query_range?{query}")
        assert status == 200, f"{expr}: {body}"
        found: list[dict[str, Any]] = body["data"]["result"]
        values = [float(value) for series in found for _, value in series["values"]]
        return [value for value in values if math.isfinite(value)]


async def answer(_: web.Request) -> web.Response:
    await asyncio.sleep(0.005)
    return web.Response(text="a page of the shop")


def shop() -> web.Application:
    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    return app


def operator() -> web.Application:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), content_type="text/plain")

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    return app


async def look(url: str, is_over: asyncio.Event) -> set[int]:
    """Look at the shop without a pause, and with one when there is none; returns the statuses."""
    seen: set[int] = set()
    async with aiohttp.ClientSession() as session:
        while not is_over.is_set():
            async with session.get(url) as answered:
                seen.add(answered.status)
            await asyncio.sleep(0 if answered.status == 200 else 0.05)
    return seen


async def let_one_fail_and_then_both(prometheus_target: int) -> None:
    is_over = asyncio.Event()
    one, two = free_port(), free_port()
    urls = [f"http://127.0.0.1:{port}" for port in (one, two)]
    settings = {"origin_check_every_ms": 500, "origin_rest_ms": 200}
    async with (
        served(operator(), prometheus_target),
        gate_to(*urls, **settings) as (url, _),
    ):
        async with served(shop(), one):
            async with served(shop(), two):
                fans = [asyncio.create_task(look(url, is_over)) for _ in range(4)]
                await asyncio.sleep(PHASE_SECONDS)
            await asyncio.sleep(PHASE_SECONDS)
        await asyncio.sleep(PHASE_SECONDS)
        is_over.set()
        assert set().union(*await asyncio.gather(*fans)) == {200, 503}


@pytest.fixture(scope="module")
def watched() -> Iterator[Watched]:
    target = free_port()
    with prometheus_at(f"http://127.0.0.1:{target}") as url:
        began_at = time.time()
        asyncio.run(let_one_fail_and_then_both(target))
        yield Watched(url, began_at, time.time())


@pytest.mark.parametrize("query", [*PANELS, *PARTS], ids=str)
def test_every_query_shows_life(watched: Watched, query: Query) -> None:
    values = watched.evaluate(query.expr)
    assert values, query.expr
    assert max(values) > 0, query.expr


def test_the_row_is_asked_whole() -> None:
    assert {"Retries A", "Circuits and checks B"} <= {query.where for query in PANELS}
    assert {"OnsaleServerDown", "OnsaleShopUnreachable"} == {rule.where for rule in RULES}
