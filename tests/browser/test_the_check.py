"""A browser that looks like a program: it has its place, passes one more check, and goes in."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import PHONE, Profile
from tests.browser.paused_sale import is_there, new_sale
from tests.running_system import RunningSystem, wait_until

# The work is found by luck: four seconds on average, a quarter of a minute once in a hundred times.
WORK_MS = 90_000


@pytest.fixture
def odd(browser: Browser, running: RunningSystem) -> Iterator[Profile]:
    """A browser that says it is on a phone and is not, besides being driven by a program."""
    context = browser.new_context(
        viewport=PHONE,
        base_url=running.base_url.replace("127.0.0.1", "localhost"),
        extra_http_headers={"Sec-CH-UA-Mobile": "?1"},
    )
    yield Profile(context)
    context.close()


def test_one_more_check_and_then_in(odd: Profile) -> None:
    page = odd.new_page()
    page.goto("/sales/demo")
    page.get_by_role("button", name="Join the waiting room").click()
    inside = page.get_by_role("button", name="Enter", exact=True)
    expect(inside).to_be_visible(timeout=30_000)
    page.goto("/sales/demo/enter-now")  # what no person would find
    expect(page).to_have_url("/sales/demo")
    inside.click()
    expect(page).to_have_url("/sales/demo/check", timeout=30_000)
    expect(page.get_by_role("heading", name="One more check before you go in")).to_be_visible()
    page.get_by_text("What we noted").click()
    expect(page.get_by_text("A link was followed that people cannot see.")).to_be_visible()

    page.get_by_role("button", name="Start the check").click()
    expect(page).to_have_url("/sales/demo", timeout=WORK_MS)
    inside.click()
    page.wait_for_url("**/events/**", timeout=30_000)
    page.goto("/sales/demo/check")
    expect(page).to_have_url("/sales/demo")  # nothing is asked for any more
    broken = [complaint for complaint in odd.complaints if "Content Security" in complaint]
    assert broken == []


def test_a_browser_that_keeps_no_key_where_the_sale_has_those_checked(
    browser: Browser, running: RunningSystem
) -> None:
    sale = new_sale(running, "--step-up-unbound")
    context = browser.new_context(
        viewport=PHONE, base_url=running.base_url.replace("127.0.0.1", "localhost")
    )
    context.add_init_script("delete window.indexedDB; delete Window.prototype.indexedDB")
    page = Profile(context).new_page()
    wait_until("the sale is there", lambda: is_there(page, sale), 10)
    page.get_by_role("button", name="Join the waiting room").click()
    page.get_by_role("button", name="Enter", exact=True).click(timeout=30_000)
    expect(page).to_have_url(f"/sales/{sale}/check", timeout=30_000)
    page.get_by_text("What we noted").click()
    reason = "Your browser could not keep a key of its own"
    expect(page.get_by_role("paragraph").filter(has_text=reason)).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text=reason)).to_be_visible()
    page.get_by_role("button", name="Start the check").click()
    expect(page).to_have_url(f"/sales/{sale}", timeout=WORK_MS)
    page.get_by_role("button", name="Enter", exact=True).click()
    expect(page).to_have_url("/", timeout=30_000)  # where a sale without events leads
    context.close()
