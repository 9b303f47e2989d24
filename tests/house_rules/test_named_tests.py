"""A page that says what holds names the test for it; that test must exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "bench" / "README.md"]
ROWS_OF_THE_CHECKLIST = 48


@cache
def functions_of(path: Path) -> frozenset[str]:
    """The names of all functions in a file; none of a file that is not there."""
    if not path.exists():
        return frozenset()
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return frozenset(
        node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def missing_in(text: str) -> list[str]:
    """What a page names and nobody can find."""
    return [
        match[0]
        for match in NAMED.finditer(text)
        if not (ROOT / match[1]).exists()
        or (match[2] and match[2] not in functions_of(ROOT / match[1]))
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    assert missing_in(page.read_text("utf-8")) == []


def test_every_row_of_the_checklist_names_a_test() -> None:
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \|.*$", text, re.MULTILINE)
    assert rows == [str(number) for number in range(1, ROWS_OF_THE_CHECKLIST + 1)]
    for row in re.findall(r"^\| \d+ \|.*$", text, re.MULTILINE):
        assert NAMED.search(row), row


def test_a_test_that_is_gone_is_seen() -> None:
    here = "tests/house_rules/test_named_tests.py"
    assert missing_in(f"`{here}::test_of_nobody` `tests/nowhere.py`") != []
    assert missing_in(f"`{here}::test_a_test_that_is_gone_is_seen` `{here}`") == []
