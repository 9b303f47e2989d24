"""Where commands find the running system: the environment, else what runs on a data directory."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from groundwork.postgres import Pool, open_pool
from onsale.cannot_start import CannotStart
from onsale.data_dir import read_running

Result = TypeVar("Result")

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=Path(".onsale"),
    envvar="ONSALE_DATA_DIR",
    help="The directory of a running `onsale up`; not needed with DATABASE_URL.",
)


def database_url(data_dir: Path) -> str:
    """Return the database's address. Raises CannotStart when nothing runs there."""
    if url := os.environ.get("DATABASE_URL"):
        return url
    running = read_running(data_dir)
    if running is None:
        raise CannotStart(
            f"Nothing runs on {data_dir}: start `onsale up`, name its --data-dir, or set DATABASE_URL."
        )
    return running.database_url


def redis_url(data_dir: Path) -> str:
    """Return the address of Redis. Raises CannotStart when nothing runs there."""
    if url := os.environ.get("REDIS_URL"):
        return url
    running = read_running(data_dir)
    if running is None:
        raise CannotStart(f"Nothing runs on {data_dir}: set REDIS_URL.")
    return running.redis_url


def keys_file(data_dir: Path) -> Path:
    """Return the file of the installation's secrets. Raises CannotStart when nothing runs there."""
    if path := os.environ.get("KEYS_FILE"):
        return Path(path)
    running = read_running(data_dir)
    if running is None:
        raise CannotStart(f"Nothing runs on {data_dir}: set KEYS_FILE.")
    return Path(running.keys_file)


def with_pool(data_dir: Path, work: Callable[[Pool], Awaitable[Result]]) -> Result:
    """Return what the work returns that it does on the database."""

    async def do() -> Result:
        async with open_pool(database_url(data_dir), size_max=2, application="onsale cli") as pool:
            return await work(pool)

    return asyncio.run(do())
