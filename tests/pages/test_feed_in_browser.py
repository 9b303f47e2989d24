"""No call is missed, whatever becomes of the stream and wherever the fan looks, in a real browser."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.pages.board_stream import BoardStream, board_stream
from tests.pages.chromium import CHROMIUM

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

PLACE: Final = 11_300
# More tabs than a browser opens connections to a host over HTTP/1.1.
TABS: Final = 8
# Pages of a test are always in front: this hides one, and shows it again.
HIDE: Final = """(isHidden) => {
    Object.defineProperty(document, "hidden", { value: isHidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    yield context
    await context.close()


@pytest.fixture
async def page(context: BrowserContext) -> Page:
    """A page whose clock the test moves on."""
    page = await context.new_page()
    await page.clock.install()
    return page


async def sleep(page: Page, seconds: int) -> None:
    """Let the wall clock alone go on, as where a device sleeps."""
    now_ms = await page.evaluate("Date.now()")
    await page.clock.set_system_time(now_ms / 1000 + seconds)


async def stage(page: Page, name: str) -> None:
    await page.wait_for_selector(f"#main[data-stage={name}]")


async def feed_is(page: Page, name: str) -> None:
    await expect(page.locator("#main")).to_have_attribute("data-feed", name)


async def wait_in_line(page: Page, room: BoardStream) -> None:
    await page.goto(room.url)
    await stage(page, "waiting")


async def asks(page: Page, room: BoardStream, times: int) -> None:
    """Move the page's clock on until it has asked for the board so many times more.

    Step by step: an answer takes as long as it takes while the page's clock jumps, and the next question
    is set only when it is there.
    """
    polls = room.polls
    for _ in range(90):
        await page.clock.run_for(1_000)
        await asyncio.sleep(0.02)
        if room.polls >= polls + times:
            return
    raise AssertionError("it asks until the stream speaks")


async def test_a_fan_who_looks_elsewhere_is_called_where_streams_are_refused(page: Page) -> None:
    async with board_stream(place=PLACE) as room:
        room.is_refusing = True
        await wait_in_line(page, room)
        await page.evaluate(HIDE, True)
        await room.tell(serving=PLACE)
        await page.clock.run_for(31_000)
        await stage(page, "called")
        assert room.polls <= 2, "nobody looks: seldom is enough"


async def test_who_leaves_and_comes_right_back_waits_no_longer_for_news(page: Page) -> None:
    async with board_stream(place=PLACE) as room:
        room.is_refusing = True
        await wait_in_line(page, room)
        await asks(page, room, times=1)
        assert await page.get_attribute("#main", "data-feed") == "polling", "no stream, so not live"
        polls = room.polls
        for is_hidden in (True, False, True, False):
            await page.evaluate(HIDE, is_hidden)
        await room.tell(serving=PLACE)
        await page.clock.run_for(4_000)
        await stage(page, "called")
        assert room.polls <= polls + 2, "not once for each time the fan came back"


async def test_a_stream_that_says_nothing_is_not_waited_for(page: Page) -> None:
    stale = page.locator("[data-notice=stale]")
    async with board_stream(place=PLACE) as room:
        await wait_in_line(page, room)
        await feed_is(page, "live")
        room.is_silent = True
        # The board grows old, and the next answer brings another: nothing is wrong with the line.
        await room.tell()
        room.board["at_ms"] += 40_000
        await page.clock.run_for(16_000)
        await feed_is(page, "polling")
        await asks(page, room, times=2)
        await expect(stale).to_be_hidden()
        # An answer that is old itself is told.
        room.board["at_ms"] -= 80_000
        await asks(page, room, times=1)
        await expect(stale).to_be_visible()
        await room.tell(serving=PLACE)
        await asks(page, room, times=1)
        await stage(page, "called")


async def test_all_tabs_of_a_browser_hear_the_call_over_one_stream(context: BrowserContext) -> None:
    async with board_stream(place=PLACE) as room:
        tabs = [await context.new_page() for _ in range(TABS)]
        await wait_in_line(tabs[0], room)
        await feed_is(tabs[0], "live")
        await asyncio.gather(*(wait_in_line(tab, room) for tab in tabs[1:]))
        await room.tell(message="Bring a coat.")
        for tab in tabs:
            await expect(tab.locator("[data-notice=message]")).to_contain_text("Bring a coat.")
        assert room.streams == 1

        # The next tab takes the stream over.
        await tabs.pop(0).close()
        async with asyncio.timeout(5):
            while room.streams < 2:
                await asyncio.sleep(0.05)
        polls = room.polls
        await room.tell(serving=PLACE)
        await asyncio.gather(*(stage(tab, "called") for tab in tabs))
        assert room.polls == polls, "each was told"
        assert room.streams == 2


async def test_the_clock_of_a_call_is_right_after_the_device_slept(page: Page) -> None:
    async with board_stream(place=PLACE, claim_within_ms=119_000) as room:
        room.place = {"place": PLACE, "entry_number": None, "claim_within_ms": 119_000}
        await room.tell(serving=PLACE)
        await page.goto(room.url)
        await stage(page, "called")
        clock = page.locator("[data-fill=claim_clock]")
        await expect(clock).to_contain_text("1:5")
        # Nobody answers at first.
        await page.route("**/place", lambda route: route.abort())
        await page.evaluate(HIDE, True)
        await sleep(page, 60)
        await page.evaluate(HIDE, False)
        await page.clock.run_for(1_000)
        await expect(clock).to_contain_text("0:5")
        await page.unroute("**/place")
        room.place["claim_within_ms"] = 49_000
        await page.evaluate(HIDE, True)
        await page.evaluate(HIDE, False)
        await page.clock.run_for(1_000)
        await expect(clock).to_contain_text("0:4")
