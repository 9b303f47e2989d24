"""A place moves from one browser to another by a link that is scanned, and counts there alone."""

import io
from collections.abc import Iterator

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import PHONE, Profile
from tests.browser.paused_sale import joined, paused_sale, shown_place
from tests.running_system import RunningSystem


@pytest.fixture
def sale(running: RunningSystem) -> str:
    """A sale that calls nobody."""
    return paused_sale(running)


@pytest.fixture
def other(browser: Browser, running: RunningSystem) -> Iterator[Profile]:
    """A second device of the same fan."""
    context = browser.new_context(
        viewport=PHONE, base_url=running.base_url.replace("127.0.0.1", "localhost")
    )
    yield Profile(context)
    context.close()


def scanned(page: Page) -> str:
    """Read the QR symbol as a camera sees it."""
    picture = Image.open(io.BytesIO(page.locator("[data-move-qr]").screenshot()))
    [symbol] = zxingcpp.read_barcodes(picture, zxingcpp.BarcodeFormat.QRCode)
    return symbol.text


def test_a_place_moves_by_a_scanned_link(profile: Profile, other: Profile, sale: str) -> None:
    place = joined(profile, sale)
    page = profile.new_page()
    page.goto(f"/sales/{sale}")
    page.get_by_text("Continue on another device").click()
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("status").filter(has_text="Here is the link")).to_be_visible()
    link = scanned(page)
    assert link == page.get_by_label("The link", exact=True).input_value()

    there = other.new_page()
    there.goto(link)
    expect(there.get_by_role("heading", name="Continue on this device")).to_be_visible()
    there.get_by_role("button", name="Move my place here").click()
    assert shown_place(there) == place

    # The old device finds out by itself while the link is shown, and stays told.
    expect(page.locator("#main[data-stage=moved]")).to_be_visible(timeout=20_000)
    page.reload()
    expect(page.get_by_role("heading", name="Your place is on another device")).to_be_visible()
    # A place does not move back.
    page.goto(link)
    expect(page.get_by_role("heading", name="This link was used")).to_be_visible()
    there.reload()
    assert shown_place(there) == place
    assert other.complaints == []


def test_a_link_that_was_used_says_so(
    profile: Profile, other: Profile, plain_profile: Profile, sale: str
) -> None:
    joined(profile, sale)
    page = profile.new_page()
    page.goto(f"/sales/{sale}")
    page.get_by_text("Continue on another device").click()
    page.get_by_role("button", name="Make the link").click()
    field = page.get_by_label("The link", exact=True)
    expect(field).not_to_have_value("")
    link = field.input_value()
    first, second = other.new_page(), plain_profile.new_page()
    for each in (first, second):
        each.goto(link)
    first.get_by_role("button", name="Move my place here").click()
    shown_place(first)
    second.get_by_role("button", name="Move my place here").click()
    expect(second.get_by_role("heading", name="This link was used")).to_be_visible()
