"""The live map in a real browser: a stadium in every frame, changes as they come, gaps, fingers."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, Route, expect

from tests.pages import preview, sample_stadium
from tests.pages.chromium import CHROMIUM, started

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

# A phone of the middle class, as Chromium's own tools imitate it.
SLOWER: Final = 4
# On a quiet machine every second frame may be late at most; others use this one, too.
FRAME_MS_MAX: Final = 34
TRIES: Final = 8
# A ring is gone after a second and a half; other tests have the machine, too.
PATIENCE_SECONDS: Final = 20
# Drags a finger in circles or turns the wheel to and fro; answers the time between frames.
MOVE: Final = """async (what) => {
    const canvas = document.querySelector("canvas");
    const box = canvas.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height * 0.7];
    canvas.setPointerCapture = () => {};
    const send = (Kind, type, more) => canvas.dispatchEvent(new Kind(type, {
        bubbles: true, cancelable: true, pointerId: 1, pointerType: "touch",
        clientX: x, clientY: y, ...more }));
    const times = [];
    send(PointerEvent, what === "drag" ? "pointerdown" : "pointermove", {});
    for (let n = 1; n <= 90; n++) {
        times.push(await new Promise(requestAnimationFrame));
        if (what === "wheel") send(WheelEvent, "wheel", { deltaY: Math.sin(n / 15) * 60 });
        else send(PointerEvent, "pointermove", {
            clientX: x + 120 * Math.sin(n / 12), clientY: y + 80 * Math.cos(n / 9) });
    }
    send(PointerEvent, "pointercancel", {});
    const gaps = times.slice(1).map((at, n) => at - times[n]).sort((a, b) => a - b);
    return gaps[gaps.length >> 1];
}"""


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    app = preview.make_app()
    app[preview.LINE]["codes"] = [0] * 5000
    server = await started(app)
    yield server
    await server.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(
        viewport={"width": 390, "height": 844}, device_scale_factor=2, has_touch=True
    )
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    await context.close()
    assert errors == []


async def look_at(page: Page, server: TestServer, event_id: str = "demo-arena") -> None:
    """Show the map of an event, its seats and their states being there."""
    await page.goto(f"http://localhost:{server.port}/events/{event_id}/seats")
    # A stream that a test has written has ended by now, and the map says so.
    await expect(page.locator("[data-map-state]")).not_to_contain_text("Loading")
    await page.locator("canvas").scroll_into_view_if_needed()


async def tell(page: Page, *batches: dict[str, Any]) -> None:
    """Let the stream of changes say these batches, and nothing more."""
    body = "".join(
        f"event: seats\nid: 1-{batch['seq']}\ndata: {json.dumps({'epoch': 1, 'stock': [], **batch})}\n\n"
        for batch in batches
    )

    async def answer(route: Route) -> None:
        await route.fulfill(content_type="text/event-stream", body="retry: 60000\n\n" + body)

    await page.route("**/seats/changes*", answer)


async def tell_now(page: Page, server: TestServer, changes: dict[int, int]) -> None:
    """Change seats at the server and let the page load its map anew."""
    for index, code in changes.items():
        server.app[preview.LINE]["codes"][index] = code  # type: ignore[index]
    server.app[preview.LINE]["seq"] += 5  # type: ignore[index]


async def test_a_stadium_moves_on_a_slow_phone(page: Page, server: TestServer) -> None:
    await look_at(page, server, sample_stadium.EVENT_ID)
    tools = await page.context.new_cdp_session(page)
    for closer in (0, 3, 3):  # the whole stadium, near, and among the seats
        for _ in range(closer):
            await page.click("[data-zoom=in]")
        await tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        for what in ("drag", "wheel"):
            found: list[float] = []
            while len(found) < TRIES and min(found, default=1e9) > FRAME_MS_MAX:
                found.append(await page.evaluate(MOVE, what))
            assert min(found) <= FRAME_MS_MAX, (closer, what, found)
        await tools.send("Emulation.setCPUThrottlingRate", {"rate": 1})


async def test_a_gap_in_the_changes_loads_everything_anew(page: Page, server: TestServer) -> None:
    await tell(page, {"from": 7, "seq": 8, "changes": [[0, 2]]})
    snapshots: list[str] = []
    page.on(
        "request",
        lambda request: snapshots.append(request.url) if request.url.endswith("/seats") else None,
    )
    async with page.expect_response(
        lambda response: (
            response.url.endswith("/api/events/demo-arena/seats") and len(snapshots) > 2
        )
    ):
        await look_at(page, server)


async def test_changes_that_follow_need_no_snapshot_and_repeated_ones_change_nothing(
    page: Page, server: TestServer
) -> None:
    await tell(
        page,
        {"from": 1, "seq": 2, "changes": [[0, 2], [1, 1]]},
        {"from": 1, "seq": 2, "changes": [[2, 2]]},
        {"from": 2, "seq": 4, "changes": [[3, 2]]},
    )
    snapshots: list[str] = []
    page.on(
        "request",
        lambda request: (
            snapshots.append(request.url)
            if request.url.endswith("/api/events/demo-arena/seats")
            else None
        ),
    )
    await look_at(page, server)
    await page.click("[data-view=list]")
    await page.click(".list details:nth-of-type(1) summary")
    states = page.locator(".seat")
    for number, state in enumerate(["sold", "held by another fan", "free", "sold"]):
        await expect(states.nth(number)).to_have_attribute("aria-label", re.compile(f"{state}$"))
    assert len(snapshots) == 1


async def test_two_fingers_come_closer_and_one_finger_scrolls_the_page_from_afar(
    page: Page, server: TestServer
) -> None:
    await look_at(page, server)
    canvas = page.locator("canvas")
    assert await canvas.evaluate("canvas => canvas.style.touchAction") == "pan-y"
    box = await canvas.bounding_box()
    assert box is not None
    tools = await page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    async def touch(kind: str, *points: float) -> None:
        touches = [{"x": x + each, "y": y, "id": at} for at, each in enumerate(points)]
        await tools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    await touch("touchStart", -20, 20)
    for apart in range(25, 160, 15):
        await touch("touchMove", -apart, apart)
    await touch("touchEnd")
    assert await canvas.evaluate("canvas => canvas.style.touchAction") == "none"
    assert await page.evaluate("document.querySelectorAll('[data-tray] li').length") == 0
    assert await page.evaluate("visualViewport.scale") == 1, "the map is closer, not the page"


async def test_a_tap_from_afar_comes_closer_and_the_next_one_picks(
    page: Page, server: TestServer
) -> None:
    await look_at(page, server)
    canvas = page.locator("canvas")
    box = await canvas.bounding_box()
    assert box is not None
    spot = {"x": box["width"] / 2, "y": box["height"] * 0.6}
    await canvas.tap(position=spot)  # type: ignore[arg-type]
    await expect(page.locator("[data-announcer]")).to_have_text(
        "Closer now. Tap the seat you want."
    )
    await page.wait_for_timeout(400)  # as long as the flight takes
    for _ in range(3):  # between two rows there is nothing to pick
        await canvas.tap(position=spot)  # type: ignore[arg-type]
        if await page.locator("[data-tray] li").count():
            break
        spot["y"] += 9
        await page.wait_for_timeout(50)
    await expect(page.locator("[data-tray] li")).to_have_count(1)


async def test_the_filter_is_the_same_for_map_list_and_keyboard(
    page: Page, server: TestServer
) -> None:
    await look_at(page, server)
    await page.locator("[data-accessible-only]").check()
    await page.focus("canvas")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("[data-map-tip]")).to_contain_text("4 free, €95")
    await page.click("[data-view=list]")
    first = page.locator(".list details:nth-of-type(1)")
    await expect(first.locator("summary")).to_contain_text("4 free, €95")
    await first.locator("summary").click()
    # Four wheelchair places, and a companion's beside one of them.
    await expect(first.locator(".seat")).to_have_count(5)
    await page.locator(".tier-filter[data-tier=parkett]").click()
    await expect(first.locator("summary")).to_contain_text("sold out")


async def test_a_tap_into_a_section_says_where_one_is_and_what_it_costs(
    page: Page, server: TestServer
) -> None:
    await look_at(page, server, sample_stadium.EVENT_ID)
    canvas, tip, jump = (page.locator(each) for each in ("canvas", "[data-map-tip]", "[data-jump]"))
    await expect(jump).to_have_value("")
    box = await canvas.bounding_box()
    assert box is not None
    await canvas.tap(position={"x": box["width"] / 2, "y": box["height"] * 0.82})

    await expect(tip).to_be_visible()
    section, facts = (await tip.inner_text()).splitlines()
    assert "free" in facts
    assert "€" in facts
    await expect(jump.locator("option:checked")).to_have_text(section)
    await page.wait_for_timeout(400)  # as long as the flight takes
    await canvas.tap(position={"x": box["width"] / 2, "y": box["height"] / 2})
    await expect(tip).to_be_hidden()
    await jump.select_option("")
    await expect(jump).to_have_value("")


async def test_a_tap_picks_as_many_as_wanted_side_by_side(page: Page, server: TestServer) -> None:
    codes = server.app[preview.LINE]["codes"]  # type: ignore[index]
    codes[6] = 2
    await look_at(page, server)
    await page.fill("#quantity", "4")
    await page.locator("[data-together]").check()
    await page.click("[data-view=list]")
    await page.click(".list details:nth-of-type(1) summary")
    picked = page.locator(".seat[aria-pressed=true]")
    for tapped, wanted in [(4, "3 4 5 6"), (1, "1 2 3 4"), (7, "8 9 10 11"), (24, "22 23 24 25")]:
        await page.locator(".seat").nth(tapped).click()
        await expect(picked).to_have_text(wanted.split())
    codes_left = [index for index in range(25) if index not in (0, 1, 2)]
    await tell_now(page, server, dict.fromkeys(codes_left, 2))
    await expect(page.locator("[data-notice=refusal]")).to_contain_text("Somebody was faster")
    await page.locator(".seat").nth(1).click()
    await expect(page.locator("[data-notice=refusal]")).to_contain_text("Not so many side by side")
    await expect(picked).to_have_count(0)


async def test_what_one_should_know_of_a_seat_is_said(page: Page, server: TestServer) -> None:
    await look_at(page, server)
    await page.click("[data-view=list]")
    await page.click(".list details:nth-of-type(1) summary")
    label = re.compile("restricted view \\(a pillar stands to the left\\), €95, free$")
    await expect(page.locator(".seat").first).to_have_attribute("aria-label", label)
    await expect(page.get_by_role("button", name="companion’s place").first).to_be_visible()
    await page.locator(".seat").first.click()
    await expect(page.locator("[data-announcer]")).to_contain_text("restricted view")


# How many pixels of the map have the colour that only what is going has.
RED: Final = """() => {
    const canvas = document.querySelector("canvas");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let red = 0;
    for (let at = 0; at < data.length; at += 4) {
        red += data[at] > 120 && data[at + 1] < 60 && data[at + 2] < 60;
    }
    return red;
}"""


async def test_a_seat_that_goes_is_shown_going(page: Page, server: TestServer) -> None:
    server.app[preview.LINE]["codes"][:] = [2] * 5000  # type: ignore[index]
    server.app[preview.LINE]["codes"][40] = 0  # type: ignore[index]
    look = "const look = () => { most = Math.max(most, red()); requestAnimationFrame(look); }"
    await tell(page, {"from": 1, "seq": 2, "changes": [[40, 1]]})
    await page.add_init_script(
        f"window.most = 0; window.red = {RED}; {look}; addEventListener('load', look);"
    )
    await look_at(page, server)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await page.evaluate("window.most") < 20:
            await page.wait_for_timeout(50)
        while await page.evaluate("window.red()"):
            await page.wait_for_timeout(50)


async def test_the_map_is_where_it_was_after_a_look_at_the_list(
    page: Page, server: TestServer
) -> None:
    await look_at(page, server)
    for _ in range(4):
        await page.click("[data-zoom=in]")
    await page.wait_for_timeout(300)
    place = "() => document.querySelector('[data-map-shapes] g').style.transform"
    before = await page.evaluate(place)
    await page.click("[data-view=list]")
    await page.click("[data-view=map]")
    await page.wait_for_timeout(300)
    assert await page.evaluate(place) == before
