"""Cookies copied to another browser, pass and ticket: they open the shop's windows, and no till."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import DESKTOP, Profile
from tests.browser.test_the_main_job import enter_the_shop, pay
from tests.running_system import RunningSystem


@pytest.fixture
def thief(browser: Browser, running: RunningSystem) -> Iterator[Profile]:
    """Another browser of somebody else."""
    context = browser.new_context(
        viewport=DESKTOP, base_url=running.base_url.replace("127.0.0.1", "localhost")
    )
    yield Profile(context)
    context.close()


def test_a_copied_pass_buys_nothing_and_its_owner_still_can(
    profile: Profile, thief: Profile
) -> None:
    page = profile.new_page()
    enter_the_shop(page, "Meridian Lights")
    page.get_by_role("button", name="Hold the best available").click()
    page.wait_for_url("**/checkout/*")
    thief.context.add_cookies([dict(each) for each in profile.context.cookies()])  # type: ignore[misc]

    there = thief.new_page()
    there.goto(page.url)
    there.get_by_label("E-mail").fill("thief@example.org")
    there.get_by_label("Card that works").check()
    with there.expect_response("**/api/bookings/complete") as paying:
        there.get_by_role("button", name="Pay").click()
    assert paying.value.status == 401
    assert paying.value.json()["code"] == "device-proof-invalid"
    expect(there).to_have_url(page.url)

    # Nor does the ticket give the other browser a pass of its own.
    there.goto("/sales/demo")
    asked = there.evaluate(
        """() => fetch("/api/sales/demo/admit", {
            method: "POST", headers: {"Content-Type": "application/json"}, body: "{}",
        }).then(answer => answer.json())"""
    )
    assert asked["code"] == "device-proof-invalid"

    pay(page)
    expect(page.get_by_role("link", name="PDF")).to_be_visible()
