"""Faults of clocks: one of our processes believes that it is earlier or later than it is."""

from onsale.prove.faults import Harm, fault

# Within what tokens forgive (thirty seconds): nobody may notice. Beyond it a pass is refused, which
# is right and no fault of the sale.
FORGIVEN_MS = 25_000
# What the worker believes decides nothing at all: deadlines are PostgreSQL's, ends of holds Redis's.
ANY_MS = 3_600_000
WRONG_FOR_MS = (3_000, 8_000)


async def stepped(harm: Harm, name: str, offset_ms: int) -> str:
    """Put a process's clock wrong, and right again later: a step each time, one of them back."""
    machine = harm.machine(name)
    file = harm.house.clock_file(machine.name)
    file.write_text(str(offset_ms), "ascii")
    try:
        await harm.last(WRONG_FOR_MS)
    finally:
        file.unlink(missing_ok=True)
    return f"{machine.name}, {offset_ms / 1000:+.0f} s"


@fault("gateway-clock-stepped")
async def gateway_clock_stepped(harm: Harm) -> str:
    """A gateway's clock jumps, by as much as our tokens forgive."""
    return await stepped(harm, "gateway", harm.rng.choice((-FORGIVEN_MS, FORGIVEN_MS)))


@fault("worker-clock-stepped")
async def worker_clock_stepped(harm: Harm) -> str:
    """The worker's clock jumps by an hour: no seat is let go early, no payment too late."""
    return await stepped(harm, "worker", harm.rng.choice((-ANY_MS, ANY_MS)))
