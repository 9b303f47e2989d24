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
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import CHROMIUM, CHROMIUM_ARGUMENTS, DESKTOP, PHONE
from tests.running_system import REPOSITORY, free_port, stop

PICTURES = REPOSITORY / "docs" / "screenshots"
START_SECONDS_MAX = 90.0


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


def change_sale(data_dir: Path, *command: str) -> None:
    """Steer the demo sale as its operator would."""
    subprocess.run(
        [sys.executable, "-m", "onsale", "sale", *command, "--data-dir", str(data_dir)],
        cwd=REPOSITORY,
        check=True,
    )


def walk(page: Page, size: str, data_dir: Path) -> None:
    """Go through the whole path and take a picture of each page."""

    def shoot(name: str) -> None:
        page.screenshot(path=PICTURES / f"{name}-{size}.png")

    page.goto("/")
    shoot("on-sale")
    page.goto("/events/demo-arena")
    shoot("event")
    change_sale(data_dir, "pause", "demo", "--reason", "The doors open in a moment.")
    page.goto("/sales/demo")
    page.locator("[data-fill=check]", has_text="passed the check").wait_for()
    shoot("waiting-room-open")
    page.get_by_role("button", name="Join the waiting room").click()
    page.wait_for_timeout(2_500)
    shoot("waiting-room-waiting")
    change_sale(data_dir, "resume", "demo")
    page.get_by_role("button", name="Enter").wait_for()
    shoot("waiting-room-called")
    page.get_by_role("button", name="Enter").click()
    page.wait_for_url("**/seats")
    page.wait_for_timeout(1_500)
    shoot("seats")
    page.get_by_role("button", name="Hold the best available").click()
    page.wait_for_url("**/checkout/*")
    shoot("checkout")
    page.get_by_role("button", name="Pay").click()
    page.wait_for_url("**/orders/*")
    page.wait_for_timeout(500)
    shoot("order")


def main() -> None:
    """Take every picture at phone and desktop size."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with system() as (url, data_dir), sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        for size, viewport in (("phone", PHONE), ("desktop", DESKTOP)):
            context = chromium.new_context(base_url=url, viewport=viewport)  # type: ignore[arg-type]
            walk(context.new_page(), size, data_dir)
            context.close()
        chromium.close()
    print(json.dumps(sorted(path.name for path in PICTURES.glob("*.png")), indent=1))


if __name__ == "__main__":
    main()
