"""Take every condition out of every script, one at a time, and see whether a test notices.

    make guards                            # half an hour
    make guards ARGS="hold_seats tokens"   # of these scripts and includes

Prints those that no test notices; ends with 1 if there is one that UNNOTICED does not explain.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

import lua

# What is set for a run of the tests: the folder with one condition cut.
FOLDER: Final = "LUA_WITH_A_CUT"
HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
CONDITION: Final = re.compile(r"\b(if|elseif|while) (?P<condition>.+?) (?:then|do)\b", re.DOTALL)
COMMENT: Final = re.compile(r"--\[\[.*?\]\]|--[^\n]*", re.DOTALL)
# These look for the text that is cut.
WITHOUT: Final = ("test_guards.py",)
# A cut that makes a script run for ever is noticed by the time-out of the store; this is for the rest.
SECONDS_MAX: Final = 180.0

# What may be cut without changing any answer: it saves the store work.
UNNOTICED: Final = {
    (
        "hold_seats.lua",
        "own",
    ): "what is offered and asked for is found taken by the fan a moment later",
    ("includes/choose_run.lua", "at > first + length"): "block after block leads there, too",
    (
        "includes/choose_run.lua",
        "tidy.grade and (grade ~= tidy.grade or #tidy == EQUALS_MAX)",
    ): "farther rows are weighed and not taken",
    ("includes/digits.lua", "last - first < AHEAD_MAX"): "each seat is read by itself",
    (
        "includes/digits.lua",
        "k.ahead and first >= k.ahead_from and last < k.ahead_from + #k.ahead",
    ): "likewise",
    ("includes/serve_lane.lua", "step <= 0"): "a hundred steps of nothing",
    (
        "includes/sweep_due.lua",
        "redis.call('ZCOUNT', k.expiries, '-inf', now) == 0",
    ): "what is due is looked for, and nothing is",
}

if folder := os.environ.get(FOLDER):
    lua.LUA = Path(folder)  # type: ignore[misc, assignment]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep to one of the two servers: what a script decides, it decides on both."""
    items[:] = [item for item in items if "redis" not in _params_of(item).values()]


def _params_of(item: pytest.Item) -> dict[str, object]:
    found: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    return found


def cuts(wanted: Sequence[str]) -> Iterator[tuple[str, int, str, str]]:
    """Yield file, line, condition and the file's text without the condition."""
    for path in sorted((ROOT / "lua").rglob("*.lua")):
        if wanted and path.stem not in wanted:
            continue
        text = path.read_text("utf-8")
        # As long as before, so that places in it are places in the text.
        bare = COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
        for found in CONDITION.finditer(bare):
            start, end = found.span("condition")
            line = text.count("\n", 0, start) + 1
            name = str(path.relative_to(ROOT / "lua"))
            yield name, line, text[start:end], f"{text[:start]}false{text[end:]}"


def is_noticed(name: str, text: str) -> bool:
    """Say whether a test of the scripts fails with this file instead of ours."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "lua"
        shutil.copytree(ROOT / "lua", copy)
        (copy / name).write_text(text, "utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider"]
        command += [
            "-p",
            "cut_conditions",
            str(HERE),
            *(f"--ignore={HERE / each}" for each in WITHOUT),
        ]
        path = os.pathsep.join((str(HERE), str(ROOT)))
        try:
            ended = subprocess.run(
                command,
                cwd=ROOT,
                env={**os.environ, FOLDER: str(copy), "PYTHONPATH": path},
                capture_output=True,
                timeout=SECONDS_MAX,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return True
    return ended.returncode == pytest.ExitCode.TESTS_FAILED


def main(wanted: Sequence[str]) -> int:
    """Cut all conditions of the named files, or of all; return the program's exit status."""
    unnoticed = 0
    for name, line, condition, text in cuts(wanted):
        words = " ".join(condition.split())
        if (name, words) not in UNNOTICED and not is_noticed(name, text):
            unnoticed += 1
            print(f"{name}:{line}: {words}", flush=True)
    print(f"{unnoticed} unnoticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
