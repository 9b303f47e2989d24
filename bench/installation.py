"""A whole installation for the bench alone: private stores and our own processes, in a temporary folder."""

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from bench.http_client import answers
from bench.machine import cores, pin
from groundwork.clock import SystemClock
from groundwork.keys import KeyRing
from groundwork.metrics import prepare_multiprocess_dir
from groundwork.migrate import migrate, read_migrations
from onsale.embedded.binaries import find_postgres, find_redis
from onsale.embedded.child_process import ChildCommand, ChildProcess
from onsale.embedded.postgres_server import PostgresServer
from onsale.embedded.redis_server import RedisServer
from onsale.embedded.running import Server, wait_until_ready

# Secrets of a provider without money, for an installation that lives some minutes.
PROVIDER_KEY = "sk_practice_bench_0123456789"
WEBHOOK_SECRET = "whsec_practice_bench_0123456789"
# Answers what is under way and ends; nobody waits for more.
STOP_SECONDS = 15.0


def free_port() -> int:
    """Return a port of this machine that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Installation:
    """The stores, and our processes by name as they are started."""

    folder: Path
    ring: KeyRing
    redis_url: str
    database_url: str
    processes: dict[str, ChildProcess]
    gateway_port: int = field(default_factory=free_port)
    provider_port: int = field(default_factory=free_port)
    floor_port: int = field(default_factory=free_port)

    @property
    def metrics_dir(self) -> Path:
        """Where all processes keep their numbers."""
        return self.folder / "metrics"

    def pid(self, name: str) -> int:
        """Return the process id of what was started under this name."""
        return self.processes[name].pid

    def environ(self) -> dict[str, str]:
        """Return the settings of `onsale up`, for these stores and ports."""
        return {
            **os.environ,
            "PROMETHEUS_MULTIPROC_DIR": str(self.metrics_dir),
            "REDIS_URL": self.redis_url,
            "DATABASE_URL": self.database_url,
            "KEYS_FILE": str(self.folder / "keys.json"),
            "SHOP_URL": f"http://localhost:{self.gateway_port}",
            # The client says from where its fans come: they have not all one address.
            "TRUSTED_PROXIES": "127.0.0.1",
            "PAYMENT_PROVIDER_URL": f"http://127.0.0.1:{self.provider_port}",
            "PAYMENTS_SECRET_KEY": PROVIDER_KEY,
            "PAYMENTS_WEBHOOK_SECRET": WEBHOOK_SECRET,
            # Nobody asks for challenges here; making a full stock would disturb the first seconds.
            "RIDDLES_MAX": "16",
            "PRACTICE_JOURNAL_PATH": str(self.folder / "provider.jsonl"),
            "PRACTICE_WEBHOOK_URL": (
                f"http://127.0.0.1:{self.gateway_port}/webhooks/payments/practice"
            ),
        }

    @asynccontextmanager
    async def process(
        self,
        name: str,
        *arguments: str,
        ready_at: tuple[int, str] | None = None,
        core: int | None = None,
        **environ: str,
    ) -> AsyncIterator[ChildProcess]:
        """Run `python -m <arguments>` while the block runs, on one core if asked."""
        command = ChildCommand(
            name=name,
            argv=(sys.executable, "-m", *arguments),
            environ={**self.environ(), **environ},
            stop_seconds=STOP_SECONDS,
            log_path=self.folder / f"{name}.log",
        )
        process = await ChildProcess.start(command)
        try:
            if ready_at is not None:
                await wait_until_ready(process, lambda: answers(*ready_at), SystemClock())
            if core is not None:
                pin(process.pid, [core])
            self.processes[name] = process
            yield process
        finally:
            self.processes.pop(name, None)
            await process.stop()

    @asynccontextmanager
    async def gateway(self, name: str = "gateway", core: int | None = None) -> AsyncIterator[None]:
        """Run one gateway process."""
        port = self.gateway_port
        async with self.process(
            name,
            *("onsale", "gateway", "--host", "127.0.0.1", "--port", str(port)),
            ready_at=(port, "/.well-known/jwks.json"),
            core=core,
        ):
            yield

    @asynccontextmanager
    async def provider(self) -> AsyncIterator[None]:
        """Run the practice payment provider."""
        port = self.provider_port
        ready_at = (port, "/health/live")
        async with self.process(
            "provider", "onsale", "provider", "--port", str(port), ready_at=ready_at
        ):
            yield

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        """Run the worker."""
        async with self.process("worker", "onsale", "worker"):
            yield

    @asynccontextmanager
    async def floors(
        self, core: int | None = None, *, name: str = "floors", port: int | None = None
    ) -> AsyncIterator[None]:
        """Run the server of the floors."""
        port = port or self.floor_port
        async with self.process(
            name,
            *("bench.floor_server", str(port), self.redis_url, self.database_url),
            ready_at=(port, "/fixed"),
            core=core,
        ):
            yield


@asynccontextmanager
async def installed() -> AsyncIterator[Installation]:
    """Yield an empty, migrated installation of which only the stores run; removes all of it after."""
    # A short path that other users may pass: PostgreSQL does not run as root.
    folder = Path(tempfile.mkdtemp(prefix="onsale-bench-"))
    folder.chmod(0o755)
    redis = RedisServer(
        binaries=find_redis(),
        data_dir=folder / "redis",
        socket=folder / "redis.sock",
        log_path=folder / "redis.log",
    )
    postgres = PostgresServer.find(
        find_postgres(),
        data_dir=folder / "postgres",
        socket_dir=folder / "pg",
        log_path=folder / "postgres.log",
    )
    try:
        async with AsyncExitStack() as stack:
            processes = {
                server.name: await stack.enter_async_context(_running(server))
                for server in (redis, postgres)
            }
            await migrate(postgres.url, read_migrations(resources.files("migrations")))
            ring = KeyRing.generate(folder / "keys.json")
            prepare_multiprocess_dir(folder / "metrics")
            yield Installation(folder, ring, redis.url, postgres.url, dict(processes))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def _running(server: Server) -> AsyncIterator[ChildProcess]:
    await server.prepare()
    process = await ChildProcess.start(server.command())
    try:
        await wait_until_ready(process, server.is_ready, SystemClock())
        yield process
    finally:
        await process.stop()


def server_core() -> int | None:
    """Return the core for the server that is measured; None when there is only one for all."""
    return cores()[0] if len(cores()) > 1 else None


def other_core() -> int | None:
    """Return the core for the client and Redis, so that they do not take the server's."""
    return cores()[1] if len(cores()) > 1 else None
