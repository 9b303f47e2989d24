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
            async with asyncio.timeout(self._settings.origin_check_ms / 1000):
                why = await self._ask(upstream)
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
        if not path and not upstream.is_garbled:
            _, writer = await asyncio.open_connection(upstream.address, upstream.origin.port)
            writer.close()
            return ""
        async with self._session.request(
            # Without a path to ask, any page does: an answer that can be read is all that is doubted.
            "GET" if path else "HEAD",
            URL(upstream.base + (path or "/"), encoded=True),
            headers={**self._headers.of_our_own(upstream), "User-Agent": USER_AGENT},
            allow_redirects=False,
            server_hostname=upstream.server_hostname,
        ) as answer:
            upstream.is_garbled = False
            is_bad = bool(path) and answer.status >= STATUS_BAD_MIN
            return f"status {answer.status}" if is_bad else ""
