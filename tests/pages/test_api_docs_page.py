"""The published document as a page, in a real browser against a real system."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from tests.pages.chromium import CHROMIUM
from tests.pages.test_accessibility import AXE, RUN_AXE
from tests.support.npm_packages import npm_packages
from tests.support.opening import open_shop
from tests.support.shop import Shop

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

# What is Swagger UI's own is theirs to mend.
OURS = RUN_AXE.replace("axe.run(document,", "axe.run({ exclude: ['.swagger-ui'] },")
# A megabyte and a half of script, on a machine that may be busy.
PATIENCE_MS = 60_000
# A folder for pictures, for who wants to look.
PICTURES = os.environ.get("PICTURES")


@pytest.fixture(scope="module")
async def shop(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    async with open_shop(redis_url, database_dsn, open_dir) as shop:
        yield shop


async def shown(page: Page, shop: Shop) -> list[str]:
    """Open the page and wait until every call is there; returns what the browser complained about."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text) if message.type in ("error", "warning") else None
        ),
    )
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{shop.url}/api/docs")
    await page.wait_for_selector(".swagger-ui .opblock-summary-path")
    return complaints


@pytest.mark.timeout(300)  # the first to ask for axe may have to install it
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1440, 900)])
async def test_every_call_is_there_to_be_read(
    shop: Shop, browser: Browser, width: int, height: int
) -> None:
    context = await browser.new_context(viewport={"width": width, "height": height})
    await context.add_init_script(path=npm_packages() / AXE)
    page = await context.new_page()
    assert await shown(page, shop) == []

    paths = await page.locator(".swagger-ui .opblock-summary-path").all_inner_texts()
    told = [path.replace("\u200b", "").replace(" ", "") for path in paths]
    documented = shop.documented._document["paths"]
    assert sorted(told) == sorted(path for path in documented for _ in documented[path])

    join = page.locator("#operations-Waiting_room-join")
    await join.locator(".opblock-summary-control").press("Enter")
    await join.get_by_text("bot-check-failed").first.wait_for()
    # It is to be read: nothing is sent from here.
    assert await page.get_by_role("button", name="Try it out").count() == 0
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert await page.evaluate(OURS, []) == []
        if PICTURES:
            await page.screenshot(path=f"{PICTURES}/api-docs-{width}-{scheme}.png")
    if PICTURES:
        await join.screenshot(path=f"{PICTURES}/api-docs-{width}-join.png")
    await context.close()


async def test_it_speaks_the_readers_language_and_needs_no_script(
    shop: Shop, browser: Browser
) -> None:
    context = await browser.new_context(locale="ar", java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{shop.url}/api/docs")
    assert await page.locator("html").get_attribute("dir") == "rtl"
    assert await page.locator("noscript").inner_text()
    await page.locator("main a[href='/api/openapi.json']").click()
    assert '"openapi":"3.1.0"' in await page.content()
    await context.close()


async def test_only_the_files_of_the_page_are_served(shop: Shop) -> None:
    async def status(path: str) -> int:
        async with shop.session.get(shop.url + path) as answer:
            await answer.read()
            return answer.status

    assert await status("/static/swagger/swagger-ui.css") == 200
    assert await status("/static/swagger/swagger-ui-bundle.js") == 200
    for path in ("swagger-editor-bundle.js", "index.css", "../core.py", "LICENSE"):
        assert await status(f"/static/swagger/{path}") in (400, 404), path
