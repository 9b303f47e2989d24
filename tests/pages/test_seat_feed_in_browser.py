"""The map lives on whatever becomes of its stream, in a real browser."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect

from tests.pages import preview, sample_arena
from tests.pages.chromium import CHROMIUM, started
from tests.pages.test_feed_in_browser import HIDE

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

# The longest that a page waits before it tries a refused stream again, and a second.
REOPENED_WITHIN_MS: Final = 31_000
# What the page does about a stream that ended by itself is the browser's own affair.
NO_RETRY: Final = "retry: 600000\n\n"


class ChangesOfTheTest:
    """Answers the snapshot, and each stream as the test says."""

    def __init__(self) -> None:
        self.seq = 1
        self.codes = [0] * 5000
        self.snapshots = 0
        self.asked: list[str] = []
        # What streams say, one after the other; None refuses one. Those that follow say nothing.
        self.streams: list[str | None] = []
        self.on_snapshot: Callable[[], None] = lambda: None

    async def answer(self, request: web.Request) -> web.Response | None:
        if request.path.endswith("/demo-arena/seats/changes"):
            self.asked.append(request.query.get("since", ""))
            said = self.streams.pop(0) if self.streams else ""
            if said is None:
                return preview.problem(503, "store-unavailable", retry_after=1)
            return web.Response(text=NO_RETRY + said, content_type="text/event-stream")
        if request.path == "/api/events/demo-arena/seats":
            self.snapshots += 1
            answer = web.json_response(sample_arena.snapshot(self.codes, self.seq))
            self.on_snapshot()
            return answer
        return None


def batch(seq: int, *changes: list[int]) -> str:
    told: dict[str, Any] = {"epoch": 1, "from": seq - 1, "seq": seq, "changes": changes}
    return f"event: seats\nid: 1-{seq}\ndata: {json.dumps(told | {'stock': []})}\n\n"


@pytest.fixture
async def feed() -> AsyncIterator[tuple[ChangesOfTheTest, TestServer]]:
    changes = ChangesOfTheTest()
    app = preview.make_app()

    @web.middleware
    async def answer_first(request: web.Request, handler: Any) -> web.StreamResponse:
        return await changes.answer(request) or await handler(request)

    app.middlewares.append(answer_first)
    server = await started(app)
    yield changes, server
    await server.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page whose clock the test moves on."""
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    page = await context.new_page()
    await page.clock.install()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    await context.close()
    assert errors == []


async def look_at_the_list(page: Page, server: TestServer) -> None:
    await page.goto(f"http://localhost:{server.port}/events/demo-arena/seats")
    await expect(page.locator("[data-map-state]")).not_to_contain_text("Loading")
    await page.click("[data-view=list]")
    await page.click(".list details:nth-of-type(1) summary")


async def seat_is(page: Page, number: int, state: str) -> None:
    seat = page.locator(".seat").nth(number)
    await expect(seat).to_have_attribute("aria-label", re.compile(f"{state}$"))


async def test_a_refused_stream_is_opened_again_and_the_map_goes_on(
    page: Page, feed: tuple[ChangesOfTheTest, TestServer]
) -> None:
    changes, server = feed
    changes.streams = [None, None, batch(4, [1, 2])]
    await look_at_the_list(page, server)
    await expect(page.locator("[data-map-state]")).to_contain_text("interrupted")
    changes.codes[0], changes.seq = 2, 3
    await page.clock.run_for(REOPENED_WITHIN_MS)
    await seat_is(page, 0, "sold")  # as long as the stream is refused, too
    async with asyncio.timeout(20):  # the page has to hear of the refusal before it waits again
        while len(changes.asked) < 3:
            await page.clock.run_for(REOPENED_WITHIN_MS)
    await seat_is(page, 1, "sold")


async def test_a_stream_begins_where_the_snapshot_ends(
    page: Page, feed: tuple[ChangesOfTheTest, TestServer]
) -> None:
    changes, server = feed
    changes.seq = 7
    await look_at_the_list(page, server)
    assert changes.asked == ["1-7"]


async def test_what_is_told_while_a_snapshot_is_on_its_way_is_not_lost(
    page: Page, feed: tuple[ChangesOfTheTest, TestServer]
) -> None:
    changes, server = feed

    def age() -> None:
        """What is asked for from now on is newer."""
        changes.codes[0], changes.seq = 2, changes.seq + 1

    changes.on_snapshot = age
    # Asked for twice in one breath: the second one comes after the first.
    changes.streams = ["event: reload\ndata: \n\n" * 2 + batch(4, [1, 2])]
    await look_at_the_list(page, server)
    await seat_is(page, 0, "sold")
    await seat_is(page, 1, "sold")
    assert changes.snapshots == 3


async def test_a_map_that_nobody_sees_has_no_stream_and_catches_up(
    page: Page, feed: tuple[ChangesOfTheTest, TestServer]
) -> None:
    changes, server = feed
    changes.streams = ["", batch(2, [0, 2])]
    await look_at_the_list(page, server)
    await page.evaluate(HIDE, True)
    await page.clock.run_for(21_000)
    assert changes.asked == ["1-1"]
    await page.evaluate(HIDE, False)
    await seat_is(page, 0, "sold")
    assert changes.asked == ["1-1", "1-1"]
