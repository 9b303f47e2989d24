"""Who closes the page and comes back in the same browser has the same place, whatever was cleared."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Profile
from tests.browser.paused_sale import joined, paused_sale, shown_place
from tests.running_system import RunningSystem

CLEAR_RECORD = "localStorage.clear()"
CLEAR_ALL = """async () => {
    localStorage.clear();
    for (const { name } of await indexedDB.databases()) indexedDB.deleteDatabase(name);
}"""


@pytest.fixture
def sale(running: RunningSystem) -> str:
    """A sale that calls nobody."""
    return paused_sale(running)


@pytest.mark.parametrize("kept", ["all", "cookies", "record", "key"])
def test_the_same_browser_has_the_same_place(profile: Profile, sale: str, kept: str) -> None:
    place = joined(profile, sale)
    page = profile.new_page()
    page.goto("/")
    if kept == "cookies":
        page.evaluate(CLEAR_ALL)
    elif kept != "all":
        profile.context.clear_cookies()
        if kept == "key":
            page.evaluate(CLEAR_RECORD)
    page.goto(f"/sales/{sale}")
    if kept == "key":
        # The page cannot know who comes; one press, and the key says it.
        page.get_by_role("button", name="Join the waiting room").click()
    assert shown_place(page) == place


def test_another_browser_has_another_place(
    profile: Profile, plain_profile: Profile, sale: str
) -> None:
    place = joined(profile, sale)
    page = plain_profile.new_page()
    page.goto(f"/sales/{sale}")
    expect(page.locator("#main[data-stage=open], #main[data-stage=waiting]")).to_be_visible()
    assert page.locator("#main").get_attribute("data-place") is None, place
