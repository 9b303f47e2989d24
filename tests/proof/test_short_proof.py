"""`onsale prove` in small: everything runs, fails in a few ways, and the promises hold."""

import subprocess
import sys
from pathlib import Path

from onsale.prove.checks.verdict import judge
from onsale.prove.history import History, read_history

REPOSITORY = Path(__file__).parents[2]
MINUTES = "0.35"
# Each of them is over within some seconds.
FAULTS = ("sale-answer-lost", "redis-emptied", "gateway-killed")
# Start, run, everything's deadlines, and a busy machine.
SECONDS_MAX = 115
CLEAN, VOID = 0, 3


def run_prove(history: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "onsale", "prove", "--history", str(history), *options],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=SECONDS_MAX, check=False,
    )  # fmt: skip


def test_the_promises_hold_while_things_fail(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    ended = run_prove(
        path, "--minutes", MINUTES, "--seed", "3", "--buyers", "10", "--faults", ",".join(FAULTS)
    )
    # So short a run may not have met everything that a proof needs; broken is another code.
    assert ended.returncode in (CLEAN, VOID), ended.stdout + ended.stderr
    history = read_history(path)
    assert judge(history, []).is_clean
    assert sum(row.state == "SOLD" for row in history.end.orders) > 0
    assert any(fault.is_fired for fault in history.faults), history.faults
    assert "kept" in ended.stdout
    see_a_bug_that_is_planted_in_it(history, tmp_path / "planted.jsonl", path)


def see_a_bug_that_is_planted_in_it(history: History, planted: Path, path: Path) -> None:
    """The same history with one sold order undone: the same command must say no."""
    sold = next(row for row in history.end.orders if row.state == "SOLD")
    planted.write_bytes(
        path.read_bytes().replace(
            f'"order":"{sold.order}","event":"{sold.event}","fan":"{sold.fan}"'.encode(),
            f'"order":"{sold.order}","event":"{sold.event}","fan":"somebody"'.encode(),
        )
    )
    ended = run_prove(planted, "--judge-only")
    assert ended.returncode == 1, ended.stdout
    assert "C3 broken" in ended.stdout


def test_a_fault_that_does_not_exist_is_named(tmp_path: Path) -> None:
    ended = run_prove(tmp_path / "history.jsonl", "--faults", "redis-killed,sunspots")
    assert ended.returncode == 2
    assert "sunspots" in ended.stderr
