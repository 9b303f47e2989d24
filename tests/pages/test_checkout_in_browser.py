"""The clock of a hold in a real browser: more time, once, whatever becomes of the answers."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect

from tests.pages import preview, sample_shop
from tests.pages.chromium import CHROMIUM, started
from tests.pages.test_feed_in_browser import HIDE, sleep

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

HELD_MS = 462_000


class ShopOfTheTest:
    """Answers a wish for more time as the test says, and shows the hold as it is then."""

    def __init__(self) -> None:
        self.left_ms = HELD_MS
        self.answers: list[web.Response] = []
        self.keys: list[str] = []

    async def answer(self, request: web.Request) -> web.Response | None:
        if request.path.endswith("/extend"):
            self.keys.append(request.headers.get("Idempotency-Key", ""))
            return self.answers.pop(0)
        if request.path.startswith("/checkout/"):
            held = sample_shop.checkout_pages()["held"]
            return preview.page(request, "checkout.html", replace(held, expires_in_ms=self.left_ms))
        return None


@pytest.fixture
async def shop() -> AsyncIterator[tuple[ShopOfTheTest, TestServer]]:
    shop = ShopOfTheTest()
    app = preview.make_app()

    @web.middleware
    async def answer_first(request: web.Request, handler: Any) -> web.StreamResponse:
        return await shop.answer(request) or await handler(request)

    app.middlewares.append(answer_first)
    server = await started(app)
    yield shop, server
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


def given(expires_in_ms: int) -> web.Response:
    return web.Response(
        text=json.dumps({"expires_in_ms": expires_in_ms, "extendable": False}),
        content_type="application/json",
    )


async def test_more_time_can_be_asked_for_again_after_trouble(
    page: Page, shop: tuple[ShopOfTheTest, TestServer]
) -> None:
    kept, server = shop
    kept.answers = [
        preview.problem(503, "store-unavailable"),
        preview.problem(429, "too-many-requests"),
        given(702_000),
    ]
    await page.goto(f"http://localhost:{server.port}/checkout/r")
    button, used = page.get_by_role("button", name="More time"), page.locator("[data-extended]")
    notice = page.locator("[data-notice=pay]")
    for _ in range(2):
        await button.click()
        await expect(notice).to_contain_text("Please try again.")
        await expect(button).to_be_visible()
        await expect(used).to_be_hidden()
    await button.click()
    await expect(used).to_be_visible()
    await expect(button).to_be_hidden()
    await expect(notice).to_be_hidden()
    await expect(page.locator("[data-fill=hold_clock]")).to_contain_text("11:")
    assert len(kept.keys) == 3
    assert len(set(kept.keys)) == 1, "a repeat is the same wish"
    assert kept.keys[0]


async def test_more_time_that_was_given_elsewhere_is_on_the_clock(
    page: Page, shop: tuple[ShopOfTheTest, TestServer]
) -> None:
    kept, server = shop
    kept.answers = [preview.problem(409, "extension-refused")]
    await page.goto(f"http://localhost:{server.port}/checkout/r")
    kept.left_ms = 702_000
    await page.get_by_role("button", name="More time").click()
    await expect(page.locator("[data-extended]")).to_be_visible()
    await expect(page.locator("[data-fill=hold_clock]")).to_contain_text("11:")


async def test_a_hold_is_over_when_the_shop_says_so(
    page: Page, shop: tuple[ShopOfTheTest, TestServer]
) -> None:
    """It may have been given time on another page, or by a payment that was declined."""
    kept, server = shop
    await page.goto(f"http://localhost:{server.port}/checkout/r")
    lost = page.locator("[data-while=lost]").first
    kept.left_ms = 200_000
    await page.clock.run_for(HELD_MS + 1_000)
    await expect(page.locator("[data-fill=hold_clock]")).to_contain_text("3:")
    await expect(lost).to_be_hidden()
    kept.left_ms = 0
    await page.clock.run_for(201_000)
    await expect(lost).to_be_visible()


async def test_the_clock_of_a_hold_is_right_after_the_device_slept(
    page: Page, shop: tuple[ShopOfTheTest, TestServer]
) -> None:
    kept, server = shop
    await page.goto(f"http://localhost:{server.port}/checkout/r")
    clock = page.locator("[data-fill=hold_clock]")
    await expect(clock).to_contain_text("7:4")
    # Nobody answers: what the device says itself of how long it slept is the best there is.
    await page.route("**/checkout/*", lambda route: route.abort())
    await page.evaluate(HIDE, True)
    await sleep(page, 180)
    await page.evaluate(HIDE, False)
    await page.clock.run_for(1_000)
    await expect(clock).to_contain_text("4:")
    # The hold has got more time meanwhile, in another tab.
    await page.unroute("**/checkout/*")
    kept.left_ms = 702_000
    await page.evaluate(HIDE, True)
    await sleep(page, 60)
    await page.evaluate(HIDE, False)
    await expect(clock).to_contain_text("11:")
    # And is over.
    await page.route("**/checkout/*", lambda route: route.fulfill(status=404))
    await page.evaluate(HIDE, True)
    await sleep(page, 60)
    await page.evaluate(HIDE, False)
    await expect(page.get_by_role("link", name="Choose again")).to_be_visible()


async def test_the_clock_beside_the_map_counts_what_the_device_slept_through(
    page: Page, shop: tuple[ShopOfTheTest, TestServer]
) -> None:
    kept, server = shop
    kept.left_ms = 282_000
    await page.goto(f"http://localhost:{server.port}/show/seats.html/held")
    held = page.locator("[data-fill=hold_clock]")
    await page.evaluate(HIDE, True)
    await sleep(page, 180)
    await page.evaluate(HIDE, False)
    await expect(held).to_contain_text("4:")
