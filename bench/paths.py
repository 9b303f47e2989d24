"""The paths that answer from memory or with one script call, each against its floor."""

from collections.abc import Iterator
from itertools import cycle

from bench.http_client import closed_loop, connections, request
from bench.installation import Installation
from bench.material import SALE_ID, SEATS_PER_FAN, SEATS_PER_HOLD, Signatures, looks, reserves
from bench.report import Row
from bench.rounds import CONNECTIONS, Contender, Plan, ratio, take_turns
from loadtest.device_key import DeviceKey

# Of the wire's 20 KB: everything that is sent, the head too.
SNAPSHOT_BYTES_MAX = 20 * 1024
# More than any of these paths does on any machine of today; prepared requests that are left over
# cost a little memory.
JOINS_PER_SECOND_MAX = 5_000
WARM_SECONDS_MAX = 30.0


def floor(installation: Installation, name: str, path: str) -> Contender:
    """Return a floor as a contender."""
    port = installation.floor_port
    return Contender(name, port, installation.pid("floors"), cycle([request("GET", path, port)]))


def ours(
    installation: Installation, name: str, requests: Iterator[bytes], status: int = 200
) -> Contender:
    """Return a path of the gateway as a contender."""
    pid = installation.pid("gateway")
    return Contender(name, installation.gateway_port, pid, requests, status)


async def measure_reads(installation: Installation, event_id: str, plan: Plan) -> list[Row]:
    """Measure the status board's poll and the snapshot of 60,000 seats."""
    port = installation.gateway_port
    signatures = Signatures(installation)
    bare = floor(installation, "F1", "/fixed")
    poll = ours(installation, "poll", cycle([request("GET", f"/api/sales/{SALE_ID}/status", port)]))
    snapshot = ours(
        installation, "snapshot", cycle(looks(port, event_id, signatures.passes(CONNECTIONS)))
    )
    await take_turns([bare, poll, snapshot], plan)
    fits = snapshot.answer_bytes <= SNAPSHOT_BYTES_MAX
    return [
        against(poll, bare, 0.8, note="no call to Redis"),
        against(
            snapshot,
            bare,
            0.6,
            note=f"{snapshot.answer_bytes / 1024:.1f} KB on the wire of 20 KB at most",
            is_met=fits,
            wire_bytes=snapshot.answer_bytes,
        ),
    ]


async def measure_writes(
    installation: Installation, event_id: str, seat_ids: list[str], plan: Plan
) -> list[Row]:
    """Measure join and reserve, against one script call and against a lock on rows."""
    port = installation.gateway_port
    signatures = Signatures(installation)
    passes = signatures.passes(len(seat_ids) // SEATS_PER_FAN)
    await warm_up(installation, looks(port, event_id, passes))
    script = floor(installation, "F2", "/script")
    row_lock = floor(installation, "F4", "/row-lock")
    joins = signatures.joins(round(JOINS_PER_SECOND_MAX * plan.total_seconds))
    join = ours(installation, "join", iter(joins), 201)
    reserve = ours(installation, "reserve", iter(reserves(port, event_id, seat_ids, passes)), 201)
    await take_turns([script, join, reserve, row_lock], plan)
    extra = await measure_other_joins(installation, signatures, script, plan)
    return [
        against(join, script, 0.3, note="proof of work of the stock; " + extra),
        against(
            reserve,
            script,
            0.5,
            note=f"{SEATS_PER_HOLD} named seats, pass seen before",
            name="reserve",
        ),
        against(
            reserve, row_lock, 3.0, note="floor: row lock in PostgreSQL", name="reserve_vs_row_lock"
        ),
    ]


async def measure_other_joins(
    installation: Installation, signatures: Signatures, script: Contender, plan: Plan
) -> str:
    """Return what the other kinds of join come to, for the note."""
    short = Plan(max(1, plan.cycles // 2), plan.seconds / 2)
    count = round(JOINS_PER_SECOND_MAX * short.total_seconds)
    bound = ours(installation, "join", iter(signatures.joins(count // 2, device=DeviceKey())), 201)
    unstocked = ours(installation, "join", iter(signatures.joins(count // 2, stocked=False)), 201)
    again = floor(installation, "F2", "/script")
    await take_turns([again, bound, unstocked], short)
    return (
        f"with a device key {ratio(bound, again):.2f}, with the stock of riddles empty"
        f" {ratio(unstocked, again):.2f}"
    )


async def warm_up(installation: Installation, requests: list[bytes]) -> None:
    """Ask everything once, untimed."""
    async with connections(installation.gateway_port, CONNECTIONS) as opened:
        tally = await closed_loop(opened, iter(requests), WARM_SECONDS_MAX)
    assert set(tally.statuses) == {200}, tally.statuses


def against(
    mine: Contender,
    its_floor: Contender,
    budget: float,
    *,
    note: str,
    name: str = "",
    is_met: bool = True,
    **more: float,
) -> Row:
    """Return the row of a path whose budget is a part of a floor."""
    reached = ratio(mine, its_floor)
    return Row(
        path=name or mine.name,
        ours=round(mine.speed, 1),
        floor=round(its_floor.speed, 1),
        ratio=round(reached, 3),
        budget=budget,
        unit="answers/s of one process",
        judged_by="ratio >= budget",
        met=reached >= budget and is_met,
        note=note,
        more={
            "ours_cpu_us": round(mine.cpu, 1),
            "floor_cpu_us": round(its_floor.cpu, 1),
            "ratio_by_cpu": round(its_floor.cpu / mine.cpu, 3),
            **more,
        },
    )
