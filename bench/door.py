"""The door to a shop over HTTP, against the least that passing a request on can cost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Final

from bench.http_client import request
from bench.installation import Installation, free_port, other_core, server_core
from bench.paths import against, floor
from bench.report import Row
from bench.rounds import Contender, Plan, take_turns

# Everything is public, so that what is measured is the way and not the pass.
POLICY: Final = 'adds_security_headers = false\n[[rules]]\nneeds = "nothing"\npaths = ["/**"]\n'
# Circuits, retries, limits of time, a signed identity and what every request passes cost as much again.
PART: Final = 0.5


@asynccontextmanager
async def door(installation: Installation, shop_port: int, port: int) -> AsyncIterator[None]:
    """Run one gateway process in front of the shop at the port."""
    policy = installation.folder / "policy.toml"
    policy.write_text(POLICY)
    async with installation.process(
        "door",
        *("onsale", "gateway", "--host", "127.0.0.1", "--port", str(port)),
        ready_at=(port, "/.well-known/jwks.json"),
        core=server_core(),
        ORIGIN_URLS=f"http://127.0.0.1:{shop_port}",
        SHOP_POLICY=str(policy),
    ):
        yield


async def measure_door(installation: Installation, plan: Plan) -> Row:
    """Measure a short page of a shop on a core of its own, through the gateway and through bare aiohttp."""
    port, shop_port = free_port(), free_port()
    async with (
        installation.floors(other_core(), name="shop", port=shop_port),
        door(installation, shop_port, port),
    ):
        bare = floor(installation, "F5", f"/passed-on?port={shop_port}")
        pid = installation.pid("door")
        ours = Contender("door", port, pid, cycle([request("GET", "/fixed", port)]))
        await take_turns([bare, ours], plan)
    return against(ours, bare, PART, note="a page of 600 bytes, the shop on the client's core")
