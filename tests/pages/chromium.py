"""Which browser pages are looked at in, and how a test serves one to it."""

import shutil
from typing import Final

from aiohttp import web
from aiohttp.test_utils import TestServer

CHROMIUM: Final = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS: Final = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


async def started(app: web.Application) -> TestServer:
    """Return the application on a port of its own."""
    server = TestServer(app)
    # Streams never end by themselves, and nobody reads them any more when a test is over.
    await server.start_server(shutdown_timeout=0.1)
    return server
