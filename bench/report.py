"""What was measured: as a table on the screen, as results.json, and as the table of README.md."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from bench.machine import description

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "results.json"
README = FOLDER / "README.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One path: what it reaches, its floor, and whether that is within budget.

    `judged_by` says how: "ratio >= budget" or "ours <= budget"; `ours` and `floor` are in `unit`.
    """

    path: str
    ours: float
    floor: float
    ratio: float
    budget: float
    unit: str
    judged_by: str
    met: bool
    note: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the row as results.json has it."""
        return {
            "path": self.path,
            "ours": self.ours,
            "floor": self.floor,
            "ratio": self.ratio,
            "budget": self.budget,
            "unit": self.unit,
            "judged_by": self.judged_by,
            "met": self.met,
            "note": self.note,
            **self.more,
        }


def write_results(rows: Sequence[Row], path: Path = RESULTS) -> None:
    """Write results.json."""
    content = msgspec.json.encode({"rows": [row.document() for row in rows]})
    path.write_bytes(msgspec.json.format(content) + b"\n")


def read_results(path: Path = RESULTS) -> list[dict[str, Any]]:
    """Return the rows of results.json."""
    rows: list[dict[str, Any]] = msgspec.json.decode(path.read_bytes())["rows"]
    return rows


def print_table(console: Console, rows: Sequence[Row]) -> None:
    """Print the budgets and what is reached, and under them what each figure is."""
    table = Table()
    for name in ("path", "ours", "floor", "ratio", "budget", ""):
        is_number = name in ("ours", "floor", "ratio")
        table.add_column(name, justify="right" if is_number else "left", no_wrap=True)
    for row in rows:
        table.add_row(
            row.path,
            f"{row.ours:,.1f}",
            f"{row.floor:,.1f}",
            f"{row.ratio:.2f}",
            budget_text(row.document()),
            "[green]met[/]" if row.met else "[red]missed[/]",
        )
    console.print(table)
    for row in rows:
        console.print(f"[bold]{row.path}[/] in {row.unit}: {row.note}", highlight=False)
        if "bare_script" in row.more:
            console.print(row.more["bare_script"], highlight=False)


def budget_text(row: Mapping[str, Any]) -> str:
    """Return the budget as the design says it."""
    if row["judged_by"] == "ratio >= budget":
        return f"≥ {row['budget']:g} × floor"
    if row["judged_by"] == "|ours - floor| <= budget":
        return f"{row['floor']:g} ± {row['budget']:g}"
    return f"≤ {row['budget']:g} {row['unit'].partition(' ')[0].strip(',')}"


def measured_section(rows: Sequence[dict[str, Any]], date: str) -> str:
    """Return the generated part of README.md."""
    lines = [
        BEGIN,
        f"Measured on {date}: {description()}.",
        "",
        "| path | ours | floor | ratio | budget | | unit | note |",
        "|---|--:|--:|--:|---|---|---|---|",
    ]
    bare = ""
    for row in rows:
        met = "met" if row["met"] else "**missed**"
        lines.append(
            f"| {row['path']} | {row['ours']:,.1f} | {row['floor']:,.1f} | {row['ratio']:.2f} "
            f"| {budget_text(row)} | {met} | {row['unit']} | {row['note']} |"
        )
        if "bare_script" in row:
            bare = row["bare_script"]
    return "\n".join([*lines, "", f"{bare}.", END])


def update_readme(rows: Sequence[dict[str, Any]], date: str, path: Path = README) -> None:
    """Put the figures between the marks of README.md; the prose around them stays."""
    before, _, rest = path.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(before + measured_section(rows, date) + after, "utf-8")
