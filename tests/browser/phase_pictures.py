"""The phases that a demo does not come through by itself: the draw, the drain, and the last seat."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image, ImageDraw

from tests.browser.camera import SETTLE_MS, STAGE_MS_MAX, Camera, run_onsale

# Long enough to join before it opens on a busy machine, and to take the picture.
OPENS_IN_S = 45
# No beacon can be reached from here: so long the draw is being made.
BEACON_WAIT_S = 12


def shoot_the_draw(camera: Camera) -> None:
    """Take part in a draw with a beacon that does not answer, and check it afterwards."""
    page, sale = camera.page, f"draw-{camera.size}"
    opens_at = datetime.now(UTC) + timedelta(seconds=OPENS_IN_S)
    camera.steer(
        *("create", sale, "--name", "Paper Lanterns, one night only", "--colour", "#0b6e4f"),
        *("--logo", str(a_logo(camera.data_dir)), "--lane", "members=Members", "--rate", "1"),
        *("--opens-at", opens_at.strftime("%Y-%m-%dT%H:%M:%S%z")),
        *("--beacon", "drand-quicknet", "--beacon-wait", str(BEACON_WAIT_S)),
    )
    camera.open_room(sale, "before")
    page.locator("[data-fill=check]", has_text="passed the check").wait_for()
    camera.shoot("waiting-room-code")
    page.get_by_role("button", name="Join the waiting room").click()
    page.wait_for_selector("#main[data-stage=entered]")
    camera.at_stage("drawing", "waiting-room-drawing")
    page.wait_for_selector(
        "#main:is([data-stage=waiting], [data-stage=called])", timeout=STAGE_MS_MAX
    )
    page.goto(f"/sales/{sale}/draw")
    page.get_by_role("button").first.click()
    page.wait_for_timeout(SETTLE_MS)
    camera.shoot("draw", is_whole=True)


def shoot_the_end(camera: Camera) -> None:
    """Drain a sale, then let its last seat go."""
    page, sale = camera.page, f"last-{camera.size}"
    camera.steer("create", sale, "--name", "The last two", "--rate", "1")
    plan = camera.data_dir / f"{sale}.csv"
    plan.write_text("section,row,seat,x,y,category\nFloor,A,1,0,0,Floor\nFloor,A,2,20,0,Floor\n")
    starts_at = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M%z")
    run_onsale(
        camera.data_dir,
        *("event", "import", str(plan), "--event", sale, "--sale", sale, "--name", "The last two"),
        *("--default-price", "2000", "--starts-at", starts_at),
    )
    camera.open_room(sale, "open")
    camera.steer("drain", sale)
    camera.at_stage("full", "waiting-room-draining")
    camera.steer("resume", sale)
    page.wait_for_selector("#main[data-stage=open]")
    run_onsale(
        camera.data_dir,
        *(
            "event",
            "keep",
            sale,
            "--section",
            "Floor",
            "--for",
            "kill",
            "--reason",
            "for a picture",
        ),
    )
    camera.at_stage("sold_out", "waiting-room-sold-out")


def a_logo(folder: Path) -> Path:
    """Draw a logo that nobody owns."""
    picture = Image.new("RGBA", (320, 96), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    for index, colour in enumerate(("#0b6e4f", "#f2a541", "#c8553d")):
        pen.ellipse((index * 72, 8, index * 72 + 80, 88), fill=colour)
    stored = io.BytesIO()
    picture.save(stored, "PNG")
    path = folder / "logo.png"
    path.write_bytes(stored.getvalue())
    return path
