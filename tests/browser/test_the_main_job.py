"""From what is on sale to a ticket whose code verifies, as a fan goes it in a browser."""

import io
import json
import re
import urllib.request

import pypdf
import zxingcpp
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from booking_core.tickets.codes import verify_ticket_code
from tests.browser.conftest import ACTION_MS, Profile
from tests.running_system import RunningSystem, wait_until


def enter_the_shop(page: Page, event_name: str) -> None:
    """Go from the front page through the waiting room to the seats."""
    page.goto("/")
    page.get_by_role("link", name=event_name).first.click()
    page.get_by_role("link", name="waiting room").first.click()
    page.get_by_role("button", name="Join the waiting room").click()
    page.get_by_role("button", name="Enter").click()
    page.wait_for_url("**/events/*/seats")


def pay(page: Page) -> None:
    """Pay with the card that works and wait for the confirmed order."""
    page.wait_for_url("**/checkout/*")
    page.get_by_label("E-mail").fill("fan@example.org")
    page.get_by_label("Card that works").check()
    page.get_by_role("button", name="Pay").click()
    page.wait_for_url("**/orders/*")


def test_a_fan_goes_from_the_front_page_to_tickets_that_verify(
    profile: Profile, running: RunningSystem
) -> None:
    page = profile.new_page()
    enter_the_shop(page, "Meridian Lights")
    page.get_by_role("button", name="Hold the best available").click()
    pay(page)
    expect(page.get_by_role("link", name="PDF")).to_be_visible()

    booking_id = page.url.rpartition("/")[2]
    booking = profile.context.request.get(f"/api/bookings/{booking_id}").json()
    assert booking["status"] == "confirmed"
    assert len(booking["tickets"]) == 2
    with urllib.request.urlopen(running.base_url + "/.well-known/jwks.json") as answer:
        jwks = json.load(answer)
    for ticket in booking["tickets"]:
        shown = verify_ticket_code(ticket["code"], jwks, "demo-arena")
        assert shown.seat_id == ticket["seat_id"]

    # What the page shows as a picture is the same code.
    symbol = page.locator("img[src*='/qr.svg']").first
    picture = Image.open(io.BytesIO(symbol.screenshot(scale="device")))
    larger = picture.resize((picture.width * 3, picture.height * 3))
    [found] = zxingcpp.read_barcodes(larger, zxingcpp.BarcodeFormat.QRCode)
    assert found.text in {ticket["code"] for ticket in booking["tickets"]}

    pdf = profile.context.request.get(booking["tickets"][0]["pdf_url"])
    assert pdf.headers["content-type"] == "application/pdf"
    assert len(pypdf.PdfReader(io.BytesIO(pdf.body())).pages) == 2
    # Without a mail server the tickets' mail is a file.
    mail = running.data_dir / "mail" / f"tickets-{booking_id}.eml"
    wait_until("the tickets are mailed", mail.exists, 30)
    assert b"To: fan@example.org" in mail.read_bytes()
    assert profile.complaints == []


def go_to_card_form(page: Page) -> None:
    """Press pay; before the page's script has come, the way to the form leads over the order."""
    page.wait_for_url("**/checkout/*")
    page.get_by_role("button", name="Pay").click()
    page.wait_for_url(re.compile("/(card|orders)/"))
    if "/orders/" in page.url:
        page.get_by_role("link", name="Enter my card").click()
    page.wait_for_url("**/card/*")


def type_card(page: Page) -> None:
    """Type a card whose bank asks its owner, say yes there, and wait for the tickets."""
    page.get_by_label("Card number").fill("4000 0000 0000 3220")
    page.get_by_label("Expires").fill("12/40")
    page.get_by_label("Security code").fill("123")
    page.get_by_role("button", name="Pay €").click()
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("link", name="PDF")).to_be_visible(timeout=ACTION_MS)


def test_a_card_is_typed_at_the_provider_after_a_fan_turned_back_once(profile: Profile) -> None:
    page = profile.new_page()
    enter_the_shop(page, "Meridian Lights")
    page.get_by_role("button", name="Hold the best available").click()
    go_to_card_form(page)
    page.get_by_role("button", name="Back to the shop").click()
    page.get_by_role("link", name="Pay another way").click()
    go_to_card_form(page)
    type_card(page)
    assert [each for each in profile.complaints if "402" not in each] == []


def test_a_stranger_cannot_see_the_order(profile: Profile, running: RunningSystem) -> None:
    page = profile.new_page()
    enter_the_shop(page, "Meridian Lights")
    page.get_by_role("button", name="Hold the best available").click()
    pay(page)
    stranger = profile.context.browser
    assert stranger is not None
    context = stranger.new_context(base_url=running.base_url)
    answer = context.request.get(page.url, headers={"Accept": "text/html"})
    assert answer.status == 404
    context.close()


def test_seats_are_picked_from_the_list_and_change_for_others_at_once(
    profile: Profile, browser: Browser, running: RunningSystem
) -> None:
    def open_list(page: Page) -> Locator:
        """Show the last section as a list and return the buttons of its free seats for anybody."""
        enter_the_shop(page, "Meridian Lights")
        page.locator("[data-map-state]").wait_for(state="hidden")  # the map is drawn
        page.get_by_role("button", name="List").click()
        section = page.locator("[data-panel=list] details").last
        section.locator("summary").click()
        return section.locator(".seat[aria-disabled=false]:not(.is-accessible)")

    context = browser.new_context(base_url=running.base_url.replace("127.0.0.1", "localhost"))
    other = Profile(context)
    others_page = other.new_page()
    open_list(others_page).first.wait_for()

    page = profile.new_page()
    free = open_list(page)
    name = free.first.get_attribute("aria-label") or ""
    place = name.partition("€")[0]
    free.first.click()
    seat_for_others = others_page.get_by_role("button", name=place)
    expect(seat_for_others).to_have_attribute("aria-disabled", "false")
    page.get_by_role("button", name="Hold these places").click()
    page.wait_for_url("**/checkout/*")
    expect(seat_for_others).to_have_attribute("aria-disabled", "true")

    # Given back, it is free again for everybody, at once.
    page.get_by_role("button", name="Give these places back").click()
    expect(seat_for_others).to_have_attribute("aria-disabled", "false")
    assert profile.complaints + other.complaints == []
    context.close()


def test_a_fan_without_javascript_gets_in_and_buys(plain_profile: Profile) -> None:
    page = plain_profile.new_page()
    page.goto("/sales/demo")
    page.wait_for_timeout(10_500)  # the way in without scripts is to wait ten seconds
    page.get_by_role("button", name="Join without JavaScript").click()
    for _ in range(30):
        if page.get_by_role("button", name="Enter").is_visible():
            break
        page.wait_for_timeout(500)
        page.reload()
    page.get_by_role("button", name="Enter").click()
    page.wait_for_url("**/events/*/seats")
    page.get_by_role("button", name="Hold the best available").click()
    go_to_card_form(page)
    type_card(page)


def test_the_place_is_the_same_after_a_reload(profile: Profile) -> None:
    page = profile.new_page()
    page.goto("/sales/demo")
    page.get_by_role("button", name="Join the waiting room").click()
    page.get_by_role("button", name="Enter").wait_for()
    first = profile.context.request.get("/api/sales/demo/place").json()["place"]
    page.reload()
    page.get_by_role("button", name="Enter").wait_for()
    assert profile.context.request.get("/api/sales/demo/place").json()["place"] == first
