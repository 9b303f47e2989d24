"""The checkout in a real browser: the clock of a hold, more time, and what becomes of a payment."""

import asyncio
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
    """Answers a wish for more time, or a payment, as the test says, and shows the hold as it is then."""

    def __init__(self) -> None:
        self.left_ms = HELD_MS
        self.total = sample_shop.checkout_pages()["held"].total
        self.answers_after_s = 0.0
        self.decline_reason = ""
        self.is_bought = False
        self.answers: list[web.Response] = []
        self.keys: list[str] = []
        self.payments: list[str] = []

    async def answer(self, request: web.Request) -> web.Response | None:
        if request.path.endswith("/extend"):
            self.keys.append(request.headers.get("Idempotency-Key", ""))
            return self.answers.pop(0)
        if request.path.endswith("/complete"):
            self.payments.append((await request.json())["idempotency_key"])
            await asyncio.sleep(self.answers_after_s)
            return self.answers.pop(0)
        if request.path.startswith("/checkout/"):
            return self.checkout(request)
        return None

    def checkout(self, request: web.Request) -> web.Response:
        """As the shop's own: it leads on to an order that lives, and is refused where nothing is held."""
        if self.is_bought:
            return web.Response(status=303, headers={"Location": "/orders/b"})
        if not self.left_ms:
            return preview.problem(404, "reservation-not-found")
        held = sample_shop.checkout_pages()["held"]
        view = replace(
            held, expires_in_ms=self.left_ms, decline_reason=self.decline_reason, total=self.total
        )
        page = preview.page(request, "checkout.html", view)
        page.set_status(402 if self.decline_reason else 200)
        return page


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


def declined(reason: str = "insufficient-funds") -> web.Response:
    return preview.problem(402, "payment-declined", decline_reason=reason)


async def pay(page: Page) -> None:
    # By key: the page scrolls to what it says, and moves the button from under a pointer.
    button = page.locator(".pay")
    await expect(button).to_be_enabled()
    await button.press("Enter")


async def test_a_hold_lives_on_with_the_time_of_a_payment_that_was_declined(
    page: Page, shop: tuple[ShopOfTheTest, TestServer]
) -> None:
    kept, server = shop
    kept.left_ms = 60_000
    await page.goto(f"http://localhost:{server.port}/checkout/r")
    kept.answers = [declined()]
    kept.left_ms, kept.decline_reason = 369_000, "insufficient-funds"
    await pay(page)
    await expect(page.locator("[data-notice=pay]")).to_contain_text("not enough money")
    await expect(page.locator("[data-fill=hold_clock]")).to_contain_text("6:0")
    await page.clock.run_for(61_000)
    await expect(page.locator("[data-fill=hold_clock]")).to_contain_text("5:0")
    await expect(page.locator("[data-while=lost]").first).to_be_hidden()


async def test_a_hold_that_was_paid_for_ends_at_its_order(
    page: Page, shop: tuple[ShopOfTheTest, TestServer]
) -> None:
    """The answer was lost, or another tab paid: nobody is told to choose again, and pays twice."""
    kept, server = shop
    await page.goto(f"http://localhost:{server.port}/checkout/r")
    kept.is_bought = True
    await page.clock.run_for(HELD_MS + 1_000)
    await page.wait_for_url("**/orders/b")


@pytest.mark.parametrize("press", ["pay", "extend"])
async def test_who_asks_for_what_they_have_bought_is_shown_their_order(
    page: Page, shop: tuple[ShopOfTheTest, TestServer], press: str
) -> None:
    kept, server = shop
    await page.goto(f"http://localhost:{server.port}/checkout/r")
    kept.answers = [preview.problem(410, "hold-lost")]
    kept.is_bought = True
    if press == "pay":
        await pay(page)
    else:
        await page.get_by_role("button", name="More time").click()
    await page.wait_for_url("**/orders/b")


async def test_what_is_over_is_said_and_what_is_not_is_paid_with_another_key(
    page: Page, shop: tuple[ShopOfTheTest, TestServer]
) -> None:
    kept, server = shop
    await page.goto(f"http://localhost:{server.port}/checkout/r")
    kept.answers = [preview.problem(410, "hold-lost") for _ in range(3)]
    for _ in range(2):
        async with page.expect_response("**/api/bookings/complete"):
            await pay(page)
        await expect(page.locator("[data-notice=pay]")).to_contain_text("Please try again.")
    assert kept.payments[0] != kept.payments[1]
    kept.left_ms = 0
    # A page that is seen again asks by itself, and may know before the press.
    await page.locator(".pay").evaluate("button => button.form.requestSubmit()")
    await expect(page.get_by_role("link", name="Choose again")).to_be_visible()


async def test_nothing_is_said_to_be_over_as_long_as_nobody_answers(
    page: Page, shop: tuple[ShopOfTheTest, TestServer]
) -> None:
    kept, server = shop
    await page.goto(f"http://localhost:{server.port}/checkout/r")
    await page.route("**/checkout/*", lambda route: route.abort())
    await page.clock.run_for(HELD_MS + 20_000)
    await expect(page.locator("[data-while=lost]").first).to_be_hidden()
    await page.unroute("**/checkout/*")
    kept.is_bought = True
    await page.clock.run_for(20_000)
    await page.wait_for_url("**/orders/b")


@pytest.mark.parametrize(
    ("total", "words"), [(19_000, "The bank is slow."), (0, "Take these places")]
)
async def test_only_where_one_is_asked_a_bank_is_said_to_be_slow(
    page: Page, shop: tuple[ShopOfTheTest, TestServer], total: int, words: str
) -> None:
    kept, server = shop
    kept.total, kept.answers_after_s = total, 60
    await page.goto(f"http://localhost:{server.port}/checkout/r")
    async with page.expect_request("**/api/bookings/complete"):
        await pay(page)
    await page.clock.run_for(5_500)
    await expect(page.locator(".pay")).to_contain_text(words)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (409, "seats-taken", "Somebody was faster"),
        (410, "sold-out", "Not enough places left"),
        (403, "over-seat-limit", "That is more than one fan may have"),
        (429, "too-many-requests", "Too many cards were tried"),
    ],
)
async def test_a_payment_that_is_not_even_tried_says_why(
    page: Page, shop: tuple[ShopOfTheTest, TestServer], status: int, code: str, words: str
) -> None:
    kept, server = shop
    await page.goto(f"http://localhost:{server.port}/checkout/r")
    kept.answers = [preview.problem(status, code, retry_after=60)]
    kept.left_ms = 0  # the shop has let the hold go
    await pay(page)
    lost = page.locator("section[data-while=lost]")
    await expect(lost).to_contain_text(words)
    await expect(lost).to_contain_text("You were not charged.")
    await expect(lost).not_to_contain_text("time ran out")
    await expect(page.locator(".checkout")).to_be_hidden()
    await expect(page.locator("[data-announcer]")).to_contain_text(words)
    assert len(kept.payments) == 1


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
