"""The operator listener answers to its own names alone, whatever is asked."""

import aiohttp
import pytest

from tests.operator_access.conftest import Desk


@pytest.mark.parametrize("path", ["/health/live", "/metrics", "/operator/api/session"])
async def test_a_made_up_name_is_refused(desk: Desk, path: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(desk.url + path, headers={"Host": "evil.example"}) as answer:
            assert answer.status == 421
            assert (await answer.json(content_type=None))["code"] == "unknown-host"
        async with session.get(desk.url + path, headers={"Host": "localhost:1"}) as answer:
            assert answer.status != 421
