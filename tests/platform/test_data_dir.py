"""One folder belongs to one run at a time, and says in one sentence when it cannot be used."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from groundwork.clock import SystemClock
from onsale import data_dir as data_dir_module
from onsale.cannot_start import CannotStart
from onsale.data_dir import RunFile, opened_data_dir, read_running
from tests.platform.processes import is_alive, wait_until

# Locks a folder as `onsale up` does, starts a process that holds the lock, too, and waits.
HOLDER = """
import fcntl, os, subprocess, sys
lock = os.open(sys.argv[1] + "/lock", os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(lock, fcntl.LOCK_EX)
os.pwrite(lock, str(os.getpid()).encode(), 0)
heir = subprocess.Popen(("sleep", "600"), pass_fds=(lock,))
print(heir.pid, flush=True)
heir.wait()
"""
RUNNING = RunFile(
    pid=1,
    redis_url="unix:///tmp/redis.sock",
    database_url="postgresql:///onsale",
    keys_file="keys.json",
    gateway_url="http://localhost:8080",
    operator_url="http://127.0.0.1:9090",
    provider_url="http://127.0.0.1:8082",
    provider_key="sk_practice",
    pids={"worker": 2},
)


@pytest.fixture
def holder(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that has the folder, and the process id of its heir."""
    arguments = (sys.executable, "-c", HOLDER, str(folder))
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        heir = int(process.stdout.readline())
        yield process, heir
        for pid in (process.pid, heir):
            if is_alive(pid):
                os.kill(pid, 9)


async def open_and_close(folder: Path) -> str:
    async with opened_data_dir(folder, SystemClock()) as opened:
        return opened.id


async def test_a_folder_keeps_its_name(folder: Path) -> None:
    first = await open_and_close(folder / "new")
    assert await open_and_close(folder / "new") == first
    assert not (folder / "new/run").exists()


async def test_a_folder_in_use_is_refused(
    folder: Path, holder: tuple[subprocess.Popen[str], int]
) -> None:
    pid = holder[0].pid
    with pytest.raises(CannotStart, match=rf"Another onsale up \(process {pid}\) is running on"):
        await open_and_close(folder)


async def test_what_a_killed_run_left_behind_is_waited_for(
    folder: Path, holder: tuple[subprocess.Popen[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    process, heir = holder
    process.kill()
    process.wait()
    monkeypatch.setattr(data_dir_module, "LEFTOVERS_WITHIN_MS", 100)
    with pytest.raises(CannotStart, match="earlier onsale up still use"):
        await open_and_close(folder)
    os.kill(heir, 9)
    wait_until("the heir ended", lambda: not is_alive(heir))
    await open_and_close(folder)


async def test_a_folder_of_a_newer_version_is_refused(folder: Path) -> None:
    await open_and_close(folder)
    (folder / "version.json").write_text('{"version": 99, "id": "x"}')
    with pytest.raises(CannotStart, match=r"written by a newer onsale \(layout 99, this one"):
        await open_and_close(folder)


async def test_a_damaged_version_file_is_refused(folder: Path) -> None:
    (folder / "version.json").write_text("{")
    with pytest.raises(CannotStart, match=r"version\.json cannot be read"):
        await open_and_close(folder)


async def test_somebody_elses_folder_is_refused(folder: Path) -> None:
    (folder / "thesis.txt").touch()
    with pytest.raises(CannotStart, match="is not empty and not a data directory of onsale"):
        await open_and_close(folder)
    assert os.listdir(folder) == ["thesis.txt"]  # noqa: PTH208 (a quick look, in a test)


@pytest.mark.parametrize("unusable", ["/proc/onsale", "/dev/null", "/dev/null/inside"])
async def test_a_folder_that_cannot_be_written_is_refused(unusable: str) -> None:
    with pytest.raises(CannotStart, match=rf"{unusable} cannot be used as data directory"):
        await open_and_close(Path(unusable))


async def test_the_sockets_of_a_folder_with_a_long_path_lie_elsewhere(folder: Path) -> None:
    long = folder / ("long-" * 20)
    async with opened_data_dir(long, SystemClock()) as opened:
        assert len(str(opened.run)) < 60
        assert (long / "run").readlink() == opened.run
        elsewhere = opened.run
    assert not elsewhere.exists()


async def test_sockets_that_a_killed_run_left_elsewhere_are_removed(folder: Path) -> None:
    long = folder / ("long-" * 20)
    await open_and_close(long)
    leftover = folder / f"{data_dir_module.RUN_PREFIX}leftover"
    (leftover / "redis").mkdir(parents=True)
    (long / "run").symlink_to(leftover)
    await open_and_close(long)
    assert not leftover.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's folders are closed to its PostgreSQL")
async def test_the_database_of_a_closed_folder_lies_elsewhere_and_is_found_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_dir_module, "OPEN_FOLDER", folder / "open")
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    for _ in range(2):
        async with opened_data_dir(closed / "data", SystemClock()) as opened:
            where = opened.postgres_dir(for_another_user=True)
            assert where == folder / "open" / opened.id / "postgres"
            assert (closed / "data/postgres").readlink() == where
    async with opened_data_dir(folder / "reachable", SystemClock()) as opened:
        assert opened.postgres_dir(for_another_user=True) == folder / "reachable/postgres"


async def test_what_runs_is_found_by_the_folder_and_by_nobody_else(folder: Path) -> None:
    assert read_running(folder) is None
    async with opened_data_dir(folder, SystemClock()) as opened:
        assert read_running(folder) is None
        opened.write_running(RUNNING)
        assert read_running(folder) == RUNNING
        assert (folder / "run.json").stat().st_mode & 0o777 == 0o600
    assert read_running(folder) is None


async def test_the_note_of_a_killed_run_is_worth_nothing(folder: Path) -> None:
    await open_and_close(folder)
    (folder / "run.json").write_bytes(msgspec.json.encode(RUNNING))
    assert read_running(folder) is None
