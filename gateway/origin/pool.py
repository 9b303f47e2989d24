"""The servers of the shop: who gets the next request, and who is looked after."""

import asyncio
import math
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager

import aiohttp
import structlog

from gateway.origin.checks import Checks
from gateway.origin.circuit import Circuit, CircuitState
from gateway.origin.onward_headers import OnwardHeaders
from gateway.origin.settings import Origin, OriginSettings
from gateway.origin.upstream import Upstream
from groundwork.clock import Clock

log = structlog.get_logger()

Resolve = Callable[[str, int], Awaitable[list[str]]]
# When nobody can be asked, a fan comes back no sooner than this.
RETRY_AFTER_SECONDS_MIN = 2


async def resolve_name(host: str, port: int) -> list[str]:
    """Return the addresses of a name, in a fixed order. Raises OSError when it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return sorted({str(address[0]) for _, _, _, _, address in found})


class UpstreamPool:
    """The upstreams there are at this moment, least busy first."""

    def __init__(
        self,
        settings: OriginSettings,
        headers: OnwardHeaders,
        session: aiohttp.ClientSession,
        clock: Clock,
        rng: random.Random,
        resolve: Resolve = resolve_name,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._resolve = resolve
        self._checks = Checks(settings, headers, session, clock)
        self._found: dict[Origin, list[Upstream]] = {}
        self._leaving: list[Upstream] = []
        self.upstreams: list[Upstream] = []

    def choose(self, tried: Collection[Upstream] = (), *, is_safe: bool = True) -> Upstream | None:
        """Return who should get the request: the least busy of the healthy ones; None for nobody.

        Checks choose among upstreams; when they refuse every one, the circuits alone decide. A request
        that must not be repeated is not what a half-open circuit is tried with, if it can be helped.
        """
        usable = [up for up in self.upstreams if up.circuit.takes_one and up not in tried]
        usable = [up for up in usable if up.is_healthy] or usable
        if not is_safe:
            usable = [up for up in usable if up.circuit.state is CircuitState.CLOSED] or usable
        if len(usable) < 2:
            return usable[0] if usable else None
        least = min(up.outstanding for up in usable)
        return self._rng.choice([up for up in usable if up.outstanding == least])

    @property
    def lost(self) -> Collection[Upstream]:
        """Return who fails the checks while somebody else is well; what waits there waits in vain."""
        if not any(up.is_healthy and up.circuit.takes_one for up in self.upstreams):
            return ()
        return [up for up in (*self.upstreams, *self._leaving) if not up.is_healthy]

    @property
    def retry_after_seconds(self) -> int:
        """When to ask again while nobody can be asked."""
        rests = [up.circuit.rest_left_ms for up in self.upstreams]
        return max(RETRY_AFTER_SECONDS_MIN, math.ceil(min(rests, default=0.0) / 1000))

    def show(self) -> None:
        """Write down how every upstream stands; those that left are forgotten with their last request."""
        for upstream in self.upstreams:
            upstream.show()
        for upstream in [gone for gone in self._leaving if gone.outstanding == 0]:
            upstream.forget()
            self._leaving.remove(upstream)
            log.info("upstream drained", upstream=upstream.label)

    async def look_up(self) -> None:
        """Find the addresses of every name: new ones join, gone ones end what is under way there.

        A name that cannot be looked up keeps the addresses it had.
        """
        for origin in self._settings.origins:
            try:
                addresses = await self._resolve(origin.host, origin.port)
            except OSError as error:
                if origin not in self._found:
                    log.warning("origin not found", origin=origin.netloc, error=str(error))
                    # Without an address there is nobody to ask; the next look may find one.
                    self._found[origin] = []
                continue
            self._replace(origin, addresses)
        self.upstreams = [up for found in self._found.values() for up in found]

    def _replace(self, origin: Origin, addresses: list[str]) -> None:
        known = {up.address: up for up in self._found.get(origin, [])}
        for address in known.keys() - set(addresses):
            self._leaving.append(known[address])
            log.info("upstream leaves", upstream=known[address].label)
        for address in addresses:
            if address not in known:
                known[address] = self._new(origin, address)
                log.info("upstream found", upstream=known[address].label)
        self._found[origin] = [known[address] for address in addresses]

    def _new(self, origin: Origin, address: str) -> Upstream:
        settings = self._settings
        circuit = Circuit(
            self._clock,
            self._rng,
            breaks_after=settings.origin_breaks_after,
            rest_ms=settings.origin_rest_ms,
            rest_ms_max=settings.origin_rest_ms_max,
        )
        return Upstream(origin, address, circuit, self._clock)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep looking up names and checking upstreams while the block runs."""
        await self.look_up()
        loops = [
            asyncio.create_task(self._repeat(every_ms, work))
            for every_ms, work in (
                (self._settings.origin_lookup_every_ms, self.look_up),
                (self._settings.origin_check_every_ms, self._check),
            )
        ]
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            for upstream in (*self.upstreams, *self._leaving):
                upstream.forget()

    async def _check(self) -> None:
        await self._checks.check(self.upstreams)

    async def _repeat(self, every_ms: int, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            # Not all processes at the same moment.
            await self._clock.sleep_ms(every_ms * (0.9 + 0.2 * self._rng.random()))
            try:
                await work()
            except Exception:
                log.exception("the pool of upstreams could not be looked after; trying again")
