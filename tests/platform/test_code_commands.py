"""`onsale sale codes`, from a lane to a file of codes and its end."""

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.waiting_room.access_codes import normalised
from groundwork.keys import KeyRing
from onsale.cli import main


class Desk:
    """Where an operator types; one database and one key file."""

    def __init__(self, database_url: str, keys_file: Path) -> None:
        KeyRing.generate(keys_file)
        self._environ = {"DATABASE_URL": database_url, "KEYS_FILE": str(keys_file)}

    def type(self, *arguments: str, lines: str = "") -> Result:
        return self.run("sale", *arguments, lines=lines)

    def run(self, *arguments: str, lines: str = "") -> Result:
        return CliRunner().invoke(main, arguments, env=self._environ, input=lines)


@pytest.fixture(scope="module")
def desk(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = Desk(database_dsn, tmp_path_factory.mktemp("keys") / "keys.json")
    made = desk.type("create", "tour", "--name", "Tour", "--lane", "gold=Gold", "--lane", "fans")
    assert made.exit_code == 0, made.output
    return desk


def test_codes_are_made_once_listed_by_lot_and_revoked(desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "codes.csv"
    create = ("codes", "create", "tour", "--lane", "gold", "--batch", "press", "--out", str(out))
    made = desk.type(*create, "--count", "120", "--uses", "2")
    assert made.exit_code == 0, made.output
    assert out.stat().st_mode & 0o777 == 0o600
    with out.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert len({row["code"] for row in rows}) == 120
    assert {(row["lane"], row["uses"], row["batch"]) for row in rows} == {("gold", "2", "press")}
    assert all(len(normalised(row["code"])) == 12 for row in rows)
    again = desk.type(*create)
    assert again.exit_code != 0
    assert "not overwritten" in again.output

    listed = desk.type("codes", "list", "tour").output
    assert "press" in listed
    assert "120" in listed
    assert rows[0]["code"] not in listed
    one = desk.type("codes", "revoke", "tour", "--code", "-", lines=rows[0]["code"] + "\n")
    assert "1 codes revoked" in one.output
    assert "119 codes revoked" in desk.type("codes", "revoke", "tour", "--batch", "press").output
    neither = desk.type("codes", "revoke", "tour")
    assert neither.exit_code != 0


def test_codes_are_for_a_lane_that_the_sale_has(desk: Desk) -> None:
    for lane in ("general", "nobodys"):
        refused = desk.type("codes", "create", "tour", "--lane", lane)
        assert refused.exit_code != 0
        assert "must be a lane of tour" in refused.output
    added = desk.type("set", "tour", "--lane", "nobodys=Nobody’s", "--lane", "gold=Golden")
    assert added.exit_code == 0, added.output
    word = desk.type("codes", "create", "tour", "--lane", "nobodys", "--code", "Fan Club 26")
    assert word.exit_code == 0, word.output
    assert "FANC1UB26" in word.output
