"""A Redis that a test may kill."""

import os
import signal
from pathlib import Path

from groundwork.clock import SystemClock
from onsale.embedded.binaries import find_redis
from onsale.embedded.child_process import ChildProcess
from onsale.embedded.redis_server import RedisServer
from onsale.embedded.running import wait_until_ready


class PrivateRedis:
    """A Redis of this test's own, with its append-only file, to be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.server = RedisServer(
            binaries=find_redis(), data_dir=folder / "data", socket=folder / "r.sock",
            log_path=folder / "redis.log",
        )  # fmt: skip
        self._process: ChildProcess | None = None

    async def start(self) -> None:
        """Start it, also after a kill, and wait until it has read its file."""
        await self.server.prepare()
        self._process = await ChildProcess.start(self.server.command())
        await wait_until_ready(self._process, self.server.is_ready, SystemClock())

    def file_sizes(self) -> dict[Path, int]:
        """How much of its files there is now."""
        return {path: path.stat().st_size for path in self._files()}

    def forget_since(self, sizes: dict[Path, int]) -> None:
        """Take away what was written since, as when the machine's power is cut before it is on disk."""
        for path in self._files():
            os.truncate(path, sizes.get(path, 0))

    def _files(self) -> list[Path]:
        return [path for path in self.server.data_dir.rglob("*") if path.is_file()]

    async def kill(self) -> None:
        """End it in the middle of whatever it does."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def stop(self) -> None:
        """End it for good."""
        if self._process is not None:
            await self._process.stop()
