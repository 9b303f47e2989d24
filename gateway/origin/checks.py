"""Active health checks: is the server there, and does it say that it is well?"""

import asyncio
from collections.abc import Sequence
from typing import Final
from weakref import WeakKeyDictionary

import aiohttp
from yarl import URL

from gateway.origin.onward_headers import OnwardHeaders
from gateway.origin.settings import OriginSettings
from gateway.origin.upstream import Upstream
from groundwork.clock import Clock

# Redirects to a login page are an answer of a shop that works; refusals and errors are not.
STATUS_BAD_MIN: Final = 400
USER_AGENT: Final = "onsale-check"


class Checks:
    """Checks upstreams and remembers how many outcomes of a kind came in a row."""

    def __init__(
        self,
        settings: OriginSettings,
        headers: OnwardHeaders,
        session: aiohttp.ClientSession,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._headers = headers
        self._session = session
        self._clock = clock
        # Above 0: so many good ones in a row; below: so many bad ones.
        self._rows: WeakKeyDictionary[Upstream, int] = WeakKeyDictionary()

    async def check(self, upstreams: Sequence[Upstream]) -> None:
        """Check all of them at once."""
        await asyncio.gather(*(self._check(upstream) for upstream in upstreams))

    async def _check(self, upstream: Upstream) -> None:
        try:
            async with self._in_time():
                why = await self._ask(upstream)
            if upstream.is_garbled and not self._settings.origin_health_path:
                await self._doubt(upstream)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is one
            why = str(error) or type(error).__name__
        row = self._rows.get(upstream, 0)
        if why:
            self._rows[upstream] = row = min(row, 0) - 1
            if -row >= self._settings.origin_unhealthy_after:
                upstream.checked(False, why)
        else:
            self._rows[upstream] = row = max(row, 0) + 1
            if row >= self._settings.origin_healthy_after:
                upstream.checked(True, "")

    async def _ask(self, upstream: Upstream) -> str:
        """Return what is wrong, "" for nothing."""
        path = self._settings.origin_health_path
        if path:
            status = await self._status(upstream, "GET", path)
            return f"status {status}" if status >= STATUS_BAD_MIN else ""
        _, writer = await asyncio.open_connection(upstream.address, upstream.origin.port)
        writer.close()
        return ""

    async def _doubt(self, upstream: Upstream) -> None:
        """Ask for a page. Raises ClientResponseError when the answer cannot be read, and for nothing else.

        That is all that is doubted: any page does, and none that comes in time leaves it open. Pages may
        take longer than a check.
        """
        try:
            async with self._in_time():
                await self._status(upstream, "HEAD", "/")
        except aiohttp.ClientResponseError:
            raise
        except (aiohttp.ClientError, OSError):
            return

    def _in_time(self) -> asyncio.Timeout:
        return asyncio.timeout(self._settings.origin_check_ms / 1000)

    async def _status(self, upstream: Upstream, method: str, path: str) -> int:
        """Return the status of the server's answer, which can be read then."""
        async with self._session.request(
            method,
            URL(upstream.base + path, encoded=True),
            headers={**self._headers.of_our_own(upstream), "User-Agent": USER_AGENT},
            allow_redirects=False,
            server_hostname=upstream.server_hostname,
        ) as answer:
            upstream.is_garbled = False
            return answer.status
