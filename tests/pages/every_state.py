"""Takes a picture of every page in every state, to be looked at: `python -m tests.pages.every_state`.

Arguments: the folder for them, then languages; English if none is named.
"""

import asyncio
import sys
from pathlib import Path
from typing import Final

from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, ViewportSize, async_playwright

from tests.pages import preview, sample_views
from tests.pages.chromium import CHROMIUM, FLAGS

SIZES: Final[dict[str, ViewportSize]] = {
    "phone": {"width": 390, "height": 844},
    "desktop": {"width": 1440, "height": 900},
}
# The first board from the stream, and the seats on the map, are there by then.
SETTLE_MS: Final = 500


async def shoot(browser: Browser, server: TestServer, folder: Path, language: str) -> None:
    """Take every state at every size, by light and by dark."""
    for size, viewport in SIZES.items():
        context = await browser.new_context(
            viewport=viewport, locale=language, reduced_motion="reduce"
        )
        page = await context.new_page()
        for template, states in sample_views.ALL_PAGES.items():
            for state in states:
                await page.goto(f"http://localhost:{server.port}/show/{template}/{state}")
                await page.wait_for_timeout(SETTLE_MS)
                name = f"{template.removesuffix('.html')}-{state}-{language}-{size}"
                for scheme in ("light", "dark"):
                    await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                    path = folder / f"{name}-{scheme}.png"
                    await page.screenshot(path=path, full_page=size == "phone")
        await context.close()


async def main(folder: Path, languages: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    server = TestServer(preview.make_app())
    await server.start_server(shutdown_timeout=0)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for language in languages or ["en"]:
            await shoot(browser, server, folder, language)
        await browser.close()
    await server.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
