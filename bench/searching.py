"""Search at a steady rate over a large catalogue, each request at its moment whatever came before."""

from itertools import cycle

from bench.http_client import Tally, connections, open_loop, request
from bench.installation import Installation
from bench.machine import cpu_seconds
from bench.material import searches
from bench.report import Row
from bench.rounds import CONNECTIONS

P99_MS_MAX = 20.0
REQUESTS_PER_SECOND = 500
# A gateway that has just started opens the lines of a hundred sales and asks what is left of each event.
WARM_SECONDS = 8.0


async def measure_search(installation: Installation, events: int, seconds: float) -> Row:
    """Measure the time of searches that hardly repeat, against the bare framework at that rate."""
    queries = cycle(searches(installation.gateway_port))
    pid = installation.pid("gateway")
    async with (
        connections(installation.floor_port, CONNECTIONS) as bare,
        connections(installation.gateway_port, CONNECTIONS) as opened,
    ):
        fixed = cycle([request("GET", "/fixed", installation.floor_port)])
        floor = await open_loop(bare, fixed, REQUESTS_PER_SECOND, seconds / 2)
        await open_loop(opened, queries, REQUESTS_PER_SECOND, min(WARM_SECONDS, 4 * seconds))
        used, asked = cpu_seconds(pid), cpu_seconds(installation.pid("postgres"))
        tally = await open_loop(opened, queries, REQUESTS_PER_SECOND, seconds)
        used, asked = cpu_seconds(pid) - used, cpu_seconds(installation.pid("postgres")) - asked
    assert set(tally.statuses) == {200}, (tally.statuses, tally.last_body[-500:])
    return search_row(tally, floor, events, (used / tally.count, asked / tally.count))


def search_row(tally: Tally, floor: Tally, events: int, cpu: tuple[float, float]) -> Row:
    """Return the row; both latencies are of requests that came at the same rate."""
    p50, p99 = tally.percentile_ms(50), tally.percentile_ms(99)
    bare = floor.percentile_ms(99)
    return Row(
        path="search",
        ours=round(p99, 2),
        floor=round(bare, 2),
        ratio=round(p99 / bare, 2) if bare else 0.0,
        budget=P99_MS_MAX,
        unit="ms, the 99th percentile",
        judged_by="ours <= budget",
        met=p99 <= P99_MS_MAX,
        note=(
            f"{events:,} events, {REQUESTS_PER_SECOND} requests/s, hardly two alike;"
            f" p50 {p50:.1f} ms; floor: F1 at that rate"
        ),
        more={
            "p50_ms": round(p50, 2),
            "gateway_cpu_us": round(cpu[0] * 1_000_000, 1),
            "postgres_cpu_us": round(cpu[1] * 1_000_000, 1),
        },
    )
