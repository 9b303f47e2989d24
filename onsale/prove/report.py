"""The tables at the end of a run."""

from collections.abc import Iterator, Mapping

from rich.table import Table

from onsale.prove.checks.availability import Downtime, downtimes, shares
from onsale.prove.checks.verdict import Verdict
from onsale.prove.history import History


def tables(history: History, verdict: Verdict, met: Mapping[str, int]) -> Iterator[Table]:
    """Return what was met, what every fault cost, and what became of every promise."""
    yield faults_table(history)
    yield met_table(history, met)
    yield promises_table(verdict)


def faults_table(history: History) -> Table:
    """How often each fault fired, and how long nobody was served around it."""
    table = Table("fault", "fired", "longest", "without a hold", "without a sale", title="Faults")
    costs = downtimes(history)
    for name in sorted({fault.name for fault in history.faults}):
        fired = [fault for fault in history.faults if fault.name == name and fault.is_fired]
        longest = max((fault.ended_ms - fault.began_ms for fault in fired), default=0)
        cost = costs.get(name, Downtime(0, 0))
        table.add_row(
            name, str(len(fired)), seconds(longest), seconds(cost.hold_ms), seconds(cost.sale_ms)
        )
    return table


def met_table(history: History, met: Mapping[str, int]) -> Table:
    """What the run met, and how well it was served meanwhile."""
    table = Table("met", "times", title="What happened")
    wishes = {(op.fan, op.key) for op in history.of("hold")}
    payments = {(op.fan, op.key) for op in history.of("complete")}
    table.add_row("calls", f"{len(history.ops):,}")
    table.add_row("attempts to buy (seats or stock asked for)", f"{len(wishes):,}")
    table.add_row("of them paid for, or tried to", f"{len(payments):,}")
    for what, count in met.items():
        if not what.startswith("fault "):
            table.add_row(what, f"{count:,}")
    for what, share in shares(history).items():
        table.add_row(what, f"{share:.1%}")
    return table


def promises_table(verdict: Verdict) -> Table:
    """Each check and what it found."""
    table = Table("", "promise", "", title="Promises")
    for finding in verdict.findings:
        word = f"[red]{len(finding.broken)} broken[/]" if finding.broken else "[green]kept[/]"
        table.add_row(finding.code, finding.promise, word)
    table.add_row(
        "C18", "everything the run is about did happen",
        f"[yellow]{len(verdict.never)} never[/]" if verdict.never else "[green]kept[/]",
    )  # fmt: skip
    return table


def seconds(length_ms: int) -> str:
    """Return a length in seconds."""
    return f"{length_ms / 1000:.1f} s"
