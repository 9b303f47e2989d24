"""The application's user in Redis, as deploy/redis-users.acl has it: a whole sale works with it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError

from groundwork.redis_store import prove_safe
from tests.support.fan import Fan
from tests.support.opening import open_shop
from tests.support.shop import Shop
from tests.support.truth import assert_settled

ACL_FILE = Path("deploy/redis-users.acl")
USER = "onsale"
PASSWORD = "of-the-tests"


@pytest.fixture(scope="module")
async def bound_url(any_redis_url: str) -> AsyncIterator[str]:
    """The server, seen by the application's user."""
    found = re.search(rf"^user {USER} (.+)$", ACL_FILE.read_text("utf-8"), re.MULTILINE)
    assert found
    rules = found[1].replace("CHANGE-ME", PASSWORD).split()
    async with Redis.from_url(any_redis_url) as owner:
        await owner.flushall()
        await owner.execute_command("ACL", "SETUSER", USER, "reset", *rules)
        yield any_redis_url.replace("unix://", f"unix://{USER}:{PASSWORD}@")
        await owner.execute_command("ACL", "DELUSER", USER)


@pytest.fixture(scope="module")
async def shop(bound_url: str, database_dsn: str, open_dir: Path) -> AsyncIterator[Shop]:
    async with open_shop(bound_url, database_dsn, open_dir, flush=False) as shop:
        yield shop


async def test_a_whole_sale_needs_no_more(shop: Shop) -> None:
    assert await shop.redis.execute_command("ACL", "WHOAMI") == USER
    await prove_safe(shop.redis)
    event = await shop.new_event(4)
    joined = Fan(shop)
    assert (await joined.call("GET", "/api/sales/tour/status")).status == 200
    fan = Fan.inside(shop)
    held = await fan.held(event, "A-1")
    assert (await fan.call("POST", f"/api/bookings/{held}/extend")).status == 200
    assert (await fan.complete(held)).status == 201
    await shop.settle()
    for work in (shop.worker._sweep, shop.worker._allot, shop.worker._count, shop.worker._audit):
        await work()
    await assert_settled(shop, event)


@pytest.mark.parametrize(
    "command",
    [
        "FLUSHALL", "FLUSHDB", "KEYS *", "CONFIG SET appendonly no", "SHUTDOWN NOSAVE",
        "SCRIPT FLUSH", "EVAL return(1) 0", "FUNCTION LIST", "REPLICAOF NO ONE", "ACL LIST", "MONITOR",
        "SET others 1", "GET others", "DEL others", "PUBLISH channel word", "SWAPDB 0 1",
    ],
)  # fmt: skip
async def test_what_the_application_must_not_do(shop: Shop, command: str) -> None:
    with pytest.raises(NoPermissionError):
        await shop.redis.execute_command(*command.split())
