"""`onsale event`: from a plan to an event on sale, and back to files."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from onsale.cli import main

TABLE = "section,row,seat,x,y,category\nStalls,A,1,0,0,Gold\nStalls,A,2,20,0,Gold\n"


class Desk:
    """Where an operator types; one database and a folder of files."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self._environ = {"DATABASE_URL": database_url}
        self.folder = folder

    def type(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, arguments, env=self._environ)

    def done(self, *arguments: str) -> str:
        result = self.type(*arguments)
        assert result.exit_code == 0, result.output
        return result.output

    def put_on_sale(self, event_id: str, plan: str, *options: str) -> str:
        what = ("--event", event_id, "--sale", "tour", "--name", "Concert")
        path = str(self.folder / plan)
        when = ("--starts-at", "2027-05-31T20:00:00Z")
        return self.done("event", "import", path, *what, *when, *options)

    def export(self, event_id: str) -> tuple[bytes, bytes]:
        out, side_file = self.folder / f"{event_id}.json", self.folder / f"{event_id}.side.json"
        files = ("--out", str(out), "--side-file", str(side_file))
        self.done("event", "export", "--event", event_id, *files)
        return out.read_bytes(), side_file.read_bytes()


@pytest.fixture(scope="module")
def desk(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = Desk(database_dsn, tmp_path_factory.mktemp("plans"))
    desk.done("sale", "create", "tour", "--name", "Tour")
    return desk


def test_a_generated_theatre_goes_on_sale_and_comes_back_as_its_files(desk: Desk) -> None:
    plan, side_file = desk.folder / "theatre.json", desk.folder / "theatre.side.json"
    files = ("--out", str(plan), "--side-file", str(side_file))
    made = desk.done("event", "generate", "theatre", "--seats", "400", "--seed", "5", *files)
    assert made == f"wrote {plan}\nwrote {side_file}\n"

    told = desk.put_on_sale(
        *("play", "theatre.json", "--side-file", str(side_file), "--default-price", "4500"),
        *("--stock", "Standing=1500:80"),
    )
    assert told.splitlines()[0] == "400 seats imported."
    assert told.splitlines()[-1] == "play is on sale"
    written = [json.loads(path.read_bytes()) for path in (plan, side_file)]
    assert [json.loads(file) for file in desk.export("play")] == written


def test_the_same_seed_writes_the_same_bytes(desk: Desk) -> None:
    one, other = desk.folder / "one.json", desk.folder / "other.json"
    for path in (one, other):
        told = desk.done("event", "generate", "arena", "--seats", "1000", "--out", str(path))
        assert "add --side-file to keep it" in told
    assert one.read_bytes() == other.read_bytes()


def test_a_table_goes_on_sale(desk: Desk) -> None:
    (desk.folder / "hall.csv").write_text(TABLE)
    told = desk.put_on_sale("table", "hall.csv", "--price", "Gold=2000")
    assert told.splitlines()[0] == "2 seats imported."
    exported = json.loads(desk.export("table")[0])
    assert [seat["seat_guid"] for seat in exported["zones"][0]["rows"][0]["seats"]] == [
        "Stalls-A-1",
        "Stalls-A-2",
    ]


def test_an_event_is_told_in_the_clock_of_its_house(desk: Desk) -> None:
    what = ("--event", "gala", "--sale", "tour", "--name", "Gala", "--stock", "day=100:5")
    when = ("--starts-at", "2027-05-31T20:00:00Z", "--time-zone")
    wrong = desk.type("event", "create", *what, *when, "Europe/Bärlin")
    said = "must be a time zone of IANA such as Europe/Berlin, is {!r}"
    assert (wrong.exit_code, wrong.stderr) == (1, f"time_zone: {said.format('Europe/Bärlin')}\n")
    desk.done("event", "create", *what, *when, "Europe/Berlin")
    desk.done("event", "set", "gala", "--time-zone", "America/New_York")
    again = desk.type("event", "set", "gala", "--time-zone", "localtime")
    assert (again.exit_code, again.stderr) == (1, f"time_zone: {said.format('localtime')}\n")
    nobody = desk.type("event", "set", "none", "--time-zone", "UTC")
    assert (nobody.exit_code, nobody.stderr.startswith("event-not-found")) == (1, True)


def test_a_check_names_each_thing_that_is_wrong_on_a_line_of_its_own(desk: Desk) -> None:
    path = desk.folder / "wrong.csv"
    path.write_text(TABLE + "Stalls,A,3,far,0,Gold\nStalls,A,2,40,0,\n")
    result = desk.type("event", "check", str(path))
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "line 4, x: must be a number up to 100000, is 'far'",
        "line 5, category: must not be empty",
    ]
    path.write_text(TABLE)
    checked = desk.done("event", "check", str(path))
    assert "Note: no accessible seat in: Gold." in checked


def test_what_cannot_be_made_or_exported_is_said_in_a_sentence(desk: Desk) -> None:
    out = ("--out", str(desk.folder / "none.json"))
    small = desk.type("event", "generate", "stadium", "--seats", "10", *out)
    assert (small.exit_code, small.stderr) == (
        1,
        "seats: of a stadium must be 8000 to 115000, is 10\n",
    )
    none = desk.type("event", "export", "--event", "none", *out)
    assert (none.exit_code, none.stderr.startswith("event-not-found")) == (1, True)
    assert not (desk.folder / "none.json").exists()
