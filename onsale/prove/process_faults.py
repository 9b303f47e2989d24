"""Faults of processes: killed, frozen, stopped, dead for long, or there twice."""

import contextlib
import os
import signal

from onsale.prove.effects import effect_names
from onsale.prove.faults import AWAY_MS, PAST_DEADLINE_MS, Harm, NotFired, fault

FROZEN_MS = (500, 6_000)
# An armed effect that nobody comes to within this is one that this run has no use for.
DEATHS_WITHIN_MS = 10_000
# Deaths at effects for each time this fault is drawn: they are many, and each is short.
DEATHS = 4


async def killed(harm: Harm, name: str, number: signal.Signals = signal.SIGKILL) -> str:
    """End a process and start it again a moment later."""
    machine = harm.machine(name)
    pid = machine.pid
    try:
        await machine.kill(number)
        await harm.last((0, AWAY_MS[1]))
    finally:
        await machine.start()
    return f"{machine.name}, process {pid}, {number.name}"


async def frozen(harm: Harm, name: str, length_ms: tuple[int, int] = FROZEN_MS) -> str:
    """Stop a process in whatever it does, and let it go on later."""
    machine = harm.machine(name)
    machine.freeze()
    try:
        await harm.last(length_ms)
    finally:
        machine.thaw()
    return machine.name


@fault("gateway-killed")
async def gateway_killed(harm: Harm) -> str:
    """A gateway is gone at once, with all that it had in its hands."""
    return await killed(harm, "gateway")


@fault("gateway-restarted")
async def gateway_restarted(harm: Harm) -> str:
    """A gateway is told to stop, as by a deployment, and finishes what is under way."""
    return await killed(harm, "gateway", signal.SIGTERM)


@fault("gateway-frozen")
async def gateway_frozen(harm: Harm) -> str:
    """A gateway stands still for some seconds, as by a swapping machine."""
    return await frozen(harm, "gateway")


@fault("gateway-frozen-past-deadline")
async def gateway_frozen_past_deadline(harm: Harm) -> str:
    """A gateway wakes up when what it was about to pay for has long been given to others."""
    return await frozen(harm, "gateway", (PAST_DEADLINE_MS, PAST_DEADLINE_MS + 2_000))


@fault("all-gateways-killed")
async def all_gateways_killed(harm: Harm) -> str:
    """No gateway is left for a moment."""
    machines = [harm.house.machines[name] for name in harm.house.gateway_names]
    try:
        for machine in machines:
            await machine.kill()
        await harm.last((0, 2_000))
    finally:
        for machine in machines:
            await machine.start()
    return f"{len(machines)} gateways"


@fault("crash-at-effect")
async def crash_at_effect(harm: Harm) -> str:
    """Whoever comes to an effect next dies just before or just after it."""
    died: list[str] = []
    for moment in harm.rng.sample(effect_names(), len(effect_names())):
        if len(died) == DEATHS:
            break
        harm.house.armed.write_text(moment, "ascii")
        try:
            await harm.until(lambda: not harm.house.armed.exists(), DEATHS_WITHIN_MS // DEATHS)
        except NotFired:
            harm.house.armed.unlink(missing_ok=True)
            continue
        died.append(moment)
    if not died:
        raise NotFired
    return "; ".join(died)


@fault("worker-killed")
async def worker_killed(harm: Harm) -> str:
    """The worker is gone in the middle of its rounds."""
    return await killed(harm, "worker")


@fault("worker-frozen")
async def worker_frozen(harm: Harm) -> str:
    """The worker stands still with its leases and locks in its hands."""
    return await frozen(harm, "worker")


@fault("worker-away")
async def worker_away(harm: Harm) -> str:
    """Nobody sweeps, rescues, captures or reconciles for a long while."""
    machine = harm.machine("worker")
    try:
        await machine.kill()
        await harm.last((8_000, 14_000))
    finally:
        await machine.start()
    return machine.name


@fault("two-workers")
async def two_workers(harm: Harm) -> str:
    """Two workers do the same rounds at once; then the second one is killed."""
    machine = harm.machine("worker-2")
    await machine.start()
    try:
        await harm.last((5_000, 9_000))
    finally:
        await machine.kill()
    return machine.name


@fault("provider-killed")
async def provider_killed(harm: Harm) -> str:
    """The provider is gone, with webhooks under way."""
    return await killed(harm, "provider")


@fault("provider-frozen")
async def provider_frozen(harm: Harm) -> str:
    """The provider stands still for longer than we wait for it."""
    return await frozen(harm, "provider", (6_000, 10_000))


@fault("redis-killed")
async def redis_killed(harm: Harm) -> str:
    """Redis is killed, and comes back with what its log on the disk has."""
    return await killed(harm, "redis")


@fault("redis-restarted")
async def redis_restarted(harm: Harm) -> str:
    """Redis is told to stop, and comes back."""
    return await killed(harm, "redis", signal.SIGTERM)


@fault("redis-frozen")
async def redis_frozen(harm: Harm) -> str:
    """Redis stands still, and then answers what nobody waits for any more."""
    return await frozen(harm, "redis")


@fault("postgres-crashed")
async def postgres_crashed(harm: Harm) -> str:
    """PostgreSQL ends at once and recovers from its log."""
    return await killed(harm, "postgres", signal.SIGQUIT)


@fault("postgres-frozen")
async def postgres_frozen(harm: Harm) -> str:
    """The processes that serve our connections stand still."""
    async with harm.house.pool.connection() as connection:
        cursor = await connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND application_name <> 'prove'"
        )
        pids = [int(str(row[0])) for row in await cursor.fetchall()]
    signal_all(pids, signal.SIGSTOP)
    try:
        await harm.last((500, 5_000))
    finally:
        signal_all(pids, signal.SIGCONT)
    return f"{len(pids)} connections"


@fault("power-cut")
async def power_cut(harm: Harm) -> str:
    """Everything of ours is gone in one moment, stores included; the provider is elsewhere."""
    names = [name for name in harm.house.machines if name not in ("provider", "worker-2")]
    machines = [harm.house.machines[name] for name in names]
    try:
        for machine in machines:
            number = signal.SIGQUIT if machine.name == "postgres" else signal.SIGKILL
            await machine.kill(number)
        await harm.last((0, 1_500))
    finally:
        for machine in machines:
            await machine.start()
    return ", ".join(names)


def signal_all(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to each process that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
