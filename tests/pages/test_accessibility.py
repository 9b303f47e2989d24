"""axe-core finds nothing on any page, in any state: in light and dark, read from left and right."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, Route

from tests.pages import preview, sample_views
from tests.pages.chromium import CHROMIUM, started
from tests.support.npm_packages import npm_packages

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

AXE: Final = Path("axe-core", "axe.min.js")
# Everything axe knows, and the rule of WCAG 2.2 that is off by default.
RUN_AXE: Final = """async (only) => {
    const { violations } = await axe.run(document, {
        resultTypes: ["violations"],
        ...(only.length ? { runOnly: only } : { rules: { "target-size": { enabled: true } } }),
    });
    return violations.flatMap(({ id, nodes }) =>
        nodes.map(({ html, any, all, none }) => [id, html, [...any, ...all, ...none][0]?.message]));
}"""
# By light everything; by dark what goes by colours, and that is the same in all languages.
OF_COLOURS: Final = ("color-contrast", "link-in-text-block")
# One language that is read from the left and one that is read from the right.
LANGUAGES: Final = ("en", "ar")


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[TestServer]:
    server = await started(preview.make_app())
    yield server
    await server.close()


@pytest.fixture(params=LANGUAGES)
async def page(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    """A phone's page with axe in it, in a language."""
    context = await browser.new_context(
        viewport={"width": 390, "height": 844}, locale=request.param, reduced_motion="reduce"
    )
    await context.add_init_script(path=npm_packages() / AXE)
    yield await context.new_page()
    await context.close()


async def complaints(page: Page) -> list[Any]:
    """What axe finds by light and by dark."""
    await page.emulate_media(color_scheme="light")
    found = [("light", *each) for each in await page.evaluate(RUN_AXE, [])]
    if await page.evaluate("document.documentElement.dir") == "rtl":
        return found
    await page.emulate_media(color_scheme="dark")
    return found + [("dark", *each) for each in await page.evaluate(RUN_AXE, OF_COLOURS)]


@pytest.mark.parametrize("template", sample_views.ALL_PAGES)
async def test_axe_finds_nothing_on_any_page(page: Page, server: TestServer, template: str) -> None:
    for state in sample_views.ALL_PAGES[template]:
        await page.goto(f"http://localhost:{server.port}/show/{template}/{state}")
        assert await complaints(page) == [], state


@pytest.mark.parametrize(
    ("path", "presses"),
    [
        (
            "waiting_room.html/waiting",
            [".languages summary", "[data-move] summary", ".leave:not([data-move]) summary"],
        ),
        ("seats.html/seated", ["[data-view=list]", ".list details:nth-of-type(1) summary"]),
        (
            "seats.html/seated",
            [
                "[data-view=list]",
                ".list details:nth-of-type(1) summary",
                ".seat.is-accessible[aria-disabled=false]",
            ],
        ),
        ("checkout.html/held", ["input[value=card_declined]", ".pay"]),
    ],
)
async def test_axe_finds_nothing_in_what_opens(
    page: Page, server: TestServer, path: str, presses: list[str]
) -> None:
    await page.goto(f"http://localhost:{server.port}/show/{path}")
    for press in presses:
        await page.click(press)
    await page.wait_for_load_state("networkidle")
    assert await complaints(page) == []


async def test_axe_finds_nothing_in_a_turn_that_has_trouble(page: Page, server: TestServer) -> None:
    await page.route("**/admit", lambda route: route.fulfill(status=409, json={"type": "x/y"}))
    await page.goto(f"http://localhost:{server.port}/show/waiting_room.html/called")
    await page.click(".enter")
    await page.locator("[data-notice=trouble]").wait_for()
    assert await complaints(page) == []


async def test_axe_finds_nothing_under_a_pointer(page: Page, server: TestServer) -> None:
    """Where the lamp is lit, words have a colour of their own."""

    async def hurry(route: Route) -> None:
        answer = await route.fetch()
        text = re.sub(
            'data-expires-in-ms="[0-9]+"', 'data-expires-in-ms="41000"', await answer.text()
        )
        await route.fulfill(response=answer, body=text)

    await page.goto(f"http://localhost:{server.port}/show/waiting_room.html/called")
    await page.click("details.leave:not([data-move]) summary")
    await page.hover("form[data-form=leave] button")
    assert await complaints(page) == []
    await page.route("**/show/seats.html/held", hurry)
    await page.goto(f"http://localhost:{server.port}/show/seats.html/held")
    await page.locator(".hold-bar.is-urgent").wait_for()
    await page.hover("form[data-form=release] button")
    assert await complaints(page) == []


@pytest.mark.parametrize(
    "path", ["waiting_room.html/open", "seats.html/seated", "checkout.html/held"]
)
async def test_axe_finds_nothing_without_a_script(
    page: Page, server: TestServer, path: str
) -> None:
    """The pages mark themselves so when their script cannot run; axe needs one to look at them."""
    await page.route("**/static/**/*.js*", lambda route: route.abort())
    await page.goto(f"http://localhost:{server.port}/show/{path}")
    await page.evaluate("document.documentElement.classList.add('plain')")
    assert await page.locator(".without-script:visible").count()
    assert await complaints(page) == []


async def test_axe_would_find_what_cannot_be_read(page: Page, server: TestServer) -> None:
    await page.goto(f"http://localhost:{server.port}/show/waiting_room.html/waiting")
    await page.evaluate("document.querySelector('.honest').style.color = '#ddd'")
    assert {(scheme, rule) for scheme, rule, *_ in await complaints(page)} == {
        ("light", "color-contrast")
    }
