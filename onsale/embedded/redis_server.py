"""A private Redis (or Valkey) that keeps what it is told, on a Unix socket."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from groundwork.redis_address import client_of
from onsale.embedded.binaries import Binaries
from onsale.embedded.child_process import ChildCommand

# A server that is up answers in microseconds; one that is loading says so at once.
PROBE_SECONDS = 1.0
# Redis writes its log to disk when told to end; a slow disk gets this long.
STOP_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class RedisServer:
    """One server, its folder, and the socket on which alone it listens."""

    binaries: Binaries
    data_dir: Path
    socket: Path
    log_path: Path

    name = "redis"

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"unix://{self.socket}"

    async def prepare(self) -> None:
        """Make the folders it needs."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)

    def command(self, held_files: Sequence[int] = ()) -> ChildCommand:
        """Return how to start it: durable to the second, and nothing is ever evicted."""
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data_dir),
            "appendonly": "yes",
            "appendfsync": "everysec",
            # The append-only file has everything; a second copy would only cost memory.
            "save": "",
            # An evicted hold is a seat offered twice.
            "maxmemory-policy": "noeviction",
        }
        arguments = [part for key, value in settings.items() for part in (f"--{key}", value)]
        return ChildCommand(
            name=self.name,
            argv=(str(self.binaries.program), *arguments),
            stop_seconds=STOP_SECONDS,
            log_path=self.log_path,
            held_files=tuple(held_files),
        )

    async def is_ready(self) -> bool:
        """Whether it answers, with its data loaded."""
        return await answers(self.url)


async def answers(url: str) -> bool:
    """Whether the Redis at the address takes commands."""
    client = client_of(url, {"retry": Retry(NoBackoff(), 0), "socket_timeout": PROBE_SECONDS})
    try:
        return bool(await client.ping())
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()
