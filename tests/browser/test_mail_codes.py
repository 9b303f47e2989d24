"""Codes by e-mail in a browser: to join a sale that gives each mailbox one place, and as the check."""

import email
import re
from email.policy import default

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Profile
from tests.browser.paused_sale import paused_sale, shown_place
from tests.running_system import RunningSystem, wait_until

WORK_MS = 60_000


def code_for(running: RunningSystem, address: str) -> str:
    """The newest code for an address, out of the folder where mails go without a server."""
    found: list[str] = []

    def has_come() -> bool:
        files = sorted(
            (running.data_dir / "mail").glob("*.eml"), key=lambda each: each.stat().st_mtime
        )
        mails = [email.message_from_bytes(each.read_bytes(), policy=default) for each in files]
        found.extend(str(mail["Subject"]) for mail in mails if mail["To"] == address)
        return bool(found)

    wait_until("a code comes", has_come, 20)
    code = re.match(r"[0-9]{4} [0-9]{4}", found[-1])
    assert code
    return code[0]


def confirmed(page: Page, running: RunningSystem, address: str) -> None:
    page.get_by_role("link", name="Confirm my e-mail address").click()
    page.get_by_role("textbox", name="Your e-mail address").fill(address)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label("Code from the mail").fill("1234 5678", timeout=WORK_MS)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("This is not the code that we sent last.")).to_be_visible()
    page.get_by_label("Code from the mail").fill(code_for(running, address))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("Your e-mail address is confirmed.")).to_be_visible()


def test_one_mailbox_has_one_place_in_two_browsers(
    browser: Browser, running: RunningSystem
) -> None:
    sale, places = paused_sale(running, "--one-per-mailbox"), []
    for size in (PHONE, DESKTOP):
        context = browser.new_context(
            viewport=size, base_url=running.base_url.replace("127.0.0.1", "localhost")
        )
        profile = Profile(context)
        page = profile.new_page()
        page.goto(f"/sales/{sale}")
        confirmed(page, running, "ada@example.org")
        page.get_by_role("button", name="Join the waiting room").click()
        places.append(shown_place(page))
        expect(page.get_by_text("open this page there and confirm")).to_be_visible()
        assert [text for text in profile.complaints if "403" not in text] == []
        context.close()
    assert places == [1, 1]


def test_the_check_by_mail(browser: Browser, running: RunningSystem) -> None:
    context = browser.new_context(
        viewport=PHONE,
        base_url=running.base_url.replace("127.0.0.1", "localhost"),
        extra_http_headers={"Sec-CH-UA-Mobile": "?1"},  # it says so and is none
    )
    page = Profile(context).new_page()
    page.goto("/sales/demo")
    page.get_by_role("button", name="Join the waiting room").click()
    inside = page.get_by_role("button", name="Enter", exact=True)
    expect(inside).to_be_visible(timeout=WORK_MS)
    page.goto("/sales/demo/enter-now")
    inside.click()
    expect(page).to_have_url("/sales/demo/check", timeout=WORK_MS)
    page.get_by_role("textbox", name="Your e-mail address").fill("nobody")
    page.get_by_role("button", name="Send me a code").click()
    assert page.locator("#email:invalid").count() == 1, "the browser says so by itself"
    page.get_by_role("textbox", name="Your e-mail address").fill("bea@example.org")
    page.get_by_role("button", name="Send me a code").click()
    field = page.get_by_label("Code from the mail")
    expect(field).to_be_focused()
    expect(page.get_by_role("status").filter(has_text="The code is on its way")).to_be_visible()
    field.fill("0000 0000")
    page.get_by_role("button", name="Go on with the code").click()
    expect(page.get_by_text("This is not the code that we sent last.")).to_be_visible()
    field.fill(code_for(running, "bea@example.org"))
    page.get_by_role("button", name="Go on with the code").click()
    expect(page).to_have_url("/sales/demo", timeout=WORK_MS)
    inside.click()
    page.wait_for_url("**/events/**", timeout=WORK_MS)
    context.close()
