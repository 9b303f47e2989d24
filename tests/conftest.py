"""Real servers for every test: private ones on Unix sockets, or those named in the environment."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import resources
from itertools import count
from pathlib import Path

import hypothesis
import psycopg
import pytest
from psycopg import sql
from redis.asyncio import Redis
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling, Scheduling

from groundwork.migrate import migrate, read_migrations
from groundwork.postgres import Pool, open_pool
from onsale.embedded.binaries import Binaries, find_postgres, find_redis
from onsale.embedded.postgres_server import PostgresServer
from onsale.embedded.redis_server import RedisServer
from onsale.embedded.running import running
from tests.support.mail_server import MailServer, mail_server

# Given a server, tests use it and EMPTY it: these are not the names a production setup has.
REDIS_VARIABLE = "TEST_REDIS_URL"
DATABASE_VARIABLE = "TEST_DATABASE_URL"
TEMPLATE = "onsale_template"

# Folders that stand on one installation or one running system, or are counted at their end.
TOGETHER = ("tests/browser", "tests/foreign", "tests/load", "tests/operators", "tests/scripts")
# What lasts longest begins first: else all wait at the end for one file.
LONG = (
    "tests/browser",
    "tests/simulation/test_seats_agree.py",
    "tests/proof/test_short_proof.py",
    "tests/bench/test_bench.py",
    "tests/api/test_what_is_left.py",
    "tests/platform/test_up.py",
    "tests/pages/test_accessibility.py",
    "tests/simulation/test_sales_ahead_of_time.py",
    "tests/simulation/test_seat_stories.py",
    "tests/platform/test_nobody_loses.py",
    "tests/draw/test_verify_draw.py",
    "tests/simulation/test_delivered_rate.py",
)

# What one example takes says more of a busy machine than of the code.
hypothesis.settings.register_profile("onsale", deadline=None)
hypothesis.settings.load_profile("onsale")

_database_numbers = count(1)


def home_of(name: str) -> str:
    """Return what a test shares one process with: its file, or its folder."""
    file = name.partition("::")[0]
    folder = "/".join(file.split("/")[:2])
    return folder if folder in TOGETHER else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring what lasts longest to the front; all else stays shuffled."""
    rank = {home: number for number, home in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(home_of(item.nodeid), len(LONG)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """Give each home to one process, where others would give each file."""

    class Homes(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return home_of(nodeid)

    return Homes(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def open_dir() -> Iterator[Path]:
    """A folder with a short path that other users can look into, as an unprivileged server must."""
    folder = Path(tempfile.mkdtemp(prefix="onsale-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@asynccontextmanager
async def _redis(binaries: Binaries, folder: Path) -> AsyncIterator[str]:
    server = RedisServer(
        binaries=binaries,
        data_dir=folder / "data",
        socket=folder / "redis.sock",
        log_path=folder / "redis.log",
    )
    async with running(server) as url:
        yield url


@pytest.fixture(scope="session")
async def redis_url(open_dir: Path) -> AsyncIterator[str]:
    """The embedded Valkey. Use names of your own, or `clean_redis`."""
    if url := os.environ.get(REDIS_VARIABLE):
        yield url
        return
    async with _redis(find_redis(), open_dir / "valkey") as url:
        yield url


@pytest.fixture(scope="session", params=["valkey", "redis"])
async def any_redis_url(request: pytest.FixtureRequest, open_dir: Path) -> AsyncIterator[str]:
    """The embedded Valkey 9, and then the Redis 7.0 of Debian: what scripts must run on."""
    if request.param == "valkey":
        binaries = find_redis()
    else:
        found = shutil.which("redis-server")
        if not found:
            pytest.skip("redis-server is not installed")
        binaries = Binaries(Path(found).parent, Path(found), found)
    async with _redis(binaries, open_dir / f"any-{request.param}") as url:
        yield url


@pytest.fixture
async def clean_redis(redis_url: str) -> str:
    """The embedded Valkey, emptied before this test."""
    async with Redis.from_url(redis_url) as client:
        await client.flushall()
    return redis_url


@pytest.fixture(scope="session")
async def database_server(open_dir: Path) -> AsyncIterator[str]:
    """The address of a server's maintenance database."""
    if url := os.environ.get(DATABASE_VARIABLE):
        yield url
        return
    server = PostgresServer.find(
        find_postgres(),
        data_dir=open_dir / "postgres",
        socket_dir=open_dir / "pg",
        log_path=open_dir / "postgres.log",
    )
    async with running(server):
        yield server.url_of("postgres")


def _named(server_url: str, database: str) -> str:
    base, _, options = server_url.partition("?")
    return f"{base.rpartition('/')[0]}/{database}" + (f"?{options}" if options else "")


@asynccontextmanager
async def _database(server_url: str, name: str, template: str) -> AsyncIterator[str]:
    async with await psycopg.AsyncConnection.connect(server_url, autocommit=True) as connection:
        identifier = sql.Identifier(name)
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(identifier)
        await connection.execute(drop)
        await connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(identifier, sql.Identifier(template))
        )
        yield _named(server_url, name)
        await connection.execute(drop)


@pytest.fixture(scope="session")
async def database_template(database_server: str) -> AsyncIterator[str]:
    """The name of a migrated database that nobody is connected to."""
    async with _database(database_server, TEMPLATE, "template0") as url:
        await migrate(url, read_migrations(resources.files("migrations")))
        yield TEMPLATE


@pytest.fixture(scope="module")
async def database_dsn(database_server: str, database_template: str) -> AsyncIterator[str]:
    """A migrated database of this module's own."""
    name = f"onsale_test_{next(_database_numbers)}"
    async with _database(database_server, name, database_template) as url:
        yield url


@pytest.fixture
async def empty_database(database_server: str) -> AsyncIterator[str]:
    """A database without any table, for one test."""
    name = f"onsale_test_{next(_database_numbers)}"
    async with _database(database_server, name, "template0") as url:
        yield url


@pytest.fixture(scope="module")
async def pool(database_dsn: str) -> AsyncIterator[Pool]:
    """Autocommit connections to this module's database."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(open_pool(database_dsn))


@pytest.fixture(scope="module")
async def mails() -> AsyncIterator[MailServer]:
    """A real mail server, with what it was given."""
    async with mail_server() as server:
        yield server
