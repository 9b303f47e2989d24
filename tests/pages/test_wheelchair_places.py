"""Wheelchair places in a real browser: who picks one is asked first, and both answers count."""

import re
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Locator, Page, Route, expect

from tests.pages import preview, sample_arena
from tests.pages.chromium import CHROMIUM, started
from tests.pages.test_seats_in_browser import asked, refuse

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

PLACE: Final = "A-20-24"
PLACE_NAME: Final = "Row 20, seat 24, wheelchair place"
ANNOUNCED: Final = "Block A, row 20, seat 24, Stalls €95, wheelchair place"
# A second tap on the same seat counts after so long, and so does an answer.
NEXT_TAP_MS: Final = 450


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    app = preview.make_app()
    app[preview.LINE]["codes"] = [0] * 5000
    server = await started(app)
    yield server
    await server.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.route("**/seats/changes*", hang)
    yield page
    await context.close()
    assert errors == []


async def hang(route: Route) -> None:
    """Nobody else buys anything meanwhile."""


def question(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Does one of you need a wheelchair place?")


async def show_list(page: Page, server: TestServer) -> None:
    """Show the seats of the first block as a list."""
    await page.goto(f"http://localhost:{server.port}/events/demo-arena/seats")
    await page.wait_for_selector("[data-map-state]", state="hidden")
    await page.click("[data-view=list]")
    await page.click(".list details:nth-of-type(1) summary")


def seat(page: Page, name: str = PLACE_NAME) -> Locator:
    return page.get_by_role("button", name=re.compile(f"^{name}"))


async def answer(page: Page, label: str) -> None:
    await page.wait_for_timeout(NEXT_TAP_MS)
    await question(page).get_by_role("button", name=label).click()


async def test_who_needs_the_place_says_so_once_and_gets_it(page: Page, server: TestServer) -> None:
    bodies = asked(page, "/reserve")
    await show_list(page, server)
    await seat(page).click()
    await expect(question(page)).to_contain_text("Block A, row 20, seat 24")
    await expect(page.locator("[data-tray]")).to_be_hidden()
    await answer(page, "Yes")
    await expect(page.locator("[data-announcer]")).to_contain_text(f"{ANNOUNCED}, your pick")
    await seat(page, "Row 20, seat 25").click()
    await expect(question(page)).to_be_hidden()
    await page.click("[data-reserve]")
    await page.wait_for_url("**/checkout/demo-arena.*")
    assert [(body["seat_ids"], body["accessible"]) for body in bodies] == [
        ([PLACE, "A-20-25"], True)
    ]


@pytest.mark.parametrize("how", ["No", "Escape"])
async def test_without_the_word_the_place_is_not_picked(
    page: Page, server: TestServer, how: str
) -> None:
    bodies = asked(page, "/reserve")
    await show_list(page, server)
    await seat(page).click()
    await (page.keyboard.press("Escape") if how == "Escape" else answer(page, how))
    await expect(question(page)).to_be_hidden()
    await expect(seat(page)).to_be_focused()
    await expect(seat(page)).to_have_attribute("aria-pressed", "false")
    await expect(page.locator("[data-announcer]")).to_have_text(f"{ANNOUNCED}, free")
    await seat(page, "Row 20, seat 5").click()
    await page.click("[data-reserve]")
    await page.wait_for_url("**/checkout/demo-arena.*")
    assert [(body["seat_ids"], "accessible" in body) for body in bodies] == [(["A-20-5"], False)]


@pytest.mark.parametrize("control", ["[data-accessible-only]", "[name=accessible]"])
async def test_who_asked_for_such_places_has_said_so(
    page: Page, server: TestServer, control: str
) -> None:
    bodies = asked(page, "/reserve")
    await show_list(page, server)
    await page.locator(control).check()
    await seat(page).click()
    await page.reload()
    await expect(page.locator("[data-tray] li")).to_have_count(1)
    await page.click("[data-reserve]")
    await page.wait_for_url("**/checkout/demo-arena.*")
    assert [(body["seat_ids"], body["accessible"]) for body in bodies] == [([PLACE], True)]


async def test_impatience_is_no_answer(page: Page, server: TestServer) -> None:
    await show_list(page, server)
    await seat(page).click()
    yes = question(page).get_by_role("button", name="Yes")
    await yes.evaluate("button => button.click()")
    await expect(question(page)).to_be_visible()
    await answer(page, "Yes")
    await expect(seat(page)).to_have_attribute("aria-pressed", "true")


async def test_on_the_map_the_keyboard_asks_answers_and_comes_back(
    page: Page, server: TestServer
) -> None:
    plan = sample_arena.arena_plan()
    plan["seats"]["accessible"] = list(range(1, 5000))
    await page.route("**/plan", lambda route: route.fulfill(json=plan))
    await page.goto(f"http://localhost:{server.port}/events/demo-arena/seats")
    await page.wait_for_selector("[data-map-state]", state="hidden")
    tip, announcer = page.locator("[data-map-tip]"), page.locator("[data-announcer]")
    await page.focus("canvas")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await page.wait_for_timeout(500)  # as long as the flight takes
    await page.keyboard.press("ArrowRight")
    place = (await tip.locator("strong").inner_text()).strip()
    await page.keyboard.press("Enter")
    await expect(question(page).get_by_role("heading")).to_be_focused()
    await expect(question(page)).to_contain_text(place)
    await page.keyboard.press("Escape")
    await expect(page.locator("canvas")).to_be_focused()
    await expect(announcer).to_have_text(re.compile(f"{place}, .*wheelchair place, free"))
    await page.wait_for_timeout(NEXT_TAP_MS)
    await page.keyboard.press("Enter")
    await page.wait_for_timeout(NEXT_TAP_MS)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(question(page)).to_be_hidden()
    await expect(announcer).to_contain_text(f"{place}, ")
    await expect(page.locator("[data-tray] li")).to_have_count(1)


async def test_one_tap_for_all_asks_too(page: Page, server: TestServer) -> None:
    await show_list(page, server)
    await page.fill("#quantity", "2")
    await page.locator("[data-together]").check()
    await seat(page).click()
    await answer(page, "No")
    await expect(page.locator("[data-tray]")).to_be_hidden()
    await page.wait_for_timeout(NEXT_TAP_MS)
    await seat(page).click()
    await answer(page, "Yes")
    await expect(page.locator("[data-tray] li")).to_have_count(2)


@pytest.mark.parametrize("scope", ["section", "tier"])
async def test_a_place_that_was_opened_to_anybody_is_picked_by_anybody(
    page: Page, server: TestServer, scope: str
) -> None:
    """As the law has it: once all other seats of the house, the section or the tier are sold."""
    bodies = asked(page, "/reserve")
    seats = sample_arena.arena_plan()["seats"]
    place = seats["seat_id"].index(PLACE)
    kept = {*seats["accessible"], *seats["companions"]}
    codes = server.app[preview.LINE]["codes"]  # type: ignore[index]
    others = [
        index
        for index, value in enumerate(seats[scope])
        if value == seats[scope][place] and index not in kept
    ]
    for index in others:
        codes[index] = 2
    codes[others[0]] = 1  # held is not sold
    await show_list(page, server)
    await seat(page).click()
    await expect(question(page)).to_be_visible()
    await page.keyboard.press("Escape")
    codes[others[0]] = 2
    await show_list(page, server)
    await seat(page).click()
    await expect(question(page)).to_be_hidden()
    await page.click("[data-reserve]")
    await page.wait_for_url("**/checkout/demo-arena.*")
    assert [(body["seat_ids"], "accessible" in body) for body in bodies] == [([PLACE], False)]


async def test_an_offer_says_which_of_its_places_is_one_for_a_wheelchair(
    page: Page, server: TestServer
) -> None:
    def held(number: str) -> dict[str, Any]:
        where = {"section": "Block A", "row": "20", "number": number}
        return {"seat_id": f"A-20-{number}", **where}

    offer = {
        "reservation_id": "demo-arena.OfferedOfferedOffered1",
        "seats": [held("23"), held("24")],
        "total": 19_000,
    }
    refuse(server, 409, "seats-taken", seat_ids=["A-20-25"], offer=offer)
    await show_list(page, server)
    await page.locator("[data-accessible-only]").check()
    await seat(page, "Row 20, seat 25").click()
    await page.click("[data-reserve]")
    await expect(page.locator("[data-notice=refusal]")).to_contain_text(
        "Block A, row 20, seat 23; Block A, row 20, seat 24, wheelchair place"
    )
