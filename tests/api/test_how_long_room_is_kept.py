"""A called fan is told how long room is kept for them, also after a reload, and what happens then."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from called_fans import age_calls, browser_of
from playwright.async_api import Browser, Page, async_playwright, expect

from groundwork.errors import NotYourTurn
from tests.pages.chromium import CHROMIUM, FLAGS
from tests.support.fan import Fan, Reply
from tests.support.shop import Shop

# Two minutes, and the second that the calls of one cohort span.
KEPT_MS = 121_000
# What a busy machine may take between the call and the answer.
PATIENCE_MS = 15_000
with_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


async def called_fan(shop: Shop, **changes: Any) -> Fan:
    fan = Fan(shop)
    await fan.join(await shop.new_sale(**changes))
    await shop.refresh_rooms()
    return fan


async def place_of(fan: Fan) -> dict[str, Any]:
    reply = await fan.call("GET", f"/api/sales/{fan.sale_id}/place", credential=fan.ticket)
    assert reply.status == 200, reply
    return reply.json


async def page_of(fan: Fan, accept: str) -> Reply:
    path = f"/sales/{fan.sale_id}"
    return await fan.call("GET", path, credential=fan.ticket, headers={"Accept": accept})


async def test_the_place_and_both_forms_of_the_page_tell_how_long(shop: Shop) -> None:
    fan = await called_fan(shop)

    told = [
        (await place_of(fan))["claim_within_ms"],
        (await page_of(fan, "application/json")).json["place"]["claim_within_ms"],
    ]
    page = (await page_of(fan, "text/html")).body.decode()
    found = re.search(r'data-claim-within-ms="(\d+)"', page)
    assert found
    for within_ms in (*told, int(found[1])):
        assert KEPT_MS - PATIENCE_MS < within_ms <= KEPT_MS

    await age_calls(shop, fan.sale_id, 60_000)
    assert KEPT_MS - 60_000 - PATIENCE_MS < (await place_of(fan))["claim_within_ms"] <= 61_000


async def test_before_the_call_nothing_is_said_of_it(shop: Shop) -> None:
    fan = await called_fan(shop, state="paused", pause_reason="not yet")

    assert "claim_within_ms" not in await place_of(fan)
    assert (await place_of(fan))["called"] is False
    assert b"data-claim-within-ms" not in (await page_of(fan, "text/html")).body


async def test_who_comes_late_is_told_the_truth(shop: Shop) -> None:
    fan = await called_fan(shop, capacity=1)
    await age_calls(shop, fan.sale_id, KEPT_MS)
    assert (await place_of(fan))["claim_within_ms"] == 0

    # Their room is given to the next one, who takes it; the first has the first room after that.
    other = Fan(shop)
    await other.join(fan.sale_id)
    await shop.refresh_rooms()
    assert (await other.let_in()).status == 201
    refused = await fan.admit()
    assert (refused.status, refused.code) == (425, NotYourTurn.code)
    third = Fan(shop)
    await third.join(fan.sale_id)
    await other.call("POST", f"/api/sales/{fan.sale_id}/leave", credential=other.ticket)
    await shop.refresh_rooms()
    assert (await place_of(third))["called"] is False
    assert (await fan.let_in()).status == 201


async def test_without_script_the_page_goes_on_telling_until_the_end(shop: Shop) -> None:
    fan = await called_fan(shop)
    page = (await page_of(fan, "text/html")).body.decode()
    assert re.search(r'data-fill="claim_clock"[^>]*>(2:0|1:5)\d<', page)
    assert '<meta http-equiv="refresh" content="20">' in page

    await age_calls(shop, fan.sale_id, KEPT_MS)
    page = (await page_of(fan, "text/html")).body.decode()
    assert 'http-equiv="refresh"' not in page, "nothing changes any more by itself"


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


async def seconds_shown(page: Page) -> int:
    await expect(page.locator("#main[data-stage=called]")).to_be_visible()
    clock = page.locator("[data-fill=claim_clock]")
    await expect(clock).to_be_visible()
    minutes, seconds = (await clock.inner_text()).split(":")
    return 60 * int(minutes) + int(seconds)


@with_browser
@pytest.mark.parametrize("has_script", [True, False], ids=["script", "plain"])
async def test_a_reload_and_another_tab_show_the_same_clock(
    shop: Shop, browser: Browser, has_script: bool
) -> None:
    fan = await called_fan(shop)
    context = await browser_of(browser, fan, has_script=has_script)
    page = await context.new_page()
    await page.goto(f"/sales/{fan.sale_id}")
    assert 105 < await seconds_shown(page) <= 121

    await age_calls(shop, fan.sale_id, 70_000)
    await page.reload()
    assert 30 < await seconds_shown(page) <= 51
    await expect(page.get_by_text("Too late for that?")).to_be_visible()
    if has_script:  # less than the minute that is announced is left
        await page.wait_for_timeout(1_500)
        assert "One minute" not in await page.locator("[data-announcer]").inner_text()
    tab = await context.new_page()
    await tab.goto(f"/sales/{fan.sale_id}")
    assert 25 < await seconds_shown(tab) <= 51

    await age_calls(shop, fan.sale_id, 70_000)
    await page.reload()
    await expect(page.get_by_text("Room is no longer kept for you")).to_be_visible()
    await expect(page.locator("[data-part=claim]")).to_be_hidden()
    await expect(page.get_by_role("button", name="Enter")).to_be_enabled()
    await context.close()


@with_browser
async def test_a_page_that_sees_the_call_has_its_clock_from_the_server(
    shop: Shop, browser: Browser
) -> None:
    fan = await called_fan(shop, state="paused", pause_reason="not yet")
    context = await browser_of(browser, fan)
    page = await context.new_page()
    await page.goto(f"/sales/{fan.sale_id}")
    await expect(page.locator("#main[data-stage=waiting]")).to_be_visible()

    await shop.change_sale(fan.sale_id, state="open")
    assert 105 < await seconds_shown(page) <= 121
    await context.close()
