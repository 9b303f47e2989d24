"""What a fan meets who is asked for one more check, whose code is wrong, and who is refused."""

from playwright.sync_api import Browser

from tests.browser.camera import SETTLE_MS, STAGE_MS_MAX, Camera


def shoot_the_checks(camera: Camera, browser: Browser, url: str, viewport: dict[str, int]) -> None:
    """Be odd, type a wrong code, and press too early in a browser without scripts."""
    context = browser.new_context(  # type: ignore[misc]
        base_url=url,
        viewport=viewport,
        locale="en-GB",
        reduced_motion="reduce",
        # It says that it is on a phone, is not, and is driven by a program.
        extra_http_headers={"Sec-CH-UA-Mobile": "?1"},
    )
    odd = Camera(context.new_page(), camera.size, camera.data_dir)
    shoot_the_check(odd)
    shoot_a_wrong_code(odd, f"code-{camera.size}")
    context.close()
    plain = browser.new_context(  # type: ignore[misc]
        base_url=url, viewport=viewport, locale="en-GB", java_script_enabled=False
    )
    hasty = Camera(plain.new_page(), camera.size, camera.data_dir)
    hasty.page.goto("/sales/demo")
    hasty.page.get_by_role("button", name="Join without JavaScript").click()
    hasty.page.wait_for_url("**/join")
    hasty.shoot("refused")
    plain.close()


def shoot_the_check(camera: Camera) -> None:
    """Follow a link that no person can see, and be asked for one more check."""
    page = camera.page
    page.goto("/sales/demo")
    page.get_by_role("button", name="Join the waiting room").click()
    inside = page.get_by_role("button", name="Enter", exact=True)
    inside.wait_for(timeout=STAGE_MS_MAX)
    page.goto("/sales/demo/enter-now")
    inside.click()
    page.wait_for_url("**/check")
    page.get_by_text("What we noted").click()
    page.wait_for_timeout(SETTLE_MS)
    camera.shoot("check", is_whole=True)


def shoot_a_wrong_code(camera: Camera, sale: str) -> None:
    """Type a code that is none."""
    camera.steer(
        "create", sale, "--name", "Paper Lanterns, one night only", "--lane", "members=Members"
    )
    camera.open_room(sale, "open")
    page = camera.page
    page.get_by_label("Access code").locator("visible=true").fill("WRONG-CODE")
    page.locator("[data-form=join] button").click()
    page.locator("[data-notice=trouble]").wait_for()
    page.wait_for_timeout(SETTLE_MS)
    camera.shoot("wrong-code")
