"""`onsale operator …`: accounts, tokens and the log from the command line, and the first login."""

import asyncio
import socket
from importlib import resources
from pathlib import Path

import psycopg
import pytest
from test_code_commands import Desk

from gateway.operator.operator_log import ENTRIES_PER_PAGE
from gateway.operator.operators import Operators
from gateway.operator.settings import OperatorSettings
from groundwork.clock import SystemClock, SystemTokenSource
from groundwork.migrate import migrate, read_migrations
from groundwork.postgres import Pool, open_pool
from onsale.first_login import doer, first_login, write_secret
from onsale.operator_root import with_operator
from onsale.settings import Settings


@pytest.fixture
def desk(database_dsn: str, tmp_path: Path) -> Desk:
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        connection.execute("TRUNCATE operator_sessions, operator_tokens, operators")
    return Desk(database_dsn, tmp_path / "keys.json")


def test_an_operator_comes_and_goes(desk: Desk, tmp_path: Path) -> None:
    added = desk.run("operator", "add", "ada", "--role", "operator")
    assert added.exit_code == 0, added.output
    assert len(added.output.partition("(shown this once): ")[2].strip()) == 24
    assert desk.run("operator", "list").output == "ada\toperator\n"
    (tmp_path / "password").write_text("a password of my own\n")
    given = ("--password-file", str(tmp_path / "password"))
    changed = desk.run("operator", "add", "ada", "--role", "admin", *given)
    assert "shown" not in changed.output
    assert desk.run("operator", "list").output == "ada\tadmin\n"
    assert desk.run("operator", "remove", "ada").exit_code == 0
    assert desk.run("operator", "list").output == ""
    again = desk.run("operator", "remove", "ada")
    assert again.exit_code == 1
    assert "There is no operator ada." in again.output


def test_what_is_wrong_is_told_in_a_sentence(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("short")
    for arguments in (
        ("add", "ada", "--password-file", str(tmp_path / "password")),
        ("add", "Ada Lovelace"),
        ("token", "nobody", "--scope", "metrics", "--purpose", "scrape"),
        ("revoke", "nothing"),
    ):
        refused = desk.run("operator", *arguments)
        assert refused.exit_code == 1, arguments
        assert "Traceback" not in refused.output
    assert desk.run("operator", "list").output == ""


def test_a_token_is_shown_once_and_its_id_is_in_the_log(desk: Desk) -> None:
    desk.run("operator", "add", "ada", "--role", "viewer")
    made = desk.run("operator", "token", "ada", "--scope", "metrics", "--purpose", "scrape")
    token = made.output.strip().splitlines()[-1]
    assert token.startswith("onsale_")
    told = desk.run("operator", "log").output
    assert token not in told
    assert "make-token\tada" in told
    token_id = told.rpartition('"token_id":"')[2].partition('"')[0]
    assert desk.run("operator", "revoke", token_id).exit_code == 0


def test_the_log_says_when_it_shows_not_all(desk: Desk, database_dsn: str) -> None:
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        for number in range(ENTRIES_PER_PAGE + 5):
            connection.execute(
                """INSERT INTO operator_log (number, at_ms, operator, by_what, action, subject, reason,
                    details, before_hash, hash) VALUES (0, 1, 'ada', 'test', 'test', %s, '', '{}', '', '')""",
                (f"subject-{number}",),
            )
        counted = connection.execute("SELECT count(*) FROM operator_log").fetchone()
    assert counted is not None
    newest = desk.run("operator", "log")
    assert len(newest.stdout.splitlines()) == ENTRIES_PER_PAGE
    assert f"subject-{ENTRIES_PER_PAGE + 4}" in newest.stdout.splitlines()[-1]
    assert (
        newest.stderr
        == f"Older entries than these {ENTRIES_PER_PAGE}: --last for more of them, or --all.\n"
    )
    everything = desk.run("operator", "log", "--all")
    assert len(everything.stdout.splitlines()) == counted[0]
    for told in (everything, desk.run("operator", "log", "--last", str(counted[0]))):
        assert (told.stdout, told.stderr) == (everything.stdout, "")
    assert len(desk.run("operator", "log", "--last", "2").stdout.splitlines()) == 2


def test_a_forged_log_is_told(desk: Desk, database_dsn: str) -> None:
    desk.run("operator", "add", "ada")
    desk.run("operator", "remove", "ada")
    good = desk.run("operator", "log", "--verify")
    assert "entries hold; the last has the hash " in good.output
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        connection.execute("ALTER TABLE operator_log DISABLE TRIGGER USER")
        kept = connection.execute(
            """UPDATE operator_log SET operator = 'eve' WHERE number = 1
                RETURNING (SELECT operator FROM operator_log WHERE number = 1)"""
        ).fetchone()
        assert kept is not None
        forged = desk.run("operator", "log", "--verify")
        connection.execute("UPDATE operator_log SET operator = %s WHERE number = 1", kept)
        connection.execute("ALTER TABLE operator_log ENABLE TRIGGER USER")
    assert forged.exit_code == 1
    assert "Entry 1 is not what was written; 0 entries before it hold." in forged.output
    assert desk.run("operator", "log", "--verify").exit_code == 0


async def test_the_first_login_is_made_once_and_for_its_reader_alone(
    empty_database: str, tmp_path: Path
) -> None:
    await migrate(empty_database, read_migrations(resources.files("migrations")))
    async with open_pool(empty_database, size_max=2) as pool:
        await first_login_told_once(pool, tmp_path / "operator-login")


async def first_login_told_once(pool: Pool, file: Path) -> None:
    operators = Operators(pool, SystemClock(), SystemTokenSource())
    assert await first_login(operators, file)
    assert file.stat().st_mode & 0o777 == 0o600
    name, password = file.read_text().split()
    assert (await operators.sign_in(name, password, "127.0.0.1"))[1].role == "admin"
    file.unlink()
    assert not await first_login(operators, file)
    # Who removed everybody did not ask for a new admin.
    assert await operators.remove(doer(), name)
    assert not await first_login(operators, file)
    assert not file.exists()


def test_a_secret_replaces_what_others_could_read(tmp_path: Path) -> None:
    file, elsewhere = tmp_path / "login", tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    file.symlink_to(elsewhere)
    write_secret(file, "secret")
    assert elsewhere.read_text() == "mine"
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("secret", 0o600)


async def test_a_listener_that_cannot_start_stops_the_part_beside_it(
    redis_url: str, database_dsn: str
) -> None:
    was_stopped: list[bool] = []

    async def part() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            was_stopped.append(True)

    settings = Settings(redis_url=redis_url, database_url=database_dsn, keys_file="keys.json")
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="address already in use"):
            async with asyncio.timeout(30):
                await with_operator(part(), settings, OperatorSettings(), port)
    assert was_stopped == [True]
