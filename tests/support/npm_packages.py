"""What tests take from npm: other people's programs that ours must get along with."""

import subprocess
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[2]
# A widget that joins as our own page does, and the rules that pages are measured by.
WANTED: Final = ("altcha@3.2.2", "axe-core@4.14.1")
# Two small packages; a slow network is not a reason to wait longer.
INSTALL_SECONDS_MAX: Final = 300


def npm_packages() -> Path:
    """Return the folder with the packages; installed when one is missing, never committed."""
    folder = REPOSITORY / ".cache" / "npm"
    if not all((folder / "node_modules" / name.split("@")[0]).exists() for name in WANTED):
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", *WANTED],
            cwd=folder,
            check=True,
            capture_output=True,
            timeout=INSTALL_SECONDS_MAX,
        )
    return folder / "node_modules"
