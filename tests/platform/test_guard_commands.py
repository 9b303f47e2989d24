"""`onsale networks` and `onsale fan`: lists in place at once, and what an appeal is told."""

from pathlib import Path

import psycopg
from click.testing import CliRunner, Result
from test_code_commands import Desk

from gateway.bot_checks.network_lists import path_of
from onsale.cli import main


def update(folder: Path, *sources: str) -> Result:
    arguments = ("networks", "update", *sources, "--kind", "tor", "--folder", str(folder))
    return CliRunner().invoke(main, arguments)


def test_a_list_is_put_in_place_and_a_bad_source_leaves_the_old_one(tmp_path: Path) -> None:
    lines, csv = tmp_path / "exits.txt", tmp_path / "more.csv"
    lines.write_text("192.0.2.0/24\n192.0.2.7\n")
    csv.write_text("2001:db8::/32,DE,,\n")
    made = update(tmp_path / "lists", str(lines), str(csv))
    assert made.exit_code == 0, made.output
    assert "3 networks of kind tor" in made.output
    kept = path_of(tmp_path / "lists", "tor").read_text()
    assert kept.splitlines() == ["192.0.2.0/24", "192.0.2.7/32", "2001:db8::/32"]

    lines.write_text("<html>we have moved</html>")
    for source in (str(lines), str(tmp_path / "missing"), "https://127.0.0.1:9/none"):
        refused = update(tmp_path / "lists", source)
        assert refused.exit_code != 0, source
    assert path_of(tmp_path / "lists", "tor").read_text() == kept


def test_an_appeal_is_answered_with_what_was_noted(database_dsn: str, tmp_path: Path) -> None:
    desk = Desk(database_dsn, tmp_path / "keys.json")
    assert desk.type("create", "drop", "--name", "Drop").exit_code == 0
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        connection.execute(
            """INSERT INTO fan_signals (sale_id, fan_id, code)
            VALUES ('drop', 'f_ada', 'replayed'), ('drop', 'f_ada', 'tor')"""
        )
    shown = desk.run("fan", "show", "drop", "f_ada").output
    assert "+60  replayed" in shown
    assert "score 75 of 100" in shown
    assert desk.run("fan", "release", "drop", "f_ada").exit_code == 0
    assert "score 0 of 100" in desk.run("fan", "show", "drop", "f_ada").output
