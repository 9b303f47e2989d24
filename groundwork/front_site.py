"""A listener for a FrontRunner's application, on a port that several processes share."""

import asyncio
import socket
from typing import Final

from aiohttp import web

from groundwork.front_runner import FrontRunner
from groundwork.tls import HANDSHAKE_SECONDS

# The kernel keeps no more than this of what it has not sent yet: a thousand who read nothing would
# fill its memory for everybody. What is on its way does not count, so that no fast fan is slowed.
UNSENT_BYTES_MAX: Final = 64 * 1024


class FrontSite(web.TCPSite):
    """A listener whose connections are bounded by the kernel, too, and before they have shaken hands."""

    async def start(self) -> None:
        """Listen."""
        await web.BaseSite.start(self)
        runner = self._runner
        assert isinstance(runner, FrontRunner)
        assert runner.server is not None
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            runner.server,
            self._host,
            self._port,
            ssl=self._ssl_context,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if self._ssl_context else None,
            backlog=self._backlog,
            reuse_port=self._reuse_port,
        )
        self._server = server
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            for listener in server.sockets:
                bound_listener(listener, runner.watch.limits.taking_ms)


def bound_listener(listener: socket.socket, taking_ms: float) -> None:
    """Bound what the kernel keeps for each connection of a listener, and for how long."""
    # Connections have what their listener had. For who acknowledges and takes nothing, too; later
    # than we would ourselves, for the kernel does not see who takes a little.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(2 * taking_ms))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES_MAX)
