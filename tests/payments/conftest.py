"""A fresh practice provider for every test that wants one."""

from collections.abc import AsyncIterator

import pytest
from payments_world import World, opened_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with opened_world() as world:
        yield world
