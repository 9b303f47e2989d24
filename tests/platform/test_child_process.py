"""Children end with their parent, whatever happens to it, and are stopped with patience."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from onsale.embedded.child_process import ChildCommand, ChildProcess, describe_exit, last_line
from tests.platform.processes import REPOSITORY, is_alive, wait_until

NOBODY = 65_534

# Starts a child that notes its process id and the signal that ends it, says so, and waits.
PARENT = """
import asyncio, sys
from onsale.embedded.child_process import ChildCommand, ChildProcess

async def main():
    script, note, uid = sys.argv[1:]
    argv = ("/bin/sh", "-c", script, "sh", note)
    command = ChildCommand(name="child", argv=argv, uid=int(uid) if uid else None)
    await (await ChildProcess.start(command)).wait()

asyncio.run(main())
"""
# A shell: whoever it runs as can reach it.
CHILD = """
trap 'echo "$$ TERM" > "$1"; kill $!; exit' TERM
echo "$$ $(id -u)" > "$1"
while :; do sleep 60 & wait $!; done
"""
# Shrugs off the polite signal; says when it is ready to.
STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True);"
    " signal.pause()"
)


def python(text: str, log_path: Path, **given: object) -> ChildCommand:
    argv = (sys.executable, "-c", text)
    return ChildCommand(name="child", argv=argv, log_path=log_path, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("uid", ["", str(NOBODY)])
def test_a_child_is_told_to_end_when_its_parent_is_killed(folder: Path, uid: str) -> None:
    if uid and os.geteuid() != 0:
        pytest.skip("only root can start children of other users")
    folder.chmod(0o777)
    note = folder / "note"
    parent = subprocess.Popen((sys.executable, "-c", PARENT, CHILD, str(note), uid), cwd=REPOSITORY)
    try:
        wait_until("the child runs", lambda: note.exists() and note.read_text().endswith("\n"))
        pid, runs_as = note.read_text().split()
        assert runs_as == (uid or str(os.getuid()))
    finally:
        parent.kill()
        parent.wait()
    wait_until("the child ended", lambda: not is_alive(int(pid)))
    assert note.read_text() == f"{pid} TERM\n"


def test_a_child_whose_parent_is_gone_already_does_not_start(folder: Path) -> None:
    wrapper = REPOSITORY / "onsale/embedded/child_of.py"
    note = folder / "note"
    process = subprocess.run(
        (sys.executable, str(wrapper), "1", "15", "-", "/bin/touch", str(note)), check=False
    )
    assert process.returncode == 0
    assert not note.exists()


async def test_a_child_that_listens_is_stopped_by_the_first_signal(folder: Path) -> None:
    log_path = folder / "child.log"
    process = await ChildProcess.start(
        python("import signal; print('up', flush=True); signal.pause()", log_path)
    )
    wait_until("it runs", lambda: last_line(log_path) == "up")
    assert process.exit_code is None
    assert await process.stop() == -signal.SIGTERM


async def test_a_child_that_does_not_listen_is_killed(folder: Path) -> None:
    log_path = folder / "child.log"
    process = await ChildProcess.start(python(STUBBORN, log_path, stop_seconds=0.2))
    wait_until("it is deaf", lambda: last_line(log_path) == "deaf")
    assert await process.stop() == -signal.SIGKILL
    assert not is_alive(process.pid)


async def test_a_child_that_ended_can_be_stopped_again(folder: Path) -> None:
    process = await ChildProcess.start(python("raise SystemExit(3)", folder / "child.log"))
    assert await process.wait() == 3
    assert await process.stop() == 3


async def test_a_program_that_is_not_there_says_so(folder: Path) -> None:
    log_path = folder / "child.log"
    command = ChildCommand(name="child", argv=("/nowhere/server",), log_path=log_path)
    process = await ChildProcess.start(command)
    assert await process.wait() == 126
    assert last_line(log_path) == "/nowhere/server cannot be run: No such file or directory"


async def test_ctrl_c_in_the_terminal_does_not_reach_children(folder: Path) -> None:
    process = await ChildProcess.start(python("import signal; signal.pause()", folder / "log"))
    assert os.getsid(process.pid) == process.pid
    await process.stop()


async def test_a_log_that_grew_too_long_is_set_aside(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onsale.embedded.child_process.LOG_BYTES_MAX", 4)
    log_path = folder / "child.log"
    for text in ("first", "second"):
        process = await ChildProcess.start(python(f"print({text!r})", log_path))
        await process.wait()
    assert (folder / "child.log.1").read_text() == "first\n"
    assert log_path.read_text() == "second\n"


def test_exits_are_told_in_words() -> None:
    assert describe_exit(-signal.SIGKILL) == "was killed by SIGKILL"
    assert describe_exit(3) == "ended with exit code 3"
