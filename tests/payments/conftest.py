"""A fresh practice provider for every test that wants one, asked by either client."""

from collections.abc import AsyncIterator

import pytest
from payments_world import CLIENTS, World, opened_world

from booking_core.checkout.wire_payments import WirePayments


@pytest.fixture(params=CLIENTS, ids=["practice", "stripe"])
def client(request: pytest.FixtureRequest) -> type[WirePayments]:
    kind: type[WirePayments] = request.param
    return kind


@pytest.fixture
async def world(client: type[WirePayments]) -> AsyncIterator[World]:
    async with opened_world(client=client) as world:
        yield world
