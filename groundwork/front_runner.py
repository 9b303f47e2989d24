"""Serves an application from its quick way out, with bounds on its connections."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from aiohttp import web

from groundwork.clock import Clock, SystemClock
from groundwork.connection_watch import ConnectionLimits, ConnectionWatch
from groundwork.front_server import FrontServer


def nobody(_address: str) -> str:
    """Name nobody: an address has no part of the room."""
    return ""


class FrontRunner(web.AppRunner):
    """Runs an application; READY_ANSWERS and what FRONT_DOOR finds are given from a quick way out."""

    def __init__(
        self,
        app: web.Application,
        *,
        clock: Clock | None = None,
        limits: ConnectionLimits | None = None,
        owner_of: Callable[[str], str] = nobody,
        **settings: Any,
    ) -> None:
        super().__init__(app, **settings)
        self.watch = ConnectionWatch(clock or SystemClock(), limits or ConnectionLimits(), owner_of)
        self._looking = AsyncExitStack()

    async def setup(self) -> None:
        """Get ready to serve."""
        await super().setup()
        await self._looking.enter_async_context(self.watch.running())

    async def cleanup(self) -> None:
        """Stop serving."""
        await self._looking.aclose()
        await super().cleanup()

    async def _make_server(self) -> web.Server:
        return FrontServer(self.app, self.watch, await super()._make_server())
