"""What is secret is compared in constant time: an `==` ends at the first byte that differs."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("gateway", "booking_core", "groundwork", "onsale")
# Names of what whoever knows it can misuse. `key` alone is anything that finds something.
SECRET = re.compile(r"(^|_)(mac|hmac|secret|signature|seal|csrf|password|passphrase)s?$")


def words(node: ast.expr) -> Iterator[str]:
    """The names that an operand of a comparison goes by."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            yield name
        case ast.Call(func=function):
            yield from words(function)
        case ast.Subscript(value=value, slice=key):
            yield from words(value)
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value


def compared_in_the_open(source: str) -> list[int]:
    """Lines that compare a secret with `==` or `!=`; a literal only asks whether there is one."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        is_equality = any(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops)
        is_with_literal = any(isinstance(each, ast.Constant) for each in sides)
        names = [name for side in sides for name in words(side)]
        if is_equality and not is_with_literal and any(map(SECRET.search, names)):
            found.append(node.lineno)
    return found


FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_secret_is_compared_in_the_open(path: Path) -> None:
    assert compared_in_the_open(path.read_text("utf-8")) == []


def test_an_open_comparison_is_seen() -> None:
    for line in ("mac == wanted", "given != self._mac(body)", 'parts["mac"] == x', "a.secret == b"):
        assert compared_in_the_open(line) == [1], line
    assert compared_in_the_open("secret == ''\nkind == 'secret'\nhmac.compare_digest(mac, x)") == []
