"""`onsale prove`: break everything while buyers buy, and judge what they saw."""

import shutil
import tempfile
from pathlib import Path

import click
import msgspec
from rich.console import Console

from groundwork.clock import SystemClock
from groundwork.logging import set_up_logging
from onsale.cannot_start import CannotStart, named_file
from onsale.event_loop import run
from onsale.prove.checks.sometimes import met
from onsale.prove.checks.verdict import Verdict, judge
from onsale.prove.history import History, read_history
from onsale.prove.nemesis import chosen
from onsale.prove.report import tables
from onsale.prove.run import Wanted, prove

# What a script that calls this can tell apart.
EXIT_BROKEN, EXIT_VOID = 1, 3
# Found wrong, of each check; the history has all of them.
SHOWN_MAX = 5


def names(_context: click.Context, _option: click.Parameter, text: str) -> list[str]:
    """Read the faults of --faults."""
    try:
        return chosen(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("prove")
@click.option("--minutes", type=click.FloatRange(0.1, 24 * 60), default=10.0, show_default=True)
@click.option("--seed", type=int, help="Who buys what and what fails when; told if absent.")
@click.option(
    "--faults", default="all", show_default=True, callback=names, metavar="all|NAME,…",
    help="What may fail.",
)  # fmt: skip
@click.option("--buyers", type=click.IntRange(1, 1_000), default=24, show_default=True)
@click.option(
    "--history", type=click.Path(path_type=Path), default=Path("proof-history.jsonl"),
    show_default=True, help="Where all that happened is written.",
)  # fmt: skip
@click.option("--judge-only", is_flag=True, help="Only judge the history, nothing runs.")
@click.option("--keep", is_flag=True, help="Keep the folder with data and logs.")
def prove_command(
    minutes: float,
    seed: int | None,
    faults: list[str],
    buyers: int,
    history: Path,
    judge_only: bool,
    keep: bool,
) -> None:
    """Prove the promises: run everything apart, let it fail in every way, and judge the history.

    Ends with 1 when a promise was broken, with 3 when the run met too little to prove anything.
    """
    console = Console()
    set_up_logging("console", "ERROR", "prove")
    seed = SystemClock().now_ms() % 1_000_000 if seed is None else seed
    if judge_only:
        whole = read(history)
        faults = sorted({fault.name for fault in whole.faults})
    else:
        console.print(f"seed {seed}, {minutes:g} minutes, {len(faults)} faults, {buyers} buyers")
        whole = run_apart(minutes, seed, faults, buyers, history, console, keep=keep)
    verdict = judge(whole, faults)
    show(console, whole, verdict, faults)
    if not verdict.is_clean:
        raise SystemExit(EXIT_BROKEN)
    if verdict.is_void:
        raise SystemExit(EXIT_VOID)


def read(path: Path) -> History:
    """Return what a run has written. Raises CannotStart when that is not all of a history."""
    try:
        with named_file(path):
            whole = read_history(path)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CannotStart(f"{path} is no history of `onsale prove`: {error}.") from error
    if whole.ending is None:
        raise CannotStart(f"{path} has no end: the run was broken off, and cannot be judged.")
    return whole


def run_apart(
    minutes: float,
    seed: int,
    faults: list[str],
    buyers: int,
    history: Path,
    console: Console,
    *,
    keep: bool,
) -> History:
    """Run it in a folder of its own that others may pass: PostgreSQL does not run as root."""
    folder = Path(tempfile.mkdtemp(prefix="onsale-prove-"))
    folder.chmod(0o711)
    wanted = Wanted(
        minutes=minutes, seed=seed, faults=faults, buyers=buyers, history=history,
        folder=folder / "data",
    )  # fmt: skip
    try:
        return run(prove(wanted, console.print))
    finally:
        if keep:
            console.print(f"data and logs are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def show(console: Console, history: History, verdict: Verdict, faults: list[str]) -> None:
    """Print the tables and the verdict."""
    for table in tables(history, verdict, met(history, faults)):
        console.print(table)
    for finding in verdict.findings:
        for what in finding.broken[:SHOWN_MAX]:
            console.print(f"[red]{finding.code} broken:[/] {what}", highlight=False)
    for what in verdict.never:
        console.print(f"[yellow]{what}[/]", highlight=False)
    if not verdict.is_clean:
        console.print("[bold red]PROMISES BROKEN[/]")
    elif verdict.is_void:
        console.print("[bold yellow]VOID: the run met too little to prove anything[/]")
    else:
        console.print("[bold green]CLEAN[/]")
