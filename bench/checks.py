"""What bot checks cost: how many fans one core can check in full, and their part of a join."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from bench.installation import Installation
from bench.machine import cpu_seconds
from bench.material import SALE_ID, Signatures
from bench.report import Row
from gateway.app_keys import (
    ADDRESS_NAMES,
    CLIENT_ADDRESSES,
    CLOCK,
    DEVICE_PROOFS,
    NETWORK_LISTS,
    PROOF_OF_WORK,
    SETTINGS,
)
from gateway.bot_checks.asked_from import AddressNames, AskedFrom
from gateway.bot_checks.client_kind import kind_of_client
from gateway.bot_checks.network_lists import KINDS, NetworkLists, path_of
from gateway.bot_checks.proof_of_work import ProofOfWork
from gateway.bot_checks.signals import score
from gateway.draw.entries import Entries, came_from
from gateway.draw.records import DrawRecords
from gateway.edge.asking import asked_from
from gateway.edge.client_address import ClientAddresses
from gateway.edge.credentials import prove_device
from gateway.settings import GatewaySettings
from gateway.waiting_room.line import Line
from gateway.waiting_room.sales import SaleRecords
from gateway.waiting_room.watching import signals_of, signals_of_work
from groundwork.clock import SystemClock, SystemTokenSource
from groundwork.device_proof import DeviceProofs
from groundwork.postgres import Pool
from groundwork.redis_store import open_store
from loadtest.device_key import DeviceKey
from lua.epochs import Epochs

# A fifth of a millisecond for the work, a third for the key's signature: eighteen hundred fans a
# second of a core, or a hundred thousand in a minute of one.
CHECKS_PER_SECOND_MIN: Final = 1_800
# As many ranges as the large clouds publish together.
NETWORKS_LISTED: Final = 15_000
# Parts of the measuring; the median of them counts.
PARTS: Final = 5
MICROSECONDS: Final = 1_000_000
SEED: Final = 8113
CHROMIUM: Final = {
    "User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36",
    "Accept-Language": "en",
    "Sec-Fetch-Mode": "cors",
    "Sec-CH-UA": '"Chromium";v="141", "Not?A_Brand";v="8"',
    "Sec-CH-UA-Platform": '"Windows"',
    "Sec-CH-UA-Mobile": "?0",
}
STEPS: Final = ("proof of work", "device key", "where from and signals")


async def measure_checks(
    installation: Installation, pool: Pool, count: int, join_us: float
) -> list[Row]:
    """Return the rows; `join_us` is what a join with a device key takes of the server's core."""
    with TemporaryDirectory() as folder, listed(Path(folder)) as lists:
        steps_us = check_all(installation, lists, count)
    limits_us = await store_time_of_limits(installation, pool, count)
    checks_us = sum(steps_us)
    told = ", ".join(f"{name} {us:.0f} µs" for name, us in zip(STEPS, steps_us, strict=True))
    return [
        Row(
            path="bot_checks",
            ours=round(MICROSECONDS / checks_us),
            floor=CHECKS_PER_SECOND_MIN,
            ratio=round(MICROSECONDS / checks_us / CHECKS_PER_SECOND_MIN, 3),
            budget=1.0,
            unit="full checks of a fan who joins, for each second of a core; the floor is the aim",
            judged_by="ratio >= budget",
            met=checks_us <= MICROSECONDS / CHECKS_PER_SECOND_MIN,
            note=(
                f"{told}: {checks_us / join_us:.0%} of the {join_us:.0f} µs of a join with a device key;"
                f" limits take {limits_us:.0f} µs of the store's core besides"
            ),
            more={
                "checks_us": round(checks_us, 1),
                "join_us": round(join_us, 1),
                "share_of_join": round(checks_us / join_us, 3),
                "limits_store_us": round(limits_us, 1),
            },
        )
    ]


@contextmanager
def listed(folder: Path) -> Iterator[NetworkLists]:
    """Yield lists with as many networks as clouds have."""
    rng = random.Random(SEED)
    networks = "".join(
        f"{rng.randrange(1, 224)}.{rng.randrange(256)}.{rng.randrange(256)}.0/24\n"
        for _ in range(NETWORKS_LISTED)
    )
    path_of(folder, KINDS[0]).write_text(networks, "utf-8")
    yield NetworkLists(str(folder), SystemClock())


def check_all(installation: Installation, lists: NetworkLists, count: int) -> list[float]:
    """Check so many joins as a gateway does, each of its own device; microseconds for each step."""
    app = checking_app(installation, lists)
    ready = prepared(installation, app, max(PARTS, count))
    found: list[list[float]] = [[] for _ in STEPS]
    for part in range(PARTS):
        chosen = ready[part::PARTS]
        for step, us in zip(found, time_steps(app, chosen), strict=True):
            step.append(us)
    return [median(step) for step in found]


def checking_app(installation: Installation, lists: NetworkLists) -> web.Application:
    """Return an application that knows what checks need; it serves nobody."""
    app = web.Application()
    clock, ring = SystemClock(), installation.ring
    app[SETTINGS] = GatewaySettings(trusted_proxies="127.0.0.0/8", public_url="")
    app[CLOCK] = clock
    app[CLIENT_ADDRESSES] = ClientAddresses("127.0.0.0/8")
    app[ADDRESS_NAMES] = AddressNames(b"k" * 32)
    app[NETWORK_LISTS] = lists
    app[DEVICE_PROOFS] = DeviceProofs(clock, None)
    app[PROOF_OF_WORK] = ProofOfWork(ring, clock, SystemTokenSource(), random.SystemRandom())
    return app


def prepared(
    installation: Installation, app: web.Application, count: int
) -> list[tuple[web.Request, str]]:
    """Return requests to join as they reach a handler, and the work that came in their bodies."""
    path = f"/api/sales/{SALE_ID}/join"
    host = f"127.0.0.1:{installation.gateway_port}"
    signatures = Signatures(installation)
    found = []
    for number in range(count):
        proof = DeviceKey().proof("POST", f"http://{host}{path}")
        address = f"81.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        headers = {**CHROMIUM, "Host": host, "DPoP": proof, "X-Forwarded-For": address}
        request = make_mocked_request("POST", path, headers, app=app)
        found.append((request.clone(remote="127.0.0.1"), signatures.solved()))
    return found


def time_steps(
    app: web.Application, ready: list[tuple[web.Request, str]]
) -> tuple[float, float, float]:
    """Return what each step takes of our core, in microseconds."""
    work, solved, began = app[PROOF_OF_WORK], [], time.process_time()
    solved = [work.check(altcha, SALE_ID, None) for _, altcha in ready]
    worked = time.process_time()
    proofs = [prove_device(request, None) for request, _ in ready]
    proven = time.process_time()
    for (request, _), done, proof in zip(ready, solved, proofs, strict=True):
        assert proof is not None
        came_from(asked_from(request, SALE_ID), kind_of_client(request.headers))
        codes = signals_of(request) | signals_of_work(request, done, proof.jkt)
        assert score(codes) < 40, codes
    ended = time.process_time()
    times = (worked - began, proven - worked, ended - proven)
    return tuple(taken * MICROSECONDS / len(ready) for taken in times)  # type: ignore[return-value]


async def store_time_of_limits(installation: Installation, pool: Pool, count: int) -> float:
    """Return what limits and counted devices add to a join's time of the store's core, in microseconds."""
    async with open_store(installation.redis_url) as store:
        epochs = Epochs(store, pool)
        await epochs.start()
        entries = Entries(epochs, DrawRecords(pool))
        line = Line(epochs, SaleRecords(pool), entries, SystemTokenSource(), GatewaySettings())
        pid = installation.pid("redis")
        took: dict[bool, list[float]] = {True: [], False: []}
        for part in range(2 * PARTS):
            is_limited = part % 2 == 0
            each = max(1, count // PARTS)
            before = cpu_seconds(pid, with_children=False)
            for number in range(each):
                name = f"checks-{part}-{number}"
                origin = AskedFrom(f"a{name}", f"n{name}") if is_limited else AskedFrom("", "")
                await line.join(SALE_ID, f"f_{name}", name, name, asked_from=origin)
            took[is_limited].append(
                (cpu_seconds(pid, with_children=False) - before) * MICROSECONDS / each
            )
    return max(0.0, median(took[True]) - median(took[False]))
