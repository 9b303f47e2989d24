"""Swagger UI's files out of its package: read when somebody looks at the page for the first time."""

import functools
from importlib import resources
from pathlib import Path
from typing import Final

from groundwork.static_files import StaticFiles

MOUNT: Final = "swagger"
SCRIPT: Final = f"{MOUNT}/swagger-ui-bundle.js"
STYLESHEET: Final = f"{MOUNT}/swagger-ui.css"


@functools.cache
def swagger_files() -> StaticFiles:
    """Return the two files that a page needs. To read and compress them takes a tenth of a second."""
    folder = Path(str(resources.files("swagger_ui") / "static"))
    return StaticFiles({MOUNT: folder}, only={SCRIPT, STYLESHEET})
