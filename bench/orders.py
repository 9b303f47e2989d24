"""Whole orders, from a hold to a durable sale, on all cores: how many a second, and what binds."""

import asyncio
import secrets
from statistics import median

import msgspec

from bench.http_client import HEAD_END, Connection, Tally, closed_loop, connections, request
from bench.installation import Installation
from bench.machine import cores, cpu_seconds
from bench.material import SEATS_PER_HOLD, Signatures, reserves
from bench.report import Row
from bench.rounds import CONNECTIONS, Plan

# What we aim at, into one event, on two cores.
ORDERS_PER_SECOND = 1_000
HOLD_SECONDS_MAX = 60.0
PARTS = ("gateway", "gateway-2", "worker", "provider", "postgres", "redis")


async def measure_orders(
    installation: Installation, event_id: str, seat_ids: list[str], plan: Plan
) -> Row:
    """Hold everything first, then pay for it, as many as fit into the plan's rounds."""
    port = installation.gateway_port
    # One order a fan: those of one fan would wait for each other.
    passes = Signatures(installation).passes(len(seat_ids) // SEATS_PER_HOLD)
    requests = reserves(port, event_id, seat_ids, passes, per_fan=1)
    completes = iter(await hold_all(installation, requests, passes))
    rounds: list[Tally] = []
    used = dict.fromkeys(PARTS, 0.0)
    async with connections(port, CONNECTIONS) as opened:
        for number in range(plan.cycles + 1):
            before = {name: cpu_seconds(installation.pid(name)) for name in PARTS}
            tally = await closed_loop(opened, completes, plan.seconds)
            if not tally.count:
                break
            assert set(tally.statuses) == {201}, (tally.statuses, tally.last_body[-500:])
            if number > 0:  # the first is to warm up
                rounds.append(tally)
                for name in PARTS:
                    used[name] += cpu_seconds(installation.pid(name)) - before[name]
    assert rounds, "too few seats for a single round"
    return orders_row(rounds, used)


async def hold_all(
    installation: Installation, requests: list[bytes], passes: list[str]
) -> list[bytes]:
    """Reserve everything, untimed; return one payment for each reservation."""
    port = installation.gateway_port
    completes: list[bytes] = []

    async def hold(connection: Connection, mine: list[tuple[bytes, str]]) -> None:
        for reserve, admission in mine:
            status, answer = await connection.ask(reserve)
            assert status == 201, answer
            held = msgspec.json.decode(answer.partition(HEAD_END)[2])
            completes.append(payment(port, held["reservation_id"], admission))

    wanted = list(zip(requests, passes, strict=True))
    async with connections(port, CONNECTIONS) as opened, asyncio.timeout(HOLD_SECONDS_MAX):
        await asyncio.gather(
            *(hold(one, wanted[number::CONNECTIONS]) for number, one in enumerate(opened))
        )
    return completes


def payment(port: int, reservation_id: str, admission: str) -> bytes:
    """Return the request that pays for a reservation."""
    body = {
        "reservation_id": reservation_id,
        "payment_method": "card_ok",
        "idempotency_key": secrets.token_urlsafe(12),
    }
    return request(
        "POST",
        "/api/bookings/complete",
        port,
        headers=f"Authorization: Bearer {admission}\r\n",
        body=msgspec.json.encode(body),
    )


def orders_row(rounds: list[Tally], used: dict[str, float]) -> Row:
    """Return the row; what binds is what takes most of the cores' time."""
    speed = median(tally.per_second for tally in rounds)
    count = sum(tally.count for tally in rounds)
    together = Tally(latencies=[one for tally in rounds for one in tally.latencies])
    cost = {name: seconds * 1000 / count for name, seconds in used.items()}
    gateways = cost.pop("gateway") + cost.pop("gateway-2")
    parts = sorted({"gateways": gateways, **cost}.items(), key=lambda part: -part[1])
    total = sum(cost_ms for _, cost_ms in parts)
    shares = ", ".join(f"{name} {cost_ms:.2f}" for name, cost_ms in parts)
    p50, p99 = together.percentile_ms(50), together.percentile_ms(99)
    return Row(
        path="complete",
        ours=round(speed, 1),
        floor=ORDERS_PER_SECOND,
        ratio=round(speed / ORDERS_PER_SECOND, 3),
        budget=1.0,
        unit="orders/s; the floor is the aim",
        judged_by="ratio >= budget",
        met=speed >= ORDERS_PER_SECOND,
        note=(
            f"p50 {p50:.0f} ms, p99 {p99:.0f} ms; {parts[0][0]} bind:"
            f" {total:.2f} ms of a core for each order ({shares}), {len(cores())} cores"
        ),
        more={
            "p50_ms": round(p50, 1),
            "p99_ms": round(p99, 1),
            "cpu_ms_per_order": {name: round(cost_ms, 3) for name, cost_ms in parts},
        },
    )
