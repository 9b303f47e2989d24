"""docs/proof.md names nothing that is not there, and leaves nothing out that is."""

import ast
import re
from functools import cache
from pathlib import Path

from onsale.prove.checks.verdict import CHECKS
from onsale.prove.fault_list import FAULTS
from tests.proof.test_checks import BUGS

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "proof.md").read_text("utf-8")
# Of the matrix that the protocol was designed against.
ROWS_MIN = 30


def section(title: str) -> str:
    """The text of one section of the page."""
    return re.split(r"^## ", PAGE.partition(f"\n## {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[
        0
    ]


def cells(text: str) -> list[list[str]]:
    """The rows of a section's tables, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [
        row
        for row, line, after in zip(rows, lines, [*lines[1:], ""], strict=True)
        if not line.startswith("|---") and not after.startswith("|---")
    ]


@cache
def names_in(path: str) -> set[str]:
    tree = ast.parse((REPOSITORY / path).read_text("utf-8"))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return {node.name for node in tree.body if isinstance(node, kinds)}


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)
    assert len(named) > ROWS_MIN
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (REPOSITORY / path).is_file() or (name and name not in names_in(path))
    ]
    assert missing == []


def test_every_fault_is_in_the_table_once_and_none_that_is_not_there() -> None:
    rows = cells(section("What is broken"))
    assert len(rows) >= ROWS_MIN
    named = [name for row in rows for name in re.findall(r"`([\w-]+)`", row[1])]
    assert sorted(named) == sorted(FAULTS)


def test_the_readme_counts_the_faults() -> None:
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    assert re.findall(r"while buyers buy, in (\d+) ways", readme) == [str(len(FAULTS))]


def test_every_row_of_a_fault_has_a_test() -> None:
    assert [row[0] for row in cells(section("What is broken")) if "::test_" not in row[2]] == []


def test_every_check_is_told_with_the_bugs_that_it_catches() -> None:
    rows = [row for row in cells(section("What is checked")) if re.fullmatch(r"C\d+", row[0])]
    told = {row[0]: set(re.findall(r'"([^"]+)"', row[2])) for row in rows}
    planted = {
        code: {bug.name for bug in BUGS if code in bug.codes} for code in {c for c, _, _ in CHECKS}
    }
    assert told == planted


def test_the_page_would_notice() -> None:
    """The test of the test: names that are not there are seen in the same way."""
    assert "test_that_is_not_there" not in names_in("tests/proof/test_the_page.py")
    assert cells("| a | b |\n|---|---|\n| one | two |\n") == [["one", "two"]]
