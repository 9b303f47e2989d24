"""The paths that answer from memory or with one script call, each against its floor."""

import random
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from statistics import median

from bench.checks import measure_checks
from bench.http_client import closed_loop, connections, request
from bench.installation import Installation
from bench.machine import cpu_seconds
from bench.material import SALE_ID, SEATS_PER_FAN, SEATS_PER_HOLD, Signatures, looks, reserves
from bench.report import Row
from bench.rounds import (
    CONNECTIONS,
    Contender,
    Plan,
    ratio,
    ratio_by_clock,
    ratio_with_stores,
    take_turns,
)
from groundwork.postgres import Pool
from loadtest.device_key import DeviceKey

# Of the wire's 20 KB: everything that is sent, the head too.
SNAPSHOT_BYTES_MAX = 20 * 1024
# More than any of these paths does on any machine of today; prepared requests that are left over
# cost a little memory.
JOINS_PER_SECOND_MAX = 7_000
WARM_SECONDS_MAX = 60.0
# Checked without a server, for each second that paths are measured: each takes half a millisecond,
# and signing it beforehand a whole one.
CHECKS_PER_SECOND = 250
# Of the seats on the map, held in no order at all: the worst there is to compress.
HELD_PART = 0.3
SEED = 8113


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


async def measure_reads(
    installation: Installation, event_id: str, seat_ids: list[str], plan: Plan
) -> list[Row]:
    """Measure the status board's poll and the snapshot of a house in the middle of its sale."""
    port = installation.gateway_port
    signatures = Signatures(installation)
    await hold_some(installation, event_id, seat_ids, signatures)
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


async def hold_some(
    installation: Installation, event_id: str, seat_ids: list[str], signatures: Signatures
) -> None:
    """Hold seats here and there, so that the snapshot is not all alike: that would compress to nothing."""
    chosen = random.Random(SEED).sample(seat_ids, round(len(seat_ids) * HELD_PART))
    passes = signatures.passes(len(chosen) // SEATS_PER_FAN)
    await ask_all(installation, reserves(installation.gateway_port, event_id, chosen, passes), 201)


async def measure_writes(
    installation: Installation, pool: Pool, event_id: str, seat_ids: list[str], plan: Plan
) -> list[Row]:
    """Measure join with its bot checks, and reserve, against one script call and a lock on rows."""
    port = installation.gateway_port
    signatures = Signatures(installation)
    passes = signatures.passes(len(seat_ids) // SEATS_PER_FAN)
    # What every browser does before: the pass is known then.
    await ask_all(installation, looks(port, event_id, passes), 200)
    script = floor(installation, "F2", "/script")
    row_lock = floor(installation, "F4", "/row-lock")
    # All that PostgreSQL does is done by children of its; those of Redis copy it for its log.
    row_lock.store_seconds = partial(cpu_seconds, installation.pid("postgres"))
    joins = signatures.joins(round(JOINS_PER_SECOND_MAX * plan.total_seconds))
    join = ours(installation, "join", iter(joins), 201)
    reserve = ours(installation, "reserve", iter(reserves(port, event_id, seat_ids, passes)), 201)
    reserve.store_seconds = partial(cpu_seconds, installation.pid("redis"), with_children=False)
    await take_turns([script, join, reserve, row_lock], plan)
    extra, bound_us = await measure_other_joins(installation, signatures, script, plan)
    checks = round(CHECKS_PER_SECOND * plan.total_seconds)
    return [
        against(join, script, 0.3, note="proof of work of the stock; " + extra),
        *await measure_checks(installation, pool, checks, bound_us),
        against(reserve, script, 0.5, note=f"{SEATS_PER_HOLD} named seats, pass seen before"),
        against_row_lock(reserve, row_lock, 3.0),
    ]


async def measure_other_joins(
    installation: Installation, signatures: Signatures, script: Contender, plan: Plan
) -> tuple[str, float]:
    """Return what the other kinds of join come to, for the note; and what a bound one takes, in µs."""
    short = Plan(max(1, plan.cycles // 2), plan.seconds / 2)
    count = round(JOINS_PER_SECOND_MAX * short.total_seconds)
    bound = ours(installation, "join", iter(signatures.joins(count // 2, device=DeviceKey())), 201)
    unstocked = ours(installation, "join", iter(signatures.joins(count, stocked=False)), 201)
    again = floor(installation, "F2", "/script")
    await take_turns([again, bound, unstocked], short)
    told = (
        f"with a device key {ratio(bound, again):.2f}, with the stock of riddles empty"
        f" {ratio(unstocked, again):.2f}"
    )
    return told, bound.cpu


async def ask_all(installation: Installation, requests: list[bytes], status: int) -> None:
    """Ask everything once, untimed."""
    async with connections(installation.gateway_port, CONNECTIONS) as opened:
        tally = await closed_loop(opened, iter(requests), WARM_SECONDS_MAX)
    assert tally.statuses == {status: len(requests)}, (tally.statuses, tally.last_body[-300:])


def against(
    mine: Contender,
    its_floor: Contender,
    budget: float,
    *,
    note: str,
    is_met: bool = True,
    **more: float,
) -> Row:
    """Return the row of a path whose budget is a part of a floor, by the server's time of a core."""
    reached = ratio(mine, its_floor)
    return Row(
        path=mine.name,
        ours=round(1_000_000 / mine.cpu),
        floor=round(1_000_000 / its_floor.cpu),
        ratio=round(reached, 3),
        budget=budget,
        unit="answers for each second of the server's core",
        judged_by="ratio >= budget",
        met=reached >= budget and is_met,
        note=f"{mine.cpu:.0f} µs of {its_floor.name}'s {its_floor.cpu:.0f}; {note}",
        more={**by_clock(mine, its_floor), **more},
    )


def against_row_lock(mine: Contender, its_floor: Contender, budget: float) -> Row:
    """Return the row of reserve against F4, by the time of all cores: most of a row lock is the store's."""
    reached = ratio_with_stores(mine, its_floor)
    return Row(
        path="reserve_vs_row_lock",
        ours=round(1_000_000 / (mine.cpu + mine.store)),
        floor=round(1_000_000 / (its_floor.cpu + its_floor.store)),
        ratio=round(reached, 3),
        budget=budget,
        unit="answers for each second of a core, server's and store's together",
        judged_by="ratio >= budget",
        met=reached >= budget,
        note=(
            f"{its_floor.name}: SELECT FOR UPDATE, UPDATE, INSERT in a transaction: {its_floor.cpu:.0f} µs"
            f" and PostgreSQL's {its_floor.store:.0f}; ours {mine.cpu:.0f} µs and Redis' {mine.store:.0f};"
            f" by the clock {mine.speed:,.0f}/s are {ratio_by_clock(mine, its_floor):.2f} of"
            f" {its_floor.speed:,.0f}/s"
        ),
        more=by_clock(mine, its_floor),
    )


def by_clock(mine: Contender, its_floor: Contender) -> dict[str, float]:
    """Return what else was measured of a pair."""
    return {
        "ours_per_second": round(mine.speed, 1),
        "floor_per_second": round(its_floor.speed, 1),
        "ratio_by_clock": round(ratio_by_clock(mine, its_floor), 3),
        "ours_cpu_us": round(mine.cpu, 1),
        "floor_cpu_us": round(its_floor.cpu, 1),
        "p99_ms": round(median(mine.p99_ms), 2),
    }
