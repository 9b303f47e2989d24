"""Halls for the pictures: a generated stadium, and the hall of a real plan where there is one."""

import subprocess
import sys
from pathlib import Path

from tests.browser.camera import SETTLE_MS, Camera, run_onsale
from tests.running_system import REPOSITORY

REAL_PLAN = REPOSITORY / "../shared/seatplans/stadium-738.json"
STADIUM_PRICES = ("Club level=19000", "Category 1=12000", "Category 2=9000", "Category 3=6000")
# Where the map is pressed to come close, as shares of its width and height.
NEAR = {
    "seats": {"phone": (0.5, 0.72), "desktop": (0.5, 0.72)},
    "stadium": {"phone": (0.53, 0.72), "desktop": (0.53, 0.72)},
    "plan": {"phone": (0.5, 0.73), "desktop": (0.5, 0.83)},
}


def put_halls_on_sale(data_dir: Path) -> None:
    """Put the halls on sale beside the demo's own events, as an operator would."""
    plan, side_file = str(data_dir.parent / "stadium.json"), str(data_dir.parent / "side.json")
    generate = [sys.executable, "-m", "onsale", "event", "generate", "stadium"]
    subprocess.run([*generate, "--out", plan, "--side-file", side_file], cwd=REPOSITORY, check=True)
    prices = [part for price in STADIUM_PRICES for part in ("--price", price)]
    run_onsale(
        data_dir,
        *("event", "import", plan, "--side-file", side_file, "--sale", "demo"),
        *("--event", "stadium", "--name", "City Derby, Round 9"),
        *("--starts-at", "2027-09-04T19:00+0100", "--venue", "Riverside Stadium"),
        *("--city", "Porto", "--category", "Sport", *prices, "--default-price", "4500"),
    )
    if REAL_PLAN.exists():
        run_onsale(
            data_dir,
            *("event", "import", str(REAL_PLAN), "--sale", "demo", "--event", "plan"),
            *("--name", "Ice Gala", "--starts-at", "2027-09-18T19:00+0100"),
            *("--venue", "Town Rink", "--category", "Show", "--default-price", "4500"),
            *("--price", "Category I=6500", "--price", "Category V=9500"),
        )


def shoot_the_halls(camera: Camera) -> None:
    """Take the maps of all halls."""
    shoot_the_map(camera, "/events/demo-arena/seats", "seats")
    shoot_the_map(camera, "/events/stadium/seats", "stadium")
    if REAL_PLAN.exists():
        shoot_the_map(camera, "/events/plan/seats", "plan")


def shoot_the_map(camera: Camera, path: str, name: str) -> None:
    """Take the map from afar, then from close by with a pick."""
    page = camera.page
    page.goto(path)
    page.locator("[data-map-state]").wait_for(state="hidden")
    page.locator("#pick-title").evaluate("title => title.scrollIntoView()")
    camera.shoot(f"{name}-map")
    box = page.locator("canvas").bounding_box()
    assert box is not None
    x, y = NEAR[name][camera.size]
    for _ in range(2):
        page.mouse.click(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        page.wait_for_timeout(SETTLE_MS)
    camera.shoot(f"{name}-near")
