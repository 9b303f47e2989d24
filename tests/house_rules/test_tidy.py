"""The house rules that a machine can keep."""

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from booking_core.practice_provider.settings import ProviderSettings
from booking_core.settings import CoreSettings
from gateway.settings import GatewaySettings
from groundwork.errors import BookingError
from groundwork.problem_json import STATUS_OF
from onsale.settings import Settings

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("onsale", "gateway", "booking_core", "lua", "groundwork")
SOURCES = sorted(path for name in PACKAGES for path in (REPOSITORY / name).rglob("*.py"))
# What is longer does more than one thing; what the longest may have is a screen, and a file that
# can be read in one sitting.
LINES_PER_FILE_MAX = 310
LINES_PER_FUNCTION_MAX = 60
BANNED_CALLS = {
    "time.time": "the Clock you were handed",
    "datetime.now": "the Clock you were handed",
    "asyncio.sleep": "clock.sleep_ms",
    "random.random": "the rng you were handed",
    "uuid.uuid4": "the TokenSource you were handed",
    "print": "the logger, or click.echo",
    "os.getenv": "a settings class",
}
# The files that may touch the real thing.
DOORS = {REPOSITORY / "groundwork" / "clock.py"}


def untidiness(path: Path) -> Iterator[str]:
    """Yield a sentence for each rule the file breaks."""
    source = path.read_text("utf-8")
    if source.count("\n") > LINES_PER_FILE_MAX:
        yield f"{path.name}: more than {LINES_PER_FILE_MAX} lines; split it by what its parts do"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            if node.end_lineno - node.lineno >= LINES_PER_FUNCTION_MAX:
                yield f"{path.name}:{node.lineno}: {node.name} is longer than a screen"
        if isinstance(node, ast.Call) and path not in DOORS:
            name = ast.unparse(node.func)
            for banned, instead in BANNED_CALLS.items():
                is_dotted = "." in banned and name.endswith(f".{banned}")
                if name == banned or is_dotted:
                    yield f"{path.name}:{node.lineno}: {name} is banned here, use {instead}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_file_keeps_the_house_rules(path: Path) -> None:
    assert list(untidiness(path)) == []


def test_the_rules_see_what_they_should(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("import time\nnow = time.time()\n" + "def f():\n" + "    x = 1\n" * 70)
    assert list(untidiness(bad)) == [
        "bad.py:3: f is longer than a screen",
        "bad.py:2: time.time is banned here, use the Clock you were handed",
    ]


def test_every_refusal_has_a_status_and_a_code_of_its_own() -> None:
    refusals = set(BookingError.__subclasses__())
    assert refusals <= set(STATUS_OF)
    assert len({refusal.code for refusal in refusals}) == len(refusals)


def test_every_setting_is_documented() -> None:
    text = (REPOSITORY / "docs" / "settings.md").read_text("utf-8")
    for kind in (Settings, GatewaySettings, CoreSettings, ProviderSettings):
        for field in msgspec.structs.fields(kind):
            assert f"`{field.name.upper()}`" in text, field.name


def test_every_word_of_the_glossary_stands_once() -> None:
    lines = (REPOSITORY / "docs" / "glossary.md").read_text("utf-8").splitlines()
    words = [line.split("|")[1].strip() for line in lines if line.startswith("| **")]
    assert words
    assert len(words) == len(set(words))
