"""Takes pictures of what a fan sees, and steers what the fan sees as an operator would."""

import io
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from tests.running_system import REPOSITORY

PICTURES = REPOSITORY / "docs" / "screenshots"
# Boards come once a second; by then what was asked for is to be seen.
SETTLE_MS = 2_500
# As many as a picture of 8 bits a pixel has: a third of the bytes, and nobody sees it.
COLORS_MAX = 256
# A sale that is waited for to open takes the longest.
STAGE_MS_MAX = 90_000


def run_onsale(data_dir: Path, *command: str) -> str:
    """Run one of our commands against the running system; return what it printed."""
    arguments = [sys.executable, "-m", "onsale", *command, "--data-dir", str(data_dir)]
    done = subprocess.run(arguments, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    return done.stdout


@dataclass(frozen=True)
class Camera:
    """Takes pictures of one browser's page, by size."""

    page: Page
    size: str
    data_dir: Path

    def shoot(self, name: str, *, is_whole: bool = False) -> None:
        """Take what is to be seen now, or the whole page from top to bottom."""
        shot = self.page.screenshot(full_page=is_whole)
        picture = Image.open(io.BytesIO(shot)).convert("RGB")
        few_colors = picture.quantize(COLORS_MAX, dither=Image.Dither.NONE)
        few_colors.save(self.path(name), optimize=True)

    def path(self, name: str) -> Path:
        """Return where a picture of that name goes."""
        return PICTURES / f"{name}-{self.size}.png"

    def at_stage(self, stage: str, name: str) -> None:
        """Take the waiting room once it has come to that stage."""
        self.page.wait_for_selector(f"#main[data-stage={stage}]", timeout=STAGE_MS_MAX)
        self.page.evaluate("document.activeElement.blur()")
        self.page.wait_for_timeout(SETTLE_MS)
        self.shoot(name)

    def steer(self, *command: str) -> None:
        """Steer a sale as its operator would."""
        run_onsale(self.data_dir, "sale", *command)

    def open_room(self, sale: str, stage: str) -> None:
        """Open a new sale's page; each process learns of it by itself and says 404 until then."""
        while not self.page.locator(f"#main[data-stage={stage}]").count():
            self.page.goto(f"/sales/{sale}")
            self.page.wait_for_timeout(SETTLE_MS)
