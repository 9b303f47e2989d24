"""The house rules that a machine can keep."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest

from booking_core.practice_provider.settings import ProviderSettings
from booking_core.settings import CoreSettings
from gateway.operator.settings import OperatorSettings
from gateway.origin.settings import OriginSettings
from gateway.settings import GatewaySettings
from groundwork.mail_settings import MailSettings
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
    "time.time_ns": "the Clock you were handed",
    "time.monotonic": "the Clock you were handed",
    "time.perf_counter": "the Clock you were handed",
    "time.sleep": "clock.sleep_ms",
    "datetime.now": "the Clock you were handed",
    "datetime.utcnow": "the Clock you were handed",
    "asyncio.sleep": "clock.sleep_ms",
    "random.random": "the rng you were handed",
    "random.randint": "the rng you were handed",
    "random.choice": "the rng you were handed",
    "random.Random": "the rng you were handed",
    "uuid.uuid4": "the TokenSource you were handed",
    "secrets.token_urlsafe": "the TokenSource you were handed",
    "secrets.token_bytes": "the TokenSource you were handed",
    "secrets.token_hex": "the TokenSource you were handed",
    "print": "the logger, or click.echo",
    "os.getenv": "a settings class",
}
# The files that may touch the real thing, what each may call, and why.
DOORS: Mapping[str, Mapping[str, str]] = {
    "groundwork/clock.py": dict.fromkeys(BANNED_CALLS, "it is the door"),
    "groundwork/access_log.py": {
        "time.perf_counter": "measures our own work; no rule depends on it"
    },
    "groundwork/counted_soon.py": {
        "time.perf_counter": "measures our own work; no rule depends on it"
    },
    "groundwork/keys.py": {
        "secrets.token_bytes": "makes an installation's secrets, once",
        "secrets.token_hex": "names a file for a moment",
    },
    "onsale/data_dir.py": {"secrets.token_hex": "names an installation, once"},
    # Where the parts are put together, chance is made for real.
    "gateway/app.py": {"random.Random": "puts parts together"},
    "onsale/roots.py": {"random.Random": "puts parts together"},
    "onsale/event_commands.py": {"random.Random": "makes chance of the seed that was given"},
    "onsale/prove/run.py": {"random.Random": "makes chance of the seed that was given"},
    "onsale/rehearse_command.py": {"random.Random": "makes chance of the seed that was given"},
    "onsale/simulate_command.py": {"random.Random": "makes chance of the seed that was given"},
    "gateway/worker.py": {"random.Random": "puts parts together"},
    "booking_core/parts.py": {"random.Random": "puts parts together"},
}


def untidiness(path: Path, doors: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each rule the file breaks."""
    source = path.read_text("utf-8")
    if source.count("\n") > LINES_PER_FILE_MAX:
        yield f"{path.name}: more than {LINES_PER_FILE_MAX} lines; split it by what its parts do"
    tree = ast.parse(source)
    if not ast.get_docstring(tree):
        yield f"{path.name}: say in one line what it is for"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            if node.end_lineno - node.lineno >= LINES_PER_FUNCTION_MAX:
                yield f"{path.name}:{node.lineno}: {node.name} is longer than a screen"
        if isinstance(node, ast.Call) and (banned := banned_name(node)) and banned not in doors:
            yield f"{path.name}:{node.lineno}: {banned} is banned here, use {BANNED_CALLS[banned]}"


def banned_name(call: ast.Call) -> str | None:
    """Return which of the banned calls this is."""
    name = ast.unparse(call.func)
    for banned in BANNED_CALLS:
        is_dotted = "." in banned and name.endswith(f".{banned}")
        if name == banned or is_dotted:
            return banned
    return None


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_a_file_keeps_the_house_rules(path: Path) -> None:
    doors = DOORS.get(path.relative_to(REPOSITORY).as_posix(), {})
    assert list(untidiness(path, doors)) == []


def test_the_rules_see_what_they_should(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text(
        "import asyncio, time, uuid, random\n"
        "now = time.time()\n"
        "name = uuid.uuid4()\n"
        "rng = random.Random()\n"
        "print(now)\n"
        "async def rest():\n    await asyncio.sleep(1)\n"
        "def f():\n" + "    x = 1\n" * 70 + "\n" * 300
    )
    assert list(untidiness(bad, {})) == [
        "bad.py: more than 310 lines; split it by what its parts do",
        "bad.py: say in one line what it is for",
        "bad.py:8: f is longer than a screen",
        "bad.py:2: time.time is banned here, use the Clock you were handed",
        "bad.py:3: uuid.uuid4 is banned here, use the TokenSource you were handed",
        "bad.py:4: random.Random is banned here, use the rng you were handed",
        "bad.py:5: print is banned here, use the logger, or click.echo",
        "bad.py:7: asyncio.sleep is banned here, use clock.sleep_ms",
    ]


def test_a_tidy_file_is_left_alone(tmp_path: Path) -> None:
    good = tmp_path / "good.py"
    good.write_text('"""Shows the time."""\nconsole.print(clock.now_ms())\n')
    assert list(untidiness(good, {})) == []


def test_a_door_opens_for_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "file.py"
    file.write_text(
        '"""Times and names."""\nimport time, uuid\nnow = time.time()\nname = uuid.uuid4()\n'
    )
    assert list(untidiness(file, {"time.time": "a reason"})) == [
        "file.py:4: uuid.uuid4 is banned here, use the TokenSource you were handed"
    ]


@pytest.mark.parametrize("name", sorted(DOORS.keys() - {"groundwork/clock.py"}))
def test_a_door_nobody_uses_is_closed(name: str) -> None:
    tree = ast.parse((REPOSITORY / name).read_text("utf-8"))
    called = {banned_name(node) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert DOORS[name].keys() <= called


def test_every_setting_is_documented() -> None:
    text = (REPOSITORY / "docs" / "settings.md").read_text("utf-8")
    kinds = (
        Settings,
        GatewaySettings,
        MailSettings,
        OriginSettings,
        OperatorSettings,
        CoreSettings,
        ProviderSettings,
    )
    for kind in kinds:
        for field in msgspec.structs.fields(kind):
            assert f"`{field.name.upper()}`" in text, field.name


def test_every_word_of_the_glossary_stands_once() -> None:
    lines = (REPOSITORY / "docs" / "glossary.md").read_text("utf-8").splitlines()
    words = [line.split("|")[1].strip() for line in lines if line.startswith("| **")]
    assert words
    assert len(words) == len(set(words))
