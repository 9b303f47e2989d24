"""Schemathesis asks everything of the published document in every wrong way: no bug, no surprise."""

import asyncio
import json
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from booking_core.catalog.event import StockTier
from gateway.api_docs.published import PATH_NAMES, PUBLISHED
from groundwork.errors import NotFound
from groundwork.openapi import document_of
from groundwork.operations import ApiRoutes, add_operations
from groundwork.problem_json import problem_json
from groundwork.typed_answers import Json
from tests.support.fan import DeviceKey, Fan, pending_order
from tests.support.opening import open_shop, served
from tests.support.shop import Shop

REPOSITORY = Path(__file__).parents[2]
# `make fuzz` goes by the clock, through all calls and phases. A CI run takes some of the calls, others
# each time, through every field and every way for it to be wrong.
SECONDS = int(os.environ.get("FUZZ_SECONDS", "0"))
PHASES = os.environ.get("FUZZ_PHASES", "coverage")
CALLS = 12
# It looks at its watch between calls, and a machine may be busy.
SECONDS_MORE = 240
# An answer that never ends is read for ever: what they say is in tests/api/test_streams.py.
STREAMS = r"/(events|changes)$"
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "unsupported_method",
    "allow_header_conformance", "negative_data_rejection", "missing_required_header", "ignored_auth",
)  # fmt: skip
FANS = 20
# So many of the calls that were asked; chance decides which.
INSIDE_PART = 0.25
# None meets the limit of a fan before a long run ends.
SEATS_MAX, STOCK = 100, 5_000


@pytest.fixture(scope="module")
async def shop(redis_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    async with open_shop(redis_url, database_dsn, open_dir) as shop:
        yield shop


async def facts(shop: Shop, seed: int) -> dict[str, object]:
    """What the hooks put in the place of nonsense, so that some calls get to the end."""
    sale = await shop.new_sale()
    drawn = await shop.new_sale()
    stock = StockTier("print", "Print", 1_000, STOCK)
    event = await shop.new_event(40, [stock], sale_id=sale, seats_max=SEATS_MAX)
    fans = [Fan.inside(shop, sale, key=DeviceKey()) for _ in range(FANS)]
    held = [await fan.held(event, f"A-{n}") for n, fan in enumerate(fans, start=1)]
    order = await pending_order(shop, await shop.new_event(4), "A-1")
    return {
        "seed": seed,
        "url": shop.url,
        "fans": [
            {
                "fan_id": fan.fan_id,
                "ticket": fan.ticket,
                "pass": fan.admission,
                "jwk": fan.key.jwk,
                "key": fan.key._key.private_bytes(
                    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
                ).decode(),
            }
            for fan in fans
            if fan.key
        ],
        "names": {
            "sale": [sale, drawn], "event": [event], "reservation": held, "booking": [order, *held],
            "provider": ["practice"],
        },
        "fields": {
            "event_id": [event], "event": [event], "reservation_id": held, "tier": ["print"],
            "category": ["floor"], "way": ["work", "wait"],
            "payment_method": ["card_ok", "card_declined", "card_requires_action"],
        },
        "seats": [f"A-{n}" for n in range(1, 41)],
    }  # fmt: skip


def some_calls(shop: Shop, seed: int) -> list[str]:
    """The option that names some of the calls."""
    document = json.loads(shop.gateway[PUBLISHED].plain)
    names = [call["operationId"] for path in document["paths"].values() for call in path.values()]
    chosen = random.Random(seed).sample(sorted(names), CALLS)
    return [each for name in chosen for each in ("--include-operation-id", name)]


async def fuzz(url: str, folder: Path, *options: str, **environment: str) -> tuple[int, str]:
    """Run Schemathesis; returns its exit code and what it printed."""
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", url, "--checks", ",".join(CHECKS)),
        *("--exclude-path-regex", STREAMS, "--continue-on-failure", "--request-timeout", "20"),
        *("--generation-database", "none", "--no-shrink", "--warnings", "off", "--no-color"),
        *options,
    ]
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,  # where it keeps what it found
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


@pytest.mark.timeout(SECONDS + SECONDS_MORE)
async def test_nothing_that_can_be_asked_is_a_bug_or_a_surprise(shop: Shop, tmp_path: Path) -> None:
    seed = int(os.environ.get("FUZZ_SEED") or random.randrange(2**32))
    told, seen = tmp_path / "facts.json", tmp_path / "seen.jsonl"
    told.write_text(json.dumps(await facts(shop, seed) | {"seen": str(seen)}))
    exit_code, output = await fuzz(
        f"{shop.url}/api/openapi.json", tmp_path,
        *("--phases", PHASES, "--seed", str(seed)),
        *(("--max-time", str(SECONDS)) if SECONDS else some_calls(shop, seed)),
        SCHEMATHESIS_HOOKS="tests.fuzz.schemathesis_hooks", FUZZ_FACTS=str(told),
    )  # fmt: skip
    answers = Counter(tuple(json.loads(line)) for line in seen.read_text().splitlines())
    print(output, *(f"{count:6} {answer}" for answer, count in sorted(answers.items())), sep="\n")
    assert exit_code == 0, f"FUZZ_SEED={seed}\n{output}"
    asked = {called for called, *_ in answers}
    inside = {called for called, method, status, _ in answers if status < 300}
    assert len(inside) >= INSIDE_PART * len(asked), f"hardly any got past the doors: {inside}"


async def test_a_bug_and_a_surprise_are_found(tmp_path: Path) -> None:
    routes = ApiRoutes("some")

    class Wanted(msgspec.Struct):
        number: int

    @routes.post("/api/bug")
    async def bug(request: web.Request, body: Wanted) -> Json[Wanted]:
        """Do something that goes wrong."""
        raise RuntimeError("of the test")

    @routes.get("/api/surprise")
    async def surprise(request: web.Request) -> Json[Wanted]:
        """Refuse without having said so."""
        raise NotFound

    document = document_of("Some", "1", "", routes.operations, PATH_NAMES)
    app = web.Application(middlewares=[problem_json])
    add_operations(app, routes.operations)

    async def openapi(request: web.Request) -> web.Response:
        return web.json_response(document)

    app.router.add_get("/openapi.json", openapi)
    async with served(app) as url:
        exit_code, output = await fuzz(f"{url}/openapi.json", tmp_path, "--phases", "coverage")
    assert exit_code == 1, output
    assert "Server error" in output, output
    assert "Undocumented status code" in output, output
