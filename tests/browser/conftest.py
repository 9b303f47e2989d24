"""A real Chromium against a real system."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

if TYPE_CHECKING:
    # For types only: as a plugin it must not be imported before pytest does it.
    from tests.running_system import RunningSystem

CHROMIUM = Path("/usr/bin/chromium")
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}
# Root may not use Chromium's sandbox; the rest keeps it from asking the network for anything.
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]
ACTION_MS = 20_000


def pytest_configure(config: pytest.Config) -> None:
    """Offer the running system to the tests of this folder; one for all folders that ask."""
    config.pluginmanager.import_plugin("tests.running_system")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a file's tests; each has its own profile.

    No longer than that: Playwright keeps an event loop running, and asynchronous tests need theirs.
    """
    assert CHROMIUM.exists(), "Debian's chromium is not installed: apt-get install chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


class Profile:
    """A browser profile that keeps what its pages complained about."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.complaints: list[str] = []
        context.set_default_timeout(ACTION_MS)

    def new_page(self) -> Page:
        """Open a page whose errors and warnings are noted, broken rules of the CSP among them."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text)
                if message.type in ("error", "warning")
                else None
            ),
        )
        return page


@pytest.fixture(params=[PHONE, DESKTOP], ids=["phone", "desktop"])
def profile(
    browser: Browser, running: "RunningSystem", request: pytest.FixtureRequest
) -> Iterator[Profile]:
    """A new profile at phone and at desktop size, on this system."""
    context = browser.new_context(
        viewport=request.param, base_url=running.base_url.replace("127.0.0.1", "localhost")
    )
    yield Profile(context)
    context.close()


@pytest.fixture
def plain_profile(browser: Browser, running: "RunningSystem") -> Iterator[Profile]:
    """A new profile without JavaScript."""
    context = browser.new_context(
        viewport=PHONE,
        base_url=running.base_url.replace("127.0.0.1", "localhost"),
        java_script_enabled=False,
    )
    yield Profile(context)
    context.close()
