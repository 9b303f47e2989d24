"""In a real browser: proof of work, device key and DPoP, joining, picking seats, paying once."""

import hashlib
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from typing import Any, Final

import altcha
import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page

from tests.pages import preview, sample_views
from tests.pages.chromium import CHROMIUM, started

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

SECRET: Final = "only for this test"


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    server = await started(preview.make_app())
    yield server
    await server.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda said: errors.append(said.text) if "Content Security" in said.text else None,
    )
    yield page
    await context.close()
    assert errors == []


class DoorOfTheTest:
    """Answers challenge and join as the gateway does, and keeps what the browser sent."""

    def __init__(self) -> None:
        self.joins: list[tuple[dict[str, Any], str, str]] = []
        self.refusals_left = 0
        self.is_code_wrong = False

    def challenge(self, request: web.Request) -> dict[str, Any]:
        made = altcha.create_challenge(
            "PBKDF2/SHA-256",
            1000,
            counter=137,
            expires_at=int(time.time()) + 900,
            data={"sale": "demo", "jkt": request.query["jkt"]},
            hmac_secret=SECRET,
            hmac_key_secret=SECRET,
        )
        return dict(made.to_dict())

    async def join(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.joins.append((body, request.headers["DPoP"], str(request.url)))
        if self.refusals_left:
            self.refusals_left -= 1
            return preview.problem(503, "store-unavailable", retry_after=0.05)
        if self.is_code_wrong:
            return preview.problem(403, "access-code-invalid")
        return web.json_response(
            {"ticket": "t", "fan_id": "f", "place": 11_300, "entry_number": None, "phase": "open"},
            status=201,
        )

    async def answer(self, request: web.Request) -> web.Response | None:
        if request.path.endswith("/challenge"):
            return web.json_response(self.challenge(request))
        return await self.join(request) if request.path.endswith("/join") else None


@pytest.fixture
async def door() -> AsyncIterator[tuple[DoorOfTheTest, TestServer]]:
    door = DoorOfTheTest()
    app = preview.make_app()

    @web.middleware
    async def answer_first(request: web.Request, handler: Any) -> web.StreamResponse:
        return await door.answer(request) or await handler(request)

    app.middlewares.append(answer_first)
    server = await started(app)
    yield door, server
    await server.close()


async def join(page: Page, server: TestServer) -> None:
    await page.goto(f"http://localhost:{server.port}/sales/demo")
    await page.click("form[data-form=join] button")
    await page.wait_for_selector("#main[data-stage=waiting]")


def thumbprint(jwk: dict[str, str]) -> str:
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


async def test_a_browser_proves_its_work_and_its_key(
    page: Page, door: tuple[DoorOfTheTest, TestServer]
) -> None:
    kept, server = door
    await join(page, server)

    body, proof, url = kept.joins[0]
    result = altcha.verify_solution(body["altcha"], SECRET, hmac_key_secret=SECRET)
    assert result.verified
    payload = altcha.Payload.from_base64(body["altcha"])
    assert payload.solution.counter == 137

    header = jwt.get_unverified_header(proof)
    assert header["typ"] == "dpop+jwt"
    assert set(header["jwk"]) == {"crv", "kty", "x", "y"}, "only the public half leaves the browser"
    claims = jwt.decode(proof, jwt.PyJWK(header["jwk"], "ES256").key, algorithms=["ES256"])
    assert claims["htm"] == "POST"
    assert claims["htu"] == url
    assert abs(claims["iat"] - time.time()) < 30
    assert len(claims["jti"]) >= 20
    data = payload.challenge.parameters.data
    assert data is not None
    assert data["jkt"] == thumbprint(header["jwk"])


async def test_the_same_browser_has_the_same_key_and_no_script_can_take_it(
    page: Page, door: tuple[DoorOfTheTest, TestServer]
) -> None:
    kept, server = door
    await join(page, server)
    await page.evaluate("localStorage.clear()")
    await join(page, server)

    keys = [jwt.get_unverified_header(proof)["jwk"] for _, proof, _ in kept.joins]
    jtis = [
        jwt.decode(proof, options={"verify_signature": False})["jti"] for _, proof, _ in kept.joins
    ]
    assert keys[0] == keys[1]
    assert jtis[0] != jtis[1]
    is_extractable = await page.evaluate(
        """() => new Promise((resolve) => {
            indexedDB.open("onsale").onsuccess = ({ target: { result } }) => {
                const asked = result.transaction("device_keys").objectStore("device_keys").get("demo");
                asked.onsuccess = () => resolve(asked.result.privateKey.extractable);
            };
        })"""
    )
    assert is_extractable is False


async def test_a_busy_waiting_room_is_asked_again(
    page: Page, door: tuple[DoorOfTheTest, TestServer]
) -> None:
    kept, server = door
    kept.refusals_left = 2
    await join(page, server)

    assert len(kept.joins) == 3
    jtis = {
        jwt.decode(proof, options={"verify_signature": False})["jti"] for _, proof, _ in kept.joins
    }
    assert len(jtis) == 3, "each try has a proof of its own"


async def test_a_refusal_is_brought_to_where_the_fan_looks(
    page: Page, door: tuple[DoorOfTheTest, TestServer]
) -> None:
    kept, server = door
    kept.is_code_wrong = True
    await page.set_viewport_size({"width": 390, "height": 420})
    await page.goto(f"http://localhost:{server.port}/sales/demo")
    button = page.locator("form[data-form=join] button")
    await button.evaluate("element => element.scrollIntoView({ block: 'start' })")
    notice = page.locator("[data-notice=trouble]")
    await button.click()
    await notice.wait_for()
    await page.wait_for_function(
        """element => {
          const { top, bottom } = element.getBoundingClientRect();
          return top >= 0 && bottom <= innerHeight;
        }""",
        arg=await notice.element_handle(),
        timeout=3_000,
    )


async def test_a_called_fan_goes_in_with_one_press(page: Page, server: TestServer) -> None:
    await page.goto(f"http://localhost:{server.port}/show/waiting_room.html/called")
    assert "your turn!" in await page.title()
    await page.click(".enter")
    await page.wait_for_url("**/events/demo-arena/seats")


async def test_seats_can_be_picked_by_keyboard_and_held(page: Page, server: TestServer) -> None:
    server.app[preview.LINE]["codes"] = [0] * 5000  # type: ignore[index]
    await page.goto(f"http://localhost:{server.port}/events/demo-arena/seats")
    await page.wait_for_selector("[data-map-state]", state="hidden")
    await page.focus("canvas")
    await page.keyboard.press("ArrowRight")  # from afar the arrows go from section to section
    assert "Block A, 500 free" in (await page.text_content("[data-announcer]") or "")
    await page.keyboard.press("Enter")  # into the section
    assert "Block A, row" in (await page.text_content("[data-announcer]") or "")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("[data-tray] li")
    assert "your pick" not in (await page.text_content("[data-tray]") or "")
    said = await page.text_content("[data-announcer]") or ""
    assert "1 place" in said
    await page.click("[data-reserve]")
    await page.wait_for_url("**/checkout/demo-arena.*")


async def test_the_list_has_the_same_seats_as_the_map(page: Page, server: TestServer) -> None:
    await page.goto(f"http://localhost:{server.port}/events/demo-arena/seats")
    await page.wait_for_selector("[data-map-state]", state="hidden")
    await page.click("[data-view=list]")
    await page.click(".list details:nth-of-type(2) summary")
    free = page.locator(".list details:nth-of-type(2) .seat[aria-disabled=false]")
    await free.first.click()
    assert await page.locator("[data-tray] li").count() == 1
    name = await page.locator(".seat[aria-pressed=true]").get_attribute("aria-label") or ""
    assert "your pick" in name
    assert "€" in name


async def test_taken_seats_are_shown_gone_and_the_rest_stays_picked(
    page: Page, server: TestServer
) -> None:
    server.app[preview.LINE]["codes"] = [0] * 5000  # type: ignore[index]
    await page.goto(f"http://localhost:{server.port}/events/demo-arena/seats")
    await page.wait_for_selector("[data-map-state]", state="hidden")
    await page.click("[data-view=list]")
    await page.click(".list details:nth-of-type(1) summary")
    for number in (1, 2):
        await page.locator(".seat").nth(number - 1).click()
    await page.click("[data-reserve]")
    await page.wait_for_selector("[data-notice=refusal]:visible")
    assert "Block A, row 1, seat 1" in (await page.text_content("[data-notice=refusal]") or "")
    assert await page.locator("[data-tray] li").count() == 1
    assert await page.locator(".seat").first.get_attribute("aria-disabled") == "true"


async def test_a_declined_card_gets_a_new_key_and_the_same_press_never_two(
    page: Page, server: TestServer
) -> None:
    asked: list[dict[str, Any]] = []
    page.on(
        "request",
        lambda request: (
            asked.append(request.post_data_json) if request.url.endswith("/complete") else None
        ),
    )
    await page.goto(f"http://localhost:{server.port}/checkout/r")
    await page.click("text=Card that is declined")
    await page.click(".pay")
    await page.wait_for_selector("[data-notice=pay]:visible")
    await page.reload()
    await page.click("text=Card that works")
    await page.dblclick(".pay")
    await page.wait_for_url("**/orders/b")

    assert [body["payment_method"] for body in asked] == ["card_declined", "card_ok"]
    assert asked[0]["idempotency_key"] == "first-key"
    assert asked[1]["idempotency_key"] != "first-key"


@pytest.mark.parametrize("name", ["turnstile", "hcaptcha", "grecaptcha", "frcaptcha"])
async def test_a_captcha_that_did_not_count_can_be_tried_anew(
    browser: Browser, server: TestServer, name: str
) -> None:
    context = await browser.new_context()
    page = await context.new_page()
    await page.add_init_script(
        "const widget = { reset() { window.renewed = true; } };"
        f'window.{name} = "{name}" === "frcaptcha" ? {{ getAllWidgets: () => [widget] }} : widget;'
    )
    await page.goto(str(server.make_url("/show/check.html/with_captcha")))
    await page.get_by_role("button", name="Go on with hCaptcha").click()
    await page.get_by_text("Nothing is lost. Please try again.").wait_for()
    assert await page.evaluate("window.renewed")
    await context.close()


@pytest.mark.parametrize(
    "state", ["open", "waiting", "called", "called_paused", "called_postponed"]
)
async def test_without_javascript_the_page_shows_what_it_can_do(
    browser: Browser, server: TestServer, state: str
) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"http://localhost:{server.port}/show/waiting_room.html/{state}")

    assert await page.locator("form[data-form=join]").is_visible() is False
    assert await page.get_by_role("button", name="Join without JavaScript").is_visible() is (
        state == "open"
    )
    assert await page.get_by_role("button", name="Enter").is_visible() is (state == "called")
    assert await page.get_by_text("The door is open for you").is_visible() is (state == "called")
    kept_out = {"called_paused": "The sale is paused", "called_postponed": "The sale opens soon"}
    if heading := kept_out.get(state):
        assert await page.get_by_role("heading", name=heading).is_visible()
        assert (await page.title()).startswith(heading)
        assert await page.locator("meta[http-equiv=refresh]").count() == 1
    await context.close()


@pytest.mark.parametrize("width", [320, 390, 1440])
@pytest.mark.parametrize(
    "path",
    [f"{template}/{next(iter(states))}" for template, states in sample_views.ALL_PAGES.items()],
)
async def test_no_page_is_wider_than_its_screen(
    browser: Browser, server: TestServer, path: str, width: int
) -> None:
    context = await browser.new_context(viewport={"width": width, "height": 800})
    page = await context.new_page()
    await page.goto(f"http://localhost:{server.port}/show/{path}")

    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    await context.close()
