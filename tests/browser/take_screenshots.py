"""Take the pictures of docs/screenshots from the running product: `make screenshots`."""

import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.camera import PICTURES, SETTLE_MS, Camera, run_onsale
from tests.browser.check_pictures import shoot_the_checks
from tests.browser.conftest import CHROMIUM, CHROMIUM_ARGUMENTS, DESKTOP, PHONE
from tests.browser.crowd import join_crowd
from tests.browser.halls import put_halls_on_sale, shoot_the_halls
from tests.browser.phase_pictures import shoot_the_draw, shoot_the_end
from tests.running_system import REPOSITORY, free_port, stop

START_SECONDS_MAX = 90.0
# So many others wait; at the slow rate their line takes minutes, at the fast one a moment.
FANS = 150
RATE_SLOW = 30
RATE_FAST = 60_000


@contextmanager
def system() -> Iterator[tuple[str, Path]]:
    """Yield the address of a fresh demo and its data directory."""
    folder = Path(tempfile.mkdtemp(prefix="onsale-pictures-"))
    folder.chmod(0o755)
    port, operator_port, provider_port = free_port(), free_port(), free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "onsale", "up", "--demo", "--data-dir", str(folder / "data")),
            *("--port", str(port), "--operator-port", str(operator_port)),
            *("--provider-port", str(provider_port)),
        ],
        cwd=REPOSITORY,
    )
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
        while not answers(f"http://127.0.0.1:{operator_port}/health/ready"):
            assert time.monotonic() < deadline, "the system did not get ready"
            time.sleep(0.2)
        yield f"http://localhost:{port}", folder / "data"
    finally:
        stop(process)


def answers(url: str) -> bool:
    """Say whether the address answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def shoot_the_shop(camera: Camera) -> None:
    """Go the whole way, from the start page to the tickets, through a line that is not empty."""
    page = camera.page
    page.goto("/")
    camera.shoot("on-sale")
    page.goto("/events/demo-arena")
    camera.shoot("event")
    page.goto("/sales/demo")
    page.locator("[data-fill=check]", has_text="passed the check").wait_for()
    camera.at_stage("open", "waiting-room-open")
    page.get_by_role("button", name="Join the waiting room").click()
    camera.at_stage("waiting", "waiting-room-waiting")
    camera.steer("pause", "demo", "--reason", "The doors open in a moment.")
    page.locator("[data-notice=paused]").wait_for()
    camera.at_stage("waiting", "waiting-room-paused")
    camera.steer("set", "demo", "--rate", str(RATE_FAST), "--burst", str(FANS))
    camera.steer("resume", "demo")
    camera.at_stage("called", "waiting-room-called")
    page.get_by_role("button", name="Enter").click()
    page.wait_for_url("**/seats")
    page.wait_for_timeout(SETTLE_MS)
    camera.shoot("seats")
    shoot_the_halls(camera)
    page.goto("/events/demo-arena/seats")
    page.get_by_role("button", name="Hold the best available").click()
    page.wait_for_url("**/checkout/*")
    camera.shoot("checkout")
    page.get_by_role("button", name="Pay").click()
    page.wait_for_url("**/card/*")
    camera.shoot("card")
    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    page.get_by_label("Expires").fill("12/40")
    page.get_by_label("Security code").fill("123")
    page.get_by_role("button", name="Pay €").click()
    page.get_by_role("link", name="PDF").wait_for()
    page.wait_for_timeout(SETTLE_MS)
    camera.shoot("order")


def shoot_a_sale(camera: Camera) -> None:
    """Follow a sale with looks of its own from before it opens to its close."""
    page, sale = camera.page, f"soon-{camera.size}"
    opens_at = datetime.now(UTC) + timedelta(hours=2)
    camera.steer(
        *("create", sale, "--name", "Velvet Static, autumn tour", "--colour", "#7a2e8e"),
        *("--opens-at", opens_at.strftime("%Y-%m-%dT%H:%M%z")),
    )
    camera.open_room(sale, "before")
    page.locator("[data-fill=check]", has_text="passed the check").wait_for()
    camera.at_stage("before", "waiting-room-before")
    page.get_by_role("button", name="Join the waiting room").click()
    camera.at_stage("entered", "waiting-room-entered")
    page.goto(f"/sales/{sale}?lang=ar")
    camera.at_stage("entered", "waiting-room-entered-ar")
    page.goto(f"/sales/{sale}?lang=en")
    camera.steer("close", sale)
    camera.at_stage("closed", "waiting-room-closed")


def fill_the_line(url: str, data_dir: Path) -> None:
    """Give the demo more halls, and its sale a line that moves slowly enough to be looked at."""
    put_halls_on_sale(data_dir)
    run_onsale(data_dir, "sale", "set", "demo", "--rate", str(RATE_SLOW), "--burst", "1")
    join_crowd(int(url.rpartition(":")[2]), "demo", FANS)


def main() -> None:
    """Take every picture at phone and desktop size."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.png"):
        # Those of the plan were taken by hand: it is not ours to have in here, see docs/seat_plans.md.
        if not old.name.startswith("plan-"):
            old.unlink()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        for size, viewport in (("phone", PHONE), ("desktop", DESKTOP)):
            # Each in a system of its own: the first has used up what the second would wait for.
            with system() as (url, data_dir):
                context = chromium.new_context(  # type: ignore[misc]
                    base_url=url, viewport=viewport, locale="en-GB", reduced_motion="reduce"
                )
                camera = Camera(context.new_page(), size, data_dir)
                fill_the_line(url, data_dir)
                shoot_the_shop(camera)
                shoot_a_sale(camera)
                shoot_the_draw(camera)
                shoot_the_end(camera)
                shoot_the_checks(camera, chromium, url, viewport)
                context.close()
        chromium.close()
    print(json.dumps(sorted(path.name for path in PICTURES.glob("*.png")), indent=1))


if __name__ == "__main__":
    main()
