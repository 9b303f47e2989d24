"""`onsale up`: the whole system on one machine, out of one data directory."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from importlib import resources
from pathlib import Path

import aiohttp
import msgspec

from booking_core.practice_provider.settings import ProviderSettings
from booking_core.settings import CoreSettings
from gateway.edge.hosts import host_in
from gateway.operator.settings import OperatorSettings
from gateway.origin.settings import OriginSettings
from gateway.settings import GatewaySettings
from groundwork.clock import Clock, SystemClock
from groundwork.keys import KeyRing
from groundwork.mail_settings import MailSettings
from groundwork.metrics import forget_process, prepare_multiprocess_dir
from groundwork.migrate import migrate, read_migrations
from groundwork.postgres import open_pool
from onsale.cannot_start import CannotStart
from onsale.data_dir import DataDir, RunFile, opened_data_dir
from onsale.demo import create_demo
from onsale.embedded.child_process import ChildCommand
from onsale.first_login import make_first_login
from onsale.ports import LOOPBACK, reserve_port
from onsale.practice_mail import practice_mail
from onsale.settings import Settings, read_all
from onsale.stores import Stores, find_stores
from onsale.supervisor import GaveUp, Service, Supervisor
from onsale.up_options import UpOptions

# Gateways answer what is under way before they end; see roots.SHUTDOWN_SECONDS.
STOP_SECONDS = 15.0
PROBE_SECONDS = 1.0


async def up(
    options: UpOptions, environ: Mapping[str, str], tell: Callable[[RunFile, Stores, bool], None]
) -> None:
    """Run everything until told to stop. `tell` is called once all of it answers.

    Raises CannotStart, or GaveUp when a part cannot be kept alive. Nothing is left running.
    """
    clock = SystemClock()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with reserved_ports(options), opened_data_dir(options.data_dir, clock) as data_dir:
        stores = find_stores(data_dir, environ)
        metrics_dir = data_dir.run / "metrics"
        supervisor = Supervisor(clock, lambda pid: forget_process(pid, metrics_dir))
        async with stopping(supervisor):
            starting = asyncio.create_task(
                start_all(options, environ, data_dir, stores, supervisor, metrics_dir)
            )
            try:
                await first_of(starting, stopped.wait())
            except CannotStart:
                # A terminal's Ctrl-C ends what is being started, too; that is no failure of it.
                if not stopped.is_set():
                    raise
            if stopped.is_set():
                return
            run_file, is_new = starting.result()
            tell(run_file, stores, is_new)
            watching = asyncio.create_task(keep_run_file(supervisor, data_dir, run_file, clock))
            try:
                await first_of(supervisor.wait(), stopped.wait())
            finally:
                watching.cancel()


async def first_of(*works: Awaitable[object]) -> None:
    """Return when one of them has ended, with its exception if it has one; the others are ended."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def stopping(supervisor: Supervisor) -> AsyncIterator[None]:
    """Stop all children on the way out, whatever the way; a second Ctrl-C hurries them."""
    try:
        yield
    finally:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, supervisor.hurry)
        await supervisor.stop()


@asynccontextmanager
async def reserved_ports(options: UpOptions) -> AsyncIterator[None]:
    """Keep our ports for our children during the block. Raises CannotStart for a taken one."""
    wanted = [
        (options.host, options.port, "--port"),
        (LOOPBACK, options.operator_port, "--operator-port"),
        (LOOPBACK, options.provider_port, "--provider-port"),
    ]
    if options.redirect_port is not None:
        wanted.append((options.host, options.redirect_port, "--redirect-port"))
    with ExitStack() as stack:
        for host, port, option in wanted:
            stack.enter_context(reserve_port(host, port, option))
        yield


async def start_all(
    options: UpOptions,
    environ: Mapping[str, str],
    data_dir: DataDir,
    stores: Stores,
    supervisor: Supervisor,
    metrics_dir: Path,
) -> tuple[RunFile, bool]:
    """Start stores, migrate, start the rest; return what runs and whether the demo is new.

    Raises SettingsError, MigrationError or CannotStart; what was started is the supervisor's.
    """
    child_environ = environment(options, environ, data_dir, stores, metrics_dir)
    # Every part would refuse a wrong one; better before any of them is started.
    read_all(
        child_environ,
        Settings,
        GatewaySettings,
        MailSettings,
        OriginSettings,
        OperatorSettings,
        CoreSettings,
        ProviderSettings,
    )
    for server in stores.servers:
        await server.prepare()
    await supervisor.start(
        *(
            Service(server.command((data_dir.lock,)), is_ready=server.is_ready)
            for server in stores.servers
        )
    )
    await stores.prove_redis()
    await migrate(stores.database_url, read_migrations(resources.files("migrations")))
    is_new = False
    if options.is_demo:
        async with open_pool(stores.database_url, size_max=2) as pool:
            is_new = await create_demo(pool, SystemClock())
    is_new_login = await make_first_login(stores.database_url, data_dir.login_file)
    for stage in stages(options, data_dir, child_environ):
        await supervisor.start(*stage)
    run_file = RunFile(
        pid=os.getpid(),
        redis_url=stores.redis_url,
        database_url=stores.database_url,
        keys_file=str(data_dir.keys_file),
        gateway_url=options.gateway_url,
        operator_url=options.operator_url,
        provider_url=options.provider_url,
        provider_key=child_environ["PAYMENTS_SECRET_KEY"],
        pids=supervisor.pids,
        login_file=str(data_dir.login_file) if is_new_login else "",
        mail_folder=child_environ.get("MAIL_FOLDER", ""),
    )
    data_dir.write_running(run_file)
    return run_file, is_new


def environment(
    options: UpOptions,
    environ: Mapping[str, str],
    data_dir: DataDir,
    stores: Stores,
    metrics_dir: Path,
) -> dict[str, str]:
    """Return what our processes are told; secrets come from the key file, made if need be."""
    if not data_dir.keys_file.exists():
        KeyRing.generate(data_dir.keys_file)
    secret = KeyRing.load(data_dir.keys_file).secret(b"practice payments").hex()
    public_url = environ.get("PUBLIC_URL") or (options.gateway_url if options.has_tls else "")
    return {
        **environ,
        **prepare_multiprocess_dir(metrics_dir),
        "REDIS_URL": stores.redis_url,
        "DATABASE_URL": stores.database_url,
        "KEYS_FILE": str(data_dir.keys_file),
        "PUBLIC_HOST": options.host,
        # We ask our own gateways, and so does the practice provider, by number.
        "HOSTS": ",".join(filter(None, [environ.get("HOSTS"), host_in(options.near_url)])),
        "PUBLIC_URL": public_url,
        "TLS_CERTIFICATE": options.tls_certificate,
        "TLS_KEY": options.tls_key,
        "PRACTICE_WEBHOOK_CERTIFICATE": options.tls_certificate,
        "PUBLIC_PORT": str(options.port),
        "SHOP_URL": environ.get("SHOP_URL") or public_url or options.gateway_url,
        "PAYMENT_PROVIDER": "practice",
        "PAYMENT_PROVIDER_URL": options.provider_url,
        "PAYMENTS_SECRET_KEY": f"sk_practice_{secret[:32]}",
        "PAYMENTS_WEBHOOK_SECRET": f"whsec_practice_{secret[32:]}",
        "PRACTICE_JOURNAL_PATH": str(data_dir.path / "practice-provider.jsonl"),
        "PRACTICE_WEBHOOK_URL": f"{options.near_url}/webhooks/payments/practice",
        **({} if environ.get("SMTP_URL") else practice_mail(environ, data_dir.path)),
    }


def stages(
    options: UpOptions, data_dir: DataDir, environ: Mapping[str, str]
) -> tuple[list[Service], ...]:
    """Return our own processes in the order they start; they stop in the reverse one."""

    def service(name: str, *arguments: str, is_ready_at: str = "") -> Service:
        command = ChildCommand(
            name=name,
            # -P: a folder named `gateway` where somebody happens to stand is not our gateway.
            argv=(sys.executable, "-P", "-m", "onsale", *arguments),
            environ=environ,
            stop_seconds=STOP_SECONDS,
            log_path=data_dir.logs / f"{name}.log",
            held_files=(data_dir.lock,),
        )
        return Service(command, is_ready=answering(is_ready_at) if is_ready_at else None)

    provider = service(
        "provider",
        *("provider", "--port", str(options.provider_port)),
        is_ready_at=f"{options.provider_url}/health/live",
    )
    gateways = [
        service(
            f"gateway-{number}",
            *("gateway", "--host", options.host, "--port", str(options.port)),
            *options.redirect_arguments,
            is_ready_at=f"{options.near_url}/.well-known/jwks.json",
        )
        for number in range(1, options.workers + 1)
    ]
    operator = service(
        "operator",
        *("operator", "--port", str(options.operator_port)),
        is_ready_at=f"{options.operator_url}/health/ready",
    )
    # Stopped in reverse: gateways finish what is under way, then the worker what came of it.
    return [provider], [service("worker", "worker")], [*gateways, operator]


def answering(url: str) -> Callable[[], Awaitable[bool]]:
    """Return a check that the address answers 200."""

    async def check() -> bool:
        timeout = aiohttp.ClientTimeout(total=PROBE_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                # Our own process, by number: whatever its certificate is for.
                session.get(url, ssl=False) as answer,
            ):
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    return check


async def keep_run_file(
    supervisor: Supervisor, data_dir: DataDir, run_file: RunFile, clock: Clock
) -> None:
    """Keep the process ids in the run file true while children are started again."""
    pids = run_file.pids
    while True:
        await clock.sleep_ms(200)
        if supervisor.pids != pids:
            pids = supervisor.pids
            data_dir.write_running(msgspec.structs.replace(run_file, pids=pids))


__all__ = ["GaveUp", "Stores", "UpOptions", "up"]
