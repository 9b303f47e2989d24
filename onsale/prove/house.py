"""The house that is proved: every server and process of ours, started apart on free ports."""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from redis.asyncio import Redis

from groundwork.clock import Clock
from groundwork.keys import KeyRing
from groundwork.migrate import migrate, read_migrations
from groundwork.postgres import Pool, open_pool
from groundwork.redis_store import connect
from groundwork.tokens import Tokens
from onsale.data_dir import DataDir, opened_data_dir
from onsale.embedded.child_process import ChildCommand
from onsale.embedded.postgres_server import DATABASE, OWNER, PORT, PostgresServer
from onsale.embedded.redis_server import RedisServer
from onsale.ports import LOOPBACK, reserve_port
from onsale.prove.clocks import CLOCK_VARIABLE
from onsale.prove.effects import ARMED_VARIABLE
from onsale.prove.machinery import Machine, kept_alive, stop_all
from onsale.prove.wire import Wire
from onsale.stores import Stores, find_stores
from onsale.up import STOP_SECONDS, UpOptions, answering, environment

GATEWAYS = 2
# A sale in small, so that holds and payments run out many times in a run of some minutes.
SHORT_TIMES = {
    "HOLD_MS": "5000",
    "EXTEND_MS": "3000",
    "PAYMENT_MS": "9000",
    # A slow bank is slower than any answer; a silent one is silent for longer than we wait (8 s).
    "PRACTICE_SLOW_MS": "3000",
    "PRACTICE_SETTLES_MS": "500",
    "PRACTICE_SILENCE_MS": "9000",
    # Whatever is told is told twice; who listens must not mind.
    "PRACTICE_WEBHOOK_COPIES": "2",
}
# Every second gateway's and worker's log line would be a refusal that the run provokes.
LOG_LEVEL = "WARNING"


@dataclass
class House:
    """Everything that runs, and how to reach it past the wires."""

    clock: Clock
    data_dir: DataDir
    machines: dict[str, Machine]
    wires: dict[str, Wire]
    gateway_urls: list[str]
    provider_url: str
    provider_key: str
    ring: KeyRing
    tokens: Tokens
    redis_server: RedisServer
    # Past the wires: for making events, for faults, and for the ending.
    pool: Pool
    redis: Redis
    # Names the effect at which whoever comes to it next dies; see effects.py.
    armed: Path
    gateway_names: list[str] = field(default_factory=list)

    @property
    def revivals(self) -> int:
        """How often something ended that nobody had ended."""
        return sum(machine.revivals for machine in self.machines.values())

    def clock_file(self, name: str) -> Path:
        """Return the file that says how wrong a machine's clock is; see clocks.py."""
        return clock_file(self.data_dir, name)


@asynccontextmanager
async def open_house(folder: Path, clock: Clock) -> AsyncIterator[House]:
    """Yield a running house in an empty folder; nothing of it runs afterwards."""
    async with AsyncExitStack() as stack:
        data_dir = await stack.enter_async_context(opened_data_dir(folder, clock))
        redis_server, postgres = find_stores(data_dir, {}).servers
        assert isinstance(redis_server, RedisServer)
        assert isinstance(postgres, PostgresServer)
        machines: list[Machine] = []
        stack.push_async_callback(stop_all, machines)
        for server in (redis_server, postgres):
            await server.prepare()
            machines.append(Machine(server.command((data_dir.lock,)), clock, server.is_ready))
            await machines[-1].start()
        await migrate(postgres.url, read_migrations(resources.files("migrations")))
        ports = [
            stack.enter_context(reserve_port(LOOPBACK, 0, "port")).getsockname()[1]
            for _ in range(GATEWAYS + 1)
        ]
        wires = {
            "redis": Wire(clock, redis_server.socket),
            "postgres": Wire(clock, postgres.socket_dir / f".s.PGSQL.{PORT}"),
            "provider": Wire(clock, (LOOPBACK, ports[-1])),
        }
        for wire in wires.values():
            await stack.enter_async_context(wire.laid())
        armed = data_dir.path / "armed"
        environ = told(data_dir, ports, wires, armed)
        machines += own_machines(data_dir, ports, environ, clock)
        for machine in machines[2:]:
            # The second worker is a fault of its own.
            if machine.name != "worker-2":
                await machine.start()
        pool = await stack.enter_async_context(open_pool(postgres.url, application="prove"))
        redis = connect(redis_server.url)
        ring = KeyRing.load(data_dir.keys_file)
        stack.push_async_callback(redis.aclose)
        await stack.enter_async_context(kept_alive(machines, clock))
        yield House(
            clock=clock,
            data_dir=data_dir,
            machines={machine.name: machine for machine in machines},
            wires=wires,
            gateway_urls=[f"http://{LOOPBACK}:{port}" for port in ports[:-1]],
            provider_url=f"http://{LOOPBACK}:{ports[-1]}",
            provider_key=environ["PAYMENTS_SECRET_KEY"],
            ring=ring,
            tokens=Tokens(ring, clock),
            redis_server=redis_server,
            pool=pool,
            redis=redis,
            armed=armed,
            gateway_names=[machine.name for machine in machines if "gateway" in machine.name],
        )


def told(
    data_dir: DataDir, ports: list[int], wires: dict[str, Wire], armed: Path
) -> dict[str, str]:
    """Return what our processes are told: that the stores and the provider are at our wires' ends."""
    options = UpOptions(
        host=LOOPBACK,
        port=ports[0],
        operator_port=0,
        provider_port=ports[-1],
        data_dir=data_dir.path,
        workers=GATEWAYS,
        is_demo=False,
    )
    redis_url = f"redis://{LOOPBACK}:{wires['redis'].port}"
    database = f"{LOOPBACK}:{wires['postgres'].port}/{DATABASE}"
    database_url = f"postgresql://{OWNER}@{database}?sslmode=disable&gssencmode=disable"
    stores = Stores(redis_url, database_url, (), ("", ""))
    environ = environment(options, {}, data_dir, stores, data_dir.run / "metrics")
    return {
        **environ,
        **SHORT_TIMES,
        "PAYMENT_PROVIDER_URL": f"http://{LOOPBACK}:{wires['provider'].port}",
        "LOG_LEVEL": LOG_LEVEL,
        ARMED_VARIABLE: str(armed),
        # Each fan of the line comes from an address of their own, as a proxy tells it.
        "TRUSTED_PROXIES": LOOPBACK,
    }


def clock_file(data_dir: DataDir, name: str) -> Path:
    """Return the file that says how wrong a machine's clock is."""
    return data_dir.path / f"clock-{name}"


def own_machines(
    data_dir: DataDir, ports: list[int], environ: dict[str, str], clock: Clock
) -> list[Machine]:
    """Return our own processes in the order they start."""

    def machine(name: str, *arguments: str, answers_at: str = "") -> Machine:
        command = ChildCommand(
            name=name,
            argv=(sys.executable, "-P", "-m", "onsale.prove.mortal", *arguments),
            environ={**environ, CLOCK_VARIABLE: str(clock_file(data_dir, name))},
            stop_seconds=STOP_SECONDS,
            log_path=data_dir.logs / f"{name}.log",
            held_files=(data_dir.lock,),
        )
        return Machine(command, clock, answering(answers_at) if answers_at else None)

    provider_url = f"http://{LOOPBACK}:{ports[-1]}"
    return [
        machine(
            "provider", *("provider", "--port", str(ports[-1])),
            answers_at=f"{provider_url}/health/live",
        ),
        machine("worker", "worker"),
        machine("worker-2", "worker"),
        *(
            machine(
                f"gateway-{number}", *("gateway", "--host", LOOPBACK, "--port", str(port)),
                answers_at=f"http://{LOOPBACK}:{port}/.well-known/jwks.json",
            )
            for number, port in enumerate(ports[:-1], start=1)
        ),
    ]  # fmt: skip
