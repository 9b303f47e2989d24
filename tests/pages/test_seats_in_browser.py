"""The page of the seats in a real browser: refusals with a way out, the clock of a hold, impatience."""

import json
import random
import re
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, Route, expect

from booking_core.catalog.charges import Charge, charge_lines, total_with
from tests.pages import preview
from tests.pages.chromium import CHROMIUM, started

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

OFFER = {
    "reservation_id": "demo-arena.OfferedOfferedOffered1",
    "seats": [
        {"section": "Block B", "row": "3", "number": "7"},
        {"section": "Block B", "row": "3", "number": "8"},
    ],
    "total": 19_000,
}


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
    yield page
    await context.close()
    assert errors == []


def asked(page: Page, path: str) -> list[dict[str, Any]]:
    """The bodies sent to addresses that end so, as they are sent."""
    bodies: list[dict[str, Any]] = []
    page.on(
        "request",
        lambda request: (
            bodies.append(json.loads(request.post_data or "{}"))
            if request.url.endswith(path) and request.method == "POST"
            else None
        ),
    )
    return bodies


async def pick_two(page: Page, server: TestServer, path: str = "events/demo-arena/seats") -> None:
    """Show the seats and pick two of the first block from the list."""
    await page.goto(f"http://localhost:{server.port}/{path}")
    await page.wait_for_selector("[data-map-state]", state="hidden")
    await page.click("[data-view=list]")
    await page.click(".list details:nth-of-type(1) summary")
    for number in (1, 2):
        await page.locator(".seat").nth(number).click()


def refuse(server: TestServer, status: int, code: str, **members: Any) -> None:
    server.app[preview.REFUSALS].append((status, code, members))  # type: ignore[index]


async def test_a_refusal_comes_with_others_that_are_held_already(
    page: Page, server: TestServer
) -> None:
    refuse(server, 409, "seats-taken", seat_ids=["A-1-2"], offer=OFFER)
    await pick_two(page, server)
    await page.click("[data-reserve]")
    notice = page.locator("[data-notice=refusal]")
    await expect(notice).to_contain_text("Block B, row 3, seat 7; Block B, row 3, seat 8")
    await expect(notice).to_contain_text("€190")
    await expect(page.locator("[data-tray] li")).to_have_count(1)
    await notice.get_by_role("button", name="Take these").click()
    await page.wait_for_url(f"**/checkout/{OFFER['reservation_id']}")


async def test_an_offer_can_be_let_go(page: Page, server: TestServer) -> None:
    refuse(server, 409, "seats-taken", seat_ids=["A-1-2"], offer=OFFER)
    await pick_two(page, server)
    await page.click("[data-reserve]")
    async with page.expect_request(
        lambda request: (
            request.method == "DELETE" and request.url.endswith(str(OFFER["reservation_id"]))
        )
    ):
        await page.get_by_role("button", name="No, let them go").click()
    await expect(page.locator("[data-notice=refusal]")).to_be_hidden()


async def test_a_single_seat_left_alone_is_mended_with_one_press(
    page: Page, server: TestServer
) -> None:
    refuse(server, 409, "leaves-orphan", instead=["A-1-3", "A-1-4"])
    bodies = asked(page, "/reserve")
    await pick_two(page, server)
    await page.click("[data-reserve]")
    notice = page.locator("[data-notice=refusal]")
    await expect(notice).to_contain_text("Block A, row 1, seat 3; Block A, row 1, seat 4")
    await notice.get_by_role("button", name="Take these instead").click()
    await page.wait_for_url("**/checkout/demo-arena.*")
    assert [body["seat_ids"] for body in bodies] == [["A-1-2", "A-1-3"], ["A-1-3", "A-1-4"]]
    assert bodies[0]["idempotency_key"] != bodies[1]["idempotency_key"], "another wish"


async def test_impatient_presses_and_lost_answers_are_one_operation(
    page: Page, server: TestServer
) -> None:
    refuse(server, 503, "store-unavailable", retry_after=0.05)
    refuse(server, 503, "store-unavailable", retry_after=0.05)
    bodies = asked(page, "/reserve")
    await pick_two(page, server)
    await page.dblclick("[data-reserve]")
    await page.wait_for_url("**/checkout/demo-arena.*")
    assert len(bodies) == 3
    assert len({body["idempotency_key"] for body in bodies}) == 1
    # What was answered is over: the same wish again is a new operation.
    await pick_two(page, server)
    await page.click("[data-reserve]")
    await page.wait_for_url("**/checkout/demo-arena.*")
    assert bodies[3]["idempotency_key"] != bodies[0]["idempotency_key"]


async def test_a_second_tap_on_a_seat_is_impatience(page: Page, server: TestServer) -> None:
    await pick_two(page, server)
    await page.locator(".seat").nth(5).dblclick()
    await expect(page.locator("[data-tray] li")).to_have_count(3)
    await page.wait_for_timeout(450)
    await page.locator(".seat").nth(5).click()
    await expect(page.locator("[data-tray] li")).to_have_count(2)


async def test_what_is_held_is_shown_and_changed_in_place(page: Page, server: TestServer) -> None:
    swaps, reserves = asked(page, "/swap"), asked(page, "/reserve")
    await pick_two(page, server, "show/seats.html/held")
    bar = page.locator("[data-hold-bar]")
    await expect(bar).to_contain_text(re.compile(r"Held for you 7:\d\d"))
    await expect(bar).to_contain_text("2 places, €190")
    await page.get_by_role("button", name="Change to these places").click()
    await page.wait_for_url("**/checkout/demo-arena.*")
    assert [body["seat_ids"] for body in swaps] == [["A-1-2", "A-1-3"]]
    assert reserves == []


async def shows_nothing(route: Route) -> None:
    await route.fulfill(status=404, body="nothing is held")


async def leads_on(route: Route) -> None:
    await route.fulfill(status=303, headers={"Location": "/orders/b"})


async def test_a_hold_that_is_over_is_said_and_no_longer_changed(
    page: Page, server: TestServer
) -> None:
    refuse(server, 410, "hold-lost")
    await page.route("**/checkout/*", shows_nothing)
    reserves = asked(page, "/reserve")
    await pick_two(page, server, "show/seats.html/held")
    await page.get_by_role("button", name="Change to these places").click()
    await expect(page.locator("[data-hold-bar]")).to_contain_text("Your hold is over")
    await expect(page.locator("[data-notice=refusal]")).to_contain_text("Choose again.")
    await page.get_by_role("button", name="Hold these places").click()
    await page.wait_for_url("**/checkout/demo-arena.*")
    assert len(reserves) == 1


async def test_places_that_were_bought_meanwhile_lead_to_their_order(
    page: Page, server: TestServer
) -> None:
    """In another tab: who is told to choose again here would buy twice."""
    refuse(server, 410, "hold-lost")
    await page.route("**/checkout/*", leads_on)
    await pick_two(page, server, "show/seats.html/held")
    await page.get_by_role("button", name="Change to these places").click()
    await page.wait_for_url("**/orders/b")


async def test_what_is_held_still_after_all_can_be_changed_again(
    page: Page, server: TestServer
) -> None:
    """The shop has just answered, and the clock beside the map runs."""
    refuse(server, 410, "hold-lost")
    await pick_two(page, server, "show/seats.html/held")
    await page.get_by_role("button", name="Change to these places").click()
    notice = page.locator("[data-notice=refusal]")
    await expect(notice).to_contain_text("That did not go through")
    await expect(notice).to_contain_text("Please try again.")
    await expect(page.locator("[data-while=held]").first).to_be_visible()
    await page.get_by_role("button", name="Change to these places").click()
    await page.wait_for_url("**/checkout/demo-arena.*")


@pytest.mark.parametrize(
    ("status", "code", "retry_after", "words"),
    [
        (429, "held-long-enough", 600, "Now others have their turn"),
        (429, "held-long-enough", 3, "Now others have their turn"),
        (503, "store-unavailable", 600, "We cannot reach the shop"),
    ],
)
async def test_who_has_to_wait_for_long_is_told_so_at_once(
    page: Page, server: TestServer, status: int, code: str, retry_after: int, words: str
) -> None:
    refuse(server, status, code, retry_after=retry_after)
    bodies = asked(page, "/reserve")
    await pick_two(page, server)
    await page.click("[data-reserve]")
    await expect(page.locator("[data-notice=refusal]")).to_contain_text(words, timeout=2_500)
    assert len(bodies) == 1


@pytest.mark.parametrize("state", ["held", "stock_held"])
async def test_what_would_replace_a_hold_says_so(
    page: Page, server: TestServer, state: str
) -> None:
    refuse(server, 410, "hold-lost")
    await page.route("**/checkout/*", shows_nothing)
    await page.goto(f"http://localhost:{server.port}/show/seats.html/{state}")
    words = "This replaces the places you hold."
    button = page.locator("[aria-describedby=replaces]").first
    await expect(button).to_have_accessible_description(words)
    await expect(page.get_by_text(words)).to_be_visible()
    await button.click()
    await expect(page.locator("[data-hold-bar]")).to_contain_text("Your hold is over")
    await expect(page.get_by_text(words)).to_be_hidden()


async def test_what_came_back_can_be_asked_for_again(page: Page, server: TestServer) -> None:
    def free(standing: int, early: int) -> dict[str, Any]:
        stock = [{"tier": "standing", "available": standing}, {"tier": "early", "available": early}]
        batch = {"epoch": 1, "from": 1, "seq": 2, "changes": [], "stock": stock}
        return {"body": f"retry: 600000\n\nevent: seats\ndata: {json.dumps(batch)}\n\n"}

    async def change(route: Route) -> None:
        await route.fulfill(content_type="text/event-stream", **free(standing=0, early=5))

    await page.route("**/seats/changes*", change)
    await page.goto(f"http://localhost:{server.port}/show/seats.html/stock")
    forms = page.locator("form[data-form=stock]")
    await expect(forms.nth(0)).to_contain_text("sold out")
    await expect(forms.nth(0).get_by_role("button", name="Hold")).to_be_disabled()
    await expect(forms.nth(1)).to_contain_text("5 left")
    await expect(forms.nth(1).get_by_role("button", name="Hold")).to_be_enabled()


async def test_a_category_that_is_gone_cannot_be_chosen(page: Page, server: TestServer) -> None:
    codes = server.app[preview.LINE]["codes"]  # type: ignore[index]
    codes[:] = [2] * len(codes)
    await page.goto(f"http://localhost:{server.port}/events/demo-arena/seats")
    await page.wait_for_selector("[data-map-state]", state="hidden")
    await expect(page.locator("#tier option[value=parkett]")).to_be_disabled()


async def test_places_kept_for_others_are_said_to_be(page: Page, server: TestServer) -> None:
    refuse(server, 409, "seats-kept", seat_ids=["A-1-2"])
    await pick_two(page, server)
    await page.click("[data-reserve]")
    await expect(page.locator("[data-notice=refusal]")).to_contain_text("wheelchair")


async def test_picks_are_there_after_a_reload_as_far_as_they_are_free(
    page: Page, server: TestServer
) -> None:
    await pick_two(page, server)
    await page.reload()
    await expect(page.locator("[data-tray] li")).to_have_count(2)
    server.app[preview.LINE]["codes"][1] = 2  # type: ignore[index]
    await page.reload()
    await expect(page.locator("[data-tray] li")).to_have_text([re.compile("seat 3")])
    await page.click("[data-reserve]")
    await page.wait_for_url("**/checkout/demo-arena.*")
    await page.goto(f"http://localhost:{server.port}/events/demo-arena/seats")
    await page.wait_for_selector("[data-map-state]", state="hidden")
    await expect(page.locator("[data-tray] li")).to_have_count(0)


async def test_a_fan_is_not_told_that_they_were_faster_than_themselves(
    page: Page, server: TestServer
) -> None:
    await pick_two(page, server)
    notices: list[str] = []
    await page.expose_function("told", lambda title: notices.append(title))
    await page.evaluate(
        """() => {
            const notice = document.querySelector("[data-notice=refusal]");
            const tell = () => told(notice.querySelector("strong").textContent);
            new MutationObserver(tell).observe(notice, { attributes: true });
        }"""
    )

    async def answer_late(route: Route) -> None:
        # The change comes before the answer, as it may.
        for index in (1, 2):
            server.app[preview.LINE]["codes"][index] = 1  # type: ignore[index]
        server.app[preview.LINE]["seq"] += 5  # type: ignore[index]
        async with page.expect_response(lambda answer: answer.url.endswith("/demo-arena/seats")):
            pass
        await page.wait_for_timeout(100)
        await route.continue_()

    await page.route("**/reserve", answer_late)
    await page.click("[data-reserve]")
    await page.wait_for_url("**/checkout/demo-arena.*")
    assert notices == []


async def test_the_total_under_the_map_is_the_servers(page: Page, server: TestServer) -> None:
    chance = random.Random(3)
    bills = []
    for _ in range(100):
        kinds = ["per_ticket", "per_order", "percent", "tax_added"]
        charges = [
            Charge(str(n), chance.choice(kinds), chance.randrange(10_001))  # type: ignore[arg-type]
            for n in range(chance.randrange(5))
        ]
        if all(each.kind != "tax_added" for each in charges):
            charges.append(Charge("In it", "tax_included", 1_900))
        bills.append(([asdict(each) for each in charges], chance.randrange(10**9), 3))
    await page.goto(f"http://localhost:{server.port}/show/seats.html/seated")
    totals = await page.evaluate(
        """async (bills) => {
            const { totalWith } = await import("/static/shop/charges.js");
            return bills.map((bill) => totalWith(...bill));
        }""",
        bills,
    )
    for total, (charges, places, count) in zip(totals, bills, strict=True):
        lines = charge_lines([Charge(**each) for each in charges], places, count)
        assert total == total_with(places, lines), charges
