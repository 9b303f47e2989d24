"""What a fan sees and hears while the sale goes on around them, in a real browser."""

import re
from collections.abc import AsyncIterator
from typing import Final

import pytest
from playwright.async_api import Browser, Page, Route, expect

from gateway.draw.seed import place_of_entry
from tests.pages import sample_room
from tests.pages.board_stream import board_stream
from tests.pages.chromium import CHROMIUM
from tests.pages.sample_shop import NOW_MS

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

# A browser that keeps what it was asked to do to get the fan's attention.
NOTE_CUES: Final = """
    globalThis.cues = [];
    navigator.vibrate = (pattern) => Boolean(cues.push(["vibrate", pattern.length]));
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) { cues.push(["tone"]); start.call(this, at); };
"""
# One that gives no leave to make sound while a finger comes down, as those of phones do.
STRICT_SOUND: Final = """
    let isLet = false;
    Object.defineProperty(AudioContext.prototype, "state", { get: () => isLet ? "running" : "suspended" });
    AudioContext.prototype.resume = async () => {
        isLet ||= event.type !== "pointerdown";
        if (!isLet) throw new Error("not yet");
    };
"""
PLACE: Final = 11_300
# Of clusters of which some stand behind: places are asked for.
DRAWN: Final = {"state": "drawn", "commitment": "c0ffee", "count": 9, "behind": 1}


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport={"width": 390, "height": 844})
    await context.add_init_script(NOTE_CUES)
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    await context.close()
    assert errors == []


async def stage(page: Page, name: str) -> None:
    await page.wait_for_selector(f"#main[data-stage={name}]")


async def test_a_fan_is_led_through_every_phase(page: Page) -> None:
    said = page.locator("[data-announcer]")
    early = {"phase": "before", "opens_at": sample_room.moment(minutes=5), "serving": 0}
    async with board_stream(entry_number=2417) as room:
        await room.tell(**early, draw={"state": "committed", "commitment": "c0ffee"})
        await page.goto(room.url)
        await stage(page, "entered")
        await expect(page.locator("[data-fill=commitment]").first).to_have_text("c0ffee")
        await expect(page.get_by_text("tried out no entries of their own")).to_be_visible()
        await expect(page.get_by_text("a draw that nobody can steer")).to_be_hidden()

        opened = {"phase": "before", "opens_at": sample_room.moment(seconds=-1), "serving": 0}
        await room.tell(**opened, draw={"state": "sealed", "count": 9})
        await stage(page, "drawing")
        await expect(page.get_by_text("tried out no entries of their own")).to_be_visible()
        await expect(said).to_have_text("The draw is being made.")

        room.place = {"place": PLACE, "entry_number": 2417}
        await room.tell(**sample_room.told(draw=DRAWN))
        await stage(page, "waiting")
        # 132 in the fan's own lane, and the three members who wait in the one before it.
        await expect(page.locator("[data-fill=ahead]")).to_have_text(["135", "135"])
        await expect(page.locator("[data-part=from-draw]")).to_be_visible()
        await expect(said).to_contain_text("135 ahead of you")
        await expect(page).to_have_title("135 ahead · Mira Okafor, European tour")

        await room.tell(phase="paused", pause_reason="The doors are stuck.")
        await expect(page.locator("[data-notice=paused]")).to_contain_text("The doors are stuck.")
        await expect(said).to_contain_text("The doors are stuck.")
        await room.tell(message="Bring a coat.")
        await expect(page.locator("[data-notice=paused]")).to_be_hidden()
        await expect(page.locator("[data-notice=message]")).to_contain_text("Bring a coat.")
        await expect(said).to_contain_text("Bring a coat.")

        await room.tell(phase="sold_out")
        await stage(page, "sold_out")
        await expect(said).to_have_text("Sold out.")
        await expect(page).to_have_title("Sold out · Mira Okafor, European tour")
        in_line = page.locator("dl[data-part=in-line]")
        await expect(in_line).to_contain_text("11,300")
        await expect(in_line).to_contain_text("Ahead of you132")
        await expect(page.get_by_text("Give up my place")).to_be_visible()
        await expect(page.get_by_text("Continue on another device")).to_be_visible()
        # Places came back: everybody in line kept theirs.
        await room.tell()
        await stage(page, "waiting")
        await room.tell(phase="closed", at_ms=NOW_MS - 60_000)
        await stage(page, "closed")
        # A closed sale's board is the last one, and nothing is missing for that.
        await page.wait_for_timeout(1_100)  # the page looks at its age every second
        await expect(page.locator("[data-notice=stale]")).to_be_hidden()


async def test_places_that_nobody_has_are_nobody_ahead(page: Page) -> None:
    async with board_stream(place=PLACE) as room:
        room.place = {"place": PLACE, "entry_number": None}
        # 132 places, of which a store that was lost took a hundred with it; and three before their lane.
        await room.tell(**sample_room.told(gaps=[[PLACE - 120, PLACE - 21]]))
        await page.goto(room.url)
        await expect(page.locator("[data-fill=ahead]")).to_have_text(["35", "35"])


async def test_after_the_draw_nobody_asks_for_a_place_that_the_board_tells(page: Page) -> None:
    opened = {"phase": "before", "opens_at": sample_room.moment(seconds=-1), "serving": 0}
    drawn = {"state": "drawn", "seed": "5e" * 32, "count": 30_000, "gaps": [[40, 60]]}
    expected = place_of_entry(bytes.fromhex("5e" * 32), 2417, 30_000, ((40, 60),))
    async with board_stream(entry_number=2417) as room:
        await room.tell(**opened, draw={"state": "sealed", "count": 30_000})
        await page.goto(room.url)
        await stage(page, "drawing")
        await room.tell(phase="open", serving=0, draw=drawn)
        await stage(page, "waiting")
        await expect(page.locator("[data-fill=place]").first).to_have_text(f"{expected:,}")
        assert room.places_asked == 0


async def test_a_place_that_the_board_does_not_tell_is_asked_for(page: Page) -> None:
    opened = {"phase": "open", "serving": 0}
    # Of clusters some stand behind; and the number 50 was lost with a store.
    for entry_number, behind in ((2417, 10), (50, 0)):
        drawn = {"state": "drawn", "seed": "5e" * 32, "count": 300, "gaps": [[40, 60]]}
        async with board_stream(entry_number=entry_number) as room:
            room.place = {"place": 77, "entry_number": entry_number}
            await room.tell(**opened, draw=drawn | {"behind": behind})
            await page.goto(room.url)
            await stage(page, "waiting")
            await expect(page.locator("[data-fill=place]").first).to_have_text("77")
            assert room.places_asked > 0


async def test_what_a_draw_proves_is_told_as_its_beacon_is_named(page: Page) -> None:
    early = {"phase": "before", "opens_at": sample_room.moment(minutes=5), "serving": 0}
    async with board_stream(entry_number=2417) as room:
        told = {"state": "committed", "commitment": "c0ffee"}
        await room.tell(**early, draw=told | {"beacon": {"wait_seconds": 120}})
        await page.goto(room.url)
        await expect(page.get_by_text("a draw that nobody can steer")).to_be_visible()
        await expect(page.get_by_text("tried out no entries of their own")).to_be_hidden()


async def test_who_slept_over_the_draw_learns_their_place_in_a_sale_that_is_sold_out(
    page: Page,
) -> None:
    early = {"phase": "before", "opens_at": sample_room.moment(minutes=5), "serving": 0}
    async with board_stream(entry_number=2417) as room:
        await room.tell(**early, draw={"state": "committed", "commitment": "c0ffee"})
        await page.goto(room.url)
        await stage(page, "entered")
        room.place = {"place": PLACE, "entry_number": 2417}
        await room.tell(**sample_room.told(phase="sold_out", draw=DRAWN))
        await stage(page, "sold_out")
        await expect(page.locator("dl[data-part=in-line]")).to_contain_text("11,300")


async def test_a_member_is_told_by_who_is_called_before_them(page: Page) -> None:
    members, general = sample_room.LANES
    slow = [{"distance": 100, "p10": 3_000, "p50": 4_000, "p90": 5_000}]
    fast = [{"distance": 100, "p10": 120, "p50": 150, "p90": 180}]
    wait = page.locator("[data-fill=eta]")
    async with board_stream(place=221, lane="members") as room:
        told = sample_room.told(eta=slow, odds={"likely": 50, "uncertain": 500})
        await room.tell(**told | {"lanes": [members | {"eta": fast}, general]})
        await page.goto(room.url)
        await stage(page, "waiting")
        await expect(page.locator("[data-fill=ahead]").first).to_have_text("100")
        await expect(wait).to_have_text("about 2–3 minutes")
        await expect(page.locator("[data-chance=uncertain]")).to_be_visible()

        closer = members | {"serving": 181, "eta": fast}
        await room.tell(**told | {"lanes": [closer, general]})
        await expect(wait).to_have_text("up to 2 minutes")
        await expect(page.locator("[data-chance=likely]")).to_be_visible()
        await room.tell(**told | {"lanes": [{**closer, "eta": []}, general]})
        await expect(wait).to_have_text("about 19–33 minutes")


async def test_a_paused_sale_is_not_called_open(page: Page) -> None:
    async with board_stream() as room:
        await page.goto(room.url)
        await expect(page.get_by_role("heading", name="The sale is open")).to_be_visible()
        await room.tell(phase="paused")
        await expect(page.get_by_role("heading", name="The sale is open")).to_be_hidden()
        await expect(page.get_by_role("heading", name="Join the waiting room")).to_be_visible()


async def test_the_call_is_seen_heard_and_felt_and_counts_down(page: Page) -> None:
    async with board_stream(place=PLACE) as room:
        await page.goto(room.url)
        await stage(page, "waiting")
        await page.click("[data-cue-test]")
        await page.wait_for_function("cues.length === 3")
        quiet_icon = await page.get_attribute("link[rel=icon]", "href")

        room.place = {"place": PLACE, "entry_number": None, "claim_within_ms": 119_000}
        await room.tell(serving=PLACE)
        await stage(page, "called")
        await page.wait_for_function("cues.length === 6")
        assert await page.evaluate("cues.slice(3).map(([what]) => what)") == [
            *("vibrate", "tone", "tone"),
        ]
        await expect(page).to_have_title(re.compile(r"^1:5\d left: it is your turn!"))
        await expect(page.locator("[data-alarm]")).to_have_text(
            "It is your turn. Press Enter to go in."
        )
        await expect(page.locator("[data-fill=claim_clock]")).to_contain_text("1:5")
        assert await page.get_attribute("link[rel=icon]", "href") != quiet_icon
        # The heading of the new part has the focus, so that the next thing to press is Enter.
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "button enter"


async def test_a_finger_is_leave_enough_to_make_sound(browser: Browser) -> None:
    context = await browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    await context.add_init_script(NOTE_CUES + STRICT_SOUND)
    page = await context.new_page()
    async with board_stream(place=PLACE) as room:
        await page.goto(room.url)
        await stage(page, "waiting")
        await page.tap("h1")
        await room.tell(serving=PLACE)
        await stage(page, "called")
        await page.wait_for_function("cues.filter(([what]) => what === 'tone').length === 2")
    await context.close()


@pytest.mark.parametrize("can_show", [True, False])
async def test_notifications_are_offered_where_a_page_can_show_them(
    page: Page, can_show: bool
) -> None:
    made = "{}" if can_show else "{ throw new TypeError('Illegal constructor'); }"
    await page.add_init_script(
        "globalThis.Notification = class { static permission = 'default'; constructor() "
        f"{made} }};"
    )
    async with board_stream(place=PLACE) as room:
        await page.goto(room.url)
        await stage(page, "waiting")
        await expect(page.get_by_label("Play a sound")).to_be_visible()
        await expect(page.get_by_label("Show a notification")).to_be_visible(visible=can_show)


async def test_who_wants_no_sound_gets_none(page: Page) -> None:
    async with board_stream(place=PLACE) as room:
        await page.goto(room.url)
        await stage(page, "waiting")
        await page.uncheck("[data-cue=sound]")
        await room.tell(serving=PLACE)
        await stage(page, "called")
        await expect(page).to_have_title("It is your turn!")
        await expect(page.locator("[data-part=claim]")).to_be_hidden()
        await expect(page.get_by_text("Too late for that?")).to_be_hidden()
        assert await page.evaluate("cues") == []


async def test_a_check_that_fails_is_told_beside_the_place(page: Page) -> None:
    refusal = {"type": "x/bot-check-failed", "reason": "wrong-solution"}
    await page.route("**/join", lambda route: route.fulfill(status=403, json=refusal))
    async with board_stream(place=PLACE, wants_access_code=True) as room:
        await page.goto(room.url)
        await stage(page, "waiting")
        notice = page.locator("[data-notice=check]")
        await expect(notice).to_be_hidden()
        await page.get_by_text("I have an access code").click()
        form = page.locator("form[data-form=code]")
        await form.get_by_label("Access code").fill("A-CODE")
        await form.get_by_role("button").click()
        await expect(notice).to_contain_text("the solution of the puzzle was not right")
        await expect(notice).to_be_in_viewport()
        await expect(page.locator("[data-announcer]")).to_contain_text("The check did not pass")
        await stage(page, "waiting")
        await expect(page.locator("[data-fill=place]").first).to_be_visible()
        await room.tell(serving=PLACE)
        await stage(page, "called")
        await expect(notice).to_be_hidden()


@pytest.mark.parametrize("ends_by", ["another try", "giving up the place"])
async def test_a_check_that_failed_is_told_no_longer_than_it_means_something(
    page: Page, ends_by: str
) -> None:
    refusal = {"type": "x/access-code-invalid"}
    await page.route("**/join", lambda route: route.fulfill(status=403, json=refusal))
    async with board_stream(place=PLACE, wants_access_code=True, refusal="expired") as room:
        await page.goto(room.url)
        await stage(page, "waiting")
        notice = page.locator("[data-notice=check]")
        await expect(notice).to_be_visible()
        if ends_by == "another try":
            await page.get_by_text("I have an access code").click()
            form = page.locator("form[data-form=code]")
            await form.get_by_label("Access code").fill("A-CODE")
            await form.get_by_role("button").click()
        else:
            await page.get_by_text("Give up my place").click()
            await page.get_by_role("button", name="Yes, give it up").click()
            await stage(page, "open")
        await expect(notice).to_be_hidden()


async def test_the_event_goes_along_to_the_check_and_to_another_device(page: Page) -> None:
    moves: list[str] = []
    refusal = {"type": "x/step-up-needed", "check_url": "/sales/demo/check"}
    await page.route("**/admit", lambda route: route.fulfill(status=403, json=refusal))
    page.on(
        "request",
        lambda request: (
            moves.append(request.post_data or "") if request.url.endswith("/move") else None
        ),
    )
    async with board_stream(place=PLACE, event_id="second-night") as room:
        await room.tell(serving=PLACE)
        await page.goto(room.url)
        await stage(page, "called")
        await page.click("details[data-move] summary")
        async with page.expect_request("**/move"):
            await page.click("form[data-form=move] button")
        assert '"event":"second-night"' in moves[0]
        await page.click(".enter")
        await page.wait_for_url("**/sales/demo/check?event=second-night")


async def test_a_pause_stops_the_clock_of_the_called_and_its_end_is_heard(page: Page) -> None:
    async with board_stream(place=PLACE) as room:
        await page.goto(room.url)
        await stage(page, "waiting")
        await page.click("h1")  # leave to make sound
        room.place = {"place": PLACE, "entry_number": None, "claim_within_ms": 119_000}
        await room.tell(serving=PLACE)
        await expect(page.locator("[data-part=claim]")).to_be_visible()
        assert await page.evaluate("cues.length") == 3

        await room.tell(serving=PLACE, phase="paused", pause_reason="The doors are stuck.")
        await expect(page.locator("[data-notice=paused]")).to_be_visible()
        await expect(page.locator("[data-part=claim]")).to_be_hidden()
        await expect(page.get_by_text("Too late for that?")).to_be_hidden()
        await expect(page).to_have_title("The sale is paused · Mira Okafor, European tour")
        await expect(page.get_by_role("heading", name="The sale is paused")).to_be_visible()
        await expect(page.get_by_text("The door is open for you")).to_be_hidden()
        await expect(page.get_by_role("button", name="Enter")).to_be_hidden()
        await expect(page.locator("[data-alarm]")).to_be_empty()
        await expect(page.locator("[data-announcer]")).to_have_text(
            "The sale is paused. Everybody keeps their place. The doors are stuck."
        )
        assert await page.evaluate("cues.length") == 3

        room.place["claim_within_ms"] = 90_000
        await room.tell(serving=PLACE)
        await expect(page.locator("[data-part=claim]")).to_be_visible()
        assert await page.evaluate("cues.length") == 6
        await expect(page).to_have_title(re.compile(r"^1:\d\d left: it is your turn!"))
        await expect(page.get_by_role("heading", name="It is your turn")).to_be_visible()
        await expect(page.get_by_role("button", name="Enter")).to_be_visible()
        await expect(page.locator("[data-alarm]")).to_have_text(
            "It is your turn. Press Enter to go in."
        )

        postponed = {"phase": "before", "opens_at": sample_room.moment(minutes=5)}
        await room.tell(serving=PLACE, **postponed)
        await expect(page).to_have_title("The sale opens soon · Mira Okafor, European tour")
        await expect(page.locator("[data-part=postponed]")).to_contain_text(":")
        await expect(page.get_by_role("button", name="Enter")).to_be_hidden()
        await expect(page.locator("[data-announcer]")).to_have_text("The sale opens soon")


async def test_who_waits_for_room_asks_until_there_is_some(page: Page) -> None:
    asked = 0
    full = {"type": "x/not-your-turn", "retry_after_ms": 1}

    async def admit(route: Route) -> None:
        nonlocal asked
        asked += 1
        inside = {"pass": "x", "go_to": "/events/demo"}
        await route.fulfill(status=425, json=full) if asked <= 40 else await route.fulfill(
            json=inside
        )

    await page.route("**/admit", admit)
    async with board_stream(place=PLACE) as room:
        await room.tell(serving=PLACE)
        await page.goto(room.url)
        await stage(page, "called")
        await page.click(".enter")
        await page.wait_for_url("**/events/demo")


async def test_boards_of_the_stream_keep_a_hidden_tab_asking_in_time(page: Page) -> None:
    asked = 0

    async def admit(route: Route) -> None:
        nonlocal asked
        asked += 1
        full = {"type": "x/not-your-turn", "retry_after_ms": 100}
        await route.fulfill(status=425, json=full)

    await page.route("**/admit", admit)
    # As browsers slow down a tab that was hidden for some minutes.
    await page.add_init_script(
        """const timeout = globalThis.setTimeout;
        globalThis.setTimeout = (act, ms) => timeout(act, ms >= 100 ? 60_000 : ms);"""
    )
    async with board_stream(place=PLACE) as room:
        await room.tell(serving=PLACE)
        await page.goto(room.url)
        await stage(page, "called")
        await page.click(".enter")
        while asked < 4:
            await room.tell(serving=PLACE)
            await page.wait_for_timeout(150)


async def test_who_waits_for_room_is_told_so_once_and_may_give_up(page: Page) -> None:
    asked = 0

    async def admit(route: Route) -> None:
        nonlocal asked
        asked += 1
        full = {"type": "x/not-your-turn", "retry_after_ms": 200 if asked < 3 else 1_100}
        await route.fulfill(status=425, json=full)

    await page.route("**/admit", admit)
    async with board_stream(place=PLACE) as room:
        await room.tell(serving=PLACE)
        await page.goto(room.url)
        await stage(page, "called")
        await page.evaluate(
            """globalThis.said = [];
            const announcer = document.querySelector("[data-announcer]");
            new MutationObserver(() => said.push(announcer.textContent))
                .observe(announcer, { childList: true });"""
        )
        await page.click(".enter")
        notice = page.locator("[data-notice=trouble]")
        await expect(notice).to_contain_text("We try again in 1 second.")
        await expect(notice).to_contain_text("We try again in 2 seconds.")
        assert await page.evaluate("said") == [
            "That did not go through. The door is not free yet. We try again in 1 second."
        ]

        await page.get_by_text("Give up my place").click()
        await page.get_by_role("button", name="Yes, give it up").click()
        await stage(page, "open")
        await expect(notice).to_be_hidden()
        asked_before = asked
        await page.wait_for_timeout(1_500)  # longer than the round that was running
        assert asked == asked_before
        await expect(notice).to_be_hidden()


async def test_too_late_is_told_and_the_turn_is_kept(page: Page) -> None:
    async with board_stream(place=PLACE, claim_within_ms=1_500) as room:
        room.place = {"place": PLACE, "entry_number": None, "claim_within_ms": 0}
        await room.tell(serving=PLACE)
        await page.goto(room.url)
        await stage(page, "called")
        await expect(page.locator("[data-fill=claim_late]")).to_contain_text("still your turn")
        await expect(page.locator("[data-part=claim]")).to_be_hidden()
        await expect(page.get_by_role("button", name="Enter")).to_be_enabled()


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "plain"])
async def test_the_language_is_switched_on_the_page_and_stays(
    browser: Browser, has_script: bool
) -> None:
    context = await browser.new_context(java_script_enabled=has_script, locale="de-AT")
    page = await context.new_page()
    async with board_stream(place=PLACE) as room:
        await page.goto(f"{room.url}?event=demo-arena")
        await expect(page.locator("html")).to_have_attribute("lang", "de")
        await page.click(".languages summary")
        await page.get_by_role("link", name="العربية").click()
        await expect(page.locator("html")).to_have_attribute("dir", "rtl")
        assert "event=demo-arena" in page.url
        await page.goto(room.url)
        await expect(page.locator("html")).to_have_attribute("lang", "ar")
        await expect(page.locator("[data-fill=ahead_words]")).to_have_text("شخصًا أمامك")
        # A board that comes later speaks the page's language too, with its own plural form.
        if has_script:
            await room.tell(serving=PLACE - 3)
            await expect(page.locator("[data-fill=ahead_words]")).to_have_text("شخصان أمامك")
    await context.close()
