"""Children are started in stages, brought back when they die, and stopped in reverse."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from groundwork.clock import SystemClock
from onsale import supervisor as supervisor_module
from onsale.cannot_start import CannotStart
from onsale.embedded.child_process import ChildCommand
from onsale.supervisor import GaveUp, Service, Supervisor
from tests.platform.processes import is_alive

PATIENCE_SECONDS = 30.0
# Notes its name when it starts and again when it is stopped.
WORKING = """
import pathlib, signal, sys
name, notes = sys.argv[1], pathlib.Path(sys.argv[2])
def note(what):
    with notes.open("a") as opened:
        opened.write(f"{name} {what}\\n")
def stopped(number, frame):
    note("stopped")
    sys.exit()
signal.signal(signal.SIGTERM, stopped)
note("started")
while True:
    signal.pause()
"""


class Story:
    """What children noted, in order."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notes"
        self.folder = folder

    @property
    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    def was_started(self, times: int) -> bool:
        return len(self.lines) == times

    def service(self, name: str) -> Service:
        argv = (sys.executable, "-c", WORKING, name, str(self.path))

        async def is_ready() -> bool:
            return f"{name} started" in self.lines

        return Service(
            ChildCommand(name=name, argv=argv, log_path=self.folder / f"{name}.log"), is_ready
        )


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():
            await SystemClock().sleep_ms(10)


@asynccontextmanager
async def supervised(**given: Callable[..., None]) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(SystemClock(), **given)
    try:
        yield supervisor
    finally:
        await supervisor.stop()


@pytest.fixture
def story(folder: Path) -> Story:
    return Story(folder)


async def test_stages_start_in_order_and_stop_in_reverse(story: Story) -> None:
    async with supervised() as supervisor:
        await supervisor.start(story.service("store"))
        await supervisor.start(story.service("worker"))
        await supervisor.start(story.service("gateway"))
        pids = supervisor.pids
        assert list(pids) == ["store", "worker", "gateway"]
        assert all(map(is_alive, pids.values()))
    assert story.lines == [
        *("store started", "worker started", "gateway started"),
        *("gateway stopped", "worker stopped", "store stopped"),
    ]
    assert not any(map(is_alive, pids.values()))


async def test_a_killed_child_is_brought_back_with_one_line_in_the_log(story: Story) -> None:
    ended: list[int] = []
    async with supervised(on_exit=ended.append) as supervisor:
        await supervisor.start(story.service("gateway"))
        first = supervisor.pids["gateway"]
        with capture_logs() as log:
            os.kill(first, signal.SIGKILL)
            await until(lambda: story.lines == ["gateway started"] * 2)
        second = supervisor.pids["gateway"]
        assert second != first
        assert ended == [first]
        assert [line["event"] for line in log] == [
            f"gateway (process {first}) was killed by SIGKILL; starting it again"
        ]
    assert ended == [first, second]


async def test_a_child_that_dies_at_once_again_and_again_ends_the_whole(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "BACK_OFF_FIRST_MS", 1)
    argv = (sys.executable, "-c", "raise SystemExit(3)")
    log_path = folder / "worker.log"
    async with supervised() as supervisor, asyncio.timeout(PATIENCE_SECONDS):
        with capture_logs() as log:
            await supervisor.start(
                Service(ChildCommand(name="worker", argv=argv, log_path=log_path))
            )
            with pytest.raises(
                GaveUp, match=r"worker \(process \d+\) ended with exit code 3, 6 times"
            ):
                await supervisor.wait()
    assert [line["back_off_ms"] for line in log] == [1, 2, 4, 8, 16]


async def test_a_child_that_cannot_be_started_again_is_tried_like_one_that_crashed(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "BACK_OFF_FIRST_MS", 50)
    service = story.service("worker")
    log_path = service.command.log_path
    assert log_path is not None
    async with supervised() as supervisor, asyncio.timeout(PATIENCE_SECONDS):
        await supervisor.start(service)
        log_path.unlink()
        log_path.mkdir()  # cannot be opened for writing
        with capture_logs() as log:
            os.kill(supervisor.pids["worker"], signal.SIGKILL)
            await until(lambda: len(log) >= 2)
            log_path.rmdir()
            await until(lambda: story.was_started(2))
            log_path.unlink()
            log_path.mkdir()
            os.kill(supervisor.pids["worker"], signal.SIGKILL)
            with pytest.raises(
                GaveUp, match=r"worker cannot be started \(.*worker.log'\), 6 times"
            ):
                await supervisor.wait()


async def test_a_fault_of_the_keeping_itself_ends_the_whole(story: Story) -> None:
    def on_exit(_: int) -> None:
        if len(told) < 1:
            told.append("a fault")
            raise ZeroDivisionError

    told: list[str] = []
    async with supervised(on_exit=on_exit) as supervisor, asyncio.timeout(PATIENCE_SECONDS):
        await supervisor.start(story.service("gateway"))
        os.kill(supervisor.pids["gateway"], signal.SIGKILL)
        with pytest.raises(ZeroDivisionError):
            await supervisor.wait()


async def test_a_child_that_dies_now_and_then_is_always_brought_back(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "BACK_OFF_FIRST_MS", 1)
    # Every life counts as long, so no death counts as one in a row.
    monkeypatch.setattr(supervisor_module, "QUIET_MS", 0)
    async with supervised() as supervisor:
        await supervisor.start(story.service("gateway"))
        with capture_logs():
            for lives in range(2, supervisor_module.CRASHES_MAX + 3):
                os.kill(supervisor.pids["gateway"], signal.SIGKILL)
                await until(partial(story.was_started, lives))


async def test_a_child_that_ends_while_starting_says_why_and_is_not_tried_again(
    story: Story,
) -> None:
    argv = (sys.executable, "-c", "raise SystemExit('no such setting')")
    command = ChildCommand(name="gateway", argv=argv, log_path=story.folder / "gateway.log")

    async def never() -> bool:
        return False

    async with supervised() as supervisor:
        await supervisor.start(story.service("store"))
        with pytest.raises(CannotStart, match="gateway ended while starting: no such setting"):
            await supervisor.start(Service(command, never))
    assert story.lines == ["store started", "store stopped"]


async def test_waiting_for_a_later_child_ends_when_an_earlier_one_cannot_be_kept(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "BACK_OFF_FIRST_MS", 1)
    broken = ChildCommand(name="worker", argv=(sys.executable, "-c", "raise SystemExit(3)"))

    async def never() -> bool:
        return False

    async with supervised() as supervisor, asyncio.timeout(PATIENCE_SECONDS):
        with capture_logs():
            await supervisor.start(Service(broken))
            with pytest.raises(GaveUp, match="worker"):
                await supervisor.start(Service(story.service("gateway").command, never))


async def test_stopping_does_not_wait_for_a_child_that_is_about_to_come_back(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "BACK_OFF_FIRST_MS", 3_600_000)
    monkeypatch.setattr(supervisor_module, "BACK_OFF_MAX_MS", 3_600_000)
    async with asyncio.timeout(PATIENCE_SECONDS):
        async with supervised() as supervisor:
            await supervisor.start(story.service("gateway"))
            with capture_logs() as log:
                os.kill(supervisor.pids["gateway"], signal.SIGKILL)
                await until(lambda: log)
    assert story.lines == ["gateway started"]


async def test_a_second_ctrl_c_makes_it_quick(story: Story) -> None:
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); print(1, flush=True); signal.pause()"
    log_path = story.folder / "deaf.log"
    command = ChildCommand(
        name="deaf", argv=(sys.executable, "-c", deaf), log_path=log_path, stop_seconds=3600.0
    )

    async def is_deaf() -> bool:
        return log_path.read_text() == "1\n"

    supervisor = Supervisor(SystemClock())
    await supervisor.start(Service(command, is_deaf))
    async with asyncio.timeout(PATIENCE_SECONDS):
        stopping = asyncio.create_task(supervisor.stop())
        await asyncio.sleep(0)
        supervisor.hurry()
        await stopping
    assert not is_alive(supervisor.pids["deaf"])
