"""A sold-out sale: who is in line sees their place, may move it, and may give it up."""

import re
from collections.abc import AsyncIterator

import pytest
from called_fans import browser_of
from playwright.async_api import Browser, Page, async_playwright, expect
from test_what_is_left import board_where, buy

from booking_core.catalog.event import StockTier
from tests.pages.chromium import CHROMIUM, FLAGS
from tests.support.fan import DeviceKey, Fan
from tests.support.shop import Shop

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


async def second_in_line(shop: Shop, key: DeviceKey | None = None) -> Fan:
    """A fan who waits for returns behind another one."""
    sale = await shop.new_sale()
    event = await shop.new_event(stock=(StockTier("floor", "Floor", 4_500, 1),), sale_id=sale)
    await board_where(shop, sale, lambda now: bool(now["stock"]))
    await buy(shop, sale, event, "floor", 1)
    await board_where(shop, sale, lambda now: now["phase"] == "sold_out")
    await Fan(shop).join(sale)
    fan = Fan(shop, key)
    await fan.join(sale)
    await board_where(shop, sale, lambda now: now["waiting"] == 2)
    return fan


async def sees_their_place(page: Page) -> None:
    await expect(page.locator("#main[data-stage=sold_out]")).to_be_visible()
    shown = page.locator("dl").filter(visible=True)
    await expect(shown.filter(has_text="Your place")).to_have_text(
        re.compile(r"\s*Your place\s*2\s*Ahead of you\s*1\s*")
    )


async def gives_up(page: Page) -> None:
    await page.get_by_text("Give up my place").click()
    await page.get_by_role("button", name="Yes, give it up").click()
    await expect(page.get_by_text("Your place", exact=True).filter(visible=True)).to_have_count(0)
    await expect(page.get_by_text("Give up my place")).to_be_hidden()
    await expect(page.get_by_text("Continue on another device")).to_be_hidden()
    await expect(page.get_by_role("heading", name="Sold out")).to_be_visible()


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "plain"])
async def test_who_stays_for_returns_sees_their_place_and_may_go(
    shop: Shop, browser: Browser, has_script: bool
) -> None:
    fan = await second_in_line(shop)
    context = await browser_of(browser, fan, has_script=has_script)
    page = await context.new_page()
    await page.goto(f"/sales/{fan.sale_id}")
    await sees_their_place(page)

    await page.get_by_text("Continue on another device").click()
    await page.get_by_role("button", name="Make the link").click()
    await expect(page.get_by_label("The link", exact=True)).to_have_value(re.compile("move.link="))
    await page.goto(f"/sales/{fan.sale_id}")
    await gives_up(page)
    await page.reload()
    await expect(page.get_by_text("Give up my place")).to_be_hidden()
    await context.close()


async def test_who_looks_at_it_without_a_place_is_offered_nothing_to_give_up(
    shop: Shop, browser: Browser
) -> None:
    fan = await second_in_line(shop)
    for has_script in (True, False):
        context = await browser.new_context(base_url=shop.url, java_script_enabled=has_script)
        page = await context.new_page()
        await page.goto(f"/sales/{fan.sale_id}")
        await expect(page.get_by_role("heading", name="Sold out")).to_be_visible()
        await expect(page.get_by_text("Ahead of you", exact=True)).to_be_hidden()
        await expect(page.get_by_text("Give up my place")).to_be_hidden()
        await context.close()
