"""Two fans at one map: what one takes is seen going by the other; what one holds is theirs to change."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import DESKTOP, PHONE, Profile
from tests.browser.halls import REAL_PLAN, put_halls_on_sale
from tests.browser.test_the_main_job import enter_the_shop, pay
from tests.running_system import RunningSystem

# A machine that does other things besides needs more than the moment it takes.
PATIENCE_MS = 20_000
STEPS_MAX = 40


@pytest.fixture
def fans(browser: Browser, running: RunningSystem) -> Iterator[tuple[Page, Page]]:
    """Two fans who look at the seats, each in a browser of their own."""
    profiles = []
    for _ in range(2):
        base_url = running.base_url.replace("127.0.0.1", "localhost")
        context = browser.new_context(viewport=DESKTOP, base_url=base_url)  # type: ignore[arg-type]
        profiles.append(Profile(context))
    pages = [profile.new_page() for profile in profiles]
    for page in pages:
        enter_the_shop(page, "Meridian Lights")
        page.locator("[data-map-state]").wait_for(state="hidden")
    yield pages[0], pages[1]
    complaints = [complaint for profile in profiles for complaint in profile.complaints]
    for profile in profiles:
        profile.context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def halls(running: RunningSystem) -> None:
    """Put a stadium of 60,000 seats, and the hall of a real plan, on sale as an operator does."""
    put_halls_on_sale(running.data_dir)


def walk(page: Page, steps: int) -> str:
    """Go by keyboard into a section and so many seats along; returns what the map says there."""
    canvas = page.locator("canvas")
    canvas.focus()
    page.keyboard.press("0")
    for key in ("+", "+", "+", *["ArrowRight"] * (steps + 1)):
        page.keyboard.press(key)
    return page.locator("[data-map-tip]").inner_text()


def walk_to_a_free_seat(page: Page) -> int:
    """Return how many steps it takes to a seat that is free to anybody."""
    for steps in range(STEPS_MAX):
        said = walk(page, steps)
        if said.endswith("free") and "wheelchair" not in said:
            return steps
    raise AssertionError("no seat there is free")


def test_a_seat_bought_in_one_browser_is_seen_going_in_the_other(fans: tuple[Page, Page]) -> None:
    buyer, other = fans
    steps = walk_to_a_free_seat(buyer)
    tip = other.locator("[data-map-tip]")
    assert walk(other, steps) == buyer.locator("[data-map-tip]").inner_text()
    expect(tip).to_contain_text(re.compile("free$"))

    buyer.keyboard.press("Enter")
    expect(buyer.locator("[data-tray]")).to_contain_text("1 place")
    buyer.get_by_role("button", name="Hold these places").click()
    expect(tip).to_contain_text(re.compile("held by another fan$"), timeout=PATIENCE_MS)
    pay(buyer)
    expect(tip).to_contain_text(re.compile("sold$"), timeout=PATIENCE_MS)


@pytest.mark.parametrize(
    "hall",
    [
        "stadium",
        pytest.param(
            "plan",
            marks=pytest.mark.skipif(
                not REAL_PLAN.exists(), reason=f"needs {REAL_PLAN.name} in ../shared/seatplans"
            ),
        ),
    ],
)
@pytest.mark.usefixtures("halls")
def test_so_it_is_in_a_stadium_and_in_the_hall_of_a_real_plan(
    fans: tuple[Page, Page], hall: str
) -> None:
    buyer, other = fans
    buyer.set_viewport_size(PHONE)  # type: ignore[arg-type]
    for page in fans:
        page.goto(f"/events/{hall}/seats")
        page.locator("[data-map-state]").wait_for(state="hidden")
    buyer.get_by_role("button", name="Hold the best available").click()
    buyer.wait_for_url("**/checkout/*")
    held = buyer.locator(".bill tbody tr").all_inner_texts()
    assert len(held) == 2
    other.locator("[data-view=list]").click()
    seats = [button_of(other, words) for words in held]
    for seat in seats:
        expect(seat).to_have_accessible_name(re.compile("held by another fan$"))
    pay(buyer)
    for seat in seats:
        expect(seat).to_have_accessible_name(re.compile("sold$"), timeout=PATIENCE_MS)


def button_of(page: Page, words: str) -> Locator:
    """Return the button in the list of the seat that a line of a bill names."""
    section, row, number = words.splitlines()[0].split(" · ")
    named = page.locator(".list-name", has_text=re.compile(f"^{re.escape(section)}$"))
    details = page.locator("details", has=named)
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    return details.get_by_role("button", name=re.compile(f"^{row}, {number.lower()},"))


def test_a_hold_has_its_clock_on_the_map_after_a_reload_and_changes_in_place(
    fans: tuple[Page, Page],
) -> None:
    page, other = fans
    page.get_by_role("button", name="Hold the best available").click()
    page.wait_for_url("**/checkout/*")
    reservation = page.url.rpartition("/")[2]
    page.get_by_role("link", name="Choose other places").click()
    bar = page.locator("[data-hold-bar]")
    for _ in range(2):
        expect(bar).to_contain_text(re.compile(r"Held for you \d+:\d\d"))
        expect(bar).to_contain_text("2 places")
        page.reload()

    page.locator("[data-map-state]").wait_for(state="hidden")
    steps = walk_to_a_free_seat(page)
    walk(other, steps)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Change to these places").click()
    page.wait_for_url(f"**/checkout/{reservation}")
    expect(page.locator(".bill tbody tr")).to_have_count(1)
    expect(other.locator("[data-map-tip]")).to_contain_text("held", timeout=PATIENCE_MS)
    page.get_by_role("link", name="Choose other places").click()
    expect(bar).to_contain_text("1 place")
    bar.get_by_role("button", name="Give back").click()
    expect(other.locator("[data-map-tip]")).to_contain_text("free", timeout=PATIENCE_MS)
    expect(bar).to_have_count(0)
