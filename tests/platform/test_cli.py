"""The command line: help for everything, and one sentence for what cannot be done."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import structlog
from click.testing import CliRunner, Result

from groundwork.keys import KeyRing
from onsale.cli import main
from tests.platform.processes import ONSALE, REPOSITORY

STORES = {
    "REDIS_URL": "unix:///nowhere/redis.sock",
    "DATABASE_URL": "postgresql:///onsale?host=/nowhere",
}


def every_command(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from every_command(inner, (*path, name))


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command sets up its process's log; here it runs in the tests' own."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def onsale(*arguments: str, **environ: str) -> Result:
    unset = dict.fromkeys(("REDIS_URL", "DATABASE_URL", "KEYS_FILE", "ONSALE_DATA_DIR"))
    return CliRunner().invoke(main, arguments, env={**unset, **environ})


@pytest.mark.parametrize("path", list(every_command(main)), ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    result = onsale(*path, "--help")
    assert result.exit_code == 0
    assert len(result.output.splitlines()[2].strip()) > 10


def test_the_parts_are_all_there() -> None:
    found = {" ".join(path) for path in every_command(main)}
    assert found >= {
        *("up", "gateway", "core", "worker", "operator", "provider", "migrate", "keys new"),
        *(
            "sale create",
            "sale open",
            "sale pause",
            "sale resume",
            "sale drain",
            "sale close",
            "sale show",
        ),
        *("sale list", "event import", "event create", "verify-ticket", "verify-draw"),
    }


def test_the_installed_command_and_the_module_are_the_same() -> None:
    told = [
        subprocess.run((*command, "--help"), capture_output=True, text=True, check=True).stdout
        for command in (ONSALE, (str(Path(ONSALE[0]).with_name("onsale")),))
    ]
    assert told[0].partition("\n")[2] == told[1].partition("\n")[2]


@pytest.mark.parametrize("part", ["gateway", "core", "worker"])
def test_all_wrong_settings_are_listed_at_once(part: str) -> None:
    result = onsale(part, REDIS_URL="http://redis", HOLD_MS="soon", DATABASE_CONNECTIONS="0")
    assert result.exit_code == 1
    told = result.stderr.splitlines()
    assert any(line.startswith("DATABASE_URL is not set") for line in told)
    assert any(line.startswith("KEYS_FILE is not set") for line in told)
    assert any(line.startswith("DATABASE_CONNECTIONS='0'") for line in told)
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("name", "value"), [("REDIS_URL", "redis.example"), ("DATABASE_URL", "mysql://db/onsale")]
)
def test_an_address_of_something_else_is_refused(name: str, value: str) -> None:
    result = onsale("operator", **{**STORES, "KEYS_FILE": "keys.json", name: value})
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{name} must begin with")


@pytest.mark.parametrize("command", [("sale", "list"), ("sale", "show", "demo")])
def test_without_a_running_system_the_ways_to_name_one_are_told(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    result = onsale(*command, "--data-dir", str(tmp_path))
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Nothing runs on {tmp_path}: start `onsale up`")
    assert result.stderr.count("\n") == 1


def test_only_who_serves_loads_the_whole_product() -> None:
    whole = {"onsale.roots", "gateway.app", "booking_core.app"}
    loaded = f"import sys, onsale.cli; print({whole} & sys.modules.keys())"
    done = subprocess.run(
        (sys.executable, "-c", loaded), cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


def test_a_schema_that_is_not_there_yet_fails_the_check(empty_database: str) -> None:
    # A process of its own: an event loop runs here already.
    def migrate(*options: str) -> tuple[int, str]:
        done = subprocess.run(
            (*ONSALE, "migrate", *options),
            cwd=REPOSITORY,
            env={**os.environ, "DATABASE_URL": empty_database},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    assert migrate("--check") == (1, "The schema is not current.\n")
    assert migrate("--check", "--phase", "pre") == (1, "The schema is not current.\n")
    code, told = migrate()
    assert code == 0
    assert told.startswith("applied 0001_pre_the_first_schema.sql\n")
    assert migrate() == (0, "The schema is current.\n")
    assert migrate("--check") == (0, "The schema is current.\n")


def test_a_database_that_does_not_answer_is_one_sentence() -> None:
    result = onsale("migrate", **STORES)
    assert result.exit_code == 1
    assert result.stderr.startswith("The database does not answer")
    assert result.stderr.count("\n") == 1


def test_new_keys_are_secret_and_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    assert onsale("keys", "new", str(file)).exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    made = file.read_bytes()
    again = onsale("keys", "new", str(file))
    assert again.exit_code == 1
    assert "exists already" in again.stderr
    assert file.read_bytes() == made


@pytest.mark.parametrize(
    "command",
    [
        ("keys", "new", "{missing}"),
        ("event", "generate", "theatre", "--seats", "50", "--out", "{missing}"),
        (
            "event",
            "generate",
            "arena",
            "--seats",
            "500",
            "--out",
            "{there}",
            "--side-file",
            "{missing}",
        ),
        ("simulate", "--fans", "100", "--plot", "{missing}"),
        ("prove", "--judge-only", "--history", "{missing}"),
        ("prove", "--judge-only", "--history", "{junk}"),
        ("prove", "--judge-only", "--history", "{bytes}"),
        ("prove", "--judge-only", "--history", "{empty}"),
        ("prove", "--history", "{junk}/history"),
        ("verify-ticket", "code", "--jwks", "{junk}"),
        ("verify-ticket", "code", "--jwks", "{bytes}"),
        ("verify-ticket", "code", "--jwks", "{list}"),
        ("sale", "codes", "create", "demo", "--lane", "club", "--count", "2", "--out", "{missing}"),
    ],
    ids=" ".join,
)
def test_a_file_that_cannot_be_used_is_named_in_one_sentence(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    files = {name: tmp_path / name for name in ("junk", "bytes", "empty", "list", "there")}
    for name, content in (
        ("junk", b"{junk"),
        ("bytes", b"\xff\xfe"),
        ("empty", b""),
        ("list", b"[]"),
    ):
        files[name].write_bytes(content)
    named = {**files, "missing": tmp_path / "missing" / "file"}
    result = onsale(*(word.format(**named) for word in command))
    assert result.exit_code == 1, result.output
    assert not isinstance(result.exception, OSError | ValueError)
    assert result.stderr.count("\n") == 1


def test_a_ticket_that_is_none_is_refused(tmp_path: Path) -> None:
    ring = KeyRing.generate(tmp_path / "keys.json")
    (tmp_path / "jwks.json").write_text(json.dumps(ring.jwks()))
    result = onsale("verify-ticket", "nonsense", "--jwks", str(tmp_path / "jwks.json"))
    assert result.exit_code == 1
    assert result.stderr
    assert "Traceback" not in result.stderr
