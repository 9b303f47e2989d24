"""What a fan meets who is asked for more, who asks too often, and who is refused."""

from playwright.sync_api import Browser

from tests.browser.camera import SETTLE_MS, STAGE_MS_MAX, Camera

# More wrong codes than one address may type at once.
GUESSES = 12
BARE_FORM = """(action) => {
  const form = document.createElement("form")
  Object.assign(form, {method: "post", action})
  document.body.append(form)
  form.submit()
}"""


def shoot_the_checks(camera: Camera, browser: Browser, url: str, viewport: dict[str, int]) -> None:
    """Be odd, be hasty, and be wrong, each in a browser of its own."""
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
    shoot_too_many_guesses(odd, f"draw-{camera.size}")
    odd.page.evaluate(BARE_FORM, "/sales/demo/join")
    odd.page.wait_for_timeout(SETTLE_MS)
    odd.shoot("refused")
    context.close()


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


def shoot_too_many_guesses(camera: Camera, sale: str) -> None:
    """Type codes that are none until no more are taken."""
    page = camera.page
    page.goto(f"/sales/{sale}")
    page.get_by_text("access code").first.click()
    for number in range(GUESSES):
        page.get_by_label("Access code").fill(f"WRONG-{number:04}")
        page.get_by_role("button", name="Join").first.click()
        page.wait_for_timeout(SETTLE_MS)
    camera.shoot("limited")
